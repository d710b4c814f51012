"""Weather effects keep a picture's shape, give the same result for the same seed, and each does what its name says."""

import cv2
import numpy as np
import pytest

from maskwatch.flow import Image
from training.augment import weather

EFFECTS = pytest.mark.parametrize("effect", weather.CHANCES, ids=lambda effect: effect.__name__)


def picture(width: int = 64, height: int = 48) -> Image:
    """A picture of coloured patches with sharp edges: every effect changes it."""
    coarse = np.random.default_rng(5).integers(30, 226, (-(-height // 4), -(-width // 4), 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width])


def detail(image: Image) -> float:
    return float(np.abs(np.diff(image.astype(int), axis=1)).mean())


@EFFECTS
@pytest.mark.parametrize("size", [(64, 48), (31, 57), (21, 33)])
def test_an_effect_keeps_the_shape_and_the_kind_of_numbers(effect: weather.Effect, size: tuple[int, int]) -> None:
    for seed in range(10):
        image = picture(*size)
        changed = effect(image, np.random.default_rng(seed))
        assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
        assert np.array_equal(image, picture(*size))  # the original is left alone


@EFFECTS
def test_an_effect_does_something_and_the_same_for_a_seed(effect: weather.Effect) -> None:
    changed = [effect(picture(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert not np.array_equal(changed[0], picture())
    assert np.array_equal(changed[0], changed[1])
    assert effect is weather.grey or not np.array_equal(changed[0], changed[2])


@pytest.mark.parametrize("effect", [weather.low_resolution, weather.out_of_focus, weather.motion])
def test_blurring_effects_take_detail_away_and_keep_the_brightness(effect: weather.Effect) -> None:
    image = picture(224, 224)
    for seed in range(10):
        changed = effect(image, np.random.default_rng(seed))
        assert detail(changed) < 0.98 * detail(image)
        assert changed.mean() == pytest.approx(image.mean(), abs=3)


def test_grey_has_no_colour_and_the_same_brightness() -> None:
    changed = weather.grey(picture(), np.random.default_rng(0))
    assert (changed == changed[..., :1]).all()
    assert np.abs(changed[..., 0].astype(int) - cv2.cvtColor(picture(), cv2.COLOR_RGB2GRAY)).max() <= 1


def test_infra_red_has_no_colour_pale_skin_and_dark_corners() -> None:
    skin, blue = (np.full((80, 80, 3), colour, np.uint8) for colour in ((200, 140, 110), (60, 110, 190)))
    for seed in range(20):
        by_night = [weather.infra_red(image, np.random.default_rng(seed)).astype(int) for image in (skin, blue)]
        assert all((image == image[..., :1]).all() for image in by_night)
        assert by_night[0].mean() > by_night[1].mean()
        corners = [by_night[0][row : row + 8, column : column + 8].mean() for row in (0, 72) for column in (0, 72)]
        assert min(corners) < by_night[0][36:44, 36:44].mean()


def test_a_quarter_of_the_pictures_is_without_colour() -> None:
    chances = [weather.CHANCES[effect] for effect in (weather.grey, weather.infra_red)]
    assert 1 - np.prod([1 - chance for chance in chances]) == pytest.approx(0.25, abs=0.03)


def test_back_light_is_a_ramp() -> None:
    flat = np.full((40, 60, 3), 100, np.uint8)
    changed = weather.back_light(flat, np.random.default_rng(0)).astype(int)
    corners = changed[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert corners.max() > 115
    assert corners.min() < 85
    assert changed[20, 30, 0] == pytest.approx(100, abs=3)


def test_something_before_the_camera_hides_one_edge_but_never_the_lower_one() -> None:
    image, edges = picture(80, 60), set()
    for seed in range(60):
        changed = weather.hidden(image, np.random.default_rng(seed))
        rows, columns = np.nonzero((changed != image).any(axis=2))
        place = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        bar = changed[place]
        assert (bar == bar[0, 0]).all()  # of one colour
        assert bar.shape[:2] in {(60, bar.shape[1]), (bar.shape[0], 80)}  # from end to end
        assert 0.05 * 0.8 <= min(bar.shape[0] / 60, bar.shape[1] / 80) <= 0.25
        edge = "top" if bar.shape[1] == 80 else "left" if columns.min() == 0 else "right"
        assert rows.min() == 0
        assert edge != "right" or columns.max() == 79
        edges.add(edge)
    assert edges == {"left", "right", "top"}


def test_at_dusk_a_third_to_two_thirds_of_the_light_is_left_and_the_noise_is_loud() -> None:
    flat = np.full((60, 60, 3), 128, np.uint8)
    seen = [weather.dusk(flat, np.random.default_rng(seed)) for seed in range(60)]
    light, noise = [image.mean() / 128 for image in seen], [image.std() for image in seen]
    assert min(light) == pytest.approx(0.3, abs=0.04)
    assert max(light) == pytest.approx(0.7, abs=0.04)
    assert min(noise) > 0.8
    assert max(noise) == pytest.approx(8, abs=1)


def test_noise_is_as_loud_as_it_says() -> None:
    flat = np.full((60, 60, 3), 128, np.uint8)
    loudness = [weather.sensor_noise(flat, np.random.default_rng(seed)).std() for seed in range(40)]
    assert min(loudness) > 1.8
    assert max(loudness) < 18.5
    assert max(loudness) - min(loudness) > 8


def test_each_effect_is_drawn_as_often_as_it_says_in_the_cameras_order(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def recorder(name: str) -> weather.Effect:
        def effect(image: Image, _: np.random.Generator) -> Image:
            drawn.append(name)
            return image

        return effect

    names = [effect.__name__ for effect in weather.CHANCES]
    chances = dict(zip(names, weather.CHANCES.values(), strict=True))
    monkeypatch.setattr(weather, "CHANCES", {recorder(name): chance for name, chance in chances.items()})
    rng, rounds = np.random.default_rng(0), 2000
    for _ in range(rounds):
        start = len(drawn)
        weather.apply(picture(8, 8), rng)
        assert drawn[start:] == [name for name in names if name in drawn[start:]]
    assert {name: drawn.count(name) / rounds for name in names} == pytest.approx(chances, abs=0.04)


@pytest.mark.parametrize("left_out", weather.CHANCES, ids=lambda effect: effect.__name__)
def test_an_effect_can_be_left_out_and_only_that_one(monkeypatch: pytest.MonkeyPatch, left_out: weather.Effect) -> None:
    monkeypatch.setattr(weather, "CHANCES", dict.fromkeys(weather.CHANCES, 1.0))
    rng, expected = np.random.default_rng(0), picture()
    for effect in weather.CHANCES:
        if effect is not left_out:
            rng.random()  # the draw
            expected = effect(expected, rng)
    assert np.array_equal(weather.apply(picture(), np.random.default_rng(0), but=left_out), expected)


def test_weather_is_the_same_for_a_seed_and_changes_most_pictures() -> None:
    image = picture()
    seen = [weather.apply(image, np.random.default_rng(seed)) for seed in range(300)]
    again = [weather.apply(image, np.random.default_rng(seed)) for seed in range(300)]
    assert all(np.array_equal(one, other) for one, other in zip(seen, again, strict=True))
    plain = sum(np.array_equal(one, image) for one in seen) / 300
    assert plain == pytest.approx(np.prod([1 - chance for chance in weather.CHANCES.values()]), abs=0.04)
    assert plain > 0  # a picture without any effect is possible


def test_the_mirror_exchanges_left_and_right_and_twice_is_nothing() -> None:
    image = picture(31, 17)
    assert np.array_equal(weather.mirror(image)[:, 0], image[:, -1])
    assert np.array_equal(weather.mirror(weather.mirror(image)), image)


@pytest.mark.parametrize("size", [(9, 7), (19, 19), (1, 1)])
def test_out_of_focus_keeps_tiny_pictures(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 9, np.uint8)
    assert weather.out_of_focus(image, np.random.default_rng(0)).shape == image.shape
