"""The schema of each kind of record that lies in benchmarks/results."""

from __future__ import annotations

from collections.abc import Mapping

from maskwatch.records import behaviour, speed
from maskwatch.records.record import Record

KINDS: Mapping[str, type[Record]] = {
    "device": speed.Device,
    "models": speed.Models,
    "search": speed.Models,
    "search-quick": speed.Models,
    "pipeline": speed.Pipeline,
    "soak": speed.Soak,
    "run": speed.Run,
    "instructions": speed.Instructions,
    "doorway": behaviour.Doorway,
    "scenarios": behaviour.Scenarios,
    "power": behaviour.Power,
    "faults": behaviour.Faults,
}
