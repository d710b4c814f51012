"""The whole measurement: gather pictures, run every system on them once, count, and write the record and pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.records.strangers import Strangers
from maskwatch.system import whole_file
from maskwatch.vision import preprocess
from training.pictures import voc
from training.runs import run_folder as runs
from training.runs.progress import track
from training.strangers import chart, measures, pictures, sheets, slicing, systems, watch
from training.strangers.measures import Row
from training.strangers.pictures import PORTRAITS
from training.strangers.systems import Subject, System
from training.strangers.targets import TARGETS
from training.strangers.watch import Seen

SCHEMA, KIND = 1, "strangers"


@dataclass(frozen=True, slots=True)
class Question:
    """The systems that are measured, and the pictures."""

    root: Path  # portraits
    scenes: Sequence[Path]  # a source each
    part: str  # of the split
    subjects: Sequence[Subject]
    yunet: Path | None = None  # for slices by the pose of faces
    seed: int = 0  # of the split
    min_side: float = 24.0  # pixels, shorter side of the faces that count
    most: int | None = None  # pictures of a source; None: all
    workers: int = 1  # processes

    @property
    def name(self) -> str:
        """The name of the record's file: a sample never replaces the whole measurement."""
        return f"{KIND}-{self.part}" + ("-sample" if self.most else "")


def write(question: Question, out: Path, run: Path, say: Callable[[str], None]) -> None:
    """Measure, and write OUT/strangers-PART.json and .png, and into RUN the sheets of the weakest slices.

    Raises:
        ModelError: a model cannot be used.
        SourceError: the data cannot be used.
    """
    begin = time.monotonic()
    shown = pictures.gather(question.root, question.scenes, question.part, question.seed, question.most)
    seen = watch.show(shown, question.subjects, question.yunet, question.workers)
    opened = [
        System(each.name, _never, _threshold(each), each.kind != "yunet", each.kind != "float")
        for each in question.subjects
    ]
    rows = count(seen, opened, question)
    made = {**about(question, seen), "seconds": round(time.monotonic() - begin), "rows": [row.record() for row in rows]}
    out.mkdir(parents=True, exist_ok=True)
    place = out / f"{question.name}.json"
    whole_file.write(place, text(Strangers.model_validate(made).as_json()))
    chart.draw(rows, [each.name for each in question.subjects], place.with_suffix(".png"))
    for line in report_lines(rows):
        say(line)
    bundles = {subject.name for subject in question.subjects if subject.kind == "bundles"}
    made_sheets = sheets.write(seen, [each for each in opened if each.name in bundles], rows, question.min_side, run)
    say(f"wrote {len(made_sheets)} sheets into {run}")
    say(f"wrote {place} and {place.with_suffix('.png').name}")


def _never(_: Any) -> list[Any]:
    raise AssertionError("the pictures have been shown already")


def _threshold(subject: Subject) -> float:
    if subject.kind == "float":
        return runs.read(subject.face).score_threshold or 0.5
    return float(systems.facts(subject).get("threshold") or 0.5)


def about(question: Question, seen: Sequence[Seen]) -> dict[str, Any]:
    """Everything that the figures depend on."""
    found = measures.by_source(seen)
    facts = [systems.facts(subject) for subject in question.subjects]
    splits = voc.sources(question.scenes, question.seed)
    for subject, fact in zip(question.subjects, facts, strict=True):
        if subject.kind == "bundles":
            card = systems.cards(subject)[0].card
            fact["learnt"] = pictures.learnt(card.provenance.get("split_sha256", ""), splits)
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "part": question.part,
        "seed": question.seed,
        "min_side": question.min_side,
        "most": question.most,
        "preprocess_version": preprocess.VERSION,  # of the pixels that our models were shown
        "resampled": measures.RESAMPLED,
        "versions": runs.versions(),
        "systems": facts,
        "sources": {
            name: {"pictures": len(each), "faces": sum(not face.ignored for one in each for face in one.picture.faces)}
            for name, each in found.items()
        },
        "targets": [target.record() for target in TARGETS],
    }


