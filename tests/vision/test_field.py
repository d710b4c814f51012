"""The shipped bundles on real photographs. MASKWATCH_DATA names the folder that holds the data sets."""

import json
import math
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from needed import BUNDLES, COMMAND, MOCK

from maskwatch.flow import Image, Label
from maskwatch.vision import bundle
from training.augment import crops
from training.judging import detections, evaluate, scorer
from training.pictures import data, voc

DATA = Path(os.environ.get("MASKWATCH_DATA", "/nonexistent"))
PHOTOS, SCENES = DATA / "face-mask-7553", DATA / "face-mask-boxes"
pytestmark = [
    BUNDLES,
    pytest.mark.skipif(
        not (PHOTOS.is_dir() and SCENES.is_dir()),
        reason="MASKWATCH_DATA names no folder with face-mask-7553 and face-mask-boxes",
    ),
]
PEOPLE = 6  # of each kind in the video
FPS = 10.0
STEADY = {**MOCK, "MASKWATCH__OUTPUTS__BUZZER__PATTERN": "steady"}  # one edge at each switch


@pytest.fixture(scope="module")
def unseen() -> tuple[data.Photo, ...]:
    """The test part: no model learnt from it."""
    return data.load(PHOTOS, progress=False).split(0).test


def portraits(photos: tuple[data.Photo, ...], label: Label) -> list[Image]:
    """A few photographs that surely show one face of medium size."""
    known = data.faces(PHOTOS)
    clear = [
        photo.path
        for photo in photos
        if data.LABELS[photo.label] == label
        and len(known.get(photo.path, ())) == 1
        and known[photo.path][0][1] > 0.9
        and 80 < known[photo.path][0][0].width < 140
    ]
    return [data.read_rgb(path) for path in clear[:PEOPLE]]


def film(path: Path, people: list[Image]) -> None:
    """Each person for a second before a grey wall, swaying."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (640, 480))
    for number in range(round(len(people) * FPS)):
        frame = np.full((480, 640, 3), 150, np.uint8)
        left = 160 + round(20 * math.sin(number / 3))
        frame[60:420, left : left + 360] = cv2.resize(people[int(number / FPS)], (360, 360))
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


def test_bare_people_on_a_video_start_the_alert_and_masked_ones_end_it(
    tmp_path: Path, unseen: tuple[data.Photo, ...]
) -> None:
    film(tmp_path / "door.avi", portraits(unseen, Label.WITHOUT_MASK) + portraits(unseen, Label.WITH_MASK))
    command = [*COMMAND, "run", "--source", f"video:{tmp_path / 'door.avi'}", "--json", "--show-pins"]
    done = subprocess.run(command, capture_output=True, text=True, env=STEADY, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    on, off = [line for line in lines if line["event"] != "pin"]
    assert (on["event"], off["event"]) == ("alert_on", "alert_off")
    assert on["time"] < PEOPLE < off["time"] < 2 * PEOPLE - 1 / FPS  # not merely the end of the film
    for pin in ("buzzer", "led"):
        assert [line["on"] for line in lines if line.get("name") == pin] == [True, False]


def test_the_shipped_classifier_is_right_on_unseen_photographs(unseen: tuple[data.Photo, ...]) -> None:
    network = evaluate.open_network(bundle.default_path("mask"))
    samples = [crops.Sample(photo.path, photo.label, None) for photo in unseen]
    summary = evaluate.evaluate(network, samples).summary()
    assert summary["n"] == 1812
    assert summary["accuracy"] >= 0.99


def test_the_shipped_finder_finds_faces_in_unseen_scenes(tmp_path: Path) -> None:
    scenes = voc.split(voc.load(SCENES)).test
    command = [*COMMAND, "detect", "--json", "--min-score", "0.1", *(str(scene.path) for scene in scenes)]
    done = subprocess.run(command, capture_output=True, text=True, env=MOCK, check=True)
    (tmp_path / "found.jsonl").write_text(done.stdout)
    truths = {scene.path.stem: detections.as_truths(scene.faces, 24.0) for scene in scenes}
    figures = scorer.score(detections.findings(tmp_path / "found.jsonl"), truths, 0.5, 24.0)
    assert figures["images"] == len(scenes)
    assert figures["face_ap50"] >= 0.85
