"""Where nothing moves, nobody looks; where somebody comes, somebody does."""

import numpy as np
import pytest

from maskwatch.gate import AWAKE, LOOK, MotionGate

HALL = np.random.default_rng(0).integers(40, 200, (12, 16, 3)).repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)


def frame(rng: np.random.Generator, light: float = 1.0, person: float | None = None, side: int = 60) -> np.ndarray:
    """(480, 640, 3) of a hall with sensor noise; perhaps somebody's head at this share of its width."""
    picture = HALL.astype(np.float32)
    if person is not None:
        left = int(person * (640 - side))
        picture[200 : 200 + side, left : left + side] = (225, 180, 150)
    return np.clip(picture * light + 6 * rng.standard_normal(picture.shape, np.float32), 0, 255).astype(np.uint8)


def played(frames: list[np.ndarray], rate: float = 10.0, somebody: bool = False) -> list[bool]:
    gate = MotionGate()
    return [gate.open(picture, number / rate, somebody) for number, picture in enumerate(frames)]


def test_an_empty_hall_is_looked_at_once_in_a_while_in_spite_of_noise() -> None:
    rng = np.random.default_rng(1)
    opened = played([frame(rng) for _ in range(300)])
    settled = opened[round(AWAKE * 10) + 1 :]
    assert sum(settled) == pytest.approx(len(settled) / (LOOK * 10), abs=1)


@pytest.mark.parametrize("side", [24, 40, 60, 150])
def test_somebody_who_comes_opens_the_gate_at_once(side: int) -> None:
    rng = np.random.default_rng(2)
    empty = [frame(rng) for _ in range(100)]
    coming = [frame(rng, person=0.02 * step, side=side) for step in range(10)]
    assert all(played(empty + coming)[100:])


def test_a_lamp_that_is_switched_on_opens_it_and_it_closes_again() -> None:
    rng = np.random.default_rng(3)
    opened = played([frame(rng) for _ in range(60)] + [frame(rng, light=1.3) for _ in range(200)])
    assert all(opened[60:80])
    assert sum(opened[160:]) <= 3


def test_slow_daylight_does_not() -> None:
    rng = np.random.default_rng(4)
    opened = played([frame(rng, light=1 + 0.0004 * step) for step in range(400)])
    assert sum(opened[30:]) <= 400 / (LOOK * 10) + 1


def test_it_stays_open_while_somebody_is_known_to_be_there() -> None:
    rng = np.random.default_rng(5)
    assert all(played([frame(rng) for _ in range(100)], somebody=True))
