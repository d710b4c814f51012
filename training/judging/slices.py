"""Shows where a classifier is weak: every face is judged once, then grouped by source, size, blur, light, mask, turn.

A night camera has no colour, so each face can be judged a second time in grey. Those answers have separate slices. A
slice has its counts and Wilson's 95 % interval, because ten faces prove little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image, Label
from maskwatch.vision import preprocess
from training.augment import crops, weather
from training.judging import wilson
from training.judging.evaluate import Network
from training.pictures import data
from training.runs.progress import track

MIN_FACES = 20  # that a slice needs to be named as the worst
SIZES = (16, 24, 40, 80)  # pixels, shorter side of the face
SHARPNESS = (60.0, 400.0)  # variance of the Laplacian of the face at 64 px
BRIGHTNESS = (70.0, 170.0)  # mean grey, 0–255
# Distance of the nose from the middle of the eyes, as a share of the eyes' distance, from which a face counts as
# turned
TURN = 0.25
MASK_PLACE = (0.3, 0.65, 0.7, 0.9)  # left, top, right, bottom of the area in the face box where a mask's colour is read


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One face, its traits, and the model's answer."""

    sample: crops.Sample
    look: Image  # (S, S, 3) uint8 RGB, the crop that was judged
    bare: float  # how surely it counts as bare, 0–1; a mask worn wrong counts as bare
    answer: Label  # the class with the highest probability
    traits: dict[str, str]  # kind of slice -> slice
    grey: bool = False  # judged without its colour

    @property
    def truth(self) -> Label:
        return data.CLASSES[self.sample.label]

    @property
    def right(self) -> bool:
        """A mask worn wrong is right when it counts as bare."""
        return (self.bare >= 0.5) == (self.truth is not Label.WITH_MASK)


Landmarks = Callable[
    [Image], NDArray[np.float32] | None
]  # picture -> (5, 2) eyes, nose, corners of the mouth of the face with the highest score


def judge(
    network: Network,
    samples: Sequence[crops.Sample],
    pasted: frozenset[str] = frozenset(),
    landmarks: Landmarks | None = None,
    grey: bool = False,
) -> list[Judged]:
    """Judge each sample as the device sees it.

    Args:
        network: opened by evaluate.open_network.
        samples: readable samples.
        pasted: names of portraits with a drawn mask, see data.pasted.
        landmarks: for slices by the turn of the face; without it there are none.
        grey: judge each face a second time without its colour.
    """
    found = []
    for sample in track(samples, "Judging faces"):
        image = data.read_rgb(sample.path)
        crop = crops.cut(sample, image, network.size)
        found.append(_judged(network, sample, crop, traits(sample, image, pasted, landmarks)))
        if grey:
            grey_crop = weather.grey(crop, np.random.default_rng(0))  # this effect draws no random number
            found.append(replace(_judged(network, sample, grey_crop, grey_traits(sample)), grey=True))
    return found


def _judged(network: Network, sample: crops.Sample, look: Image, traits: dict[str, str]) -> Judged:
    logits = network.logits(look[None])[0]
    return Judged(sample, look, float(network.bare(logits)), data.CLASSES[int(logits.argmax())], traits)


def grey_traits(sample: crops.Sample) -> dict[str, str]:
    """Kind of slice -> slice, of a face judged without its colour."""
    found = {"grey": str(data.CLASSES[sample.label])}
    if data.CLASSES[sample.label] is Label.INCORRECT:
        found["grey, worn wrong"] = source(sample)
    return found


def traits(
    sample: crops.Sample, image: Image, pasted: frozenset[str], landmarks: Landmarks | None = None
) -> dict[str, str]:
    """Kind of slice -> slice."""
    masked = data.CLASSES[sample.label] is Label.WITH_MASK
    found = {"class": str(data.CLASSES[sample.label]), "source": source(sample)}
    if data.CLASSES[sample.label] is Label.INCORRECT:
        found["worn wrong"] = source(sample)
    if masked and not sample.source:
        found["mask"] = "pasted" if sample.path.name in pasted else "real"
    if sample.box is None:
        return found
    face = preprocess.face_crop(image, sample.box, 64, margin=0.0)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    side = min(sample.box.width, sample.box.height)
    found["size"] = _bin(side, SIZES, "px")
    sharp = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    found["focus"] = ("blurred", "soft", "sharp")[int(np.searchsorted(SHARPNESS, sharp))]
    found["light"] = ("dark", "medium", "bright")[int(np.searchsorted(BRIGHTNESS, float(grey.mean())))]
    if masked:
        found["mask colour"] = colour(face)
    points = landmarks(image) if landmarks and not sample.street else None
    if points is not None:
        eyes = points[:2, 0]
        turn = (points[2, 0] - eyes.mean()) / max(abs(eyes[1] - eyes[0]), 1e-3)
        found["turned"] = "ahead" if abs(turn) < TURN else ("left" if turn < 0 else "right")
    return found


