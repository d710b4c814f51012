"""The clips of people at a door: which people they may show, where their faces are, and the camera's faults."""

import math
from pathlib import Path

import cv2
import doorway_people as people
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.behaviour.doorway import backdrops, cutouts, film, lens, portraits, walks
from benchmarks.behaviour.doorway.walks import Eye, Plan, Visit
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Image, Label

EYE = Eye(640, 480, level=60.0, above=0.15)
SHARP = lens.Lens(0, 0, 0, 0, 0, 0, 0, 0, 100, (lens.Drift((1.0,), (0.0,)),) * 5)  # takes pictures as they are


# -- photographs ----------------------------------------------------------------------------------------------------


def test_one_photograph_of_each_group_is_chosen_from_the_test_part(tmp_path: Path) -> None:
    crowd = people.crowd(tmp_path)
    assert portraits.choose(people.listed(tmp_path, crowd), tmp_path) == sorted(crowd, key=lambda each: each.name)
    twins = people.listed(tmp_path, [crowd[0], crowd[5]], group=0)
    with pytest.raises(SourceError, match="of 1 whole faces are masked, or none is"):
        portraits.choose(twins, tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"part": "train"}, "is of part 'train', on which models were trained; expected test"),
        ({"faces": 2}, "of 0 whole faces"),
        ({"score": 0.59}, "of 0 whole faces"),
        ({"left": 4}, "of 0 whole faces"),  # 1.8 % of the width
        ({"label": "without_mask"}, "of 6 whole faces are masked, or none is"),
    ],
)
def test_a_list_that_will_not_do_is_refused(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        portraits.choose(people.listed(tmp_path, people.crowd(tmp_path), **changed), tmp_path)


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("path\tlabel\n")
    with pytest.raises(SourceError, match="no column faces, group, part, score; make it with"):
        portraits.choose(tmp_path / "list", tmp_path)
    with pytest.raises(SourceError, match="No such file"):
        portraits.choose(tmp_path / "none", tmp_path)


def test_photographs_that_are_wrong_by_eye_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert portraits.left_out()["without_mask/without_mask_2599.jpg"] == "wears a mask"
    crowd = people.crowd(tmp_path)
    monkeypatch.setattr(portraits, "left_out", lambda: {crowd[0].name: "two people"})
    assert crowd[0] not in portraits.choose(people.listed(tmp_path, crowd), tmp_path)


@pytest.mark.parametrize(
    ("face", "fit"),
    [
        (Box(10, 20, 110, 150), True),
        (Box(3, 20, 103, 150), False),
        (Box(110, 20, 197, 150), False),
        (Box(10, 7, 110, 150), False),
        (Box(10, 60, 110, 195), False),
        (Box(10, 20, 45, 70), False),  # 35 pixels
        (Box(10, 20, 46, 70), True),
        (Box(10, 20, 70, 141), False),  # half as wide as high
        (Box(10, 20, 150, 150), False),  # wider than high
    ],
)
def test_a_face_fits_when_it_is_whole_large_and_not_stretched(face: Box, fit: bool) -> None:
    assert portraits.fits(face, 200, 200) == fit


def test_nobody_is_dealt_twice_before_all_were_dealt(tmp_path: Path) -> None:
    crowd = people.crowd(tmp_path)
    deck = portraits.Deck(crowd, np.random.default_rng(0))
    rounds = [[deck.deal().name for _ in crowd] for _ in range(4)]
    assert {frozenset(names) for names in rounds} == {frozenset(each.name for each in crowd)}
    assert len({tuple(names) for names in rounds}) == 4


# -- cutting out ----------------------------------------------------------------------------------------------------


def test_a_cutout_is_the_person_with_all_of_the_face_and_none_of_the_background(tmp_path: Path) -> None:
    cutout = cutouts.cut(people.portrait(tmp_path, Label.WITH_MASK), np.random.default_rng(0))
    alpha, face = cutout.pixels[..., 3], cutout.face
    middle = round((face.top + face.bottom) / 2), round((face.left + face.right) / 2)
    assert cutout.pixels[middle].tolist() == [*people.COLOURS[Label.WITH_MASK], 255]
    assert alpha[round(face.bottom) - 3, middle[1]] > 240
    assert alpha[middle[0], [round(face.left - 0.8 * face.width), round(face.right + 0.8 * face.width)]].max() == 0
    assert alpha[round(face.top + 3 * face.height), middle[1]] == 255  # a body
    assert 7 * face.height < len(alpha) - face.top <= 8 * face.height
    assert (cutout.pixels[..., :3] <= alpha[..., None]).all()  # colours are times alpha
    assert (np.diff(np.unique(alpha)) < 60).all()  # a soft edge


@pytest.mark.parametrize("background", [(90, 90, 90), (30, 40, 230)])
def test_no_mask_is_cut_off_whatever_the_background(background: tuple[int, ...]) -> None:
    image = people.photograph(Label.WITH_MASK)
    image[(image == (190, 225, 190)).all(axis=2)] = background
    person = cutouts.silhouette(image, people.FACE)
    ellipse = cv2.ellipse(np.zeros((224, 224), np.uint8), (110, 90), (27, 37), 0, 0, 360, 1, -1)
    assert (person[ellipse > 0] == 1).all()


def test_the_face_is_the_person_even_if_told_to_be_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "grabCut", lambda _, marks, *__: marks.fill(cv2.GC_BGD))
    person = cutouts.silhouette(people.photograph(Label.WITH_MASK), people.FACE)
    assert person[90, 110] == 1
    assert person.sum() == pytest.approx(math.pi * 30 * 42, rel=0.05)


