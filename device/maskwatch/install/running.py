"""Whether the service starts and keeps running, by systemd's state."""

from __future__ import annotations

import time
from collections.abc import Callable

from maskwatch.install.machine import Machine
from maskwatch.install.places import SERVICE

PATIENCE = 240.0  # seconds; the unit file allows 120 s for a start, and a second start 10 s later
STEADY = 20.0  # seconds that it must run without interruption
EVERY = 1.0  # seconds
PROPERTIES = "ActiveState,SubState,NRestarts,MainPID,Result"


def why_not(
    machine: Machine,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    patience: float = PATIENCE,
) -> str | None:
    """Wait until the service has run for STEADY seconds. Return None, or in one line why it does not run.

    Args:
        machine: to check.
        sleep: waits for the given seconds.
        clock: seconds, monotonic.
        patience: seconds to wait at most.
    """
    begun, since, restarts, process = clock(), None, None, ""
    while clock() - begun < patience:
        facts = _facts(machine)
        restarts = facts["NRestarts"] if restarts is None else restarts
        if facts["ActiveState"] == "failed" or facts["NRestarts"] != restarts:
            return _last_words(machine, facts["Result"])
        if facts["ActiveState"] != "active" or facts["MainPID"] != process:
            since, process = clock(), facts["MainPID"]
        elif since is not None and clock() - since >= STEADY:
            return None
        sleep(EVERY)
    return _last_words(machine, f"not watching after {patience:.0f} s")


def _facts(machine: Machine) -> dict[str, str]:
    ran = machine.run("systemctl", "show", f"--property={PROPERTIES}", SERVICE)
    found = dict.fromkeys(PROPERTIES.split(","), "")
    found |= dict(line.split("=", 1) for line in ran.output.splitlines() if "=" in line)
    return found


def _last_words(machine: Machine, result: str) -> str:
    lines = machine.run("journalctl", "--unit", SERVICE, "--lines", "5", "--output", "cat", "--no-pager").output
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    return f"{result or 'it ended'}: {said[-1]}" if said else result or "it ended"
