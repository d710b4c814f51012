"""Judges and times candidates for the shipped models, in one record.

All are timed in turns on one thread, as in `models`. They are judged on the validation part, which should decide the
choice, and on the test part. The test part shows the quality of the choice only if nobody chooses by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import records
from benchmarks.networks import models
from maskwatch.vision import bundle
from maskwatch.vision.finder import SingleShotDetector
from training.judging import detections, plots, slices, slices_report, wilson
from training.judging.average_precision import average_precision, precision_interval
from training.judging.detections import Found
from training.pictures import data, quick, voc

PARTS = ("validation", "test")
QUICK_ROUNDS = 5
MIN_SCORE = 0.1  # of the boxes for the average precision
FINDER_SIDES = (24.0, 40.0)  # pixels: smaller annotated faces are ignored


@dataclass(frozen=True, slots=True)
class Material:
    """The data that candidates are judged on."""

    portraits: Path
    scenes: Sequence[Path]  # a source each
    seed: int = 0  # of the split
    quick: bool = False  # use only a few pictures


def measure(
    classifiers: Mapping[str, Path], finders: Mapping[str, Path], material: Material, rounds: int = models.ROUNDS
) -> dict[str, Any]:
    """The record, ready for JSON.

    Args:
        classifiers: name -> bundle of task mask.
        finders: name -> bundle of task face.
        material: annotated pictures.
        rounds: measured calls of each.

    Raises:
        ModelError: a candidate is not a bundle of its task.
    """
    for path in classifiers.values():
        bundle.read(path, "mask")
    runners = [models.network(name, path) for name, path in classifiers.items()]
    runners += [models.finder(name, path) for name, path in finders.items()]
    record = models.measure(runners, {}, min(rounds, QUICK_ROUNDS) if material.quick else rounds)
    for row, runner in zip(record["models"], runners, strict=True):
        judge = {"network": mask, "finder": face}[runner.kind]
        row["quality"] = {part: judge(runner.file, material, part) for part in PARTS}
    return {**record, "kind": "search-quick" if material.quick else "search"}


def mask(path: Path, material: Material, part: str) -> dict[str, Any]:
    """Kind of picture -> share judged right, 0–1, with its interval and count."""
    subject = slices_report.Subject(
        path, material.portraits, material.scenes, part, material.seed, None, material.quick
    )
    judged = slices_report.judge(subject)
    found: dict[str, list[bool]] = {}
    for face in judged:
        found.setdefault(slices.source(face.sample), []).append(face.right)
    return {name: share(rights) for name, rights in sorted(found.items())}


def face(path: Path, material: Material, part: str) -> dict[str, Any]:
    """Average precision by source and smallest side of a face; and the share of portraits in which a face is found."""
    opened = bundle.read(path, "face")
    finder, reporting = SingleShotDetector(opened, MIN_SCORE, models.THREADS), SingleShotDetector(opened, None, 1)
    splits = voc.sources(material.scenes, material.seed)
    photos = data.load(material.portraits).split(material.seed)
    if material.quick:
        splits = {name: quick.of_scenes(split, quick.PICTURES) for name, split in splits.items()}
        photos = quick.of_photos(photos, quick.PICTURES)
    quality = {}
    for name, split in splits.items():
        source = "" if len(splits) == 1 else f"{name}: "
        quality |= {f"{source}{measure}": value for measure, value in streets(finder, voc.part(split, part)).items()}
    portraits = getattr(photos, part)
    quality["portraits with a face found"] = share(
        [bool(reporting.find(data.read_rgb(photo.path))) for photo in portraits]
    )
    return quality


def streets(finder: SingleShotDetector, scenes: Sequence[voc.Scene]) -> dict[str, Any]:
    """Average precision, for each smallest side of the faces that count."""
    good = data.readable(scene.path for scene in scenes)
    readable = [scene for scene in scenes if scene.path in good]
    found = {
        scene.key: [Found(face.box, face.score) for face in finder.find(data.read_rgb(scene.path))]
        for scene in readable
    }
    quality = {}
    for side in FINDER_SIDES:
        annotated = {scene.key: detections.as_truths(scene.faces, side) for scene in readable}
        precision, count = average_precision(found, annotated, min_side=side)
        quality[f"AP50, faces from {side:.0f} px"] = {
            "value": round(precision, 4),
            "interval95": [round(end, 4) for end in precision_interval(found, annotated, side)],
            "n": count,
        }
    return quality


def share(rights: Sequence[bool]) -> dict[str, Any]:
    """The share of true values, with Wilson's interval."""
    low, high = wilson.interval(sum(rights), len(rights))
    value = float(np.mean(rights)) if rights else 0.0
    return {"value": round(value, 4), "interval95": [round(low, 4), round(high, 4)], "n": len(rights)}


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw mistakes against milliseconds, in panels for classifiers and finders, as a PNG."""
    panels: dict[str, list[plots.Candidate]] = {}
    for row in record["models"]:
        median = records.spread(row["ms"])[0]
        title = {"network": "mask classifier", "finder": "face finder"}[row["kind"]]
        panels.setdefault(title, []).append(plots.Candidate(row["name"], median, row["quality"]["test"]))
    plots.search(panels, path)
