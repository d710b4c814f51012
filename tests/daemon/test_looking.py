"""With a zone the finder is shown the zone's part of each frame; everybody else sees the whole frame as before."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from colour_door import ColourFinder, Reel
from defaults import unit as assembled
from hypothesis import given
from hypothesis import strategies as st
from needed import BUNDLES, DEMO

from maskwatch.camera import demo
from maskwatch.config import Settings
from maskwatch.daemon import looking, parts
from maskwatch.daemon.looking import LARGEST, Looking, Region, is_cut
from maskwatch.flow import Box, Face, Image
from maskwatch.presence.zone import Corners, Zone
from maskwatch.vision import bundle
from maskwatch.vision.finder import SingleShotDetector

DOOR = ((0.4, 0.0), (0.6, 0.0), (0.6, 1.0), (0.4, 1.0))
HATCH = ((0.45, 0.4), (0.55, 0.4), (0.55, 0.6), (0.45, 0.6))
FACE = (250, 90, 40)  # RGB


def frame(width: int, height: int, *faces: Box) -> Image:
    """(H, W, 3) RGB grey, with a rectangle of FACE where each face is."""
    image = np.full((height, width, 3), 128, np.uint8)
    for box in faces:
        image[max(0, int(box.top)) : int(box.bottom), max(0, int(box.left)) : int(box.right)] = FACE
    return image


@dataclass
class Noting:
    """Finds what is coloured, and notes what it was shown."""

    input_size: int = 320
    shown: list[tuple[int, int]] = field(default_factory=list)  # width and height, pixels
    prepared: list[int] = field(default_factory=list)
    begun: Image | None = None
    early: int = 0  # pictures found that were prepared

    def prepare(self, image: Image) -> None:
        self.begun = image

    def find(self, image: Image) -> list[Face]:
        self.shown.append((image.shape[1], image.shape[0]))
        self.early += image is self.begun
        return ColourFinder().find(image)


def only(faces: list[Face]) -> tuple[float, float, float, float]:
    (face,) = faces
    return face.box.left, face.box.top, face.box.right, face.box.bottom


@pytest.mark.parametrize(
    ("size", "polygon", "input_size", "expected"),
    [
        ((1280, 720), (), 320, Region(0, 0, 1280, 720)),
        ((1280, 720), ((0, 0), (1, 0), (1, 1), (0, 1)), 320, Region(0, 0, 1280, 720)),
        ((1280, 720), DOOR, 320, Region(280, 0, 1000, 720)),  # as high as the frame, and as wide as that
        ((720, 1280), DOOR, 320, Region(0, 0, 720, 1280)),  # upright, as high as the frame: nothing to gain
        ((720, 1280), ((0, 0.4), (1, 0.4), (1, 0.6), (0, 0.6)), 320, Region(0, 280, 720, 1000)),
        ((1280, 720), HATCH, 320, Region(370, 90, 910, 630)),  # three quarters of 720
        ((1280, 720), ((0, 0), (0.1, 0), (0.1, 0.2), (0, 0.2)), 320, Region(0, 0, 540, 540)),  # at a corner
        ((1280, 720), ((0.9, 0.8), (1, 0.8), (1, 1)), 320, Region(740, 180, 1280, 720)),
        ((1280, 720), ((0.2, 0.1), (0.8, 0.1), (0.5, 0.9)), 320, Region(166, 0, 1114, 720)),  # a triangle's rectangle
        ((640, 360), HATCH, 640, Region(160, 20, 480, 340)),  # 320 of 640: enlarged twice and no more
        ((640, 360), HATCH, 320, Region(185, 45, 455, 315)),  # 270 of 360
        ((160, 120), HATCH, 320, Region(0, 0, 160, 120)),  # a small frame is what there is
        ((640, 360), HATCH, 0, Region(185, 45, 455, 315)),  # YuNet enlarges nothing
    ],
)
def test_what_the_finder_is_shown(size: tuple[int, int], polygon: Corners, input_size: int, expected: Region) -> None:
    assert looking.region(polygon, *size, input_size) == expected


SHARES = st.floats(0, 1)


@given(
    st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=6),
    st.tuples(st.integers(64, 4096), st.integers(64, 4096)),
    st.sampled_from([0, 320, 640]),
)
def test_a_face_whose_middle_is_in_the_zone_is_shown_as_the_policy_wants_it(
    polygon: list[tuple[float, float]], size: tuple[int, int], input_size: int
) -> None:
    shown = looking.region(polygon, *size, input_size)
    assert 0 <= shown.left < shown.right <= size[0]
    assert 0 <= shown.top < shown.bottom <= size[1]
    side = LARGEST * min(size)
    for across, down in polygon:  # the corners are the worst places
        x, y = across * size[0], down * size[1]
        box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        for low, high, begin, end, length in (
            (box.left, box.right, shown.left, shown.right, size[0]),
            (box.top, box.bottom, shown.top, shown.bottom, size[1]),
        ):
            seen = (min(high, end) - max(low, begin)) / (min(high, length) - max(low, 0))
            assert seen >= 0.75 - 2 / side  # what a face at the frame's edge must show; the part has whole pixels


@pytest.mark.parametrize("polygon", [(), DOOR, HATCH])
def test_boxes_are_the_frames_whatever_the_finder_is_shown(polygon: Corners) -> None:
    face = Box(600, 330, 660, 400)
    assert only(Looking(Noting(), Zone(polygon=polygon)).find(frame(1280, 720, face))) == (600, 330, 660, 400)


def test_without_a_zone_the_finder_gets_the_frame_itself() -> None:
    image, finder = frame(640, 480), Noting()
    looked = Looking(finder)
    looked.prepare(image)
    looked.find(image)
    assert finder.early == 1
    assert Region(0, 0, 640, 480).cut(image) is image


def test_frames_may_change_their_size_and_the_zone_may_be_another() -> None:
    finder = Noting()
    looked = Looking(finder, Zone(polygon=HATCH))
    for width, height in ((1280, 720), (640, 480), (720, 1280), (1280, 720)):
        face = Box(width // 2 - 20, height // 2 - 25, width // 2 + 20, height // 2 + 25)
        assert only(looked.find(frame(width, height, face))) == (face.left, face.top, face.right, face.bottom)
    looked.zone = Zone()
    looked.find(frame(1280, 720))
    assert finder.shown == [(540, 540), (360, 360), (540, 540), (540, 540), (1280, 720)]


def test_what_was_begun_ahead_is_used_for_that_frame_and_that_zone_alone() -> None:
    finder, image = Noting(), frame(1280, 720)
    looked = Looking(finder, Zone(polygon=HATCH))
    looked.prepare(image)
    looked.find(image)
    assert finder.early == 1
    looked.find(image.copy())
    assert finder.early == 1
    looked.prepare(image)
    looked.zone = Zone(polygon=DOOR)  # reloaded between the two threads' turns
    looked.find(image)
    assert finder.early == 1
    assert finder.shown == [(540, 540), (540, 540), (720, 720)]


PART = Region(370, 90, 910, 630)  # of 1280×720


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        (Box(200, 200, 300, 320), False),
        (Box(0, 200, 60, 320), True),  # half a face at an edge of the part
        (Box(480, 200, 540, 320), True),
        (Box(0, 200, 100, 320), False),  # a whole one at the edge
        (Box(-40, 200, 60, 320), True),  # the finder tells where the hidden part is, but most is hidden
        (Box(-20, 200, 80, 320), False),
        (Box(200, 0, 300, 60), True),  # the lower half of a face
        (Box(200, 480, 300, 540), True),
        (Box(200, 0, 300, 120), False),
        (Box(200, -50, 260, 70), True),  # told to its full height, but of that too little is shown
    ],
)
def test_a_face_that_the_part_cuts_is_not_told(box: Box, cut: bool) -> None:
    assert is_cut(box, PART, 1280, 720) is cut


@pytest.mark.parametrize("box", [Box(0, 200, 60, 320), Box(200, 0, 300, 60), Box(-40, 200, 60, 320)])
def test_where_the_frame_itself_ends_the_zone_decides(box: Box) -> None:
    assert not is_cut(box, Region(0, 0, 540, 540), 1280, 720)
    assert is_cut(box, Region(1, 1, 541, 541), 1280, 720)


def test_somebody_beside_the_zone_whose_face_the_part_cuts_is_not_taken_for_somebody_inside() -> None:
    wide = Box(900, 100, 1160, 500)  # its middle is at 1030, outside; that of what the part shows of it is at 1007
    polygon = ((0.2, 0.0), (0.8, 0.0), (0.8, 1.0), (0.2, 1.0))  # to 1024
    zone = Zone(polygon=polygon)
    image = frame(1280, 720, wide)
    counted = [face for face in Looking(Noting(), zone).find(image) if zone.counts(face, 1280, 720)]
    whole = [face for face in ColourFinder().find(image) if zone.counts(face, 1280, 720)]
    assert counted == whole == []


def test_the_unit_follows_the_zone_at_once() -> None:
    finder = Noting()
    unit = assembled(Reel([]), finder=Looking(finder))
    settings = Settings.model_validate({"zone": {"polygon": HATCH}, "face": {"min_size": 20}})
    parts.adjust(unit, settings)
    assert unit.finder.zone is unit.zone  # type: ignore[attr-defined]
    assert only(unit.finder.find(frame(1280, 720, Box(600, 330, 660, 400)))) == (600, 330, 660, 400)
    parts.adjust(unit, Settings())
    unit.finder.find(frame(1280, 720))
    assert finder.shown == [(540, 540), (1280, 720)]


def test_what_is_built_looks_at_the_zone_also_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Noting()
    monkeypatch.setattr("maskwatch.daemon.parts.build_finder", lambda _: finder)
    monkeypatch.setattr("maskwatch.daemon.parts.build_classifier", lambda _: finder)
    settings = Settings.model_validate({"camera": {"source": "images:/nowhere"}, "zone": {"polygon": HATCH}})
    monkeypatch.setattr("maskwatch.daemon.parts.open_source", lambda *_: None)
    unit = parts.build(settings)
    image = frame(1280, 720)
    assert unit.preparation is not None
    unit.preparation(image)
    unit.finder.find(image)
    assert finder.early == 1
    assert finder.shown == [(540, 540)]


@BUNDLES
@DEMO
@pytest.mark.parametrize(("polygon", "found"), [((), 0), (HATCH, 1)])
def test_at_a_door_in_a_wide_picture_faces_are_found_from_farther_away(polygon: Corners, found: int) -> None:
    person = demo.Scene().at(5.0)  # a face of 122×143 pixels
    small = cv2.resize(person, None, fx=0.28, fy=0.28, interpolation=cv2.INTER_AREA)  # of 34×40
    image = np.full((720, 1280, 3), 128, np.uint8)
    image[310 : 310 + small.shape[0], 570 : 570 + small.shape[1]] = small
    detector = SingleShotDetector(bundle.read(bundle.default_path("face"), "face"), None, 1)
    faces = Looking(detector, Zone(polygon=polygon)).find(image)
    assert len(faces) == found
    for face in faces:
        assert face.box.iou(Box(570 + 69.4, 310 + 49, 570 + 103.6, 310 + 89)) > 0.5
