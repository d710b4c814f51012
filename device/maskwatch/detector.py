"""Frame -> faces. Our single-shot finder, or OpenCV's YuNet with a file of the user's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from maskwatch import decoding, preprocess
from maskwatch.bundle import REBUILD, Bundle
from maskwatch.errors import ModelError
from maskwatch.flow import Face, Image
from maskwatch.quiet import mute_cv2
from maskwatch.runtime import Model

DEFAULT_MIN_SCORE = 0.5  # 0–1, for a finder whose card names none
YUNET_MAX_IOU = 0.3  # OpenCV's own default

Ready = tuple[Image, Image, preprocess.Letterbox]  # a frame, the network's input made of it, and its placement


class SingleShotDetector:
    """Our finder.

    Raises:
        ModelError: the model does not answer a score map and a box map for each stride.
    """

    def __init__(self, bundle: Bundle, min_score: float | None, threads: int) -> None:
        """
        Args:
            bundle: of task face.
            min_score: a face below this, 0–1, is left out; None: the threshold in the bundle's card.
            threads: of the interpreter.
        """
        chosen = bundle.card.score_threshold if min_score is None else min_score
        least = DEFAULT_MIN_SCORE if chosen is None else chosen
        self._ready: Ready | None = None  # made ahead
        self._model = Model(bundle.flatbuffer, threads, bundle.origin)
        size = self._model.input_size
        blank = self._model.answer(np.zeros((size, size, 3), np.uint8))
        try:
            self._grid = decoding.grid(blank, self._model.scales, size, least)
        except ValueError as error:
            raise ModelError(f"model {bundle.origin}: {error}; {REBUILD}") from error

    def ahead(self, image: Image) -> None:
        """Make the input of find(image) already: on another thread, while find() is busy with the image before."""
        self._ready = self._prepared(image)

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image, surest first, boxes in its pixels."""
        ready = self._ready  # read once: the other thread may replace it
        _, pixels, placement = ready if ready is not None and ready[0] is image else self._prepared(image)
        found, scores = self._grid.decode(self._model.answer(pixels))
        kept = decoding.non_maximum_suppression(found, scores)
        return decoding.as_faces(placement.to_image(found[kept]), scores[kept])

    def _prepared(self, image: Image) -> Ready:
        return (image, *preprocess.letterbox(image, self._model.input_size))


class YuNetDetector:
    """OpenCV's face detector (cv2.FaceDetectorYN) at the frame's own size.

    Raises:
        ModelError: the file is missing, or not YuNet's.
    """

    def __init__(self, path: Path, min_score: float) -> None:
        """
        Args:
            path: face_detection_yunet_*.onnx; none ships with maskwatch.
            min_score: a face below this, 0–1, is left out.
        """
        if not path.is_file():
            raise ModelError(f"model {path}: no such file; name YuNet's ONNX file")
        if path.suffix != ".onnx":  # OpenCV 5 goes by the suffix, and crashes on many a .tflite
            raise ModelError(f"model {path}: not an .onnx file; name YuNet's")
        mute_cv2()
        try:
            self._detector = cv2.FaceDetectorYN.create(str(path), "", (320, 320), min_score, YUNET_MAX_IOU)
            self.find(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            reason = (error.err or str(error)).strip().splitlines()[0]
            raise ModelError(f"model {path}: OpenCV cannot run it ({reason}); name YuNet's ONNX file") from error

    def ahead(self, image: Image) -> None:
        """Nothing: it takes the frame as it is."""

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image, surest first, boxes in its pixels."""
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        if rows is None:
            return []
        # Columns: x, y, width, height, five landmarks, score.
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        order = np.argsort(-rows[:, 14], kind="stable")
        return decoding.as_faces(corners[order], rows[order, 14])
