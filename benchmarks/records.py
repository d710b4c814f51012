"""Records on disk, checked against their schema when they are written and read; and percentiles of values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from benchmarks import host
from maskwatch.config import Settings
from maskwatch.errors import MaskwatchError
from maskwatch.records.kinds import KINDS
from maskwatch.system import whole_file
from maskwatch.vision import bundle

BREAK = re.compile(r"\n\s*")  # never inside a text: there, JSON writes a line break as \\n
# An array that contains only numbers and texts.
FLAT = re.compile(r'\[\n\s+((?:(?:-?[\d.]+(?:e[-+]?\d+)?|"[^"\\\n]*"),?\n\s*)+)\]')


def head(kind: str, schema: int, machine: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The first keys of a record of the daemon with the default models.

    Args:
        kind: names the file.
        schema: version of the record's keys.
        machine: host.facts(), taken before the measurement loads the machine.
        settings: of the daemon.

    Raises:
        ModelError: a default bundle is missing or damaged.
    """
    return {
        "schema": schema,
        "kind": kind,
        "host": machine,
        "models": bundle_hashes(),
        "threads": {"face": settings.face.threads, "mask": settings.mask.threads},
    }


def bundle_hashes() -> dict[str, str]:
    """Task -> SHA-256 of the default bundle's file.

    Raises:
        ModelError: a bundle is missing or damaged.
    """
    paths = {task: bundle.default_path(task) for task in bundle.TASKS}
    for task, path in paths.items():
        bundle.read(path, task)
    return {task: hashlib.sha256(path.read_bytes()).hexdigest() for task, path in paths.items()}


def save(record: dict[str, Any], results: Path) -> Path:
    """Write results/BOARD/KIND.json; the file is replaced at once or not at all.

    Raises:
        MaskwatchError: the record does not fit the schema of its kind. It is written anyway, because it may have taken
            half an hour to measure.
    """
    return _save(record, path(record, results))


def save_anywhere(record: dict[str, Any], results: Path) -> Path:
    """Write results/KIND.json of a record that is the same on every machine. Raises as save()."""
    return _save(record, results / f"{record['kind']}.json")


def _save(record: dict[str, Any], place: Path) -> Path:
    write(text(record), place)
    _check(record, place)
    return place


def _check(record: Any, place: Path) -> None:
    try:
        KINDS[record["kind"]].model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise MaskwatchError(f"record {place}: {where}: {first['msg']}; measure again, or change its schema") from error


def write(content: str, place: Path) -> Path:
    """Write a text file; it is replaced at once or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(place, content)
    return place


def text(record: dict[str, Any]) -> str:
    """JSON that people can read and compare line by line. A flat array is one line, because most lines of the file
    would otherwise be measured values."""
    return FLAT.sub(lambda found: f"[{BREAK.sub(' ', found[1]).strip()}]", json.dumps(record, indent=1)) + "\n"


def load(place: Path, kind: str, schema: int) -> dict[str, Any]:
    """Read a record of one kind.

    Raises:
        MaskwatchError: the file is missing, is a record of another kind or schema version, or does not fit its schema.
    """
    try:
        record: dict[str, Any] = json.loads(place.read_text())
        found = record["kind"], record["schema"], record["host"]["board"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MaskwatchError(f"record {place}: unreadable ({error}); measure again") from error
    if found[:2] != (kind, schema):
        raise MaskwatchError(f"record {place}: {found[0]} of schema {found[1]}; expected {kind} of schema {schema}")
    _check(record, place)
    return record


def of_boards(results: Path, kind: str, schema: int) -> list[dict[str, Any]]:
    """The records results/BOARD/KIND.json.

    Raises:
        MaskwatchError: one lies in the folder of another board, or as load().
    """
    found = []
    for place in sorted(results.glob(f"*/{kind}.json")):
        record = load(place, kind, schema)
        if place != path(record, results):
            board = record["host"]["board"]
            raise MaskwatchError(
                f"record {place}: measured on {board}, expected in {host.slug(board)}/; boards are not mixed"
            )
        found.append(record)
    return found


def path(record: dict[str, Any], results: Path) -> Path:
    """The path of a board's record: results/BOARD/KIND.json."""
    return results / host.slug(record["host"]["board"]) / f"{record['kind']}.json"


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 10th and 90th percentile."""
    median, low, high = np.percentile(values, (50, 10, 90))
    return float(median), float(low), float(high)
