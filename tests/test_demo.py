"""The built-in scene: the same every time, bare first, masked later, and matplotlib is never imported."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from maskwatch.camera import demo
from maskwatch.flow import Image

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="the demo's portrait is in extra `demo`"
)


@pytest.fixture(scope="module")
def scene() -> demo.Scene:
    return demo.Scene()


def blueness(image: Image) -> float:
    """How blue the middle of the scene is, where mouth and nose are."""
    mouth = image[235:300, 280:365].astype(float)
    return float((mouth[..., 2] - mouth[..., 0]).mean())


def test_a_moment_looks_the_same_every_time(scene: demo.Scene) -> None:
    assert np.array_equal(scene.at(9.0), demo.Scene().at(9.0))


def test_frames_are_what_sources_promise(scene: demo.Scene) -> None:
    image = scene.at(5.0)
    assert (image.shape, image.dtype) == ((480, 640, 3), np.uint8)


def test_the_mouth_is_bare_first_and_behind_light_blue_cloth_later(scene: demo.Scene) -> None:
    assert blueness(scene.at(6.0)) < -40  # skin: red over blue
    assert blueness(scene.at(12.0)) > 20


@pytest.mark.parametrize("moment", [0.0, demo.DURATION])
def test_nobody_is_there_at_the_start_and_at_the_end(scene: demo.Scene, moment: float) -> None:
    person = np.abs(scene.at(5.0).astype(int) - demo.draw_hall()).max(axis=2) > 60
    nobody = np.abs(scene.at(moment).astype(int) - demo.draw_hall()).max(axis=2) > 60
    assert person.mean() > 0.15
    assert nobody.mean() == 0


def test_somebody_moves_while_standing(scene: demo.Scene) -> None:
    assert np.abs(scene.at(5.0).astype(int) - scene.at(6.0)).mean() > 5


def test_matplotlib_is_found_but_never_imported() -> None:
    program = "import sys; from maskwatch.camera import demo; demo.Scene(); assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