def test_half_a_cutout_has_its_face_in_the_same_place(tmp_path: Path) -> None:
    whole = cutouts.cut(people.portrait(tmp_path, Label.WITHOUT_MASK), np.random.default_rng(0))
    half = whole.halved()
    assert half.face.height == pytest.approx(whole.face.height / 2, rel=0.01)
    middle = round((half.face.top + half.face.bottom) / 2), round((half.face.left + half.face.right) / 2)
    assert half.pixels[middle].tolist() == [*people.COLOURS[Label.WITHOUT_MASK], 255]


# -- the truth ------------------------------------------------------------------------------------------------------


def passing(folder: Path, *spots: walks.Spot, label: Label = Label.WITH_MASK, start: float = 0.0) -> Visit:
    return Visit(people.portrait(folder, label), start, spots, rhythm=0.0, seed=1)


@given(st.floats(16, 300), st.floats(-1, 1))
def test_a_face_is_as_large_as_its_distance_says(side: float, across: float) -> None:
    box = EYE.see(across, EYE.away(side), aspect=0.75)
    assert box.height == pytest.approx(side)
    assert box.width == pytest.approx(0.75 * side)
    assert (box.left + box.right) / 2 == pytest.approx(320 + across * side / walks.FACE)


@pytest.mark.parametrize(("away", "down"), [(1e6, 60.0), (2.0, 103.2), (1.0, 146.4)])
def test_nearer_faces_are_farther_below_what_is_level_with_the_lens(away: float, down: float) -> None:
    box = EYE.see(0.0, away, aspect=0.75)
    assert (box.top + box.bottom) / 2 == pytest.approx(down, abs=0.01)


