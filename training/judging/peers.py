"""Other people's detectors, run on the same pictures as ours for comparison. The user provides their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.cli import still_pictures
from maskwatch.errors import ModelError
from maskwatch.flow import Box, Image, Label
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.vision.decoding import non_maximum_suppression
from maskwatch.vision.finder import YuNetDetector
from maskwatch.vision.runtime import open_interpreter
from training.judging.detections import Found

YUNET_SIDE = 640  # pixels
ULTRAFACE_SIZE = (640, 480)  # pixels, width and height
ULTRAFACE_MEAN, ULTRAFACE_SCALE = 127.0, 128.0
Finder = Callable[[Image], list[Found]]

# AIZOO FaceMaskDetection's published anchors (github.com/AIZOOTech/FaceMaskDetection, MIT), fractions of the frame.
AIZOO_GRIDS = (33, 17, 9, 5, 3)
AIZOO_SIZES = ((0.04, 0.056), (0.08, 0.11), (0.16, 0.22), (0.32, 0.45), (0.64, 0.72))
AIZOO_RATIOS = (1.0, 0.62, 0.42)
AIZOO_VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
AIZOO_LABELS = (Label.WITH_MASK, Label.WITHOUT_MASK)
ULTRAFACE_LABELS = (Label.WITHOUT_MASK, Label.WITH_MASK)


def yunet(path: Path, min_score: float, side: int = YUNET_SIDE) -> Finder:
    """OpenCV's YuNet on the frame, with its longer side scaled to `side` pixels: enlarging helps to find small faces.
    It gives no labels."""
    detector = YuNetDetector(path, min_score)

    def find(image: Image) -> list[Found]:
        scale = side / max(image.shape[:2])
        faces = detector.find(np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8))
        return [Found(shrunk(face.box, scale), face.score) for face in faces]

    return find


def yunet_landmarks(path: Path) -> Callable[[Image], NDArray[np.float32] | None]:
    """YuNet's landmarks of the face with the highest score: (5, 2) eyes from left to right, nose, mouth corners."""
    YuNetDetector(path, 0.5)  # refuses a file that is not YuNet
    detector = cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.5)

    def find(image: Image) -> NDArray[np.float32] | None:
        detector.setInputSize((image.shape[1], image.shape[0]))
        rows = detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        return None if rows is None else np.asarray(max(rows, key=lambda row: row[14])[4:14].reshape(5, 2), np.float32)

    return find


def shrunk(box: Box, scale: float) -> Box:
    """A box of an enlarged picture, in pixels of the original picture."""
    return Box(box.left / scale, box.top / scale, box.right / scale, box.bottom / scale)


def aizoo(path: Path, min_score: float) -> Finder:
    """AIZOO's one-stage detector, float TFLite, 260 px, with the picture stretched as its authors do."""
    try:
        flatbuffer = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; expected AIZOO's face_mask_detection.tflite") from error
    interpreter = open_interpreter(flatbuffer, 2, str(path))
    anchors = aizoo_anchors()
    entry, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()
    shapes = {tuple(int(side) for side in output["shape"]) for output in outputs}
    if entry["dtype"] != np.float32 or shapes != {(1, len(anchors), 4), (1, len(anchors), 2)}:
        raise ModelError(f"model {path}: answers {sorted(shapes)}; expected AIZOO's face_mask_detection.tflite")
    size = int(entry["shape"][1])

    def find(image: Image) -> list[Found]:
        pixels = cv2.resize(image, (size, size)).astype(np.float32)[None] / 255
        interpreter.set_tensor(entry["index"], pixels)
        interpreter.invoke()
        tensors = {output["shape"][-1]: interpreter.get_tensor(output["index"])[0] for output in outputs}
        return aizoo_decode(tensors[4], tensors[2], anchors, image.shape[1], image.shape[0], min_score)

    return find


def aizoo_anchors() -> NDArray[np.float32]:
    """(5972, 4) centre x, centre y, width, height, fractions of the frame."""
    rows = []
    for grid, sizes in zip(AIZOO_GRIDS, AIZOO_SIZES, strict=True):
        shapes = [(size * np.sqrt(AIZOO_RATIOS[0]), size / np.sqrt(AIZOO_RATIOS[0])) for size in sizes]
        shapes += [(sizes[0] * np.sqrt(ratio), sizes[0] / np.sqrt(ratio)) for ratio in AIZOO_RATIOS[1:]]
        centre = (np.arange(grid) + 0.5) / grid
        y, x = np.meshgrid(centre, centre, indexing="ij")
        places = np.stack([x.ravel(), y.ravel()], axis=1).repeat(len(shapes), axis=0)
        rows.append(np.concatenate([places, np.tile(shapes, (grid * grid, 1))], axis=1))
    return np.concatenate(rows).astype(np.float32)


def aizoo_decode(
    offsets: NDArray[np.float32],
    classes: NDArray[np.float32],
    anchors: NDArray[np.float32],
    width: int,
    height: int,
    min_score: float,
) -> list[Found]:
    """Offsets and class scores at the anchors -> faces in pixels, after non-maximum suppression over both classes."""
    confident = classes.max(axis=1) >= min_score
    offsets, classes, anchors = offsets[confident] * AIZOO_VARIANCES, classes[confident], anchors[confident]
    centre = offsets[:, :2] * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(offsets[:, 2:]) * anchors[:, 2:] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return _stretched(boxes, classes, AIZOO_LABELS, width, height, min_score)


def ultraface(path: Path, min_score: float) -> Finder:
    """UltraFace trained for masked faces, RFB at 640×480, with the picture stretched as its authors do.

    Raises:
        ModelError: the file is not UltraFace's.
    """
    mute_cv2()
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise ModelError(f"model {path}: OpenCV cannot read it; expected UltraFace's ONNX file") from error

    def find(image: Image) -> list[Found]:
        network.setInput(cv2.dnn.blobFromImage(image, 1 / ULTRAFACE_SCALE, ULTRAFACE_SIZE, (ULTRAFACE_MEAN,) * 3))
        scores, boxes = network.forward(("scores", "boxes"))
        if scores.shape[-1] != 1 + len(ULTRAFACE_LABELS):
            raise ModelError(f"model {path}: answers {scores.shape}; expected UltraFace, three classes")
        return _stretched(boxes[0], scores[0, :, 1:], ULTRAFACE_LABELS, image.shape[1], image.shape[0], min_score)

    return find


def _stretched(
    boxes: NDArray[np.float32],
    classes: NDArray[np.float32],
    labels: Sequence[Label],
    width: int,
    height: int,
    min_score: float,
) -> list[Found]:
    """(N, 4) shares of the picture and (N, C) class scores -> faces in its pixels, suppressed over all classes."""
    scores = classes.max(axis=1)
    confident = scores >= min_score
    boxes = (boxes[confident].clip(0, 1) * (width, height, width, height)).astype(np.float32)
    classes, scores = classes[confident], scores[confident]
    return [
        Found(Box(*map(float, boxes[at])), float(scores[at]), labels[int(classes[at].argmax())])
        for at in non_maximum_suppression(boxes, scores, 0.4)
    ]


def as_line(name: str, image: Image, found: list[Found]) -> dict[str, Any]:
    """What `maskwatch detect --json` prints for an image, as a dictionary."""
    faces = []
    for face in found:
        line = {"box": still_pictures.inside(face.box, image.shape[1], image.shape[0]), "score": round(face.score, 4)}
        faces.append(line | ({"label": face.label, "confidence": face.confidence} if face.label else {}))
    return {"image": name, "width": image.shape[1], "height": image.shape[0], "faces": faces}
