"""First boot in a folder in the root's place: real script and code, commands noted, power cut at each step."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_in import KEY, UNIT, bundle_of

from maskwatch.flash import firstrun, payload, unit_file
from maskwatch.flash.system import BOOKWORM, TRIXIE
from maskwatch.install import machine, packages, unpack, volatile
from maskwatch.install.first_boot import FirstBoot
from maskwatch.install.machine import DryRunMachine, Machine, Result

USERS = "root:x:0:0:root:/root:/bin/bash\nkeeper:x:1000:1000::/home/keeper:/bin/bash\n"
GROUP = "root:x:0:\nsudo:x:27:\ngpio:x:997:\nvideo:x:44:\n"
FSTAB = "PARTUUID=a-01  /boot/firmware  vfat  defaults  0  2\nPARTUUID=a-02  /  ext4  defaults,noatime  0  1\n"
SH, SHA256SUM = str(shutil.which("sh")), str(shutil.which("sha256sum"))
STAGES = ("use", "host", "user", "network", "config", "service", "packages", "check", "volatile")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder before its first boot, with the payload on its boot partition."""
    folder = tmp_path_factory.mktemp("card")
    text = UNIT.replace('host = "door-1"', 'host = "door-1"\nread_only = true').replace(
        'password = "correct horse"\n', ""
    )
    (folder / "door.toml").write_text(text)
    bundle = bundle_of(folder, TRIXIE)
    boot = folder / "root" / "boot" / "firmware"
    unit = unit_file.read(folder / "door.toml")
    for name, content in payload.files(unit, TRIXIE, bundle, "console=tty1 root=a rootwait rw").items():
        (boot / name).parent.mkdir(parents=True, exist_ok=True)
        (boot / name).write_bytes(content)
    for name, content in (("passwd", USERS), ("group", GROUP), ("fstab", FSTAB)):
        (folder / "root" / "etc").mkdir(exist_ok=True)
        (folder / "root" / "etc" / name).write_text(content)
    (folder / "root" / "etc" / "NetworkManager").mkdir()
    light = folder / "root" / "sys" / "class" / "leds" / "ACT"
    light.mkdir(parents=True)
    for name in ("trigger", "delay_on", "delay_off"):
        (light / name).touch()
    return folder / "root"


@pytest.fixture
def root(card: Path, tmp_path: Path) -> Path:
    shutil.copytree(card, tmp_path / "root")
    return tmp_path / "root"


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    """The script, as systemd starts it; `python3` is the interpreter that the tests' bundle is for."""
    tools = root.parent / "tools"
    tools.mkdir(exist_ok=True)
    if not (tools / "python3").exists():
        (tools / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "MASKWATCH_ROOT": str(root)}
    command = [SH, str(root / "boot/firmware/maskwatch/first-boot.sh"), *words]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def report(root: Path) -> str:
    return (root / "boot/firmware/maskwatch-report.txt").read_text()


def state(root: Path) -> dict[str, str]:
    return dict(json.loads((root / "var/lib/maskwatch-first-boot/state.json").read_text()))


def commands(root: Path) -> str:
    return (root / "commands.log").read_text()


def what_is_there(root: Path) -> dict[str, str]:
    """Every file with its content and link with its target; what tells of the way there left out."""
    told = ("commands.log", "maskwatch-report.txt", "state.json")
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"  # noqa: PTH115
        elif path.is_file() and path.name not in told:
            found[name] = path.read_bytes().hex()
    return found


def set_up(root: Path, of: Callable[[Path], Machine] = DryRunMachine) -> FirstBoot:
    """In this process, from the unpacked tree on."""
    card = root / "boot/firmware/maskwatch"
    tree = unpack.unpack(
        card / "bundle.tar.gz", json.loads((card / "manifest.json").read_text()), root / "opt/maskwatch"
    )
    return FirstBoot(of(root), card, tree, sleep=lambda seconds: None)  # noqa: ARG005


