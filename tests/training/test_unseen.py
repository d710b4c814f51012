"""A held-out scene that looks like a training scene is not judged."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from photographs import blotches

from training.pictures import data, unseen, voc


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")


def scene(path: Path, seed: int, brighter: int = 0) -> voc.Scene:
    image = np.clip(blotches(seed).astype(int) + brighter, 0, 255).astype(np.uint8)
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return voc.Scene(path, ())


def test_copies_of_training_scenes_of_any_source_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    learnt = [scene(tmp_path / "a" / "1.png", 1), scene(tmp_path / "b" / "2.png", 2)]
    copies = [scene(tmp_path / "a" / "3.png", 1), scene(tmp_path / "a" / "4.png", 2, brighter=4)]
    other = scene(tmp_path / "a" / "5.png", 9)
    splits = [voc.Split((each,), (), ()) for each in learnt]
    with caplog.at_level(logging.WARNING):
        assert unseen.scenes([*copies, other], splits, "streets") == [other]
    assert "streets: 2 of 3 pictures look like a training picture and are not judged" in caplog.text


def test_copies_among_the_held_out_scenes_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    twice = [scene(tmp_path / "a" / f"{name}.png", 3) for name in range(2)]
    splits = [voc.Split((scene(tmp_path / "a" / "other.png", 4),), (), tuple(twice))]
    assert unseen.scenes(twice, splits, "streets") == twice
    assert not caplog.records


def test_a_file_that_cannot_be_read_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    given = [voc.Scene(broken, ())]
    assert unseen.scenes(given, [voc.Split((scene(tmp_path / "a" / "1.png", 1),), (), ())], "streets") == given
