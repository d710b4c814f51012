"""One secret, planted in every form and place; grepped for in everything that the program can print."""

import base64
import json
import logging
import os
import re
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from addresses import SECRET, SPECS
from needed import BUNDLES, MOCK
from stand_ins.network_camera import NetworkCamera

from maskwatch import config
from maskwatch.camera import credentials, open_source
from maskwatch.cli import check
from maskwatch.config import CameraSettings, effective
from maskwatch.daemon.systemd import Notifier, log_format
from maskwatch.errors import ConfigError, SourceError
from maskwatch.outputs import log
from maskwatch.text import address

CALLS = Path(__file__).parents[1] / "support" / "stand_ins" / "many_calls.py"
HERE = "127.0.0.1:1"  # where nobody listens
PLANTED = [
    re.sub(r"\bhost(:port)?\b|10\.0\.0\.1:8554|192\.168\.1\.1:7441|\[fe80::1\]:554", HERE, spec).format(SECRET)
    for spec in SPECS
]
IMPATIENT = {"MASKWATCH__CAMERA__STALL": "0.2", "MASKWATCH__CAMERA__GIVE_UP": "0.1", "MASKWATCH__LOG__LEVEL": "debug"}
WRONG_PLACES = [
    "[camera]\nsource = SPEC",
    "[camera]\nurl = SPEC",
    "[camera]\nsorce = SPEC",
    "[camera]\npassword = SPEC",
    "[camera]\nwidth = SPEC",
    "[camera]\nfocus = SPEC",
    "[camera]\nsource = [SPEC]",
    "[camera]\nsource = { url = SPEC }",
    "[camera]\nSPEC = 1",
    "[camera]\nsource = 'rtsp://u@h/'\npassword_file = SPEC\npassword_file = SPEC",
    "camera = SPEC",
    "source = SPEC",
    "SPEC = 3",
    "[SPEC]\nx = 1",
    "[mask]\nincorrect = SPEC",
    "[alert]\nhold = SPEC",
    "[alert]\ntimezone = SPEC",
    "[alert]\nquiet = [{ since = SPEC, until = SPEC }]",
    "[alert]\nquiet = [{ SPEC = 1 }]",
    "[zone]\npolygon = SPEC",
    "[outputs.led]\npin = SPEC",
    "[outputs.led]\npin = 5\npattern = SPEC",
    "[outputs.led]\npin = 5\npattern = { SPEC = 1 }",
    "[log]\nlevel = SPEC",
]


