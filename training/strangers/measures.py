"""Counts, shares and average precisions, each with a 95 % interval: Wilson's for a share, Garwood's for a number of
false faces, and for an average precision from RESAMPLED sets of as many pictures drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from maskwatch.flow import Label
from training.judging import detections, matching, mistakes, scorer, wilson
from training.judging.average_precision import average_precision, resampled_precisions
from training.judging.detections import Findings, Found, Truth
from training.pictures import data
from training.strangers.pictures import PORTRAITS
from training.strangers.systems import System
from training.strangers.watch import PictureResult

RESAMPLED = 1000  # sets, seed 0
MISTAKES = "mistakes"
WORN_WRONG, MASKED_BARE, BARE_MASKED = "worn wrong flagged", "masked called bare", "bare called masked"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    about: str  # faces, mistakes, rooms, labels, crops, portraits, close-ups, float, found, right
    source: str
    system: str
    measure: str
    value: float | None  # None: there was nothing to count
    interval95: tuple[float, float] | None
    n: int
    hits: int | None = None  # of n; None: the figure is not a share

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        ends = self.interval95 and [round(end, 4) for end in self.interval95]
        value = None if self.value is None else round(self.value, 4)
        fields = ("about", "source", "system", "measure", "hits", "n")
        return {**{name: getattr(self, name) for name in fields}, "value": value, "interval95": ends}


def share(about: str, source: str, system: str, measure: str, rights: Iterable[bool]) -> Row:
    """The row of a share: how many of the values are true."""
    found = list(rights)
    hits, n = sum(found), len(found)
    ends = wilson.interval(hits, n) if n else None
    return Row(about, source, system, measure, hits / n if n else None, ends, n, hits)


def by_source(results: Iterable[PictureResult]) -> dict[str, list[PictureResult]]:
    """The pictures of each source."""
    found: dict[str, list[PictureResult]] = {}
    for result in results:
        found.setdefault(result.picture.source, []).append(result)
    return found


def truths(results: Iterable[PictureResult], min_side: float) -> dict[str, list[Truth]]:
    """The annotated faces of each picture; faces smaller than `min_side` are ignored."""
    return {result.picture.key: detections.as_truths(result.picture.faces, min_side) for result in results}


def faces(source: str, results: Sequence[PictureResult], system: System, min_side: float) -> list[Row]:
    """How well a detector finds the faces of annotated scenes, whatever their class."""
    annotated, found = truths(results, min_side), {result.picture.key: result.found[system.name] for result in results}
    value, count = average_precision(found, annotated, min_side=min_side)
    counts = matching.tally(found, annotated, system.threshold, min_side)
    kinds = mistakes.of(found, annotated, system.threshold, min_side)
    return [
        Row("faces", source, system.name, "AP50", value, _middle(precisions(found, annotated, min_side)), count),
        _counted(source, system.name, "recall", counts.matched, counts.matched + counts.missed),
        _counted(source, system.name, "precision", counts.matched, counts.matched + counts.false),
        *(
            _counted(source, system.name, kind, hits, kinds.found + (kinds.missed if missed else kinds.false), MISTAKES)
            for kind, (hits, missed) in by_kind(kinds).items()
        ),
    ]


def by_kind(kinds: mistakes.Mistakes) -> dict[str, tuple[int, bool]]:
    """Kind of mistake, in words -> its number, and whether it is a missed face; otherwise it is a false box."""
    return {
        "false: badly placed": (kinds.false_misplaced, False),
        "false: second box": (kinds.false_doubled, False),
        "false: on nothing annotated": (kinds.false_nothing, False),
        "missed: badly placed": (kinds.missed_misplaced, True),
        "missed: lower score": (kinds.missed_score, True),
        "missed: no box": (kinds.missed_nothing, True),
    }


def precisions(found: Findings, annotated: Mapping[str, list[Truth]], min_side: float) -> NDArray[np.float64]:
    """(RESAMPLED,) average precisions of pictures drawn with replacement."""
    return resampled_precisions(found, annotated, min_side, RESAMPLED)


def _counted(source: str, system: str, measure: str, hits: int, n: int, about: str = "faces") -> Row:
    return Row(
        about, source, system, measure, hits / n if n else None, wilson.interval(hits, n) if n else None, n, hits
    )


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def rooms(source: str, results: Sequence[PictureResult], system: System) -> Row:
    """False faces of any size, an image, in pictures with nobody; with Garwood's interval of a Poisson count
    (Biometrika 28, 1936), which also bounds the rate when none was found."""
    false = sum(face.score >= system.threshold for result in results for face in result.found[system.name])
    low = chi2.ppf(0.025, 2 * false) / 2 if false else 0.0
    high = chi2.ppf(0.975, 2 * false + 2) / 2
    ends = float(low) / len(results), float(high) / len(results)
    return Row("rooms", source, system.name, "false faces an image", false / len(results), ends, len(results), false)


@dataclass(frozen=True, slots=True, eq=False)
class FaceResult:
    """An annotated face, and the box that found it, if any."""

    picture_result: PictureResult
    at: int  # index of the face
    found: Found | None

    @property
    def name(self) -> str:
        return self.picture_result.picture.faces[self.at].name

    @property
    def traits(self) -> dict[str, str]:
        return self.picture_result.traits[self.at]


def face_results(results: Iterable[PictureResult], system: System, min_side: float) -> Iterator[FaceResult]:
    """Every annotated face that counts, found at the threshold or not."""
    for result in results:
        annotated = detections.as_truths(result.picture.faces, min_side)
        matched, _ = matching.match(result.found[system.name], annotated, system.threshold, min_side)
        yield from (FaceResult(result, at, matched.get(at)) for at, true in enumerate(annotated) if not true.ignored)


def right(label: str, name: str) -> bool:
    """Whether a verdict is right: a mask worn wrong counts as bare."""
    return (label == Label.WITH_MASK) == (name == Label.WITH_MASK)


def labels(source: str, results: Sequence[PictureResult], system: System, min_side: float) -> list[Row]:
    """How the found faces are labelled."""
    pairs = [
        (str(face.found.label), face.name)
        for face in face_results(results, system, min_side)
        if face.found and face.name in data.CLASSES
    ]
    return called("labels", source, system.name, pairs)


def called(about: str, source: str, system: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """The three kinds of mistakes among pairs of (answer, truth); without a row for a class that does not occur."""
    mistakes = (
        (WORN_WRONG, Label.INCORRECT, Label.WITHOUT_MASK),
        (MASKED_BARE, Label.WITH_MASK, Label.WITHOUT_MASK),
        (BARE_MASKED, Label.WITHOUT_MASK, Label.WITH_MASK),
    )
    rows = [
        share(about, source, system, measure, [answer == answered for answer, name in pairs if name == truth])
        for measure, truth, answered in mistakes
    ]
    return [row for row in rows if row.n]


def crops(source: str, results: Sequence[PictureResult], system: str, min_side: float) -> list[Row]:
    """How a classifier alone labels the annotated faces, by the kind of crop."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for result in results:
        for crop in result.crops:
            if crop.system == system and (name := _truth(result, crop.at, min_side)):
                answer = Label.WITHOUT_MASK if crop.bare >= 0.5 else Label.WITH_MASK
                pairs.setdefault(crop.kind, []).append((str(answer), name))
    rows = []
    for kind, found in pairs.items():
        rows += called(f"crops: {kind}", source, system, found)
        if source == PORTRAITS:
            rows.append(share(f"crops: {kind}", source, system, "right", [right(*pair) for pair in found]))
    return rows