def count(seen: Sequence[Seen], opened: Sequence[System], question: Question) -> list[Row]:
    """Every figure."""
    sources, side = measures.by_source(seen), question.min_side
    scenes = [each for each in seen if each.picture.source != PORTRAITS]
    networks = [subject.name for subject in question.subjects if subject.mask is not None]
    rows: list[Row] = []
    for system in track(opened, "Counting"):
        for name, shown in sources.items():
            rows += of_source(name, shown, system, side)
            rows += measures.crops(name, shown, system.name, side) if system.name in networks else []
        rows += slicing.rows(scenes, system, side)
    for before, after in pairs(question.subjects, opened):
        rows += quantized(sources, before, after, side)
    return rows


def of_source(name: str, shown: Sequence[Seen], system: System, side: float) -> list[Row]:
    """A system's figures on one source: portraits, rooms without a face, or scenes."""
    if name == PORTRAITS:
        return measures.portraits(shown, system) if system.labels and system.portraits else []
    if not any(each.picture.faces for each in shown):
        return [measures.rooms(name, shown, system)]
    rows = measures.faces(name, shown, system, side) + measures.close_ups(name, shown, system, side)
    return rows + (measures.labels(name, shown, system, side) if system.labels else [])


def pairs(subjects: Sequence[Subject], opened: Sequence[System]) -> list[tuple[System, System]]:
    """(float, int8) systems of the same name: `now, float` belongs to `now`."""
    known = {system.name: system for system in opened}
    return [
        (known[subject.name], known[subject.name.removesuffix(FLOAT)])
        for subject in subjects
        if subject.kind == "float" and subject.name.removesuffix(FLOAT) in known
    ]


FLOAT = ", float"  # follows the name of the bundles that were converted from a float model


def quantized(sources: dict[str, list[Seen]], before: System, after: System, side: float) -> list[Row]:
    """What int8 costs, by source of pictures."""
    rows: list[Row] = []
    for name, shown in sources.items():
        if name == PORTRAITS:
            looks = (watch.WHOLE, watch.FACE)
        elif any(not face.ignored for each in shown for face in each.picture.faces):
            looks = (watch.FACE,)
            rows += measures.lost(name, shown, before, after, side)
        else:
            continue
        made = [measures.lost_labels(name, shown, before.name, after.name, look) for look in looks]
        rows += [row for row in made if row is not None]
    return rows


def report_lines(rows: Sequence[Row]) -> list[str]:
    """Each target with every system's figure, as lines for people."""
    lines = []
    for target in TARGETS:
        asked = (target.about, target.source, target.measure)
        found = [row for row in rows if (row.about, row.source, row.measure) == asked]
        if found:
            sign = "≤" if target.most else "≥"
            bound = "" if target.bound is None else f", {sign} {target.bound:g}"
            lines.append(f"{target.about}, {target.source}, {target.measure}{bound}")
            lines += [f"  {row.system:<24}{figure(row)}{verdict(target.kept_by(row))}" for row in found]
    return lines


def figure(row: Row) -> str:
    """One figure with its interval and count, as text."""
    if row.value is None or row.interval95 is None:
        return "–"
    low, high = row.interval95
    count = f"{row.hits}/{row.n}" if row.hits is not None else f"{row.n}"
    return f"{row.value:.4f} ({low:.3f}–{high:.3f}), {count}"


def verdict(kept: bool | None) -> str:
    """The word after a figure: whether it reaches its target."""
    return {None: "", True: "  kept", False: "  missed"}[kept]


def text(made: dict[str, Any]) -> str:
    """JSON with one line for each figure, each system and each target."""
    lines = []
    for key, value in made.items():
        if isinstance(value, list):
            inner = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value)
            lines.append(f' "{key}": [\n  {inner}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
