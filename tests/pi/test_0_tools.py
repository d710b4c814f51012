"""What the proof is read by, without a board: these few run with all other tests."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_pi import firmware, flashing, guest_image, needs, vimc
from emulated_pi.console import Console
from emulated_pi.drawing import Mark, draw
from emulated_pi.levels import Levels
from emulated_pi.monitor import CLOCK_HIGH, CLOCK_LOW, GPLEV0, Monitor

PINS = {"buzzer": 17, "led": 27}


class Register:
    """A monitor as QEMU's, whose board has one word a register."""

    def __init__(self, path: Path) -> None:
        self.words = {GPLEV0: 0, CLOCK_LOW: 0, CLOCK_HIGH: 0}
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection, connection.makefile("rw") as stream:
            self._say(stream, {"QMP": {"version": {}}})
            for line in stream:
                call = json.loads(line)
                if call["execute"] == "qmp_capabilities":
                    self._say(stream, {"return": {}})
                    self._say(stream, {"event": "RESUME"})  # events come at any time
                    continue
                self.words[CLOCK_LOW] += 1000  # time goes on
                address = int(call["arguments"]["command-line"].split()[-1], 16)
                if address not in self.words:
                    return
                self._say(stream, {"return": f"{address:016x}: {self.words[address]:#010x}\r\n"})

    def _say(self, stream: object, what: object) -> None:
        print(json.dumps(what), file=stream, flush=True)  # type: ignore[call-overload]


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "monitor.sock")


@pytest.fixture
def monitor(register: Register, tmp_path: Path) -> Iterator[Monitor]:  # noqa: ARG001 - it must listen first
    monitor = Monitor(tmp_path / "monitor.sock")
    yield monitor
    monitor.close()


def test_a_pin_is_an_output_only_by_its_own_three_bits(register: Register, monitor: Monitor) -> None:
    register.words[0x3F200004] = 0b001 << 21 | 0b100 << 18  # 17 an output, 16 some device's
    assert [pin for pin in (10, 16, 17, 18) if monitor.is_output(pin)] == [17]


def test_the_boards_seconds_are_its_timers_both_halves(register: Register, monitor: Monitor) -> None:
    register.words[CLOCK_HIGH], register.words[CLOCK_LOW] = 1, 500_000
    assert monitor.seconds() == pytest.approx((2**32 + 500_000) / 1e6, abs=0.01)


def test_levels_keep_what_changes_of_the_pins_that_are_asked_for(register: Register, monitor: Monitor) -> None:
    levels = Levels(monitor, PINS)
    register.words[GPLEV0] = 1 << 17 | 1 << 5  # 5 is nobody's
    on = levels.wait(lambda high: "buzzer" in high, 60, "buzzer")
    register.words[GPLEV0] = 1 << 27 | 1 << 5
    levels.wait(lambda high: high == {"led"}, 60, "led alone")
    assert [change.levels for change in levels.changes] == [0, 1 << 17, 1 << 27]
    assert levels.seen_high(on) == {"buzzer", "led"}
    assert levels.seen_high(levels.changes[-1].time) == {"led"}, "what was over by then does not count"
    levels.close()


def test_a_wait_ends_when_qemu_ends(register: Register, monitor: Monitor) -> None:
    levels = Levels(monitor, PINS)
    del register.words[GPLEV0]
    with pytest.raises(TimeoutError, match="no led within"):
        levels.wait(lambda high: "led" in high, 60, "led")


def test_the_drawing_has_a_row_a_pin_and_every_mark(register: Register, monitor: Monitor, tmp_path: Path) -> None:
    levels = Levels(monitor, PINS)
    register.words[GPLEV0] = 1 << 17
    at = levels.wait(lambda high: "buzzer" in high, 60, "buzzer")
    draw(levels, [Mark(at, "bare"), Mark(at, "alarm")], (0.0, at + 1), tmp_path / "pins.png", "Pins")
    assert (tmp_path / "pins.png").stat().st_size > 1000
    assert (tmp_path / "pins.csv").read_text() == f"seconds,buzzer_GPIO17,led_GPIO27\n0.000,0,0\n{at:.3f},1,0\n"
    levels.close()


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("kernel=kernel8.img\n", "kernel8.img"),
        ("kernel=a\nkernel=b\n", "b"),
        ("kernel=a\n[pi5]\nkernel=b\n", "a"),
        ("[pi4]\nkernel=b\n[all]\nkernel=c\n", "c"),
        ("[pi3]\nkernel=b\n", "b"),
        ("#kernel=b\n", None),
    ],
)
def test_the_settings_are_those_of_a_pi_3(text: str, kernel: str | None) -> None:
    assert firmware.settings(text).get("kernel") == kernel


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Console]:
    """A shell as on the board's port, which writes into a log."""
    mine, other = socket.socketpair()
    with mine, other, (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(["/bin/sh"], stdin=other.fileno(), stdout=log, stderr=log)
        yield Console(mine, tmp_path / "log")
        process.kill()
        process.wait()


def test_a_command_is_answered_by_what_it_wrote_stderr_included(shell: Console) -> None:
    shell.log_in(60)
    assert shell.run("echo one; echo two >&2", 60) == "one\ntwo"
    assert shell.run("printf three", 60) == "three"


def test_a_command_that_fails_on_the_board_is_a_failure_unless_that_may_be(shell: Console) -> None:
    with pytest.raises(AssertionError, match=r"ended with 3 on the board:\nno such thing"):
        shell.run("echo no such thing; (exit 3)", 60)
    assert shell.run("echo no; false", 60, check=False) == "no"


def test_what_never_ends_shows_what_the_port_said_instead(shell: Console) -> None:
    shell.run("echo Kernel panic", 60)  # a busy machine answers late
    with pytest.raises(TimeoutError, match="Kernel panic"):
        shell.run("sleep 60", 0.3)


def test_what_is_missing_is_named_where_it_cannot_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(
        needs.shutil, "which", lambda name: None if name in ("genimage", "mcopy") else f"/usr/bin/{name}"
    )
    monkeypatch.setattr(needs, "LIBRARY", Path(__file__))
    with pytest.raises(needs.MissingError, match=r"apt-get install genimage mtools$"):
        needs.install()


def test_the_guest_gets_what_a_unit_has_and_picamera2_in_the_constraints_versions() -> None:
    wanted = dict(line.split("==") for line in guest_image.pins())
    assert {"ai-edge-litert", "numpy", "opencv-python-headless", "pydantic", *guest_image.OF_PICAMERA2} <= wanted.keys()
    text = (guest_image.CONSTRAINTS / "workstation.txt").read_text()
    assert f"\npicamera2=={wanted['picamera2']}\n" in text


def test_a_driver_whose_source_is_another_one_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "vimc-streamer.c"
    (known, said), *others = vimc.SILENT
    source.write_text(known + "".join(old for old, _ in others))
    vimc.make_silent(source)
    assert said in source.read_text()
    source.write_text(known)
    with pytest.raises(AssertionError, match="vimc-streamer"):
        vimc.make_silent(source)


def test_the_program_that_hangs_is_whole_on_the_card(tmp_path: Path) -> None:
    for file in flashing.STUCK:
        shutil.copy(file, tmp_path)
    told = subprocess.run(
        [sys.executable, "stuck_finder.py", "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert "version" in told.stdout
