"""The quality of each variant, from the proof that convert writes beside a model: NAME.report.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskwatch.errors import MaskwatchError
from maskwatch.records.proof import REMEDY, SUFFIX, Figures, MaskFigures, Proof, Share

PART = "test"  # the part of the split on which no choice was made
MEASURES = {"accuracy": "Accuracy", "ap50": "AP50 of street scenes"}  # of a classifier, of a finder
# The street scenes: the view that all finders are compared on, because ours are also judged on portraits and other
# sources. Its name is that of the folder, or "frame" in a proof with one source of scenes.
STREETS = ("face-mask-boxes", "frame")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share, 0–1, with its 95 % interval: of right pictures, or an average precision at an overlap of 0.5."""

    measure: str  # a key of MEASURES
    value: float
    low: float
    high: float
    pictures: int  # that it was judged on; another network may have other ones


def proofs(folder: Path) -> list[tuple[str, Path]]:
    """Network and file of every proof in a folder; the file is named after its network.

    Raises:
        MaskwatchError: there are none.
    """
    found = [(path.name.removesuffix(SUFFIX), path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if not found:
        raise MaskwatchError(f"accuracy {folder}: no NAME{SUFFIX} in it; expected those that `python -m convert` makes")
    return found


def read(path: Path) -> dict[str, Accuracy]:
    """Variant -> its quality.

    Raises:
        MaskwatchError: the file is missing or no proof, or the finder was not judged on street scenes.
    """
    proof = Proof.read(path, REMEDY)
    if PART not in proof.parts:
        raise MaskwatchError(f"accuracy {path}: no part {PART}; {REMEDY}")
    return {variant: _accuracy(figures, path) for variant, figures in proof.parts[PART].figures.items()}


def _accuracy(figures: Figures, path: Path) -> Accuracy:
    """A proof's figures, which are in per cent, as shares."""
    if isinstance(figures, MaskFigures):
        return _share("accuracy", figures.accuracy, figures.n)
    for view in STREETS:
        if view in figures.by_view:
            found = figures.by_view[view]
            return _share("ap50", found.ap50, found.pictures)
    raise MaskwatchError(f"accuracy {path}: no AP50 of street scenes ({' or '.join(STREETS)}); {REMEDY}")


def _share(measure: str, found: Share, pictures: int) -> Accuracy:
    low, high = found.interval95
    return Accuracy(measure, (found.value or 0.0) / 100, low / 100, high / 100, pictures)
