"""Landmarks are found once and kept; those that lie outside their face are not used."""

from pathlib import Path

import numpy as np
import pytest
from photographs import save

from maskwatch.flow import Box, Image
from training.augment.crops import Sample
from training.augment.head import Head
from training.classifier import landmarks
from training.judging import peers

BOX = Box(30, 20, 70, 74)
SEEN = np.array([(90, 90), (134, 90), (112, 110), (95, 130), (130, 130)], np.float32)  # in the 224 px that YuNet sees


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """The pictures that the stand-in for YuNet was shown; it answers SEEN."""
    shown: list[Image] = []

    def find(image: Image) -> np.ndarray:
        shown.append(image)
        return SEEN

    monkeypatch.setattr(peers, "yunet_landmarks", lambda _: find)
    return shown


def test_a_box_becomes_a_head_with_the_landmarks_in_the_photographs_pixels(looks: list[Image], tmp_path: Path) -> None:
    path = save(tmp_path, "set/images/a.png", 0)
    samples = [Sample(path, 1, BOX, whole=True), Sample(path, 1, BOX), Sample(path, 1, None)]
    found = landmarks.with_landmarks(samples, Path("yunet.onnx"), tmp_path / "run" / "landmarks.tsv")
    assert len(looks) == 1  # one face, looked at in two ways
    assert looks[0].shape == (landmarks.SIDE, landmarks.SIDE, 3)
    face = found[0].box
    assert isinstance(face, Head)
    assert (face.left, face.top, face.right, face.bottom) == (30, 20, 70, 74)
    assert found[1].box == face
    assert found[2] == samples[2]
    scale = 224 / (2 * 54)
    assert np.array(face.points) == pytest.approx((SEEN - 112) / scale + (50, 47), abs=0.01)


def test_what_was_found_is_kept(looks: list[Image], tmp_path: Path) -> None:
    samples = [Sample(save(tmp_path, "set/images/a.png", 0), 1, BOX)]
    table = tmp_path / "landmarks.tsv"
    first = landmarks.with_landmarks(samples, Path("yunet.onnx"), table)
    assert landmarks.with_landmarks(samples, Path("yunet.onnx"), table) == first
    assert len(looks) == 1
    assert list(landmarks.read(table)) == ["set/images/a.png 30 20 70 74"]
    assert {path.name for path in tmp_path.iterdir()} == {"set", "landmarks.tsv"}


@pytest.mark.parametrize("answer", [None, SEEN + 80, SEEN - (100, 0)])
def test_a_face_not_found_or_a_neighbours_landmarks_leave_the_box_alone(
    answer: np.ndarray | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peers, "yunet_landmarks", lambda _: lambda _: answer)
    samples = [Sample(save(tmp_path, "set/images/a.png", 0), 1, BOX)]
    for _ in range(2):  # found, then read
        assert landmarks.with_landmarks(samples, Path("yunet.onnx"), tmp_path / "landmarks.tsv") == samples
