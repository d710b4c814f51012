"""A network camera through cv2 and FFmpeg, over a real connection on this machine: seen, lost, found again."""

import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from stand_ins.network_camera import NetworkCamera

from maskwatch import check
from maskwatch.camera import Source, open_source
from maskwatch.config import CameraSettings
from maskwatch.flow import Image

PATIENCE = 20.0  # seconds; only a test that fails waits so long


def picture() -> Image:
    """(96, 160, 3) red above, blue below."""
    image = np.empty((96, 160, 3), np.uint8)
    image[:48], image[48:] = (200, 30, 20), (20, 30, 120)
    return image


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera(picture())
    yield camera
    camera.close()


@pytest.fixture
def source(camera: NetworkCamera) -> Iterator[Source]:
    source = open_source(settings(camera))
    yield source
    source.close()


def settings(camera: NetworkCamera, **changed: Any) -> CameraSettings:
    return CameraSettings(source=camera.address, **{"stall": 1.0, "frozen": 0.0} | changed)


def next_frame(source: Source) -> Image:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (frame := source.read(0.2)) is not None:
            return frame.image
    raise AssertionError(f"no frame: {source.trouble}")


def next_trouble(source: Source) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        source.read(0.05)
        if source.trouble is not None:
            return source.trouble
    raise AssertionError("no trouble")


def test_a_stream_gives_rgb_frames(source: Source) -> None:
    image = next_frame(source)
    assert image.shape == (96, 160, 3)
    assert np.allclose(image[:40].mean((0, 1)), (200, 30, 20), atol=6)
    assert np.allclose(image[56:].mean((0, 1)), (20, 30, 120), atol=6)


def test_a_stream_that_breaks_off_is_found_again(camera: NetworkCamera, source: Source) -> None:
    next_frame(source)
    camera.hang_up()
    assert next_trouble(source) == "stopped giving frames; was it unplugged or switched off?"
    next_frame(source)
    assert source.trouble is None
    assert camera.plays == 2


def test_a_stream_that_falls_silent_is_noticed_and_found_again(camera: NetworkCamera, source: Source) -> None:
    next_frame(source)
    camera.silent.set()
    assert next_trouble(source).startswith(("no frame for ", "stopped giving frames"))  # a busy machine looks later
    end = time.monotonic() + PATIENCE
    while camera.plays == 1 and time.monotonic() < end:  # cv2 itself would wait for half a minute
        source.read(0.1)
    assert camera.plays == 2
    camera.silent.clear()
    next_frame(source)
    assert source.trouble is None


def test_a_stream_of_one_picture_is_a_frozen_camera(camera: NetworkCamera) -> None:
    source = open_source(settings(camera, frozen=0.5))
    next_frame(source)
    assert next_trouble(source) == "frozen: the same picture for 0.5 s"
    source.close()


@pytest.mark.skipif(
    cv2.__version__.startswith("4."), reason="OpenCV 4.11's FFmpeg reads 22 frames first, whatever it is told"
)
@pytest.mark.parametrize("rate", [1.0, 2.0])
def test_a_slow_stream_is_opened_with_its_first_frame(rate: float) -> None:
    pictures = [np.roll(picture(), 10 * number, axis=0) for number in range(4)]
    camera = NetworkCamera(*pictures, pace=1 / rate)
    source = open_source(settings(camera, stall=3.0))
    try:
        begun = time.monotonic()
        next_frame(source)
        assert time.monotonic() - begun < 2.0 / rate + 1.0
        next_frame(source)
        assert source.trouble is None
        assert camera.plays == 1
    finally:
        source.close()
        camera.close()


def test_check_names_size_and_codec_and_shows_no_password(camera: NetworkCamera) -> None:
    line = check._camera(settings(camera))
    assert line == f"{camera.address.replace('me:secret', '…').replace('door', '…')}, 160x96 pixels, mjpg"