def source(sample: crops.Sample) -> str:
    """The source of a sample; portraits of --data are split into whole portraits and face crops."""
    if sample.source:
        return sample.source
    return "whole portrait" if sample.whole else "portrait face"


def colour(face: Image) -> str:
    """The mask's colour, read in the lower middle of a (64, 64, 3) uint8 RGB face."""
    left, top, right, bottom = (round(64 * share) for share in MASK_PLACE)
    hue, saturation, value = np.median(
        cv2.cvtColor(face[top:bottom, left:right], cv2.COLOR_RGB2HSV).reshape(-1, 3), axis=0
    )
    if value < 60:
        return "black"
    if saturation < 45:
        return "white" if value > 170 else "grey"
    names = ("red", "yellow", "green", "blue", "purple", "red")
    return names[int(np.searchsorted((12, 38, 80, 130, 160), hue))]  # OpenCV counts hue 0–179


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    at = int(np.searchsorted(edges, value, side="right"))
    if at == 0:
        return f"under {edges[0]:g} {unit}"
    return f"{edges[at - 1]:g}–{edges[at]:g} {unit}" if at < len(edges) else f"{edges[-1]:g} {unit} and more"


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """The faces that share a trait."""

    kind: str
    name: str
    faces: tuple[Judged, ...]

    @property
    def wrong(self) -> tuple[Judged, ...]:
        return tuple(face for face in self.faces if not face.right)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share judged right."""
        return wilson.interval(len(self.faces) - len(self.wrong), len(self.faces))

    def record(self) -> dict[str, Any]:
        """Ready for JSON: counts, and shares 0–1."""
        low, high = self.interval
        bare = [face for face in self.faces if face.truth is Label.WITHOUT_MASK]
        masked = [face for face in self.faces if face.truth is Label.WITH_MASK]
        wrong = [face for face in self.faces if face.truth is Label.INCORRECT]
        return {
            "kind": self.kind,
            "slice": self.name,
            "n": len(self.faces),
            "right": round(1 - len(self.wrong) / len(self.faces), 4),
            "interval95": [round(low, 4), round(high, 4)],
            "bare_called_masked": f"{sum(not face.right for face in bare)}/{len(bare)}",
            "masked_called_bare": f"{sum(not face.right for face in masked)}/{len(masked)}",
            "worn_wrong_flagged": f"{sum(face.right for face in wrong)}/{len(wrong)}",
        }


def slices(judged: Iterable[Judged]) -> list[Slice]:
    """A slice of all faces in colour, then the slices of each kind in the order of their names."""
    faces = tuple(judged)
    groups: dict[tuple[str, str], list[Judged]] = {}
    for face in faces:
        for trait in face.traits.items():
            groups.setdefault(trait, []).append(face)
    kinds = list(dict.fromkeys(kind for face in faces for kind in face.traits))
    order = sorted(groups, key=lambda trait: (kinds.index(trait[0]), trait[1]))
    return [
        Slice("all", "all", tuple(face for face in faces if not face.grey)),
        *(Slice(*trait, tuple(groups[trait])) for trait in order),
    ]


def worst(found: Iterable[Slice]) -> Slice | None:
    """The most surely weak slice: of those with MIN_FACES faces and a mistake, the lowest upper end of the interval."""
    weak = [group for group in found if len(group.faces) >= MIN_FACES and group.wrong and group.kind != "all"]
    return min(weak, key=lambda group: group.interval[1], default=None)


def table(found: Iterable[Slice]) -> str:
    """The slices as a table for people."""
    lines = [
        f"{'slice':<34}{'n':>6}{'right':>9}   {'95 % interval':<18}"
        f"{'bare→masked':>12}{'masked→bare':>13}{'wrong flagged':>15}"
    ]
    for group in found:
        row = group.record()
        low, high = row["interval95"]
        name = row["slice"] if row["kind"] == "all" else f"{row['kind']}: {row['slice']}"
        lines.append(
            f"{name:<34}{row['n']:>6}{row['right']:>9.2%}   {f'{low:.2%} – {high:.2%}':<18}"
            f"{row['bare_called_masked']:>12}{row['masked_called_bare']:>13}{row['worn_wrong_flagged']:>15}"
        )
    return "\n".join(lines)


def pictures(faces: Iterable[Judged]) -> list[tuple[Image, str]]:
    """For a contact sheet: each crop with its truth and how surely it was called bare, the worst first."""
    ordered = sorted(faces, key=lambda face: -abs(face.bare - (face.truth is not Label.WITH_MASK)))
    short = {Label.WITH_MASK: "mask", Label.WITHOUT_MASK: "bare", Label.INCORRECT: "wrong"}
    return [(face.look, f"{short[face.truth]}, bare {face.bare:.2f}") for face in ordered]
