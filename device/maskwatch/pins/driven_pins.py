"""The pins that the daemon drives, written to a file in systemd's runtime directory while it runs.

`maskwatch pins-off` reads this file, because the config may be broken by then, or name other pins. systemd creates the
directory at each start and removes it after ExecStopPost, so the file is never from an earlier run.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from maskwatch.pins.plan import PinPlan
from maskwatch.system import whole_file

logger = logging.getLogger(__name__)
NAME = "pins.json"


def write(plans: Sequence[PinPlan], environment: Mapping[str, str] = os.environ) -> None:
    """Write the pins before they are driven. Without a runtime directory it does nothing; a failure is logged."""
    path = _path(environment)
    if path is None:
        return
    rows = [{"name": plan.name, "pin": plan.pin, "active_high": plan.active_high} for plan in plans]
    try:
        whole_file.write(path, json.dumps(rows))
    except OSError as error:
        logger.warning("%s: the list of pins cannot be written (%s); pins-off uses the config", path, error.strerror)


def read(environment: Mapping[str, str] = os.environ) -> list[PinPlan] | None:
    """The pins in the file, with what is needed to switch them off; None: there is no valid file."""
    path = _path(environment)
    if path is None:
        return None
    try:
        rows = json.loads(path.read_text())
        return [PinPlan(str(row["name"]), int(row["pin"]), bool(row["active_high"]), {}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _path(environment: Mapping[str, str]) -> Path | None:
    folder = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]  # systemd separates several folders by colons
    return Path(folder) / NAME if folder else None
