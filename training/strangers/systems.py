"""The measured systems, behind one call: our bundles, their float models, and other people's detectors.

Each system gives the faces of a picture with scores. A system that knows masks labels the faces from its threshold on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maskwatch.errors import ConfigError, ModelError
from maskwatch.flow import Image
from maskwatch.vision import bundle, preprocess
from maskwatch.vision.classifier import MaskClassifier, as_verdict
from maskwatch.vision.finder import SingleShotDetector
from training.judging import evaluate, peers
from training.judging.detections import Found
from training.runs import run_folder

FAINT = 0.05  # 0–1; fainter boxes would not change an average precision
THREADS = 1  # of an interpreter: the work is spread over processes instead
YUNET, AIZOO, ULTRAFACE = "yunet_s_640_640.onnx", "aizoo_face_mask_detection.tflite", "ultraface_rfb640_masked_v2.onnx"

Kind = Literal["bundles", "float", "yunet", "aizoo", "ultraface"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One system before it is opened, so that it can be sent to another process."""

    name: str
    kind: Kind
    face: Path
    mask: Path | None = None  # None: it gives no labels, or its one model gives both
    side: int = 0  # pixels, of YuNet's frame
    threshold: float = 0.0  # 0–1; 0: the threshold of our model's card


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """One system, ready to use."""

    name: str
    find: Callable[[Image], list[Found]]  # with scores from FAINT on
    threshold: float  # 0–1; faces are reported from this score on
    labels: bool  # whether it gives labels
    portraits: bool = True  # whether it is shown portraits; only a system with labels is


def ours(text: str, kind: Kind) -> Subject:
    """`now=face.tflite,mask.tflite` -> the system of that name.

    Raises:
        ConfigError: the text is not of that form.
        ModelError: a file is missing.
    """
    name, equals, files = text.partition("=")
    face, comma, mask = files.partition(",")
    if not (name and equals and face and comma and mask):
        raise ConfigError(f"models {text}: expected NAME=FACE,MASK, e.g. now=face.tflite,mask.tflite")
    for path in (Path(face), Path(mask)):
        if not path.is_file():
            raise ModelError(f"model {path}: no such file; expected NAME=FACE,MASK with both files")
    return Subject(name, kind, Path(face), Path(mask))


def others(folder: Path) -> list[Subject]:
    """The detectors of other people that are in a folder. AIZOO has its authors' threshold; YuNet and UltraFace have
    lower thresholds than their authors' 0.9 and 0.7, at which both miss many masked faces.

    Raises:
        ModelError: the folder has none of them.
    """
    known = [
        Subject("YuNet 320", "yunet", folder / YUNET, side=320, threshold=0.6),
        Subject("YuNet 640", "yunet", folder / YUNET, side=640, threshold=0.6),
        Subject("AIZOO", "aizoo", folder / AIZOO, threshold=0.5),
        Subject("UltraFace-masked", "ultraface", folder / ULTRAFACE, threshold=0.5),
    ]
    found = [subject for subject in known if subject.face.is_file()]
    if not found:
        raise ModelError(f"peers {folder}: none of {YUNET}, {AIZOO}, {ULTRAFACE} is there")
    return found


def opened(subject: Subject) -> System:
    """Open a system.

    Raises:
        ModelError: a file cannot be used.
    """
    if subject.kind == "bundles":
        return _bundles(subject)
    if subject.kind == "float":
        return _float(subject)
    if subject.kind == "yunet":
        return System(subject.name, peers.yunet(subject.face, FAINT, subject.side), subject.threshold, False)
    make = peers.aizoo if subject.kind == "aizoo" else peers.ultraface
    return System(subject.name, make(subject.face, FAINT), subject.threshold, True)


def _bundles(subject: Subject) -> System:
    """Bundles, run as the device runs them."""
    face, mask = cards(subject)
    threshold = face.card.score_threshold or 0.5
    finder = SingleShotDetector(face, FAINT, THREADS)
    classifier = MaskClassifier(mask, THREADS)

    def find(image: Image) -> list[Found]:
        found = []
        for candidate in finder.find(image):
            if candidate.score >= threshold:
                verdict = classifier.verdict(classifier.crop(image, candidate))
                found.append(Found(candidate.box, candidate.score, str(verdict.label), verdict.score))
            else:
                found.append(Found(candidate.box, candidate.score))
        return found

    return System(subject.name, find, threshold, True)


def cards(subject: Subject) -> tuple[bundle.Bundle, bundle.Bundle]:
    """Both bundles; also for another preprocess.VERSION, because `before` is older than this code."""
    assert subject.mask is not None
    return bundle.read(subject.face, "face", any_pixels=True), bundle.read(subject.mask, "mask", any_pixels=True)


def _float(subject: Subject) -> System:
    """Keras models, with the thresholds and calibrations of the run.json beside each."""
    import keras

    from training.finder import finder_scores

    assert subject.mask is not None
    threshold = run_folder.read(subject.face).score_threshold or 0.5
    model = keras.models.load_model(subject.face, compile=False)
    network = evaluate.open_network(subject.mask)
    size = model.input_shape[1]

    def find(image: Image) -> list[Found]:
        answers = [answer.found for answer in finder_scores.answers(model, image, size, FAINT)]
        return [_labelled(network, image, face) if face.score >= threshold else face for face in answers]

    # Its finder would take a fifth of the whole time
    return System(subject.name, find, threshold, True, portraits=False)


def _labelled(network: evaluate.Network, image: Image, found: Found) -> Found:
    crop = preprocess.face_crop(image, found.box, network.size)
    verdict = as_verdict(float(network.bare(network.logits(crop[None]))[0]))
    return Found(found.box, found.score, str(verdict.label), verdict.score)


def facts(subject: Subject) -> dict[str, Any]:
    """The system's files with their hashes, and for bundles the facts of their cards, ready for JSON."""
    found: dict[str, Any] = {"name": subject.name, "kind": subject.kind, "face": _file(subject.face)}
    if subject.mask is not None:
        found["mask"] = _file(subject.mask)
    if subject.kind == "bundles":
        for task, opened_ in zip(("face", "mask"), cards(subject), strict=True):
            card = opened_.card
            found[task] |= {"input_size": card.input_size, "preprocess_version": card.preprocess_version}
        found["threshold"] = cards(subject)[0].card.score_threshold
    elif subject.threshold:
        found["threshold"] = subject.threshold
    return found


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
