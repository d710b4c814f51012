"""Whether the service starts and keeps running, by systemd's state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from maskwatch.install.machine import Machine
from maskwatch.install.places import SERVICE

TIMEOUT = 240.0  # seconds; the unit file allows 120 s for a start, and a second start 10 s later
STABLE_SECONDS = 20.0  # seconds that it must run without interruption
POLL_INTERVAL = 1.0  # seconds
PROPERTIES = "ActiveState,SubState,NRestarts,MainPID,Result"


def why_not(
    machine: Machine,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    timeout: float = TIMEOUT,
) -> str | None:
    """Wait until the service has run for STABLE_SECONDS seconds. Return None, or in one line why it does not run.

    Args:
        machine: to check.
        sleep: waits for the given seconds.
        clock: seconds, monotonic.
        timeout: seconds to wait at most.
    """
    begun, since, restarts, process = clock(), None, None, ""
    while clock() - begun < timeout:
        facts = _facts(machine)
        restarts = facts["NRestarts"] if restarts is None else restarts
        if facts["ActiveState"] == "failed" or facts["NRestarts"] != restarts:
            return _last_words(machine, facts["Result"], clock() - begun)
        if facts["ActiveState"] != "active" or facts["MainPID"] != process:
            since, process = clock(), facts["MainPID"]
        elif since is not None and clock() - since >= STABLE_SECONDS:
            return None
        sleep(POLL_INTERVAL)
    return _last_words(machine, f"not running after {timeout:.0f} s", timeout)


def _facts(machine: Machine) -> dict[str, str]:
    ran = machine.run("systemctl", "show", f"--property={PROPERTIES}", SERVICE)
    found = dict.fromkeys(PROPERTIES.split(","), "")
    found |= dict(line.split("=", 1) for line in ran.output.splitlines() if "=" in line)
    return found


def _last_words(machine: Machine, result: str, seconds: float) -> str:
    """What systemd says of the end, and the last line that the service itself wrote in the last `seconds`.

    Lines that systemd writes about the service ("Starting maskwatch.service") have another _SYSTEMD_UNIT. Result is
    "success" again as soon as systemd has restarted the service.
    """
    since = f"-{math.ceil(seconds) + 1}s"
    query = (f"_SYSTEMD_UNIT={SERVICE}", "--since", since, "--lines", "5", "--output", "cat", "--no-pager")
    lines = [line.strip() for line in machine.run("journalctl", *query).output.splitlines() if line.strip()]
    ended = "it stopped" if result in ("", "success") else result
    return f"{ended}: {lines[-1]}" if lines else ended