def test_a_visit_begins_and_ends_out_of_view(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        visit = passing(tmp_path, *walks.walk(EYE, rng))
        for time in (0.0, visit.end - 1e-6):
            box = visit.at(time, EYE)
            assert box
            assert box.right < 0 or box.left > EYE.width
        assert visit.at(visit.end, EYE) is visit.at(-0.1, EYE) is None
        sides = [box.height for step in range(int(visit.end * 10)) if (box := visit.at(step / 10, EYE))]
        assert 39.9 < min(sides) <= max(sides) < 200.1


def standing(folder: Path, x: float, side: float, label: Label = Label.WITH_MASK) -> Visit:
    """A person for ten seconds, with the face's middle at these pixels from the left."""
    away = EYE.away(side)
    across = (x - EYE.width / 2) * walks.FACE / side
    return passing(folder, (0.0, across, away), (10.0, across, away), label=label)


@pytest.mark.parametrize(
    ("x", "share"), [(320, 1.0), (30, 1.0), (0, 0.5), (640, 0.5), (15, 0.75), (625, 0.75), (-31, None), (671, None)]
)
def test_a_face_is_in_view_as_far_as_it_is_in_the_frame(tmp_path: Path, x: float, share: float | None) -> None:
    sights = Plan(EYE, 10, (standing(tmp_path, x, 80),)).sights(0.0)  # 60 pixels wide
    assert [sight.share for sight in sights] == ([pytest.approx(share)] if share else [])


@pytest.mark.parametrize(("x", "shares"), [(320, [1.0]), (500, [1.0, 1.0]), (245, [0.5, 1.0])])
def test_who_stands_nearer_hides_others(tmp_path: Path, x: float, shares: list[float]) -> None:
    """The nearer head, 150 pixels wide with its hair, lies at 225 to 415 pixels from the left."""
    plan = Plan(EYE, 10, (standing(tmp_path, 320, 160), standing(tmp_path, x - 20, 80)))
    sights = plan.sights(0.0)
    assert [sight.share for sight in sights] == pytest.approx(shares, abs=0.1)
    assert sights[-1].visit == 0  # the nearest comes last


def test_clips_are_the_same_for_a_seed_and_more_hours_add_to_them(tmp_path: Path) -> None:
    crowd = people.crowd(tmp_path)
    three, five = (film.clips(count, 60.0, crowd, seed=4) for count in (3, 5))
    assert three == five[:3]
    assert film.clips(3, 60.0, crowd, seed=5) != three
    assert [(each.plan.eye.width, each.plan.eye.height) for each in three] == [(640, 480), (1280, 720), (640, 480)]


def test_people_come_alone_or_in_twos_a_quarter_of_them_bare(tmp_path: Path) -> None:
    plans = [clip.plan for clip in film.clips(20, 120.0, people.crowd(tmp_path), seed=0)]
    visits = [visit for plan in plans for visit in plan.visits]
    at_once = [sum(visit.start <= step < visit.end for visit in plan.visits) for plan in plans for step in range(120)]
    assert all(visit.end <= 120 for visit in visits)
    assert set(at_once) == {0, 1, 2}
    assert np.mean([visit.portrait.bare for visit in visits]) == pytest.approx(walks.BARE, abs=0.07)


# -- the camera -----------------------------------------------------------------------------------------------------


def dot(side: int = 61) -> Image:
    image = np.zeros((side, side, 3), np.uint8)
    image[side // 2 - 2 : side // 2 + 3, side // 2 - 2 : side // 2 + 3] = 240
    return image


@pytest.mark.parametrize(("across", "down"), [(12, 0), (0, 12), (-12, 0), (20, 0), (0, -5)])
def test_what_moves_is_smeared_along_its_way_and_only_there(across: float, down: float) -> None:
    smeared = lens.smeared(dot(), across, down)[..., 0]
    wide, high = (int((smeared.max(axis=axis) > 4).sum()) for axis in (0, 1))
    assert (wide, high) == pytest.approx((5 + abs(across), 5 + abs(down)), abs=2)
    assert smeared.sum(dtype=int) == pytest.approx(dot()[..., 0].sum(dtype=int), rel=0.1)


def test_a_slow_motion_is_no_smear() -> None:
    assert np.array_equal(lens.smeared(dot(), 0.6, 0.6), dot())


@pytest.mark.parametrize(("sigma", "spread"), [(0.2, 1.41), (1.0, 1.73), (3.0, 3.3)])
def test_out_of_focus_spreads_light_and_loses_none(sigma: float, spread: float) -> None:
    blurred = lens.defocused(dot(), sigma)[..., 0].astype(float)
    places = np.arange(61) - 30
    assert math.sqrt((blurred.sum(axis=0) * places**2).sum() / blurred.sum()) == pytest.approx(spread, rel=0.05)
    assert blurred.sum() == pytest.approx(dot()[..., 0].sum(), rel=0.05)


@pytest.mark.parametrize(("grey", "read", "shot", "spread"), [(100, 4, 0, 4), (100, 0, 0.49, 7), (50, 6, 1.28, 10)])
def test_noise_is_as_strong_as_said_and_anew_in_every_frame(grey: int, read: float, shot: float, spread: float) -> None:
    image, noise, rng = np.full((120, 160, 3), grey, np.uint8), lens.Noise(160, 120, 0), np.random.default_rng(0)
    first, second = (noise.added(image, read, shot, rng).astype(float) for _ in range(2))
    assert first.std() == pytest.approx(spread, rel=0.05)
    assert first.mean() == pytest.approx(grey, abs=0.5)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_exposure_and_white_balance_are_gains_that_end_at_white() -> None:
    image = np.full((2, 2, 3), (100, 100, 200), np.uint8)
    assert lens.exposed(image, (1.1, 0.5, 1.5))[0, 0].tolist() == [110, 50, 255]


def test_compression_loses_more_at_lower_quality_and_keeps_the_order_of_colours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    losses = [np.abs(lens.coded(image, quality).astype(int) - image).mean() for quality in (20, 60, 98)]
    assert losses == sorted(losses, reverse=True)
    red = np.full((16, 16, 3), (250, 10, 10), np.uint8)
    assert np.abs(lens.coded(red, 95).astype(int) - red).max() < 8


@pytest.mark.parametrize(("left", "top"), [(3.0, 2.0), (3.25, 2.0), (3.0, 2.125), (0.0, 0.0), (5.75, 6.875)])
def test_a_shaken_picture_is_seen_from_between_its_pixels(left: float, top: float) -> None:
    y, x = np.mgrid[:40, :50]
    picture = np.stack([4 * x, 4 * y, x + y], axis=2).astype(np.uint8)
    seen = lens.window(picture, left, top, 40, 30).astype(float)
    assert seen.shape == (30, 40, 3)
    assert np.abs(seen - np.stack([4 * x + 4 * left, 4 * y + 4 * top, x + y + left + top], 2)[:30, :40]).max() <= 1


def test_a_drift_is_bounded_and_slow() -> None:
    drift = lens.Drift.any(10.0, 40.0, np.random.default_rng(1))
    values = [drift.at(step / 10) for step in range(4000)]
    assert 0.6 < max(map(abs, values)) <= 1
    assert max(np.abs(np.diff(values))) < 2 * math.pi / 10 / 10


@pytest.mark.parametrize("seed", range(6))
def test_a_backdrop_fills_the_frame_and_is_the_same_for_a_seed(seed: int) -> None:
    one, again = (backdrops.backdrop(160, 120, np.random.default_rng(seed)) for _ in range(2))
    margin = 2 * backdrops.MARGIN
    assert (one.shape, one.dtype) == ((120 + margin, 160 + margin, 3), np.uint8)
    assert one.std() > 5
    assert np.array_equal(one, again)


def test_half_the_backdrops_are_photographs_where_some_are_given(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "door.png"), np.full((90, 160, 3), (20, 120, 220), np.uint8))
    made = [backdrops.backdrop(64, 48, np.random.default_rng(seed), [tmp_path / "door.png"]) for seed in range(60)]
    assert 18 <= sum((image == (220, 120, 20)).all() for image in made) <= 42


# -- frames ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with a grey wall and a camera without faults."""
    monkeypatch.setattr(film, "backdrop", lambda w, h, *_: np.full((h + 32, w + 32, 3), 128, np.uint8))
    monkeypatch.setattr(lens.Lens, "any", lambda *_: SHARP)


def test_a_moment_is_the_same_picture_whatever_was_shown_before(tmp_path: Path) -> None:
    (clip,) = film.clips(1, 30.0, people.crowd(tmp_path), seed=2)
    forward, backward = film.Film(clip), film.Film(clip)
    times = [3.0, 7.0, 12.5]
    shown = {time: backward.at(time) for time in reversed(times)}
    assert all(np.array_equal(forward.at(time), shown[time]) for time in times)
    assert not np.array_equal(shown[3.0], shown[7.0])


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(("x", "side"), [(320, 40), (200, 80), (420, 130), (300, 190)])
def test_the_face_is_drawn_where_the_truth_says(tmp_path: Path, x: float, side: float) -> None:
    plan = Plan(EYE, 10, (standing(tmp_path, x, side),))
    (sight,) = plan.sights(1.0)
    image = film.Film(film.Clip(0, 0, plan)).at(1.0).astype(int)
    rows, columns = np.nonzero(image[..., 2] - image[..., 0] > 60)
    drawn = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert drawn.iou(sight.box) > 0.8


@pytest.mark.usefixtures("plain")
def test_the_nearer_one_is_drawn_over_the_other(tmp_path: Path) -> None:
    near, far = standing(tmp_path, 320, 160), standing(tmp_path, 320, 60, Label.WITHOUT_MASK)
    for visits in ((near, far), (far, near)):
        image = film.Film(film.Clip(0, 0, Plan(EYE, 10, visits))).at(1.0).astype(int)
        assert (image[..., 2] - image[..., 0] > 60).any()
        assert not (image[..., 0] - image[..., 2] > 60).any()


def test_a_film_ends_after_its_last_frame() -> None:
    shown = film.Film(film.Clip(0, 0, Plan(Eye(64, 48, 6, 0.1), 0.5, ())))
    times = [frame.time for _ in range(5) if (frame := shown.read(0.0))]
    assert (times, shown.ended) == ([0.0, 0.1, 0.2, 0.3, 0.4], False)
    assert (shown.read(0.0), shown.ended) == (None, True)
