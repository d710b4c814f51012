"""The whole measurement: gathers pictures, runs every system on them once, counts, and writes the record and plots."""

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
from training.strangers.watch import PictureResult

SCHEMA, KIND = 1, "strangers"


@dataclass(frozen=True, slots=True)
class Request:
    """The systems that are measured, and the pictures."""

    root: Path  # portraits
    scenes: Sequence[Path]  # a source each
    part: str  # of the split
    subjects: Sequence[Subject]
    yunet: Path | None = None  # for slices by the pose of faces
    seed: int = 0  # of the split
    min_side: float = 24.0  # pixels, shorter side of the faces that count
    most: int | None = None  # the most pictures of a source; None: all
    workers: int = 1  # processes

    @property
    def name(self) -> str:
        """The name of the record's file: a sample never replaces the whole measurement."""
        return f"{KIND}-{self.part}" + ("-sample" if self.most else "")


def write(request: Request, out: Path, run: Path, say: Callable[[str], None]) -> None:
    """Measure, and write OUT/strangers-PART.json and .png, and into RUN the sheets of the weakest slices.

    Raises:
        ModelError: a model cannot be used.
        SourceError: the data cannot be used.
    """
    started = time.monotonic()
    gathered = pictures.gather(request.root, request.scenes, request.part, request.seed, request.most)
    results = watch.run_all(gathered, request.subjects, request.yunet, request.workers)
    opened = [
        System(subject.name, _already_run, _threshold(subject), subject.kind != "yunet", subject.kind != "float")
        for subject in request.subjects
    ]
    rows = count(results, opened, request)
    record = {
        **about(request, results),
        "seconds": round(time.monotonic() - started),
        "rows": [row.record() for row in rows],
    }
    out.mkdir(parents=True, exist_ok=True)
    place = out / f"{request.name}.json"
    whole_file.write(place, text(Strangers.model_validate(record).as_json()))
    chart.draw(rows, [subject.name for subject in request.subjects], place.with_suffix(".png"))
    for line in report_lines(rows):
        say(line)
    bundles = {subject.name for subject in request.subjects if subject.kind == "bundles"}
    made_sheets = sheets.write(
        results, [system for system in opened if system.name in bundles], rows, request.min_side, run
    )
    say(f"wrote {len(made_sheets)} sheets into {run}")
    say(f"wrote {place} and {place.with_suffix('.png').name}")


def _already_run(_: Any) -> list[Any]:
    raise AssertionError("every system has already run on the pictures")


def _threshold(subject: Subject) -> float:
    if subject.kind == "float":
        return runs.read(subject.face).score_threshold or 0.5
    return float(systems.facts(subject).get("threshold") or 0.5)


def about(request: Request, results: Sequence[PictureResult]) -> dict[str, Any]:
    """Everything that the figures depend on, ready for JSON."""
    by_source = measures.by_source(results)
    facts = [systems.facts(subject) for subject in request.subjects]
    splits = voc.sources(request.scenes, request.seed)
    for subject, fact in zip(request.subjects, facts, strict=True):
        if subject.kind == "bundles":
            card = systems.cards(subject)[0].card
            fact["learnt"] = pictures.learnt(card.provenance.get("split_sha256", ""), splits)
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "part": request.part,
        "seed": request.seed,
        "min_side": request.min_side,
        "most": request.most,
        "preprocess_version": preprocess.VERSION,  # of the pixels that our models got
        "resampled": measures.RESAMPLED,
        "versions": runs.versions(),
        "systems": facts,
        "sources": {
            name: {
                "pictures": len(of_source),
                "faces": sum(not face.ignored for result in of_source for face in result.picture.faces),
            }
            for name, of_source in by_source.items()
        },
        "targets": [target.record() for target in TARGETS],
    }


def count(results: Sequence[PictureResult], opened: Sequence[System], request: Request) -> list[Row]:
    """Every figure."""
    sources, side = measures.by_source(results), request.min_side
    scenes = [result for result in results if result.picture.source != PORTRAITS]
    networks = [subject.name for subject in request.subjects if subject.mask is not None]
    rows: list[Row] = []
    for system in track(opened, "Counting"):
        for name, of_this in sources.items():
            rows += of_source(name, of_this, system, side)
            rows += measures.crops(name, of_this, system.name, side) if system.name in networks else []
        rows += slicing.rows(scenes, system, side)
    for before, after in pairs(request.subjects, opened):
        rows += quantized(sources, before, after, side)
    return rows


def of_source(name: str, results: Sequence[PictureResult], system: System, side: float) -> list[Row]:
    """A system's figures on one source: portraits, pictures without a face, or scenes."""
    if name == PORTRAITS:
        return measures.portraits(results, system) if system.labels and system.portraits else []
    if not any(result.picture.faces for result in results):
        return [measures.rooms(name, results, system)]
    rows = measures.faces(name, results, system, side) + measures.close_ups(name, results, system, side)
    return rows + (measures.labels(name, results, system, side) if system.labels else [])


def pairs(subjects: Sequence[Subject], opened: Sequence[System]) -> list[tuple[System, System]]:
    """(float, int8) systems of the same name: `now, float` belongs to `now`."""
    known = {system.name: system for system in opened}
    return [
        (known[subject.name], known[subject.name.removesuffix(FLOAT)])
        for subject in subjects
        if subject.kind == "float" and subject.name.removesuffix(FLOAT) in known
    ]


FLOAT = ", float"  # follows the name of the bundles that were converted from a float model


def quantized(sources: dict[str, list[PictureResult]], before: System, after: System, side: float) -> list[Row]:
    """What int8 costs, by source of pictures."""
    rows: list[Row] = []
    for name, results in sources.items():
        if name == PORTRAITS:
            kinds = (watch.WHOLE, watch.FACE)
        elif any(not face.ignored for result in results for face in result.picture.faces):
            kinds = (watch.FACE,)
            rows += measures.lost(name, results, before, after, side)
        else:
            continue
        made = [measures.lost_labels(name, results, before.name, after.name, kind) for kind in kinds]
        rows += [row for row in made if row is not None]
    return rows


def report_lines(rows: Sequence[Row]) -> list[str]:
    """Each target with every system's figure, as lines for people."""
    lines = []
    for target in TARGETS:
        key = (target.about, target.source, target.measure)
        found = [row for row in rows if (row.about, row.source, row.measure) == key]
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
            inner = ",\n  ".join(json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value)
            lines.append(f' "{key}": [\n  {inner}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False, allow_nan=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
