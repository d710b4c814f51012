"""Whether the service comes up, as systemd tells it."""

from __future__ import annotations

import time
from collections.abc import Callable

from maskwatch.install.machine import Machine
from maskwatch.install.places import SERVICE

PATIENCE = 240.0  # seconds; the unit file allows a start 120, and another one 10 s after it
STEADY = 20.0  # seconds of watching without a break
EVERY = 1.0  # seconds
PROPERTIES = "ActiveState,SubState,NRestarts,MainPID,Result"


def why_not(
    machine: Machine,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    patience: float = PATIENCE,
) -> str | None:
    """Wait until the service has watched for a while. Why it does not, in a line; None: it does.

    Args:
        machine: see there.
        sleep: for seconds.
        clock: seconds.
        patience: seconds.
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
