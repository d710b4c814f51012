"""First boot, run from the unpacked tree: `python3 -m maskwatch.install.first_boot PAYLOAD`.

Each step can be repeated and leaves nothing half done. After a power cut at any moment, the next start continues with
the first step that is not marked as done. Only the standard library is used.
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
BLINK_SECONDS = 60  # seconds of slow blinking before the daemon takes the pins


class NotReadyError(Exception):
    """Why the unit does not watch, in one line or a few."""


@dataclass(frozen=True)
class Step:
    """A step of first boot; `do` returns its result as text."""

    name: str
    do: Callable[[], str]
    is_done_once: bool = True  # False: repeated at each start until all steps are done


class FirstBoot:
    """All steps for one payload."""

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
        """Run the steps.

        Returns:
            Whether the unit is ready. If not, the report says why, and the daemon is started anyway.
        """
        for step in self.steps():
            mark = self._machine.at(f"{STATE}/{step.name}.done")
            if step.is_done_once and mark.exists():
                self.report.passed(step.name, "done before")
                continue
            self.report.working(step.name)
            try:
                self.report.passed(step.name, step.do())
            except (NotReadyError, accounts.AccountError, packages.PackagesError, OSError) as error:
                self._not_ready(step.name, str(error))
                return False
            if step.is_done_once:
                self._machine.write(f"{STATE}/{step.name}.done", "")
        self._machine.write(f"{STATE}/done", "")
        self.report.ready()
        self._machine.run("systemctl", "start", "--no-block", SERVICE)
        return True

    def steps(self) -> Iterator[Step]:
        """The steps in order: the network before the steps that need it, the service before its check."""
        facts = self._facts
        yield Step("use", self._use)
        yield Step("host", lambda: accounts.set_host(self._machine, facts["host"], facts["timezone"]))
        yield Step(
            "user",
            lambda: accounts.set_user(self._machine, facts["user"], facts["ssh_keys"], facts["password_hash"]),
        )
        yield Step("network", lambda: radio.set_wifi(self._machine, facts))
        yield Step("config", self._config)
        yield Step("service", lambda: service_files.install(self._machine))
        yield Step("packages", self._packages, is_done_once=False)
        yield Step("check", self._check, is_done_once=False)
        if facts["read_only"]:
            yield Step("volatile", lambda: volatile.switch_on(self._machine))

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
        return "passed\n" + ran.output.rstrip()

    def _not_ready(self, step: str, why: str) -> None:
        self.report.not_ready(step, why)
        self._blink_board()
        if self._machine.at(f"{VENV}/bin").is_dir():
            limit = BLINK_SECONDS + SIGNAL_LIMIT
            self._machine.run(
                PROGRAM, "show", "trouble", "--lasts", str(BLINK_SECONDS), "--config", CONFIG, limit=limit
            )
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
