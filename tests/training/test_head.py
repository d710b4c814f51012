"""A place on a turned head is converted to a place in the picture and back."""

import numpy as np
import pytest

from maskwatch.flow import Box
from training.augment import head
from training.augment.canvas import Canvas
from training.augment.head import PLACES, Head

BOX = (40.0, 30.0, 140.0, 150.0)
MIDDLE = np.array([90.0, 90.0])


def turned(yaw: float, roll: float = 0.0) -> Head:
    """A head of 100 by 120 pixels, with the landmarks that a distant camera sees; `yaw` turns it to the right."""
    places = np.array(PLACES)
    solid = np.column_stack([(places - 0.5) * (100, 120), 100 * head.depth(places)])
    x = np.cos(yaw) * solid[:, 0] + np.sin(yaw) * solid[:, 2]
    points = np.column_stack([x, solid[:, 1]]) @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    return Head(*BOX, tuple((float(x), float(y)) for x, y in points + MIDDLE))


@pytest.mark.parametrize("yaw", [-0.7, -0.3, 0.0, 0.4, 0.8])
@pytest.mark.parametrize("roll", [0.0, 0.3])
def test_landmarks_are_where_they_were_told_and_the_turn_is_its_sine(yaw: float, roll: float) -> None:
    found = turned(yaw, roll)
    assert head.pixels(found.map, PLACES) == pytest.approx(np.array(found.points), abs=1e-6)
    assert found.turn == pytest.approx(abs(np.sin(yaw)), abs=1e-6)


def test_a_head_that_looks_ahead_is_mapped_as_its_box() -> None:
    assert turned(0.0).map == pytest.approx(head.upright(Box(*BOX)), abs=1e-6)


def test_the_nose_goes_where_the_head_turns_and_the_ears_the_other_way() -> None:
    ahead, right = (head.pixels(turned(yaw).map, [(0.5, 0.6), (1.0, 0.5)])[:, 0] for yaw in (0.0, 0.4))
    assert right[0] > ahead[0] + 5
    assert right[1] < ahead[1] - 5


@pytest.mark.parametrize("yaw", [-0.4, 0.0, 0.4])
def test_the_way_back_from_pixels_ends_at_the_place(yaw: float) -> None:
    across, down = np.meshgrid(np.linspace(0.2, 0.8, 7), np.linspace(0.3, 1.1, 9))
    places = np.column_stack([across.ravel(), down.ravel()])
    found = turned(yaw).map
    assert head.places(found, head.pixels(found, places)) == pytest.approx(places, abs=0.01)


@pytest.mark.parametrize("yaw", [-0.5, 0.5])
def test_no_place_is_seen_twice_nor_beyond_the_edge_of_the_head(yaw: float) -> None:
    """Otherwise a pasted mask would be drawn twice."""
    found = turned(yaw).map
    row = np.column_stack([np.arange(0.0, 200.0), np.full(200, 110.0)])
    across = head.places(found, row)[:, 0]
    seen = across[~np.isnan(across)]
    assert (np.diff(seen) > 0).all()
    edge = head.pixels(found, [(share, 0.7) for share in np.linspace(0, 1, 101)])[:, 0]
    outside = (row[:, 0] < edge.min() - 2) | (row[:, 0] > edge.max() + 2)
    assert np.isnan(across[outside]).any()
    assert ((np.isnan(across) | (across < 0) | (across > 1))[outside]).all()


def test_what_is_drawn_on_a_head_with_landmarks_is_drawn_at_them() -> None:
    image, face = np.zeros((200, 200, 3), np.uint8), turned(0.5, 0.2)
    canvas = Canvas.around(image, face, np.random.default_rng(0))
    assert canvas.pixels(PLACES) + np.array(canvas.origin) == pytest.approx(np.array(face.points), abs=1e-3)
