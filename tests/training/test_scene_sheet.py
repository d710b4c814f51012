"""The sheet shows the scenes of the training with what is learnt and what is ignored in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from annotated_scenes import entry, write
from photographs import portraits, save

pytest.importorskip("keras", reason="needs extra `train`")

from training.__main__ import cli
from training.augment.picture import Picture
from training.augment.scenes import TrainingPictures
from training.finder import scene_sheet
from training.pictures import data


def test_a_face_is_ignored_if_nobody_annotated_it_or_it_is_too_small() -> None:
    boxes = np.array([[0, 0, 40, 40], [50, 0, 90, 40], [100, 0, 108, 8], [200, 0, 210, 10]], np.float32)
    picture = Picture(np.zeros((300, 300, 3), np.uint8), boxes, ignored=np.array([False, True, False, False]))
    assert scene_sheet.is_ignored(picture).tolist() == [False, True, True, False]


def test_each_face_has_the_colour_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = np.array([[10, 10, 60, 60], [100, 10, 150, 60]], np.float32)
    scene = Picture(np.zeros((200, 200, 3), np.uint8), boxes, ignored=np.array([False, True]))
    monkeypatch.setattr(scene_sheet.scenes, "compose", lambda *_: scene)
    shown = scene_sheet.shown(TrainingPictures([[scene]]), 200, np.random.default_rng(0))
    assert len(shown) == scene_sheet.SHOWN
    image, caption = shown[0]
    assert caption == "faces: 1, ignored: 1"
    assert tuple(image[10, 30]) == scene_sheet.LEARNT
    assert tuple(image[10, 120]) == scene_sheet.IGNORED
    assert not scene.image.any()  # the scene itself is not drawn on


def test_looks_writes_the_sheet_if_there_are_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    root = portraits(tmp_path / "portraits")
    for number in range(10):
        write(tmp_path / "street", f"{number}", entry("with_mask", 10, 10, 50, 50))
        save(tmp_path / "street", f"images/{number}.png", 100 + number)
    said = ["looks", "--data", str(root), "--size", "32", "--out"]
    cli([*said, str(tmp_path / "without")], standalone_mode=False)
    cli([*said, str(tmp_path / "out"), "--scenes", str(tmp_path / "street")], standalone_mode=False)
    assert not (tmp_path / "without" / scene_sheet.NAME).exists()
    assert (tmp_path / "out" / scene_sheet.NAME).exists()