def _truth(result: PictureResult, at: int, min_side: float) -> str:
    """The class of a face that counts; empty for other faces."""
    if result.picture.label:
        return result.picture.label
    face = result.picture.faces[at]
    return face.name if min(face.box.width, face.box.height) >= min_side else ""


def portraits(results: Sequence[PictureResult], system: System) -> list[Row]:
    """Finder and classifier together: the largest face found, and its label."""
    found = {
        result.picture.key: [face for face in result.found[system.name] if face.score >= system.threshold]
        for result in results
    }
    figures = scorer.score_portraits(found, {result.picture.key: result.picture.label for result in results})
    n, hits, none = len(results), figures["right"], figures["no_face"]
    return [
        Row("portraits", PORTRAITS, system.name, "right", hits / n, wilson.interval(hits, n), n, hits),
        Row("portraits", PORTRAITS, system.name, "no face found", none / n, wilson.interval(none, n), n, none),
    ]


def close_ups(source: str, results: Sequence[PictureResult], system: System, min_side: float) -> list[Row]:
    """Share found of masked faces from close, and of those whose mask has a print, an edge or a valve."""
    close = [face for face in face_results(results, system, min_side) if face.traits.get("close-up") == "masked"]
    uneven = [face for face in close if face.traits.get("mask surface") == "uneven"]
    rows = [
        share("close-ups", source, system.name, measure, [face.found is not None for face in chosen])
        for measure, chosen in (("masked, found", close), ("uneven mask, found", uneven))
    ]
    return [row for row in rows if row.n]


def lost(source: str, results: Sequence[PictureResult], before: System, after: System, min_side: float) -> list[Row]:
    """Average precision of float minus that of int8. The interval comes from the same drawn pictures for both."""
    annotated = truths(results, min_side)
    both = [{result.picture.key: result.found[system.name] for result in results} for system in (before, after)]
    values = [average_precision(found, annotated, min_side=min_side) for found in both]
    drawn = [precisions(found, annotated, min_side) for found in both]
    name = f"{after.name} against {before.name}"
    return [
        Row("float", source, name, "AP50 drop", values[0][0] - values[1][0], _middle(drawn[0] - drawn[1]), values[0][1])
    ]


def lost_labels(source: str, results: Sequence[PictureResult], before: str, after: str, kind: str) -> Row | None:
    """For a classifier alone: the share of right labels of float, minus that of int8 on the same crops.

    None: no crop has a known class.
    """
    rights = {
        name: np.array(
            [
                right(str(Label.WITHOUT_MASK if crop.bare >= 0.5 else Label.WITH_MASK), _truth(result, crop.at, 0.0))
                for result in results
                for crop in result.crops
                if crop.system == name and crop.kind == kind
            ],
            float,
        )
        for name in (before, after)
    }
    differences = rights[before] - rights[after]
    if not len(differences):
        return None
    draws = np.random.default_rng(0).integers(len(differences), size=(RESAMPLED, len(differences)))
    return Row(
        f"float, crops: {kind}",
        source,
        f"{after} against {before}",
        "drop",
        float(differences.mean()),
        _middle(differences[draws].mean(axis=1)),
        len(differences),
    )
