"""Frame -> faces, by our single-shot finder, or by OpenCV's YuNet with a file that the user provides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ModelError
from maskwatch.flow import Face, Image
from maskwatch.system import regular_file
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.vision import decoding, preprocess
from maskwatch.vision.bundle import REBUILD, Bundle
from maskwatch.vision.runtime import Model

DEFAULT_MIN_SCORE = 0.5  # 0–1, if the finder's card has no threshold
YUNET_MAX_IOU = 0.3  # OpenCV's default
MAX_YUNET = 16 << 20  # bytes of the file; YuNet's files have 0.1 to 0.3 MB
MAX_FACES = 200  # faces with the highest scores that are returned; no picture of our data sets has more than 115

Ready = tuple[Image, Image, preprocess.Letterbox]  # a frame, the network's input made of it, and its placement


class SingleShotDetector:
    """Our finder. Not to be shared between threads, except for prepare().

    Raises:
        ModelError: the model has no score map and box map for each stride, or its input has another size than its card
            states.
    """

    def __init__(self, bundle: Bundle, min_score: float | None, threads: int) -> None:
        """
        Args:
            bundle: of task face.
            min_score: 0–1; faces with a lower score are left out. None: the threshold in the bundle's card.
            threads: of the interpreter.
        """
        chosen = bundle.card.score_threshold if min_score is None else min_score
        least = DEFAULT_MIN_SCORE if chosen is None else chosen
        self._ready: Ready | None = None  # made by prepare()
        self._origin = bundle.origin
        self._model = Model(bundle.flatbuffer, threads, bundle.origin)
        bundle.demand_size(self._model.input_size)
        size = self._model.input_size
        blank = self._model.answer(np.zeros((size, size, 3), np.uint8))
        try:
            self._grid = decoding.grid(blank, self._model.scales, size, least)
        except ValueError as error:
            raise ModelError(f"model {bundle.origin}: {error}; {REBUILD}") from error

    @property
    def input_size(self) -> int:
        """Side of the network's input, pixels."""
        return self._model.input_size

    def maps(self, pixels: Image) -> list[NDArray[Any]]:
        """The network's raw outputs for its (S, S, 3) uint8 RGB input, see decoding."""
        return self._model.answer(pixels)

    def prepare(self, image: Image) -> None:
        """Make the network's input of find(image) in advance. Called on another thread, also while find() runs."""
        self._ready = self._prepared(image)

    def find(self, image: Image) -> list[Face]:
        """The faces in an (H, W, 3) uint8 RGB image, highest score first, MAX_FACES at most; boxes in its pixels.

        Raises:
            ModelError: the model's output is not a number.
        """
        ready = self._ready  # read once, because the other thread may replace it
        _, pixels, placement = ready if ready is not None and ready[0] is image else self._prepared(image)
        try:
            found, scores = self._grid.decode(self._model.answer(pixels))
        except ValueError as error:
            raise ModelError(f"model {self._origin}: {error}; {REBUILD}") from error
        kept = decoding.non_maximum_suppression(found, scores)[:MAX_FACES]
        return decoding.as_faces(placement.to_image(found[kept]), scores[kept])

    def _prepared(self, image: Image) -> Ready:
        return (image, *preprocess.letterbox(image, self._model.input_size))


class YuNetDetector:
    """OpenCV's face detector (cv2.FaceDetectorYN), which takes frames of any size.

    Raises:
        ModelError: the file is missing, or is not a YuNet model.
    """

    def __init__(self, path: Path, min_score: float, content: bytes | None = None) -> None:
        """
        Args:
            path: face_detection_yunet_*.onnx; maskwatch ships none.
            min_score: 0–1; faces with a lower score are left out.
            content: of the file, if it was read already.
        """
        self._path = path
        mute_cv2()
        empty = np.zeros(0, np.uint8)
        network = np.frombuffer(read_yunet(path) if content is None else content, np.uint8)
        try:
            self._detector = cv2.FaceDetectorYN.create(
                "onnx", network, empty, (320, 320), min_score, YUNET_MAX_IOU, decoding.MAX_CANDIDATES
            )
        except cv2.error as error:
            raise self._refusal(error) from error
        self.find(np.zeros((64, 64, 3), np.uint8))

    @property
    def input_size(self) -> int:
        """0: it takes frames of any size."""
        return 0

    def prepare(self, image: Image) -> None:
        """Do nothing: it takes the frame as it is."""

    def find(self, image: Image) -> list[Face]:
        """The faces in an (H, W, 3) uint8 RGB image, highest score first, MAX_FACES at most; boxes in its pixels.

        Raises:
            ModelError: the model cannot be run, or its output is not a number.
        """
        height, width = image.shape[:2]
        try:
            self._detector.setInputSize((width, height))
            rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        except cv2.error as error:
            raise self._refusal(error) from error
        if rows is None:
            return []
        if not np.isfinite(rows).all():
            raise ModelError(f"model {self._path}: its output is not a finite number; name YuNet's ONNX file")
        # Columns: x, y, width, height, five landmarks, score.
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        order = np.argsort(-rows[:, 14], kind="stable")[:MAX_FACES]
        return decoding.as_faces(decoding.clip_far_outside(corners[order], width, height), rows[order, 14])

    def _refusal(self, error: cv2.error) -> ModelError:
        reason = (error.err or str(error)).strip().splitlines()[0]
        return ModelError(f"model {self._path}: OpenCV cannot run it ({reason}); name YuNet's ONNX file")


def read_yunet(path: Path) -> bytes:
    """The bytes of an ONNX file.

    Raises:
        ModelError: it cannot be read, or its name does not end in .onnx.
    """
    if path.suffix != ".onnx":  # OpenCV trusts the format it is told, and crashes on some .tflite files
        raise ModelError(f"model {path}: not an .onnx file; name YuNet's")
    try:
        return regular_file.read(path, MAX_YUNET)
    except FileNotFoundError as error:
        raise ModelError(f"model {path}: no such file; name YuNet's ONNX file") from error
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; name YuNet's ONNX file") from error
