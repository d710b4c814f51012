"""Reports a classifier's answers on all faces, in slices, figures and pictures: `python -m training slices`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwatch.flow import Label
from maskwatch.records.quality import Slices
from maskwatch.system import whole_file
from training.augment import crops
from training.judging import calibration, evaluate, peers, plots
from training.judging import slices as sliced
from training.pictures import contact_sheet, data, quick, voc

PICTURES = ("mistakes.png", "grey.png", "worst.png", "reliability.png", "thresholds.png")


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that is judged, and the data."""

    model: Path
    root: Path  # portraits
    scenes: Sequence[Path]  # a source each
    part: str  # of the split, or "all"
    seed: int  # of the split
    yunet: Path | None  # for slices by the turn of the face
    quick: bool = False  # a few faces of each class of each source


def write(subject: Subject, people: int, out: Path, say: Callable[[str], None]) -> None:
    """Judge a part of the data, print a summary, and write the figures and pictures into the folder `out`.

    Args:
        subject: see Subject.
        people: the recommended threshold gives at most one false alarm in this number of masked people.
        out: a folder; it is made if it does not exist.
        say: prints a line.

    Raises:
        ModelError: the model cannot be used.
        SourceError: the data cannot be used.
    """
    judged = judge(subject, grey=True)
    out.mkdir(parents=True, exist_ok=True)
    figures = summary(judged, people)
    record = Slices(model=subject.model.name, part=subject.part, seed=subject.seed, **figures)
    whole_file.write(out / "slices.json", json.dumps(record.as_json(), indent=1) + "\n")
    draw(judged, people, out)
    found = sliced.slices(judged)
    say(sliced.table(found))
    weakest = sliced.worst(found)
    if weakest:
        say(f"worst slice: {weakest.kind}: {weakest.name}, {len(weakest.wrong)} of {len(weakest.faces)} wrong")
    say(f"expected calibration error {figures['calibration_error']:.4f}")
    say(recommended(figures["chosen"], people))
    say(f"wrote {', '.join(name for name in ('slices.json', *PICTURES) if (out / name).exists())} into {out}")


def recommended(point: dict[str, float] | None, people: int) -> str:
    """The recommended threshold in words; without masked and bare faces there is none."""
    if point is None:
        return (
            "no threshold can be recommended: no masked or no bare face was cut out of a picture; "
            "`python -m training find-faces DATA` finds those of portraits, --scenes names others"
        )
    sentence = (
        f"threshold {point['threshold']:g} (at most one false alarm in {people}): "
        f"{point['false_alarms']} of {point['masked']} masked called bare, "
        f"{point['missed']} of {point['bare']} bare called masked"
    )
    return sentence + f"; so few masked faces cannot show one in {people}" if point["masked"] < people else sentence


def judge(subject: Subject, grey: bool = False) -> list[sliced.Judged]:
    """Judge every readable face of the part; with `grey`, each a second time without colour."""
    network = evaluate.open_network(subject.model)
    known = data.faces(subject.root)
    dataset = data.load(subject.root)
    photos = dataset.photos if subject.part == "all" else getattr(dataset.split(subject.seed), subject.part)
    samples = crops.portraits(photos, known) + crops.of_sources(voc.sources(subject.scenes, subject.seed), subject.part)
    if subject.quick:
        samples = quick.few(samples, quick.EACH, lambda sample: (sample.source, sample.label, sample.whole))
    good = data.readable(sample.path for sample in samples)
    return sliced.judge(
        network,
        [sample for sample in samples if sample.path in good],
        data.pasted(subject.root),
        peers.yunet_landmarks(subject.yunet) if subject.yunet else None,
        grey,
    )


def with_clear_class(judged: list[sliced.Judged]) -> tuple[Any, Any]:
    """(N,) how surely each face was called bare, and (N,) whether it is bare, for faces with a clear class.

    Left out are whole portraits, because the device never sees one; masks worn wrong, because a site may count them
    either way; and faces without colour.
    """
    faces = [face for face in judged if not (face.sample.whole or face.grey) and face.truth is not Label.INCORRECT]
    bare = np.array([face.bare for face in faces], np.float32)
    return bare, np.array([face.truth is Label.WITHOUT_MASK for face in faces], bool)


def summary(judged: list[sliced.Judged], people: int) -> dict[str, Any]:
    """The figures, ready for JSON."""
    bare, is_bare = with_clear_class(judged)
    points = calibration.points(bare, is_bare)
    found = sliced.slices(judged)
    weakest = sliced.worst(found)
    return {
        "slices": [group.record() for group in found],
        "worst": weakest.record() if weakest else None,
        "incorrect": incorrect(judged),
        "calibration_error": round(calibration.expected_error(calibration.bins(bare, is_bare)), 4),
        "thresholds": [as_json(point) for point in points],
        "chosen": as_json(calibration.choose(points, people)) if is_bare.any() and not is_bare.all() else None,
    }


def incorrect(judged: list[sliced.Judged]) -> dict[str, int]:
    """Masks worn wrong: their number, and how many were called each class."""
    faces = [face for face in judged if face.truth is Label.INCORRECT and not face.grey]
    answers = [face.answer for face in faces]
    return {"n": len(faces), **{f"called_{label}": answers.count(label) for label in data.CLASSES}}


def as_json(point: calibration.Point) -> dict[str, float]:
    """One operating point."""
    return {name: getattr(point, name) for name in ("threshold", "false_alarms", "masked", "missed", "bare")}


def draw(judged: list[sliced.Judged], people: int, out: Path) -> None:
    """Write the pictures."""
    bare, is_bare = with_clear_class(judged)
    bins, points = calibration.bins(bare, is_bare), calibration.points(bare, is_bare)
    for name in PICTURES:
        (out / name).unlink(missing_ok=True)  # an old one may be of another model, and now there may be nothing to draw
    if is_bare.any() and not is_bare.all():
        plots.reliability(bins, calibration.expected_error(bins), out / "reliability.png")
        plots.operating(points, calibration.choose(points, people), out / "thresholds.png")
    for grey, name in ((False, "mistakes.png"), (True, "grey.png")):
        contact_sheet.write(
            sliced.pictures(face for face in judged if face.grey is grey and not face.right), out / name
        )
    weakest = sliced.worst(sliced.slices(judged))
    contact_sheet.write(sliced.pictures(weakest.wrong) if weakest else [], out / "worst.png")
