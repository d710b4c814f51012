"""The built-in scene: the same every time, bare first, masked later, and matplotlib is never imported.

Its face is the portrait where matplotlib is installed, and a drawn one elsewhere.
"""

import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest

from benchmarks.daemon import crowd
from maskwatch import config
from maskwatch.camera import demo
from maskwatch.daemon import parts
from maskwatch.flow import Image, Label


@pytest.fixture(scope="module", params=["portrait", "drawn"])
def scene(request: pytest.FixtureRequest) -> Iterable[demo.Scene]:
    if request.param == "portrait" and demo.portrait_path() is None:
        pytest.skip("the demo's portrait is in extra `demo`")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "drawn":
            patch.setattr(demo, "portrait_path", lambda: None)
        yield demo.Scene()


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


def test_whoever_it_is_the_shipped_models_see_them_bare_and_masked(scene: demo.Scene) -> None:
    finder, judge = parts.build_finder(config.Settings().face), parts.build_classifier(config.Settings().mask)
    for moment, label in ((5.0, Label.WITHOUT_MASK), (6.0, Label.WITHOUT_MASK), (12.0, Label.WITH_MASK)):
        (face,) = finder.find(scene.at(moment))
        verdict = judge.verdict(judge.crop(scene.at(moment), face))
        assert (verdict.label, face.score > 0.9, verdict.score > 0.9) == (label, True, True)


@pytest.mark.usefixtures("scene")
def test_every_one_of_a_crowd_is_found() -> None:
    finder = parts.build_finder(config.Settings().face)
    assert len(finder.find(crowd.Hall().draw(crowd.group(10), 0))) == 10


def test_somebody_moves_while_standing(scene: demo.Scene) -> None:
    assert np.abs(scene.at(5.0).astype(int) - scene.at(6.0)).mean() > 5


def test_matplotlib_is_found_but_never_imported() -> None:
    program = "import sys; from maskwatch.camera import demo; demo.Scene(); assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
