"""The shipped mask bundle is an ordinary TFLite model: Google's MediaPipe opens it and names what the device names."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from maskwatch import bundle
from maskwatch.bundle import Bundle
from maskwatch.camera.demo import Scene
from maskwatch.classifier import MaskClassifier
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Face, Image
from maskwatch.runtime import Model

REASON = "mediapipe is not installed: pip install --no-deps mediapipe"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return bundle.read(bundle.default_path("mask"), "mask")


@pytest.fixture(scope="module")
def image_classifier() -> Iterator[Any]:
    """MediaPipe's task on the file as it ships, nothing said but its path."""
    if importlib.util.find_spec("mediapipe") is None:
        pytest.skip(REASON)
    try:
        from mediapipe.tasks import python as tasks

        options = tasks.vision.ImageClassifierOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(bundle.default_path("mask")))
        )
        with tasks.vision.ImageClassifier.create_from_options(options) as classifier:
            yield classifier
    except OSError as error:  # its library asks for the system's OpenGL
        pytest.skip(f"mediapipe cannot be loaded ({error}): apt install libegl1 libgles2")


@pytest.fixture(scope="module")
def crops(shipped: Bundle) -> list[Image]:
    """The demo's scene cut at many moments and places, and noise: sure verdicts and unsure ones."""
    try:
        scene = Scene()
    except SourceError as error:
        pytest.skip(str(error))
    classifier = MaskClassifier(shipped, threads=1)
    rng = np.random.default_rng(0)
    pictures = [scene.at(moment) for moment in np.linspace(0, 18, 19)]
    cut = [classifier.crop(picture, Face(moved(picture, rng), 1.0)) for picture in pictures for _ in range(3)]
    noise = [rng.integers(0, 256, (6, 6, 3), np.uint8) for _ in range(20)]
    side = shipped.card.input_size
    return cut + [cv2.resize(patch, (side, side), interpolation=cv2.INTER_CUBIC) for patch in noise]


def moved(picture: Image, rng: np.random.Generator) -> Box:
    """A box of a third of the height or more, anywhere in the picture."""
    height, width = picture.shape[:2]
    side = rng.uniform(0.3, 0.9) * height
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    return Box(left, top, left + side, top + side)


def named(image_classifier: Any, crop: Image) -> dict[str, float]:
    """MediaPipe's score for each label, best first."""
    import mediapipe

    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(crop))
    (answer,) = image_classifier.classify(image).classifications
    return {category.category_name: category.score for category in answer.categories}


def test_mediapipe_gives_every_label_the_score_the_device_gives(
    image_classifier: Any, shipped: Bundle, crops: list[Image]
) -> None:
    model = Model(shipped.flatbuffer, 1, "here")
    best = set()
    for crop in crops:
        scores = named(image_classifier, crop)
        logits = dict(zip(shipped.card.labels, map(float, model.run(crop)[0][0]), strict=True))
        assert scores == pytest.approx(logits, abs=1e-5)
        assert logits[next(iter(scores))] == max(logits.values())
        best.add(next(iter(scores)))
    assert {"with_mask", "without_mask"} <= best  # or the test would compare a constant


def test_mediapipes_best_label_is_the_devices_verdict_where_it_is_sure(
    image_classifier: Any, shipped: Bundle, crops: list[Image]
) -> None:
    """Where it is not, the card's temperature and bias, which MediaPipe does not know of, may decide otherwise."""
    classifier = MaskClassifier(shipped, threads=1)
    verdicts = [(classifier.verdict(crop), next(iter(named(image_classifier, crop)))) for crop in crops]
    sure = [(verdict, best) for verdict, best in verdicts if verdict.score > 0.9]
    assert len(sure) > len(crops) / 2
    for verdict, best in sure:
        assert best in {verdict.label, "mask_weared_incorrect"} if verdict.label != "with_mask" else best == "with_mask"