@pytest.mark.parametrize("text", WRONG_PLACES)
def test_no_config_is_refused_or_listed_with_the_secret(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    for spec in [*PLANTED, SECRET + "@h", f"u:{SECRET}"]:
        path.write_text(text.replace("SPEC", json.dumps(spec)))
        assert SECRET not in told(path, {})
        path.write_text(text.replace("SPEC", spec))  # without quotes
        assert SECRET not in told(path, {})


@pytest.mark.parametrize("name", ["CAMERA__SOURCE", "CAMERA__URL", "CAMERA", "CAMERA__WIDTH", "X", "ALERT__TIMEZONE"])
def test_no_variable_is_refused_or_listed_with_the_secret(name: str) -> None:
    for spec in PLANTED:
        assert SECRET not in told(config.default_path(), {f"MASKWATCH__{name}": spec})
        assert SECRET not in told(config.default_path(), {f"MASKWATCH__{name}": f"{{ source = {json.dumps(spec)} }}"})


def told(path: Path, environment: dict[str, str]) -> str:
    """What `maskwatch config` prints, as text and as JSON, or the traceback of its refusal."""
    try:
        entries = effective.entries(path, environment)
        settings = config.load(path, environment)
    except ConfigError as error:
        return "".join(traceback.format_exception(error))
    return f"{settings!r}" + "".join(effective.text_line(entry) + effective.json_line(entry) for entry in entries)


@BUNDLES
def test_no_command_prints_the_secret(tmp_path: Path) -> None:
    calls = []
    for number, spec in enumerate(PLANTED):
        path = tmp_path / f"{number}.toml"
        text = f"[camera]\nsource = {json.dumps(spec)}\n[outputs.led]\npin = 5\n"
        path.write_text(text + "[face]\nmodel = '/no/f'\n[mask]\nmodel = '/no/m'\n")  # only the camera is tried
        calls += [["check", "--config", str(path)], [spec], ["config", "--config", spec], ["run", "--duration", spec]]
        if number % 4 == 0:  # slower ones, of each kind of address
            calls += [["run", "--source", spec], ["detect", spec], ["run", spec], ["config", "--config", str(path)]]
    printed = all_printed(tmp_path, calls)
    assert printed.count("== exit code") == len(calls)
    assert "Traceback" not in printed
    assert SECRET not in printed


def all_printed(folder: Path, calls: list[list[str]]) -> str:
    work = [{"arguments": arguments, "environment": IMPATIENT} for arguments in calls]
    done = subprocess.run(
        [sys.executable, CALLS],
        input=json.dumps(work).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**MOCK, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=folder,
        timeout=120,
        check=True,
    )
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("spec", PLANTED)
def test_no_line_of_the_journal_or_of_systemds_status_has_the_secret(tmp_path: Path, spec: str) -> None:
    try:
        raise OSError(f"cannot open {spec}")
    except OSError:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "camera %s failed", (spec,), sys.exc_info())
    with (tmp_path / "err").open("w") as stream:
        where = os.fstat(stream.fileno())
        journal = log_format({"JOURNAL_STREAM": f"{where.st_dev}:{where.st_ino}"}, stream.fileno()).format(record)
    lines = [journal, log_format({}).format(record), log.fault_text(spec, 1.0, "now"), log.fault_json(spec, 1.0, "now")]
    assert journal.startswith("<3>")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        Notifier(str(tmp_path / "notify")).status(spec)
        lines.append(systemd.recv(4096).decode())
    assert SECRET not in "".join(lines)


@pytest.mark.parametrize("where", ["main", "thread"])
def test_no_traceback_has_the_secret(where: str) -> None:
    program = (
        "import click, sys, threading; from maskwatch.cli import command\n"
        "def fails(): raise ValueError('cannot open ' + sys.argv[1])\n"
        "def body(): fails() if sys.argv[2] == 'main' else (t := threading.Thread(target=fails)).start() or t.join()\n"
        "command.run(click.Command('x', callback=body), 'x', [])\n"
    )
    call = [sys.executable, "-c", program, f"rtsp://u:{SECRET}@cam/1", where]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=MOCK, timeout=60)
    assert "ValueError: cannot open rtsp://…@cam/…" in done.stderr
    assert SECRET not in done.stderr


# -- secrets from elsewhere ------------------------------------------------------------------------------------------


def camera(file: Path | str, source: str = "rtsp://door@cam/1") -> CameraSettings:
    return CameraSettings(source=source, password_file=str(file))


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"\xef\xbb\xbfhunter2\n"])
def test_the_password_is_the_one_line_of_its_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    there = credentials.address_of(camera(file))
    assert (there.place, there.shown) == ("rtsp://door:hunter2@cam/1", "rtsp://…@cam/…")


ODD = "p@ss/w#rd? 50% ö:x"
RAW = ODD.replace("@", "%40")  # a raw @ could be the one before the host


@pytest.mark.parametrize(
    "source", ["rtsp://me@{}/door", "rtsp://me:{{password}}@{}/door", f"rtsp://me:{RAW}@{{}}/door"]
)
def test_a_camera_is_told_the_password_with_all_its_odd_characters(tmp_path: Path, source: str) -> None:
    """Over a real connection, through FFmpeg: from a file, or raw in the address where that has one meaning."""
    told: list[str] = []

    def asks(lines: list[str]) -> str | None:
        told.extend(line.split()[-1] for line in lines if line.startswith("Authorization: Basic "))
        return None if told else 'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="door"'

    door = NetworkCamera(np.zeros((96, 160, 3), np.uint8), otherwise=asks)
    (tmp_path / "secret").write_text(ODD)
    (tmp_path / "secret").chmod(0o600)
    wanted = {} if RAW in source else {"password_file": str(tmp_path / "secret")}
    opened = open_source(CameraSettings(source=source.format(f"127.0.0.1:{door.port}"), **wanted))
    try:
        assert any(opened.read(0.5) for _ in range(40)), opened.trouble
    finally:
        opened.close()
        door.close()
    assert {base64.b64decode(each).decode() for each in told} == {f"me:{ODD}"}


