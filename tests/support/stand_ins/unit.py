"""A whole unit as systemd runs it: a separate process, pins in files, a camera, a config with short times."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from stand_ins.file_pins import file_pins

HERE = Path(__file__).parent
PROGRAM = ("-c", "from maskwatch.cli import main; main()")
PATIENCE = 30.0  # seconds; only a test that fails waits so long
BLINK = 2.6  # seconds to look at pins: a fault's slow blink changes twice within two
PINS = {"buzzer": (17, 1), "led": (27, 1), "lamp.red": (5, 1), "lamp.green": (6, 1), "relay": (22, 0)}  # BCM, on
SETTLED = 1.0  # seconds after an event until its log line has come, if there is one
ALARM = {"buzzer", "led", "lamp.red", "relay"}  # on in an alert
LOUD = ALARM - {"led", "lamp.red"}  # and never otherwise: lights also show a fault
CONFIG = """
[camera]
source = "SOURCE"
stall = 5.0
frozen = 1.0
dark = 2.0
give_up = 60.0
[face]
threads = 1
[mask]
threads = 1
[opinion]
time_constant = 0.2
forget = 0.4
[alert]
hold = 0.2
clear = 0.5
longest = 0.0
[outputs.buzzer]
pin = 17
pattern = "steady"
[outputs.led]
pin = 27
[outputs.lamp]
red = 5
green = 6
[outputs.relay]
pin = 22
active_high = false
[power]
max_fps = 10.0
"""


@dataclass(frozen=True)
class Row:
    """What a test observed after it started a fault."""

    fault: str
    alarm: list[str]  # the events that the unit printed: alert_on, alert_off, fault, fault_over
    pins: dict[str, str]  # on, off or blinks
    seconds: float | None  # from the fault until no loud output was on; None: none was on, or one still is
    exit_code: int | None  # None: the process still runs
    log: str | None  # the first line after the fault; of a process that ended, the last line


class Unit:
    """A unit with its files in one folder; end() ends its process in every case."""

    def __init__(self, folder: Path, source: str) -> None:
        """
        Args:
            folder: an empty folder for the config, the pins and the runtime directory.
            source: the config's camera source.
        """
        self.folder, self.pins, self.config = folder, folder / "pins", folder / "config.toml"
        self.pins.mkdir()
        (folder / "run").mkdir()
        self.config.write_text(CONFIG.replace("SOURCE", source))
        path = os.pathsep.join(filter(None, (str(HERE / "file_pins"), os.environ.get("PYTHONPATH"))))
        self._pins_are_files = {"PYTHONPATH": path, "GPIOZERO_PIN_FACTORY": "file", "FILE_PINS": str(self.pins)}
        self._environment = {**os.environ, **self._pins_are_files, "RUNTIME_DIRECTORY": str(folder / "run")}
        self._told: list[str] = []
        self._logged: list[str] = []
        self._began, self._seen = 0.0, (0, 0)
        self._readers: list[threading.Thread] = []
        self._full: tuple[int, ...] = ()
        self.process: subprocess.Popen[str]

    def change(self, before: str, after: str) -> None:
        """Replace a text in the config file."""
        text = self.config.read_text()
        assert before in text
        self.config.write_text(text.replace(before, after))

    def start(self, *program: str, **environment: str) -> None:
        """Start the unit, or another program with the same arguments."""
        command = [sys.executable, *(program or PROGRAM), "run", "--json", "--config", str(self.config)]
        self.begin()
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment | environment,
            start_new_session=True,  # as under systemd: without a terminal, which would make SIGHUP another request
        )
        self._readers = [_collect(self.process.stdout, self._told), _collect(self.process.stderr, self._logged)]

    def start_unread(self) -> None:
        """Start the unit with stdout and stderr connected to a full pipe that nobody reads."""
        command = [sys.executable, *PROGRAM, "run", "--json", "--config", str(self.config)]
        self.begin()
        self._full = full_pipe()
        _, writing = self._full
        self.process = subprocess.Popen(
            command, stdout=writing, stderr=writing, text=True, env=self._environment, start_new_session=True
        )

    def pins_off(self) -> subprocess.CompletedProcess[str]:
        """Run `maskwatch pins-off` in the same runtime directory, as systemd does whenever the unit has ended."""
        command = [sys.executable, *PROGRAM, "pins-off", "--config", str(self.config)]
        return subprocess.run(
            command, capture_output=True, text=True, env=self._environment, timeout=PATIENCE, check=False
        )

    def alarm(self) -> None:
        """Wait until the unit has printed alert_on and all outputs of an alarm are on."""
        self.wait(lambda: self.events()[-1:] == ["alert_on"] and self.on() == ALARM, "an alarm")

    def begin(self) -> None:
        """Mark the start of a fault: row() reports what happens from now on."""
        self._began, self._seen = time.monotonic(), (len(self._told), len(self._logged))

    def row(self, fault: str, watched: float = 0.0) -> Row:
        """What was observed since begin(). The pins are watched for `watched` more seconds."""
        start = time.monotonic()
        time.sleep(watched)
        while not self.log() and time.monotonic() < start + max(watched, SETTLED):
            time.sleep(0.02)  # the log and the events come through two pipes, so one may be late
        code = self.process.poll()
        if code is not None:
            self._join()
        lines = self.log()
        line = (lines[-1] if code is not None else lines[0]) if lines else None
        return Row(fault, self.events(), self._states(start), self._silent_after(), code, line)

    def row_of(self, fault: str, done: subprocess.CompletedProcess[str]) -> Row:
        """Like row(), but with the exit code and the last line of `done`, a program that ran after the unit."""
        lines = done.stderr.splitlines()
        return Row(
            fault,
            self.events(),
            self._states(time.monotonic()),
            self._silent_after(),
            done.returncode,
            self._plain(lines[-1]) if lines else None,
        )

    def ended(self) -> int:
        """Wait until the unit has ended; returns its exit code."""
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Send SIGTERM if it still runs, and SIGKILL if that does not help."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.ended()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._join()

    def signal(self, number: signal.Signals) -> None:
        """Start a fault by sending the unit a signal."""
        self.begin()
        self.process.send_signal(number)

    def wait(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until `happened` returns True.

        Raises:
            AssertionError: it did not happen within PATIENCE.
        """
        end = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > end:
                raise AssertionError(f"waited for {what}: told {self._told}, logged {self._logged}, on {self.on()}")
            time.sleep(0.01)

    def wait_for(self, event: str) -> None:
        """Wait for an event after begin()."""
        self.wait(lambda: event in self.events(), event)

    def events(self) -> list[str]:
        """The events' names since begin()."""
        return [json.loads(line)["event"] for line in self._told[self._seen[0] :]]

    def log(self) -> list[str]:
        """The log lines since begin(), apart from the greeting; text that differs between two runs is taken out."""
        lines = [self._plain(line) for line in self._logged[self._seen[1] :]]
        return [line for line in lines if not line.startswith("watching ")]

    def on(self) -> set[str]:
        """The pins that are on now."""
        return _on(file_pins.edges(self.pins))

    def _plain(self, line: str) -> str:
        line = re.sub(r"@127\.0\.0\.1:\d+", "@camera", line.replace(f"{self.folder}/", ""))
        return re.sub(r"(again, after) \d+ s$", r"\1 … s", line.removeprefix("maskwatch: "))

    def _states(self, since: float) -> dict[str, str]:
        edges, on = file_pins.edges(self.pins), self.on()
        changes = [edge.pin for edge in edges if edge.time >= since]
        return {
            name: "blinks" if changes.count(pin) >= 2 else "on" if name in on else "off"
            for name, (pin, _) in PINS.items()
        }

    def _silent_after(self) -> float | None:
        edges = file_pins.edges(self.pins)
        loud = bool(_on([edge for edge in edges if edge.time < self._began]) & LOUD)
        for count, edge in enumerate(edges, 1):
            if loud and edge.time >= self._began and not _on(edges[:count]) & LOUD:
                return round(edge.time - self._began, 2)
        return None

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE)
        full, self._full = self._full, ()
        for file in full:
            os.close(file)


def full_pipe() -> tuple[int, int]:
    """The reading and the writing end of a pipe that is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 512)
    os.set_blocking(writing, True)
    return reading, writing


def _on(edges: list[file_pins.Edge]) -> set[str]:
    levels = {edge.pin: edge.level for edge in edges}
    return {name for name, (pin, on) in PINS.items() if levels.get(pin) == on}


def _collect(stream: IO[str] | None, lines: list[str]) -> threading.Thread:
    def read() -> None:
        assert stream is not None
        with stream:
            lines.extend(_lines(stream))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return reader


def _lines(stream: IO[str]) -> Any:
    for line in stream:
        yield line.rstrip("\n")
