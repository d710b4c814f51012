"""Face -> verdict: with or without a mask, by an int8 MobileNetV2 on a crop of the face.

A model may have a third class, a mask worn wrong (nose or mouth not covered). A verdict has only two labels. The
setting [mask] incorrect decides which of them the third class counts as.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwatch.errors import ModelError
from maskwatch.flow import Face, Image, Label, Verdict
from maskwatch.vision import preprocess
from maskwatch.vision.bundle import REBUILD, Bundle
from maskwatch.vision.quantization import Floats
from maskwatch.vision.runtime import Model


class MaskClassifier:
    """Judges one face at a time.

    Raises:
        ModelError: the model does not give one logit for each label, or its input has another size than its card
            states.
    """

    def __init__(self, bundle: Bundle, threads: int, incorrect: Label = Label.WITHOUT_MASK) -> None:
        """
        Args:
            bundle: of task mask.
            threads: of the interpreter.
            incorrect: what a mask worn wrong counts as, with_mask or without_mask.
        """
        card, self._origin = bundle.card, bundle.origin
        self._model = Model(bundle.flatbuffer, threads, bundle.origin)
        bundle.demand_size(self._model.input_size)
        self._margin = preprocess.FACE_MARGIN if card.margin is None else card.margin
        self._temperature, self._bias = card.temperature, card.bias
        self._labels = _labels(bundle)
        self._incorrect = incorrect
        blank = np.zeros((self._model.input_size, self._model.input_size, 3), np.uint8)
        shapes = [output.shape for output in self._model.run(blank)]  # also fills the caches
        if shapes != [(1, len(self._labels))]:
            raise ModelError(f"model {bundle.origin}: answers {shapes}, expected [(1, {len(self._labels)})]; {REBUILD}")

    def crop(self, image: Image, face: Face) -> Image:
        """(H, W, 3) uint8 RGB and a face in it -> the network's input, (S, S, 3) uint8 RGB."""
        return preprocess.face_crop(image, face.box, self._model.input_size, self._margin)

    @property
    def input_size(self) -> int:
        """Side of a crop, pixels."""
        return self._model.input_size

    def verdict(self, crop: Image) -> Verdict:
        """Judge one crop.

        Raises:
            ModelError: the model's output is not a number.
        """
        bare = bare_share(self.logits(crop), self._labels, self._temperature, self._bias, self._incorrect)
        return as_verdict(float(bare))

    def logits(self, crop: Image) -> Floats:
        """The model's output for one (S, S, 3) uint8 RGB crop: (C,) float32, one logit for each label.

        Raises:
            ModelError: an output is not a finite number.
        """
        logits: Floats = self._model.run(crop)[0][0]
        if not np.isfinite(logits).all():  # any comparison with NaN is false, so the face would count as masked
            raise ModelError(f"model {self._origin}: answers {logits.tolist()}, expected finite numbers; {REBUILD}")
        return logits


def bare_share(
    logits: Floats,
    labels: Sequence[str],
    temperature: float = 1.0,
    bias: float = 0.0,
    incorrect: Label = Label.WITHOUT_MASK,
) -> Floats:
    """The probability that a face counts as bare.

    Args:
        logits: (..., C) float32, one for each class.
        labels: the C class names.
        temperature: divides the logits (Guo et al. 2017, arXiv 1706.04599).
        bias: added to the log-odds of bare (Platt 1999), so that both kinds of error are equally likely at 0.5.
        incorrect: what the class mask_weared_incorrect counts as.

    Returns:
        (...) float32, 0–1.
    """
    counted = {Label.WITHOUT_MASK} | ({Label.INCORRECT} if incorrect == Label.WITHOUT_MASK else set())
    bare = np.array([label in counted for label in labels])
    scaled = logits / np.float32(temperature)
    odds = np.logaddexp.reduce(scaled[..., bare], axis=-1) - np.logaddexp.reduce(scaled[..., ~bare], axis=-1)
    return np.asarray(1 / (1 + np.exp(-(odds + np.float32(bias)).clip(-80, 80))), np.float32)


def as_verdict(bare: float) -> Verdict:
    """The verdict for a probability of bare, 0–1: the likelier label."""
    return Verdict(Label.WITHOUT_MASK, bare) if bare >= 0.5 else Verdict(Label.WITH_MASK, 1 - bare)


def _labels(bundle: Bundle) -> tuple[Label, ...]:
    found = bundle.card.labels
    if sorted(found) not in (sorted(Label), sorted((Label.WITH_MASK, Label.WITHOUT_MASK))):
        raise ModelError(
            f"model {bundle.origin}: labels {found}, "
            f"expected with_mask, without_mask and perhaps mask_weared_incorrect; {REBUILD}"
        )
    return tuple(Label(label) for label in found)