def test_a_name_is_a_credential_of_the_service_or_a_file_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "credentials").mkdir()
    monkeypatch.chdir(tmp_path)
    for place, text in (("credentials/camera.password", "of systemd"), ("camera.password", "beside")):
        (tmp_path / place).write_text(text)
        (tmp_path / place).chmod(0o400)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert credentials.address_of(camera("camera.password"), environment).password == "of systemd"  # noqa: S105
    assert credentials.address_of(camera("camera.password"), {}).password == "beside"  # noqa: S105
    assert credentials.address_of(camera("./camera.password"), environment).password == "beside"  # noqa: S105
    assert caplog.messages == []


def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    credentials.address_of(camera(tmp_path / "secret"))
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "everybody on this machine can read it; chmod 600"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "empty; expected the password alone"),
        (b"\n", "empty"),
        (b"hunter2\nhunter2\n", "not one line of text"),
        (b"hunter2\0", "not one line of text"),
        (b"\xffhunter2", "not UTF-8 text"),
        (b"hunter2" * 1000, "7000 bytes, expected 1024 at most"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_one_line_and_tried_again(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SourceError, match=reason) as caught:
        credentials.address_of(camera(tmp_path / "secret"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.exit_code == 3  # not 2: systemd tries again


def test_a_password_of_a_source_that_needs_none_is_not_asked_for(tmp_path: Path) -> None:
    assert (
        credentials.address_of(camera(tmp_path / "gone", "demo")).kind == "demo"
    )  # --source demo, with the site's config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("source = 'rtsp://cam/1'\npassword_file = 'x'", "password_file needs a user"),
        ("source = 'rtsp://u:hunter2@cam/1'\npassword_file = 'x'", "a password in source and one in password_file"),
        ("source = 'rtsp://u:{password}@cam/1'", "password_file is not set"),
        ("source = 'rtsp://u@cam/1'\npassword = 'hunter2'", "did you mean `password_file`?"),
        ("source = 'rtsp://u@cam/1'\npassword_fil = 'hunter2'", "did you mean `password_file`?"),
        ("url = 'rtsp://u:hunter2@cam/1'", "did you mean `source`?"),
        ("frame_rate = 5", "did you mean `fps`?"),
        ("hold = 3", "`hold` is a key of [alert]"),
    ],
)
def test_a_wrong_key_or_a_password_too_many_is_named_without_its_value(
    tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path / "x.toml").write_text(f"[camera]\n{text}")
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / "x.toml", {})
    assert expected in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "mode", "exposed"),
    [("rtsp://u:p@h/1", 0o644, True), ("rtsp://u:p@h/1", 0o600, False), ("rtsp://u@h/1", 0o644, False)],
)
def test_check_says_when_everybody_can_read_the_password_in_the_config(
    tmp_path: Path, source: str, mode: int, exposed: bool
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f"[camera]\nsource = '{source}'")
    path.chmod(mode)
    line = check._config(path, config.load(path, {}), None)
    assert line.startswith(str(path))
    assert ("everybody on this machine can read the camera's password in it" in line) is exposed


@pytest.mark.parametrize(("source", "warned"), [("rtsp://u:p@h/1", True), ("rtsp://u@h/1", False), (None, False)])
def test_a_password_on_the_command_line_is_warned_of(
    source: str | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    credentials.warn_of_option(source)
    assert ("in `ps`; see password_file" in caplog.text) is warned


def test_planted_secrets_are_there_and_understood_or_not() -> None:
    assert len(PLANTED) >= 30
    assert all(SECRET in spec for spec in PLANTED)
    taken = [spec for spec in PLANTED if isinstance(_parsed(spec), address.Address)]
    assert 10 < len(taken) < len(PLANTED)


def _parsed(spec: str) -> object:
    try:
        return address.parse(spec)
    except address.UnclearError as error:
        return error
