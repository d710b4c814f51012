"""Times models × variants × runtimes × threads on this machine: every call's time, in one record.

Each combination is timed in separate processes, so that only its own memory is measured, and no thread pool is left
over. They take turns in rounds, each round in another order: a bad moment of the machine affects all of them, and shows
as rounds that disagree. `models` is still needed: in one process, it compares our finder, with its decoding, to
OpenCV's YuNet.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import host
from benchmarks.networks.runtimes import Found
from maskwatch.errors import ConfigError, ModelError
from maskwatch.vision import bundle

SCHEMA = 1
KIND = "run"
EXCEPTION = re.compile(r"^[\w.]*(Error|Exception|Fail|Invalid\w*): ")
SCRIPT = Path(__file__).parent / "child" / "measure.py"
TIMEOUT = 900.0  # seconds for one child, besides its calls
PROFILE_CALLS = 50
PATIENCE = 60.0  # seconds for one child's calls
VARIANTS = ("float32", "float16", "dynamic", "int8", "int16x8")
MAGIC = {".tflite": (4, b"TFL3"), ".onnx": (0, b"\x08")}  # offset, and the bytes there


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    name: str
    rounds: int
    calls: int  # in a round
    warm_ups: int  # in a round, after the first call
    profile_calls: int = PROFILE_CALLS
    patience: float = PATIENCE  # seconds; a combination whose calls take longer in a round is left out


QUICK = Plan("quick", rounds=2, calls=20, warm_ups=3, profile_calls=10)
USUAL = Plan("usual", rounds=5, calls=40, warm_ups=5)  # 200
FULL = Plan("full", rounds=8, calls=128, warm_ups=5)  # 1,024, as MLPerf's SingleStream requires


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to be measured."""

    model: str
    variant: str
    file: Path

    def key(self) -> str:
        return f"{self.model}/{self.variant}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination."""

    subject: Subject
    found: Found
    threads: int

    def job(self, plan: Plan, profile: bool, patience: float | None) -> dict[str, Any]:
        return {
            "runtime": self.found.runtime.name,
            "file": str(self.subject.file),
            "threads": self.threads,
            "warm_ups": plan.warm_ups,
            "calls": plan.profile_calls if profile else plan.calls,
            "patience": patience,
            "profile": profile,
        }


def shipped() -> list[Subject]:
    """The two bundles of the package."""
    return [Subject(task, "int8", bundle.default_path(task)) for task in bundle.TASKS]


def subject(text: str) -> Subject:
    """`alexnet/float32=runs/alexnet.tflite` -> the subject.

    Raises:
        ConfigError: the text is not of that form, or names an unknown variant.
        ModelError: the file is missing, or not a model.
    """
    name, equals, file = text.partition("=")
    model, slash, variant = name.rpartition("/")
    if not (model and slash and variant and equals and file):
        raise ConfigError(f"model {text}: expected NAME/VARIANT=FILE, as in alexnet/int8=runs/alexnet.tflite")
    if variant not in VARIANTS:
        raise ConfigError(f"model {text}: variant {variant}; expected one of {', '.join(VARIANTS)}")
    return Subject(model, variant, _model(Path(file)))


def _model(path: Path) -> Path:
    offset, magic = MAGIC.get(path.suffix, (0, b""))
    if not magic:
        raise ModelError(f"model {path}: expected a file that ends in {' or '.join(MAGIC)}")
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}") from error
    if head[offset:][: len(magic)] != magic:
        raise ModelError(f"model {path}: not a {path.suffix} file, or cut short")
    return path


def cells(subjects: Iterable[Subject], found: Iterable[Found], threads: Iterable[int]) -> list[Cell]:
    """All combinations of a file with a runtime that runs such files."""
    return [
        Cell(subject, runtime, count)
        for subject, runtime, count in itertools.product(subjects, found, threads)
        if subject.file.suffix == runtime.runtime.suffix
    ]


def usual_threads() -> list[int]:
    """1, 2, 4 as far as there are cores."""
    return [count for count in (1, 2, 4) if count <= (os.cpu_count() or 1)]


def measure(cells: Sequence[Cell], plan: Plan, on_child: Callable[[Cell], None] = lambda _: None) -> dict[str, Any]:
    """The record, ready for JSON.

    Args:
        cells: the combinations; the row of one that cannot be measured says why.
        plan: rounds and calls.
        on_child: called before each child, for a progress bar.
    """
    facts, before = host.facts(), host.moment()  # first: measuring loads the machine
    rows = {cell: _row(cell) for cell in cells}
    for turn in range(plan.rounds):
        patience = plan.patience if turn == 0 else None  # a combination that was started is measured to the end
        for cell in random.Random(turn).sample(cells, len(cells)):
            on_child(cell)
            if "not_measured" not in rows[cell]:
                _add(rows[cell], _answer(cell, plan, patience=patience))
    for cell in cells:
        if cell.threads == min(cell_.threads for cell_ in cells) and "not_measured" not in rows[cell]:
            on_child(cell)
            rows[cell]["profile"] = _answer(cell, plan, profile=True)
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "host": facts,
        "plan": asdict(plan),
        "before": before,
        "after": host.moment(),
        "rows": list(rows.values()),
    }


def children(cells: Sequence[Cell], plan: Plan) -> int:
    """The largest possible number of processes."""
    return len(cells) * plan.rounds + sum(cell.threads == min(cell.threads for cell in cells) for cell in cells)


def _row(cell: Cell) -> dict[str, Any]:
    content = cell.subject.file.read_bytes()
    row: dict[str, Any] = {
        "model": cell.subject.model,
        "variant": cell.subject.variant,
        "runtime": cell.found.runtime.name,
        "threads": cell.threads,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return row if cell.found.python else {**row, "not_measured": cell.found.why_not}


SAME = ("version", "python", "numpy", "delegate", "input")  # the same in every round


def _add(row: dict[str, Any], answer: dict[str, Any]) -> None:
    """Add one round's values to a row: lists with one entry a round."""
    for name, value in answer.items():
        if name in SAME or name == "not_measured":
            row[name] = value
        else:
            row.setdefault(name, []).append(value)


def _answer(cell: Cell, plan: Plan, profile: bool = False, patience: float | None = None) -> dict[str, Any]:
    """What the child printed, or why it printed nothing."""
    command = [str(cell.found.python), str(SCRIPT), json.dumps(cell.job(plan, profile, patience))]
    timeout = TIMEOUT + plan.patience
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return {"not_measured": f"no answer within {timeout:.0f} s"}
    if ended.returncode == 0:
        answer: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
        return answer
    return {"not_measured": reason(ended.returncode, ended.stderr)}


def reason(code: int, stderr: str) -> str:
    """Why a child failed, in one line: its last exception, because a runtime may print several."""
    if code < 0:
        return f"ended by signal {-code}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    exceptions = [line for line in lines if EXCEPTION.match(line)]
    return (exceptions or lines or ["no reason given"])[-1][:300]
