"""What is drawn on a face stays on the face, hides only what it should, and gives the face the right class."""

from collections import Counter
from functools import cache, partial

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.flow import Box, Image, Label
from training.augment import canvas as painting
from training.augment import transplant, wear
from training.augment.head import TURNED, Head
from training.pictures.data import CLASSES

MASKED, BARE, WRONG = (CLASSES.index(label) for label in (Label.WITH_MASK, Label.WITHOUT_MASK, Label.INCORRECT))
ALL = (
    *(wear.mask, wear.nose_out, wear.on_chin, wear.hand, wear.cup, wear.microphone),
    *(wear.scarf, wear.beard, wear.sunglasses, wear.goggles, wear.cap, wear.visor),
)
EACH = pytest.mark.parametrize("drawing", ALL, ids=lambda drawing: drawing.__name__)
FACE = Box(60, 50, 120, 110)  # in a picture of 180 by 160
FOREHEAD, EYE, CHEEK, NOSE, MOUTH, CHIN = (0.5, 0.25), (0.3, 0.4), (0.25, 0.6), (0.5, 0.62), (0.5, 0.8), (0.5, 0.94)
SEEDS = range(24)
RNG = partial(np.random.default_rng, 0)


def wild(width: int = 180, height: int = 160) -> Image:
    """A picture of random colours, on which every painted pixel shows as a change."""
    coarse = np.random.default_rng(3).integers(0, 256, (-(-height // 4), -(-width // 4), 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width])


def plain(*colour: int) -> Image:
    return np.full((160, 180, 3), colour, np.uint8)


@cache
def changed(drawing: wear.Drawing, seed: int, box: Box = FACE) -> np.ndarray:
    """(H, W) 0–255: how much the drawing changed each pixel of the wild picture."""
    drawn = drawing(wild(), box, np.random.default_rng(seed))
    return np.abs(drawn.astype(int) - wild()).max(axis=2)


def around(change: np.ndarray, place: tuple[float, float], reach: float = 0.03) -> np.ndarray:
    """The pixels around a place on the face."""
    x, y, reach = FACE.left + place[0] * FACE.width, FACE.top + place[1] * FACE.height, reach * FACE.width
    return change[round(y - reach) : round(y + reach) + 1, round(x - reach) : round(x + reach) + 1]


def chin_cloth(face: Image, seed: int) -> np.ndarray:
    """(N, 3) pixels of a drawn mask, beside its middle."""
    return around(wear.mask(face, FACE, np.random.default_rng(seed)), (0.4, 0.75), reach=0.06).reshape(-1, 3)


def covered(drawing: wear.Drawing, place: tuple[float, float]) -> list[bool]:
    """For each seed, whether this place of the face is painted over."""
    return [bool(np.median(around(changed(drawing, seed), place)) > 8) for seed in SEEDS]


def untouched(drawing: wear.Drawing, place: tuple[float, float]) -> list[bool]:
    """For each seed, whether no pixel at this place of the face is painted over."""
    return [bool(around(changed(drawing, seed), place).max() <= 8) for seed in SEEDS]


def test_every_drawing_has_its_tests() -> None:
    assert set(wear.DRAWINGS) == set(ALL)


def test_through_clear_goggles_the_eyes_are_seen_and_their_frame_hides_the_face_around() -> None:
    """The pane is a tint over the face: what was dark under it stays darker than what was light."""
    face = np.full((160, 180, 3), 120, np.uint8)
    left, right = (round(FACE.left + share * FACE.width) for share in (0.3, 0.7))
    down = round(FACE.top + 0.4 * FACE.height)
    face[down - 2 : down + 3, left - 2 : left + 3], face[down - 2 : down + 3, right - 2 : right + 3] = 20, 240
    kept = []
    for seed in range(40):
        drawn = wear.goggles(face, FACE, np.random.default_rng(seed)).astype(int)
        kept.append(float(drawn[down, right].mean() - drawn[down, left].mean()))
    assert min(kept) > -10
    assert 0.3 < np.mean(np.array(kept) > 40) < 0.95


@EACH
def test_a_drawing_keeps_shape_and_kind_and_the_picture_it_was_given(drawing: wear.Drawing) -> None:
    image = wild()
    for seed in SEEDS:
        drawn = drawing(image, FACE, np.random.default_rng(seed))
        assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
        assert np.array_equal(image, wild())
        assert not np.array_equal(drawn, image)


@EACH
def test_a_drawing_is_the_same_for_a_seed_and_another_for_another(drawing: wear.Drawing) -> None:
    drawn = [drawing(wild(), FACE, np.random.default_rng(seed)).tobytes() for seed in (*range(6), *range(6))]
    assert drawn[:6] == drawn[6:]
    assert len(set(drawn)) == 6


def near(box: Box, width: int, height: int) -> np.ndarray:
    """(H, W) where a drawing may be: up to half a face above, 0.4 beside and 0.8 below the box."""
    y, x = np.mgrid[:height, :width]
    across = (x >= box.left - 0.4 * box.width - 1) & (x < box.right + 0.4 * box.width + 1)
    return across & (y >= box.top - 0.5 * box.height - 1) & (y < box.bottom + 0.8 * box.height + 1)


BOXES = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height),
    *(st.floats(-60, 110), st.floats(-60, 90), st.floats(12, 120), st.floats(12, 120)),
)


@EACH
@settings(deadline=None, max_examples=20)  # a busy machine is no failure
@given(box=BOXES, seed=st.integers(0, 1000))
def test_a_drawing_takes_any_box_be_it_tiny_or_half_outside_and_stays_near_it(
    drawing: wear.Drawing, box: Box, seed: int
) -> None:
    image = wild(100, 80)
    drawn = drawing(image, box, np.random.default_rng(seed))
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    elsewhere = ~near(box, 100, 80)[1:-1, 1:-1]  # without the rim, whose pixels represent a face outside the picture
    assert not (drawn != image).any(axis=2)[1:-1, 1:-1][elsewhere].any()


@EACH
def test_on_a_face_of_12_pixels_something_is_seen_and_the_rest_of_the_picture_is_not_touched(
    drawing: wear.Drawing,
) -> None:
    box = Box(80.4, 60.7, 92.4, 72.7)
    for seed in SEEDS:
        change = changed(drawing, seed, box)
        assert change.max() > 8
        assert not change[~near(box, 180, 160)].any()


@EACH
def test_of_a_face_cut_by_the_frame_the_seen_half_is_drawn_on(drawing: wear.Drawing) -> None:
    seen = []
    for seed in SEEDS:
        window = np.ascontiguousarray(wild()[:, 90:])  # the right half of the face
        box = Box(FACE.left - 90, FACE.top, FACE.right - 90, FACE.bottom)
        drawn = drawing(window, box, np.random.default_rng(seed))
        seen.append(np.abs(drawn.astype(int) - window).max() > 40)
    assert np.mean(seen) > 0.5  # a hand may come from the other side


# -- masks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [NOSE, MOUTH, CHIN])
def test_a_mask_covers_nose_mouth_and_chin(place: tuple[float, float]) -> None:
    assert all(covered(wear.mask, place))


def test_a_mask_leaves_the_eyes_and_the_forehead() -> None:
    assert not any(covered(wear.mask, EYE))
    assert all(untouched(wear.mask, FOREHEAD))


@pytest.mark.parametrize(
    ("drawing", "hides", "shows"),
    [(wear.nose_out, (MOUTH, CHIN), (NOSE, EYE)), (wear.on_chin, ((0.5, 1.05),), (MOUTH, NOSE, EYE))],
)
def test_a_mask_worn_wrong_leaves_the_tip_of_the_nose_or_the_mouth_too(
    drawing: wear.Drawing, hides: tuple[tuple[float, float], ...], shows: tuple[tuple[float, float], ...]
) -> None:
    assert all(all(covered(drawing, place)) for place in hides)
    assert not any(any(covered(drawing, place)) for place in shows)


def test_masks_come_in_many_colours_and_patterns() -> None:
    colours, spread = [], []
    for seed in range(60):
        patch = chin_cloth(plain(128, 128, 128), seed)
        colours.append(patch.mean(axis=0))
        spread.append(patch.std(axis=0).max())
    assert np.ptp(colours, axis=0).min() > 120
    assert np.median(spread) < 15 < np.percentile(spread, 85)  # most are plain, some are not


def test_a_mask_is_lit_as_the_face_is() -> None:
    for seed in range(12):
        by_night, by_day = (chin_cloth(plain(level, level, level), seed).mean() for level in (50, 180))
        assert by_night < 0.85 * by_day


def test_a_mask_follows_the_shadow_across_the_face() -> None:
    ramp = np.repeat(np.linspace(60, 240, 180).astype(np.uint8)[None, :, None], 160, axis=0).repeat(3, axis=2)
    left, right = (
        np.mean([around(wear.mask(ramp, FACE, np.random.default_rng(seed)), place).mean() for seed in SEEDS])
        for place in ((0.25, 0.75), (0.75, 0.75))
    )
    assert left < 0.85 * right


# -- what is no mask ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawing", "shows"),
    [
        (wear.cup, (NOSE, EYE)),
        (wear.microphone, (NOSE, EYE, CHEEK)),
        (wear.scarf, (NOSE, EYE, CHEEK)),
        (wear.beard, (EYE, (0.5, 0.58))),
        (wear.sunglasses, (NOSE, MOUTH, CHIN)),
        (wear.goggles, (MOUTH, CHIN)),
        (wear.cap, (EYE, NOSE, MOUTH, CHIN)),
        (wear.hand, (FOREHEAD,)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_no_mask_leaves_the_part_of_the_face_that_shows_it(
    drawing: wear.Drawing, shows: tuple[tuple[float, float], ...]
) -> None:
    for place in shows:
        assert not any(covered(drawing, place)), place


@pytest.mark.parametrize(
    ("drawing", "hides"),
    [
        (wear.sunglasses, ((0.3, 0.4), (0.7, 0.4))),
        (wear.goggles, ((0.3, 0.4), (0.7, 0.4))),
        (wear.cap, ((0.5, -0.1),)),
        (wear.scarf, ((0.5, 1.3),)),
        (wear.beard, ((0.5, 0.95), (0.2, 0.85))),
        (wear.cup, ((0.5, 0.85),)),
        (wear.microphone, ((0.5, 0.91),)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_worn_or_held_is_where_people_wear_or_hold_it(
    drawing: wear.Drawing, hides: tuple[tuple[float, float], ...]
) -> None:
    for place in hides:
        assert np.mean(covered(drawing, place)) > 0.6, place


@pytest.mark.parametrize("skin", [(220, 170, 140), (90, 60, 45)])
def test_a_hand_is_of_the_faces_own_colour(skin: tuple[int, int, int]) -> None:
    colours = []
    for seed in SEEDS:
        drawn = wear.hand(plain(*skin), FACE, np.random.default_rng(seed)).astype(int)
        colours.append(drawn[(drawn != skin).any(axis=2)].mean(axis=0))
    found = np.mean(colours, axis=0)
    assert found / found.mean() == pytest.approx(np.array(skin) / np.mean(skin), abs=0.08)


def test_a_bearded_mouth_stays_free() -> None:
    for seed in SEEDS:
        canvas = painting.Canvas.around(wild(), FACE, np.random.default_rng(seed))  # the same roll and yaw
        x, y = (canvas.pixels([MOUTH])[0] + canvas.origin).round().astype(int)
        assert changed(wear.beard, seed)[y, x] <= 8


def test_through_a_clear_visor_the_face_is_seen() -> None:
    rows, columns = slice(50 + 15, 50 + 58), slice(66, 114)
    for seed in SEEDS:
        drawn = wear.visor(wild(), FACE, np.random.default_rng(seed))[rows, columns]
        assert np.corrcoef(drawn.ravel(), wild()[rows, columns].ravel())[0, 1] > 0.95


# -- the canvas -----------------------------------------------------------------------------------------------------


def canvas(roll: float = 0.0, yaw: float = 0.0) -> painting.Canvas:
    """A canvas of the wild picture's part that starts at (10, 20)."""
    return painting.Canvas(wild(), (10, 20), wild()[20:, 10:].astype(np.float32), FACE, roll, yaw)


def places(made: painting.Canvas, *shares: tuple[float, float]) -> np.ndarray:
    """In pixels of the picture."""
    return made.pixels(shares) + np.array(made.origin)


def test_places_are_shares_of_the_face_when_the_head_is_straight() -> None:
    found = places(canvas(), (0, 0), (1, 1), (0.5, 0.62))
    assert found == pytest.approx(np.array([[60, 50], [120, 110], [90, 87.2]]), abs=1e-3)


def test_a_turned_head_moves_the_middle_of_the_face_and_not_its_edges() -> None:
    found = places(canvas(yaw=0.2), (0, 0.5), (1, 0.5), (0.5, 0.5))
    assert found == pytest.approx(np.array([[60, 80], [120, 80], [96, 80]]), abs=1e-3)


def test_a_tilted_head_turns_about_the_middle_of_the_face() -> None:
    found = places(canvas(roll=np.pi / 2), (0.5, 0.5), (1, 0.5))
    assert found == pytest.approx(np.array([[90, 80], [90, 110]]), abs=1e-3)


def test_what_is_painted_lands_in_the_picture_where_the_places_are() -> None:
    made = canvas()
    made.fill(
        [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], painting.plain(made.patch.shape, (9, 9, 9)), RNG()
    )
    rows, columns = np.nonzero((made.done() != wild()).any(axis=2))
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == pytest.approx([65, 95, 75, 105], abs=2)


def test_a_line_is_as_wide_as_it_says() -> None:
    made = painting.Canvas(plain(0, 0, 0), (0, 0), plain(0, 0, 0).astype(np.float32), FACE, 0.0, 0.0)
    made.line([(0.5, 0.1), (0.5, 0.9)], np.full(3, 255, np.float32), 0.2, RNG())
    assert (made.done()[80, :, 0] > 20).sum() == pytest.approx(0.2 * FACE.width, abs=2)


def test_opacity_is_how_much_of_the_drawing_is_seen() -> None:
    levels = []
    for opacity in (0.0, 0.25, 0.5, 1.0):
        made = painting.Canvas(plain(200, 200, 200), (0, 0), plain(200, 200, 200).astype(np.float32), FACE, 0.0, 0.0)
        made.fill(painting.ellipse((0.5, 0.5), 0.3, 0.3), painting.plain(made.patch.shape, (0, 0, 0)), RNG(), opacity)
        levels.append(made.done()[80, 90, 0])
    assert levels == [200, 150, 100, 0]


def test_the_faces_own_colour_is_read_on_cheeks_and_nose() -> None:
    image = plain(0, 0, 0)
    cv2.ellipse(image, (90, 82), (18, 12), 0, 0, 360, (200, 150, 120), -1)
    assert painting.Canvas.around(image, FACE, RNG()).skin() == pytest.approx([200, 150, 120])


# -- who gets what --------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of drawing that were asked for, in order; the stand-in paints nothing."""
    made: list[str] = []

    def recorder(kind: str) -> wear.Drawing:
        def drawing(image: Image, _box: Box, _rng: np.random.Generator) -> Image:
            made.append(kind)
            return image

        return drawing

    monkeypatch.setattr(wear, "mask", recorder("mask"))
    for name, kind in (("WORN_WRONG", "wrong"), ("NO_MASK", "object"), ("NEUTRAL", "neutral")):
        monkeypatch.setattr(wear, name, tuple(recorder(kind) for _ in getattr(wear, name)))
    monkeypatch.setattr(wear, "in_picture", lambda *_: True)
    return made


ROUNDS = 3000


def test_bare_faces_get_each_kind_as_often_as_it_says_and_the_class_that_goes_with_it(drawn: list[str]) -> None:
    rng, classes = np.random.default_rng(0), Counter[int]()
    for _ in range(ROUNDS):
        start = len(drawn)
        _, label = wear.dress(wild(16, 16), Box(0, 0, 16, 16), BARE, rng)
        kinds = set(drawn[start:]) - {"neutral"}
        assert len(kinds) <= 1
        assert label == (MASKED if kinds == {"mask"} else WRONG if kinds == {"wrong"} else BARE)
        classes[label] += 1
    shares = {kind: drawn.count(kind) / ROUNDS for kind in ("mask", "wrong", "object", "neutral")}
    expected = (wear.PUT_ON / 2, wear.PUT_ON / 2, wear.DRAWN_OBJECT, wear.DRAWN_NEUTRAL)
    assert shares == pytest.approx(dict(zip(shares, expected, strict=True)), abs=0.02)
    assert classes[BARE] / ROUNDS == pytest.approx(1 - wear.PUT_ON, abs=0.03)


@pytest.mark.parametrize("label", [MASKED, WRONG])
def test_masked_faces_get_only_what_masked_and_bare_wear_alike_and_stay_what_they_are(
    drawn: list[str], label: int
) -> None:
    rng = np.random.default_rng(0)
    assert {wear.dress(wild(16, 16), Box(0, 0, 16, 16), label, rng)[1] for _ in range(ROUNDS)} == {label}
    assert set(drawn) == {"neutral"}
    assert len(drawn) / ROUNDS == pytest.approx(wear.DRAWN_NEUTRAL, abs=0.02)


def test_a_face_too_small_for_a_drawing_stays_as_it_is(drawn: list[str]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        assert wear.dress(wild(15, 15), Box(0, 0, 15, 15), BARE, rng)[1] == BARE
    assert drawn == []


def test_dressing_leaves_the_picture_alone_and_is_the_same_for_a_seed() -> None:
    image, seen = wild(), set()
    for seed in range(60):
        once, again = (wear.dress(image, FACE, BARE, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(once[0], again[0])
        assert once[1] == again[1]
        seen.add(once[1])
    assert np.array_equal(image, wild())
    assert seen == {MASKED, BARE, WRONG}


def test_of_several_drawings_each_has_its_turn() -> None:
    rng = np.random.default_rng(0)
    assert {wear.any_of(wear.NO_MASK, rng) for _ in range(200)} == set(wear.NO_MASK)


def test_a_mask_is_put_on_where_it_can_be_seen() -> None:
    """A mask at the chin of a face that the picture's edge cuts would not be seen, so the class would be wrong."""
    tight = Box(60, 50, 120, 50 + 110 / 1.05)  # the picture ends at 1.05 of the face
    ways = Counter(wear.masked(wild(), tight, BARE, np.random.default_rng(seed), ())[1] for seed in range(60))
    assert set(ways) == {MASKED, WRONG}
    assert not wear.in_picture(wild(), tight, wear.CHIN_SEEN)
    cut = Box(60, 50, 120, 190)  # … and at 0.79
    assert {wear.masked(wild(), cut, BARE, np.random.default_rng(seed), ())[1] for seed in range(60)} == {BARE}


def test_a_profile_stays_bare() -> None:
    points = ((62.0, 74.0), (66.0, 74.0), (55.0, 86.0), (62.0, 95.0), (66.0, 95.0))
    profile = Head(60, 50, 120, 110, points)
    assert profile.turn > TURNED
    assert {wear.masked(wild(), profile, BARE, np.random.default_rng(seed), ())[1] for seed in range(60)} == {BARE}


def test_half_of_the_masks_are_another_photographs_worn_in_the_same_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []

    def recorder(kind: str) -> object:
        return lambda image, _box, _mask, _rng: (moved.append(kind), image)[1]

    monkeypatch.setattr(transplant, "proper", recorder("proper"))
    monkeypatch.setattr(wear, "MOVED_WRONG", tuple(recorder("wrong") for _ in wear.MOVED_WRONG))
    one = transplant.Cutout(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32), 0.5, 1.0)
    rng, rounds = np.random.default_rng(0), 400
    for _ in range(rounds):
        before = len(moved)
        _, label = wear.masked(wild(), FACE, BARE, rng, [one])
        if len(moved) > before:
            assert label == {"proper": MASKED, "wrong": WRONG}[moved[-1]]
    assert len(moved) / rounds == pytest.approx(wear.MOVED, abs=0.08)
    assert moved.count("wrong") / len(moved) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(("cups", "free"), [(0.0, False), (1.0, True)], ids=["flat", "cup"])
def test_a_cup_covers_the_nose_and_leaves_the_cheeks_free(
    monkeypatch: pytest.MonkeyPatch, cups: float, free: bool
) -> None:
    monkeypatch.setattr(wear, "CUPS", cups)
    image = np.full((300, 240, 3), (200, 150, 130), np.uint8)
    box, nose, cheeks = Box(60, 80, 180, 230), 0, []
    for seed in range(20):
        drawn = wear.mask(image, box, np.random.default_rng(seed)).astype(int)
        changed = np.abs(drawn - image).max(axis=2) > 8
        nose += changed[80 + 93, 120]  # 0.62 of the face down
        cheeks.append(changed[80 + 82 : 80 + 90, 60 + 14 : 60 + 24].mean())  # beside it, 0.55 to 0.6 down
    assert nose >= 18
    assert (np.mean(cheeks) < 0.4) == free
