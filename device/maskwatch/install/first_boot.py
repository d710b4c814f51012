"""First boot, run from the unpacked tree: `python3 -m maskwatch.install.first_boot PAYLOAD`.

Each stage can be repeated and leaves nothing half done. After a power cut at any moment, the next start continues with
the first stage that is not marked as done. Only the standard library is used.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.install import accounts, packages, radio, service_files, trees, volatile
from maskwatch.install.machine import Machine
from maskwatch.install.places import CONFIG, PROGRAM, SERVICE, STATE, UNITS, VENV
from maskwatch.install.report import Report

CHECK_LIMIT = 600.0  # seconds; a slow board needs tens of seconds for the models alone
SIGNAL_LIMIT = 180.0
BLINKS = 60  # seconds of slow blinking before the daemon takes the pins


class NotReadyError(Exception):
    """Why the unit does not watch, in one line or a few."""


@dataclass(frozen=True)
class Stage:
    """A step; `do` returns its result as text."""

    name: str
    do: Callable[[], str]
    is_noted: bool = True  # False: repeated at each start until all stages are done


class FirstBoot:
    """All stages for one payload."""

    def __init__(
        self, machine: Machine, payload: Path, tree: Path, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """
        Args:
            machine: to set up.
            payload: the folder on the boot partition.
            tree: that was unpacked.
            sleep: waits for the given seconds.
        """
        self._machine, self._payload, self._tree, self._sleep = machine, payload, tree, sleep
        self._facts: dict[str, Any] = json.loads((payload / "unit.json").read_text())
        self.report = Report(machine, self._facts["host"])

    def run(self) -> bool:
        """Run the stages.

        Returns:
            Whether the unit is ready. If not, the report says why, and the daemon is started anyway.
        """
        for stage in self.stages():
            mark = self._machine.at(f"{STATE}/{stage.name}.done")
            if stage.is_noted and mark.exists():
                self.report.passed(stage.name, "done before")
                continue
            self.report.working(stage.name)
            try:
                self.report.passed(stage.name, stage.do())
            except (NotReadyError, accounts.AccountError, packages.PackagesError, OSError) as error:
                self._not_ready(stage.name, str(error))
                return False
            if stage.is_noted:
                self._machine.write(f"{STATE}/{stage.name}.done", "")
        self._machine.write(f"{STATE}/done", "")
        self.report.ready()
        self._machine.run("systemctl", "start", "--no-block", SERVICE)
        return True

    def stages(self) -> Iterator[Stage]:
        """The stages in order: the network before the stages that need it, the service before its check."""
        facts = self._facts
        yield Stage("use", self._use)
        yield Stage("host", lambda: accounts.set_host(self._machine, facts["host"], facts["timezone"]))
        yield Stage(
            "user",
            lambda: accounts.set_user(self._machine, facts["user"], facts["ssh_keys"], facts["password_hash"]),
        )
        yield Stage("network", lambda: radio.set_wifi(self._machine, facts))
        yield Stage("config", self._config)
        yield Stage("service", lambda: service_files.install(self._machine))
        yield Stage("packages", self._packages, is_noted=False)
        yield Stage("check", self._check, is_noted=False)
        if facts["read_only"]:
            yield Stage("volatile", lambda: volatile.switch_on(self._machine))

    def _use(self) -> str:
        trees.use(self._machine, self._tree)
        return self._tree.name

    def _config(self) -> str:
        self._machine.write(CONFIG, (self._payload / "config.toml").read_text())
        return CONFIG

    def _packages(self) -> str:
        is_online = self._facts["packages"] == "online"
        return packages.provide(
            self._machine,
            self._facts["modules"],
            is_online,
            lambda why: self.report.waiting("packages", why),
            self._sleep,
        )

    def _check(self) -> str:
        """Run `maskwatch check`, then two beeps. The daemon is stopped first, because it would use the pins."""
        self._machine.run("systemctl", "stop", SERVICE)
        ran = self._machine.run(PROGRAM, "check", "--config", CONFIG, limit=CHECK_LIMIT)
        if ran.code:
            failed = [line for line in ran.output.splitlines() if line.startswith("FAIL")] or [ran.last_line]
            raise NotReadyError("; ".join(" ".join(line.removeprefix("FAIL").split()) for line in failed))
        self._machine.run(PROGRAM, "show", "ready", "--config", CONFIG, limit=SIGNAL_LIMIT)
        return "all right\n" + ran.output.rstrip()

    def _not_ready(self, stage: str, why: str) -> None:
        self.report.not_ready(stage, why)
        self._blink_board()
        if self._machine.at(f"{VENV}/bin").is_dir():
            limit = BLINKS + SIGNAL_LIMIT
            self._machine.run(PROGRAM, "show", "trouble", "--lasts", str(BLINKS), "--config", CONFIG, limit=limit)
        if self._machine.at(f"{UNITS}/{SERVICE}").exists():
            self._machine.run("systemctl", "start", "--no-block", SERVICE)

    def _blink_board(self) -> None:
        """Make the kernel blink the board's LED; it continues after the end of this program."""
        for name in ("ACT", "led0"):
            light = self._machine.at(f"/sys/class/leds/{name}")
            if (light / "trigger").exists():
                for file, value in (("trigger", "timer"), ("delay_on", "1000"), ("delay_off", "1000")):
                    try:
                        (light / file).write_text(value)
                    except OSError:  # a board without these files; the report exists anyway
                        return


def main(payload: str) -> int:
    """0 when the unit is ready."""
    machine = Machine.from_environment()
    tree = Path(sys.prefix)
    return 0 if FirstBoot(machine, Path(payload), tree).run() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