# -- the whole of it ------------------------------------------------------------------------------------------------


def test_the_script_sets_the_unit_up(root: Path) -> None:
    code, output = finished(start(root, "run"))
    assert code == 0, output
    assert report(root).startswith("ready\nunit door-1, ")
    assert state(root) == {"stage": "done", "state": "done", "detail": ""}
    assert (root / "etc/hostname").read_text() == "door-1\n"
    assert (root / "home/keeper/.ssh/authorized_keys").read_text() == f"{KEY}\n"
    assert 'source = "picamera:0"' in (root / "etc/maskwatch/config.toml").read_text()
    assert (root / "etc/systemd/system/multi-user.target.wants/maskwatch.service").resolve().is_file()
    assert (root / "opt/maskwatch/venv/bin/maskwatch").is_file()
    assert (root / "etc/NetworkManager/system-connections/maskwatch.nmconnection").stat().st_mode & 0o777 == 0o600
    ran = commands(root)
    assert "usermod --append --groups video,gpio,sudo keeper" in ran
    order = [ran.index(words) for words in ("maskwatch check", "maskwatch show ready", "start --no-block maskwatch")]
    assert order == sorted(order)


def test_done_once_it_does_nothing_more(root: Path) -> None:
    finished(start(root, "run"))
    before = what_is_there(root), commands(root)
    assert finished(start(root, "run")) == (0, "")
    assert (what_is_there(root), commands(root)) == before


def test_arming_lets_systemd_run_it_at_every_start_until_it_is_done(root: Path) -> None:
    assert finished(start(root, "arm", "start")) == (0, "")
    enabled = root / "etc/systemd/system/multi-user.target.wants/maskwatch-first-boot.service"
    assert "first-boot.sh run" in enabled.read_text()
    shutil.rmtree(root / "etc/systemd")
    (root / "var/lib/maskwatch-first-boot/done").touch()
    assert finished(start(root, "arm", "start")) == (0, "")
    assert not (root / "etc/systemd").exists()


def test_bookworms_script_takes_its_words_out_of_the_command_line_at_its_end(root: Path) -> None:
    boot = root / "boot/firmware"
    line = "console=tty1 root=PARTUUID=a-02 rootwait quiet"
    (boot / "cmdline.txt").write_text(firstrun.command_line(line, (*firstrun.WORDS, "x.y=1")))
    (boot / "firstrun.sh").write_text(firstrun.SCRIPT)
    subprocess.run(
        [SH, str(boot / "firstrun.sh")], env={**os.environ, "MASKWATCH_ROOT": str(root)}, check=True, timeout=60
    )
    assert (boot / "cmdline.txt").read_text() == f"{line} x.y=1\n"
    assert (root / "etc/systemd/system/maskwatch-first-boot.service").is_file()


# -- a power cut ----------------------------------------------------------------------------------------------------


