"""Whatever is in a config's place, the answer is one line and comes at once."""

import errno
import os
import random
import time
from pathlib import Path
from unittest.mock import Mock

import fuzz_config
import pytest

from maskwatch import config
from maskwatch.config.settings_file import LONGEST, with_source
from maskwatch.config.toml_lines import line_numbers
from maskwatch.errors import ConfigError, UnreadableConfigError
from maskwatch.system import regular_file

SOON = 2.0  # seconds; on a busy machine a refusal takes a tenth of it
FUZZED = 400


def refusal(path: Path, environment: dict[str, str] | None = None) -> ConfigError:
    begun = time.process_time()
    with pytest.raises(ConfigError) as caught:
        config.load(path, environment or {})
    assert time.process_time() - begun < SOON
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    return caught.value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[alert]\nhold = " + b"1" * 4301, ":2: not valid TOML: a line of more than 4096 characters"),
        (b"[alert]\nhold = " + b"1" * 4000, ":2: alert.hold: found a number of 4000 digits, expected a number"),
        (b"[alert]\nhold = 0x" + b"f" * 4000, "found a number of 4817 digits"),
        (b"[outputs.led]\npin = -0x" + b"f" * 4000, "not valid TOML"),
        (b"[alert]\nhold = 1e400", "alert.hold: found inf (float)"),
        (b"x = " + b"[" * 1000 + b"]" * 1000, "hundreds of nested brackets"),
        (b"x = " + b"{a=" * 400 + b"1" + b"}" * 400, "not valid TOML"),
        (b".".join([b"a"] * 2000) + b" = 1", ":1: a: unknown key"),
        (b"[" + b".".join([b"a"] * 2000) + b"]", ":1: a: unknown key"),
        (b"[camera]\n" + b"".join(b"a%d = 1\n" % n for n in range(3500)), "(and 3499 more)"),
        (b"#" * (LONGEST + 1), f"{LONGEST + 1} bytes, expected {LONGEST} at most"),
        (b"x = '''" + b"\n" * 60_000 + b"'''", ":60001: x: unknown key"),
        (b"a\0b", "a NUL character"),
        ("[alert]\nhold = 2.0".encode("utf-16-le"), "UTF-16 without its mark"),
        ("[alert]\nhold = 2.0".encode("utf-32"), "saved as UTF-32"),
        ("[alert]\nhold = 2.0 # Tür".encode("latin-1"), ":2: not valid TOML: not UTF-8 text; save it as UTF-8"),
        (b"[alert]\nhold 3", ":2: not valid TOML: expected '=' after a key"),
        (b"[camera]\nsource = demo", ':2: not valid TOML: no value after the "="; text needs quotes'),
        (b"[alert]\n[alert]", ":2: not valid TOML: a key or section is there twice"),
        (b"[camera]\nmodel = 'm\xc3\xa4'\nx = \xff", ":3: not valid TOML: not UTF-8 text"),
        (b'[mask]\nmodel = "a\\u0000b"', "mask.model: empty, or with a tab, a line break or a NUL in it"),
        (b"[face]\nmodel = ''", "face.model: empty"),
        (b"[[alert.quiet]]\n" * 3000, ":1: alert.quiet[0].since: missing"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_a_hostile_file_is_refused_in_one_line_and_at_once(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    found = refusal(path)
    assert expected in str(found)
    assert found.exit_code == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_windows_saves_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(end.join(["\ufeff# Tür", "[alert]", "hold = 2.5", ""]).encode(encoding))
    assert config.load(path, {}).alert.hold == 2.5


def test_what_cannot_be_read_just_now_has_an_exit_code_of_its_own_that_systemd_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for place in (tmp_path / "gone", tmp_path, tmp_path / "fifo", Path("/dev/zero"), tmp_path / "loop"):
        found = refusal(place)
        assert (type(found), found.exit_code) == (UnreadableConfigError, 6)
    for number in (errno.EACCES, errno.EIO, errno.EMFILE):
        failing = Mock(side_effect=OSError(number, os.strerror(number)))
        monkeypatch.setattr(regular_file, "read", failing)
        assert refusal(tmp_path / "x").exit_code == 6


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "x/" * 3000, "\udcff", "a\nb"])
def test_an_odd_name_is_one_line(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / name).exit_code in (2, 6)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ALERT__HOLD": "1" * 4301}, "environment MASKWATCH__ALERT__HOLD: a line of more than 4096 characters"),
        ({"ALERT__HOLD": "1" * 4000}, "environment MASKWATCH__ALERT__HOLD: alert.hold: found a number of 4000 digits"),
        ({"ALERT__QUIET": "[" * 1000}, "environment MASKWATCH__ALERT__QUIET: hundreds of nested brackets"),
        ({"ALERT__HOLD": "\udcff"}, "environment MASKWATCH__ALERT__HOLD: alert.hold: found a string of 1 character"),
        ({"ALERT__HOLD": ""}, "environment MASKWATCH__ALERT__HOLD: alert.hold: found '' (str)"),
        ({"X": "1"}, "environment MASKWATCH__X: x: unknown key"),
        ({"__".join("A" * 1000): "1"}, "environment MASKWATCH__…: names no key"),
        ({"ALERT__HO\nLD": "1"}, "environment MASKWATCH__…: alert.…: unknown key"),
        ({"Ä" * 5000: "1"}, "environment MASKWATCH__…: …: unknown key"),
        ({"ALERT__HOLD": "1", "alert__hold": "2"}, "both are alert.hold; take one away"),
    ],
)
def test_an_odd_variable_is_one_line(variables: dict[str, str], expected: str) -> None:
    found = refusal(config.default_path(), {f"MASKWATCH__{name}": text for name, text in variables.items()})
    assert expected in str(found)


@pytest.mark.parametrize("source", ["video:\U0001f637.mp4", "video:\udcff.mp4", "video:'a' \"b\" \\.mp4", "0"])
def test_any_name_can_be_the_source_on_the_command_line(source: str) -> None:
    environment = with_source({"MASKWATCH__CAMERA__SOURCE": "demo", "PATH": "x"}, source)
    assert config.load(None, environment).camera.source == source
    assert config.load(None, with_source({}, None)).camera.source == "picamera:0"


def test_a_source_of_the_command_line_is_named_as_such() -> None:
    found = refusal(config.default_path(), with_source({}, "webcam"))
    assert str(found).startswith("option --source: camera.source: it names no kind of source; expected picamera:N")


def test_the_line_of_a_key_is_found_in_a_time_that_grows_with_the_length_alone() -> None:
    def seconds(keys: int) -> float:
        text = "[a]\n" + "".join(f"k{number} = 1\n" for number in range(keys))
        begun = time.process_time()
        assert line_numbers(text)["a", f"k{keys - 1}"] == keys + 1
        return time.process_time() - begun

    seconds(100)
    assert seconds(4000) < 20 * max(seconds(400), 0.002)  # 10 times the keys; with the square it would be 100


def test_a_mutated_config_is_accepted_or_refused_in_one_line(tmp_path: Path) -> None:
    found, longest = fuzz_config.tried(FUZZED, random.Random(15), tmp_path)
    assert set(found) == {"accepted", "refused"}, found
    assert longest < SOON
