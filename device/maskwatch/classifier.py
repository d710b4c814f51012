"""Face -> verdict: with a mask or without, by an int8 MobileNetV2 on the face's crop."""

from __future__ import annotations

import numpy as np

from maskwatch import preprocess
from maskwatch.bundle import REBUILD, Bundle
from maskwatch.errors import ModelError
from maskwatch.flow import Face, Image, Label, Verdict
from maskwatch.runtime import Floats, Model


class MaskClassifier:
    """Judges one face at a time.

    Raises:
        ModelError: the model does not answer one logit for each label.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        card = bundle.card
        self._model = Model(bundle.flatbuffer, threads, bundle.origin)
        self._margin = preprocess.FACE_MARGIN if card.margin is None else card.margin
        self._temperature = card.temperature
        self._labels = _labels(bundle)
        blank = np.zeros((self._model.input_size, self._model.input_size, 3), np.uint8)
        shapes = [output.shape for output in self._model.run(blank)]  # also warms the caches up
        if shapes != [(1, len(self._labels))]:
            raise ModelError(f"model {bundle.origin}: answers {shapes}, expected [(1, {len(self._labels)})]; {REBUILD}")

    def crop(self, image: Image, face: Face) -> Image:
        """(H, W, 3) uint8 RGB and a face in it -> (S, S, 3) uint8 RGB."""
        return preprocess.face_crop(image, face.box, self._model.input_size, self._margin)

    def verdict(self, crop: Image) -> Verdict:
        """Judge one crop."""
        scores = softmax(self._model.run(crop)[0][0] / np.float32(self._temperature))
        best = int(scores.argmax())
        return Verdict(self._labels[best], float(scores[best]))


def softmax(logits: Floats) -> Floats:
    """(C,) logits -> (C,) shares that add up to 1."""
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _labels(bundle: Bundle) -> tuple[Label, ...]:
    found = bundle.card.labels
    if sorted(found) != sorted(Label):
        raise ModelError(f"model {bundle.origin}: labels {found}, expected {', '.join(Label)}; {REBUILD}")
    return tuple(Label(label) for label in found)