class Cut(BaseException):
    """The power is gone."""


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Cut the power at the `at`-th of all steps that change something: a rename, a sync, a command, a new file."""
    counter = {"at": 0, "steps": 0}

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            counter["steps"] += 1
            if counter["steps"] == counter["at"]:
                raise Cut
            return real(*arguments, **named)

        return step

    for name in ("fsync", "sync"):  # what they do, a folder on a running machine does not need
        monkeypatch.setattr(os, name, counted(lambda *_: None))
    for owner, name in (
        *((os, each) for each in ("replace", "chmod")),
        *((Path, each) for each in ("rename", "symlink_to", "unlink", "mkdir")),
        (DryRunMachine, "run"),
        (shutil, "rmtree"),
        (unpack, "_write"),
    ):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    return counter


def test_whatever_step_the_power_is_cut_at_the_next_start_ends_as_if_nothing_had_been(
    card: Path, tmp_path: Path, cuts: dict[str, int]
) -> None:
    """Cut after cut, each a step later than the one before, until a start comes through."""
    shutil.copytree(card, tmp_path / "whole")
    cuts["steps"] = 0
    assert set_up(tmp_path / "whole").run()
    total, expected = cuts["steps"], what_is_there(tmp_path / "whole")
    root = tmp_path / "cut"
    shutil.copytree(card, root)
    for at in range(1, total + 2):
        cuts.update(at=at, steps=0)
        try:
            assert set_up(root).run(), f"after the cut at step {at - 1}"
            break
        except Cut:
            assert (
                not report(root).startswith("ready") if (root / "boot/firmware/maskwatch-report.txt").exists() else True
            )
    cuts["at"] = 0
    assert at > len(STAGES), "the power was hardly cut"
    assert what_is_there(root) == expected


@pytest.mark.parametrize("sign", ["opt/maskwatch/trees/.unpacking-*", "*/lib/*/use.done", "*/lib/*/service.done"])
def test_killed_in_the_middle_it_goes_on_at_the_next_start(root: Path, sign: str) -> None:
    process = start(root, "run")
    end = time.monotonic() + 100
    while process.poll() is None and not list(root.glob(sign)) and time.monotonic() < end:
        time.sleep(0.001)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, output = finished(start(root, "run"))
    assert code == 0, output
    assert report(root).startswith("ready\n")
    assert not list(root.glob("opt/maskwatch/trees/.unpacking-*"))


def test_a_tree_that_lost_a_file_is_unpacked_anew(root: Path) -> None:
    """Data that the card had not written yet when its name was: not after a sync, but cards lie."""
    set_up(root)
    (victim,) = root.glob("opt/maskwatch/trees/*/lib/*/site-packages/maskwatch/errors.py")
    good = victim.read_bytes()
    victim.write_bytes(bytes(len(good)))
    set_up(root)
    assert victim.read_bytes() == good


# -- when it cannot -------------------------------------------------------------------------------------------------


def test_a_damaged_card_is_told_on_the_boards_light_and_in_the_report(root: Path) -> None:
    bundle = root / "boot/firmware/maskwatch/bundle.tar.gz"
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert finished(start(root, "run"))[0] == 1
    assert report(root).startswith("not ready: payload: files on the card are damaged: bundle.tar.gz: FAILED")
    assert (root / "sys/class/leds/ACT/trigger").read_text() == "timer\n"
    assert state(root)["state"] == "failed"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [("python", [3, 2], "is for Python 3.2"), ("machine", "vax", "is for vax"), ("size", 10**15, "free on the card")],
)
def test_a_bundle_for_another_system_or_too_large_is_refused(root: Path, key: str, value: Any, expected: str) -> None:
    path = root / "boot/firmware/maskwatch/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    _sum_anew(path.parent)
    assert finished(start(root, "run"))[0] == 1
    assert expected in report(root)
    assert not list(root.glob("opt/maskwatch/trees/*"))


def _sum_anew(folder: Path) -> None:
    names = [line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    with (folder / "SHA256SUMS").open("w") as file:
        subprocess.run([SHA256SUM, *names], cwd=folder, stdout=file, check=True)


@pytest.mark.parametrize("change", ["more", "less", "other"])
def test_a_bundle_that_is_not_what_its_list_says_is_refused(root: Path, change: str) -> None:
    card = root / "boot/firmware/maskwatch"
    manifest = json.loads((card / "manifest.json").read_text())
    name = next(iter(manifest["files"]))
    facts = manifest["files"].pop(name)
    if change == "less":
        manifest["files"] |= {name: facts, "and/more": facts}
    elif change == "other":
        manifest["files"][name] = {**facts, "sha256": "0" * 64}
    with pytest.raises(unpack.UnpackError, match=r"contains|missing|damaged"):
        unpack.unpack(card / "bundle.tar.gz", manifest, root / "opt")
    assert [path.name[:10] for path in (root / "opt/trees").iterdir()] == [".unpacking"]


class Failing(DryRunMachine):
    """Commands that hold one of these words fail, as often as is said; the others succeed."""

    def __init__(self, root: Path, fails: dict[str, int], output: str = "") -> None:
        super().__init__(root)
        self.fails, self.output = fails, output

    def run(self, *words: str, feed: str = "", limit: float = 1.0) -> Result:
        super().run(*words, feed=feed, limit=limit)
        for word, times in self.fails.items():
            if word in words and times:
                self.fails[word] = times - 1
                return Result(3, self.output)
        return Result(0, "")


def test_a_unit_without_its_camera_is_not_ready_blinks_and_is_ready_at_the_next_start_with_one(root: Path) -> None:
    output = "ok   config: fine\nFAIL camera: picamera:0: no camera found\nok   led: GPIO27\n"
    boot = set_up(root, lambda path: Failing(path, {"check": 1}, output))
    assert not boot.run()
    assert report(root).startswith("not ready: check: camera: picamera:0: no camera found\n")
    assert "tries again at the next start" in report(root)
    ran = commands(root)
    assert ran.index("show trouble --lasts 60") < ran.index("start --no-block maskwatch.service")
    assert (root / "sys/class/leds/ACT/delay_on").read_text() == "1000"
    assert not (root / "var/lib/maskwatch-first-boot/done").exists()
    assert set_up(root).run()
    assert report(root).startswith("ready")


def test_packages_of_the_pis_archive_are_tried_for_until_the_network_is_there(root: Path) -> None:
    told: list[str] = []
    fails = {"picamera2": 3, "install": 2}
    made = Failing(root, fails, "E: Temporary failure resolving 'archive'")
    said = packages.provide(made, ["picamera2", "lgpio"], True, told.append, lambda seconds: None)  # noqa: ARG005
    assert said == "python3-picamera2 installed"
    assert told == [
        f"python3-picamera2: try {number} of 40: E: Temporary failure resolving 'archive'" for number in (1, 2)
    ]


def test_an_image_said_to_have_them_is_not_helped_by_a_network(root: Path) -> None:
    made = Failing(root, {"lgpio": 1})
    with pytest.raises(
        packages.PackagesError, match="python3-lgpio missing in the image; use an image that contains them"
    ):
        packages.provide(made, ["lgpio"], False, print)
    assert "apt-get" not in commands(root)


def test_without_a_network_for_good_the_reason_is_in_the_report(root: Path) -> None:
    boot = set_up(root, lambda path: Failing(path, {"picamera2": 99, "install": 99}, "E: no network"))
    assert not boot.run()
    assert report(root).startswith("not ready: packages: python3-picamera2 cannot be installed: E: no network; use")


def test_a_report_that_cannot_be_written_ends_nothing(root: Path) -> None:
    (root / "boot/firmware/maskwatch-report.txt").mkdir()
    assert set_up(root).run()


# -- its parts ------------------------------------------------------------------------------------------------------


def test_a_read_only_root_can_be_switched_off_again(root: Path) -> None:
    made = DryRunMachine(root)
    line = (root / "boot/firmware/cmdline.txt").read_text()
    assert volatile.switch_on(made) == volatile.switch_on(made)
    assert (root / "boot/firmware/cmdline.txt").read_text().split()[-2:] == ["ro", "maskwatch.volatile=1"]
    assert [line.split()[3] for line in (root / "etc/fstab").read_text().splitlines()] == [
        "defaults,ro",
        "defaults,noatime,ro",
    ]
    assert volatile.is_on(made)
    volatile.switch_off(made)
    assert sorted((root / "boot/firmware/cmdline.txt").read_text().split()) == sorted(line.split())
    assert not list(root.rglob("*volatile*"))


def test_the_systems_differ_in_what_the_tests_rely_on() -> None:
    assert (TRIXIE.uses_cloud_init, BOOKWORM.uses_cloud_init) == (True, False)


def test_a_file_is_put_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.put(tmp_path / "a", "old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        machine.put(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
