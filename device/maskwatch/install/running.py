"""Whether the service starts and keeps running, by systemd's state."""

from __future__ import annotations

import time
from collections.abc import Callable

from maskwatch.install.machine import Machine
from maskwatch.install.places import SERVICE

TIMEOUT = 240.0  # seconds; the unit file allows 120 s for a start, and a second start 10 s later
STABLE_SECONDS = 20.0  # seconds that it must run without interruption
POLL_INTERVAL = 1.0  # seconds
PROPERTIES = "ActiveState,SubState,NRestarts,MainPID,InvocationID,Result"


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
    begun, since, restarts, process, invocation = clock(), None, None, "", ""
    while clock() - begun < timeout:
        facts = _facts(machine)
        restarts = facts["NRestarts"] if restarts is None else restarts
        if facts["ActiveState"] == "failed" or facts["NRestarts"] != restarts:
            # After a restart, systemd tells the identifier of the new start: the one before is that of the failure
            return _last_words(machine, facts["Result"], invocation or facts["InvocationID"])
        invocation = facts["InvocationID"]
        if facts["ActiveState"] != "active" or facts["MainPID"] != process:
            since, process = clock(), facts["MainPID"]
        elif since is not None and clock() - since >= STABLE_SECONDS:
            return None
        sleep(POLL_INTERVAL)
    return _last_words(machine, f"not running after {timeout:.0f} s", invocation)


def _facts(machine: Machine) -> dict[str, str]:
    ran = machine.run("systemctl", "show", f"--property={PROPERTIES}", SERVICE)
    found = dict.fromkeys(PROPERTIES.split(","), "")
    found |= dict(line.split("=", 1) for line in ran.output.splitlines() if "=" in line)
    return found


def _last_words(machine: Machine, result: str, invocation: str) -> str:
    """What systemd says of the end, and the last line that the service itself wrote in this start.

    systemd gives each start an identifier, so a later start's lines are not taken for this one's. Its own lines about
    the service ("Starting maskwatch.service") have none in this field. Result is "success" again as soon as systemd has
    restarted the service.
    """
    query = (f"_SYSTEMD_INVOCATION_ID={invocation}", "--lines", "5", "--output", "cat", "--no-pager")
    shown = machine.run("journalctl", *query).output if invocation else ""
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    ended = "it stopped" if result in ("", "success") else result
    return f"{ended}: {lines[-1]}" if lines else ended
