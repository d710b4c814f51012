"""Where a classifier is weak: counts by slice, intervals, calibration, thresholds, and the contact sheets."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write
from evaluated import CLOTH, SKIN, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import save
from PIL import Image as PillowImage

from maskwatch.flow import Box, Image, Label
from maskwatch.records.run import Run
from maskwatch.vision import classifier
from training.__main__ import cli
from training.augment import crops
from training.augment.crops import Sample
from training.judging import calibration, evaluate, plots, slices_report, wilson
from training.judging import slices as sliced
from training.judging.calibration import Bin, Point
from training.judging.slices import Judged, Slice
from training.pictures import contact_sheet, data
from training.runs import run_folder

MASKED, BARE, WRONG = range(3)
FACE = Box(10, 10, 50, 50)


def face(
    label: int = BARE,
    bare: float = 0.9,
    answer: int = BARE,
    *,
    whole: bool = False,
    street: bool = False,
    grey: bool = False,
    **traits: str,
) -> Judged:
    """A judged face."""
    sample = Sample(Path("x.png"), label, FACE, whole, street)
    return Judged(sample, np.zeros((8, 8, 3), np.uint8), bare, data.CLASSES[answer], traits, grey)


# -- a face ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "bare", "right"),
    [
        (MASKED, 0.49, True),
        (MASKED, 0.5, False),
        (BARE, 0.5, True),
        (BARE, 0.49, False),
        (WRONG, 0.9, True),  # it counts as bare
        (WRONG, 0.1, False),
    ],
)
def test_a_face_is_judged_right_as_the_device_would_alert(label: int, bare: float, right: bool) -> None:
    assert face(label, bare).right is right


def test_the_network_sees_what_the_device_sees_and_is_taken_at_its_calibrated_word(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "x.png"), picture[..., ::-1])
    seen: list[Image] = []

    def logits(looks: np.ndarray) -> np.ndarray:
        seen.extend(looks)
        return np.array([[2.0, 0.0, 1.0]], np.float32)

    samples = [Sample(tmp_path / "x.png", WRONG, FACE, street=True), Sample(tmp_path / "x.png", BARE, FACE, whole=True)]
    judged = sliced.judge(evaluate.Network(16, logits, temperature=2.0, bias=0.5), samples)
    odds = (np.exp(0.0) + np.exp(0.5)) / np.exp(1.0) * np.exp(0.5)
    for one, sample, look in zip(judged, samples, seen, strict=True):
        assert one.sample == sample
        assert np.array_equal(look, crops.cut(sample, picture, 16))
        assert np.array_equal(one.look, look)
        assert one.bare == pytest.approx(odds / (1 + odds))
        assert one.answer is Label.WITH_MASK  # the likeliest of the three, though two together outweigh it
    assert [one.truth for one in judged] == [Label.INCORRECT, Label.WITHOUT_MASK]


def test_a_model_of_two_classes_is_judged_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), np.zeros((60, 80, 3), np.uint8))
    network = evaluate.Network(16, lambda _: np.log(np.array([[0.3, 0.7]], np.float32)))
    (judged,) = sliced.judge(network, [Sample(tmp_path / "x.png", BARE, FACE)])
    assert (judged.bare, judged.answer) == (pytest.approx(0.7), Label.WITHOUT_MASK)


# -- its traits -----------------------------------------------------------------------------------------------------


def flat(*colour: int) -> Image:
    return np.full((120, 120, 3), colour, np.uint8)


def traits(image: Image, label: int = MASKED, box: Box | None = FACE, **sample: Any) -> dict[str, str]:
    return sliced.traits(Sample(Path("with_mask/a.jpg"), label, box, **sample), image, frozenset({"a.jpg"}))


@pytest.mark.parametrize(
    ("sample", "source"),
    [
        ({}, "portrait face"),
        ({"whole": True}, "whole portrait"),
        ({"street": True, "source": "press"}, "press"),
        ({"source": "kinds"}, "kinds"),
    ],
)
def test_the_source_says_where_a_face_is_from_and_how_it_is_looked_at(sample: dict[str, Any], source: str) -> None:
    assert traits(flat(90, 90, 90), **sample)["source"] == source


def test_a_mask_is_pasted_or_real_on_masked_portraits_alone() -> None:
    image = flat(90, 90, 90)
    assert traits(image)["mask"] == "pasted"
    assert sliced.traits(Sample(Path("b.jpg"), MASKED, FACE), image, frozenset({"a.jpg"}))["mask"] == "real"
    assert "mask" not in traits(image, street=True, source="press")
    assert "mask" not in traits(image, source="kinds")  # whatever the files there are called
    assert "mask" not in traits(image, BARE)
    assert "mask colour" not in traits(image, WRONG)


def test_of_a_face_nobody_knows_the_place_of_only_class_and_source_are_told() -> None:
    assert traits(flat(90, 90, 90), BARE, None) == {"class": "without_mask", "source": "portrait face"}


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (15.9, "under 16 px"),
        (16, "16–24 px"),
        (23.9, "16–24 px"),
        (24, "24–40 px"),
        (79.9, "40–80 px"),
        (80, "80 px and more"),
        (500, "80 px and more"),
    ],
)
def test_the_size_is_the_shorter_sides(side: float, expected: str) -> None:
    image = flat(90, 90, 90)
    assert traits(image, box=Box(0, 0, side, side + 7))["size"] == expected
    assert traits(image, box=Box(0, 0, side + 7, side))["size"] == expected


@pytest.mark.parametrize(("grey", "expected"), [(40, "dark"), (120, "medium"), (200, "bright")])
def test_the_light_is_the_faces_and_not_the_pictures(grey: int, expected: str) -> None:
    image = flat(255 - grey, 255 - grey, 255 - grey)
    image[10:50, 10:50] = grey
    assert traits(image)["light"] == expected


def test_the_focus_is_the_faces_at_one_size() -> None:
    fine = np.random.default_rng(0).integers(60, 190, (120, 120, 1), np.uint8).repeat(3, axis=2)
    found = [
        traits(np.asarray(image, np.uint8), box=Box(20, 20, 84, 84))["focus"]
        for image in (fine, cv2.GaussianBlur(fine, (0, 0), 1.2), cv2.GaussianBlur(fine, (0, 0), 4))
    ]
    assert found == ["sharp", "soft", "blurred"]


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((20, 20, 22), "black"),
        ((240, 240, 245), "white"),
        ((120, 122, 120), "grey"),
        ((200, 40, 40), "red"),
        ((200, 40, 60), "red"),  # beyond violet again
        ((220, 190, 60), "yellow"),
        ((60, 170, 80), "green"),
        ((100, 160, 220), "blue"),
        ((140, 60, 190), "purple"),
    ],
)
def test_the_masks_colour_is_read_where_a_mask_is(colour: tuple[int, int, int], name: str) -> None:
    image = flat(*SKIN)
    image[10 + 24 : 50, 10:50] = colour  # the face's lower part
    assert traits(image)["mask colour"] == name


@pytest.mark.parametrize(("nose", "expected"), [(50, "ahead"), (41, "ahead"), (39, "left"), (61, "right")])
def test_a_face_is_turned_to_where_the_nose_points(nose: float, expected: str) -> None:
    points = np.array([(30, 30), (70, 30), (nose, 50), (40, 70), (60, 70)], np.float32)
    sample = Sample(Path("a.jpg"), BARE, FACE)
    found = sliced.traits(sample, flat(9, 9, 9), frozenset(), lambda _: points)
    assert found["turned"] == expected


def test_which_way_a_street_face_or_one_without_landmarks_is_turned_nobody_says() -> None:
    points = np.zeros((5, 2), np.float32)
    street = sliced.traits(Sample(Path("a"), BARE, FACE, street=True), flat(9, 9, 9), frozenset(), lambda _: points)
    hidden = sliced.traits(Sample(Path("a"), BARE, FACE), flat(9, 9, 9), frozenset(), lambda _: None)
    assert "turned" not in street | hidden


# -- slices ---------------------------------------------------------------------------------------------------------


def test_every_face_is_in_all_and_in_a_slice_of_each_of_its_traits() -> None:
    faces = [face(light="dark", size="b"), face(light="bright"), face(light="dark", size="a"), face()]
    found = sliced.slices(faces)
    names = [(each.kind, each.name, len(each.faces)) for each in found]
    assert names == [
        ("all", "all", 4),
        ("light", "bright", 1),
        ("light", "dark", 2),
        ("size", "a", 1),
        ("size", "b", 1),
    ]
    assert found[2].faces == (faces[0], faces[2])


def test_a_slices_record_counts_both_mistakes_and_masks_worn_wrong_for_neither() -> None:
    faces = (
        face(BARE, 0.9),
        face(BARE, 0.2),
        face(MASKED, 0.1),
        face(MASKED, 0.8),
        face(MASKED, 0.1),
        face(WRONG, 0.1),
    )
    assert Slice("light", "dark", faces).record() == {
        "kind": "light",
        "slice": "dark",
        "n": 6,
        "right": 0.5,
        "interval95": [round(share, 4) for share in wilson.interval(3, 6)],
        "bare_called_masked": "1/2",
        "masked_called_bare": "1/3",
        "worn_wrong_flagged": "0/1",
    }


def test_masks_worn_wrong_are_told_by_source() -> None:
    image = flat(90, 90, 90)
    assert traits(image, WRONG, source="press")["worn wrong"] == "press"
    assert "worn wrong" not in traits(image, MASKED, source="press") | traits(image, BARE, source="press")


def test_a_face_judged_in_grey_is_in_slices_of_its_own(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))

    def logits(looks: np.ndarray) -> np.ndarray:
        """Calls a face without colour bare, and one with colour masked."""
        return np.array([[0.0, 5.0, 0.0] if (look == look[..., :1]).all() else [5.0, 0.0, 0.0] for look in looks])

    samples = [Sample(tmp_path / "x.png", label, FACE, source="press") for label in (MASKED, WRONG, BARE)]
    judged = sliced.judge(evaluate.Network(16, logits), samples, grey=True)
    assert [(each.grey, each.truth) for each in judged] == [
        (grey, data.CLASSES[label]) for label in (MASKED, WRONG, BARE) for grey in (False, True)
    ]
    found = {(each.kind, each.name): each.record() for each in sliced.slices(judged)}
    assert found["all", "all"]["n"] == found["source", "press"]["n"] == 3
    assert found["grey", "with_mask"]["masked_called_bare"] == "1/1"
    assert found["grey", "without_mask"]["bare_called_masked"] == "0/1"
    assert found["grey, worn wrong", "press"]["worn_wrong_flagged"] == "1/1"
    assert found["worn wrong", "press"]["worn_wrong_flagged"] == "0/1"
    assert len(sliced.judge(evaluate.Network(16, logits), samples)) == 3


def of(name: str, right: int, wrong: int, kind: str = "light") -> Slice:
    return Slice(kind, name, (*[face(BARE, 0.9)] * right, *[face(BARE, 0.1)] * wrong))


def test_the_worst_slice_is_the_one_most_surely_weak() -> None:
    found = [
        of("everything", 0, 500, kind="all"),
        of("too few to tell", 0, sliced.MIN_FACES - 1),
        of("flawless", 400, 0),
        of("few", 17, 3),  # 0.85, but it may be 0.95
        of("many", 870, 130),  # 0.87, and surely not above 0.89
    ]
    weakest = sliced.worst(found)
    assert weakest is not None
    assert weakest.name == "many"
    assert sliced.worst(found[:3]) is None


def test_the_table_has_a_line_for_each_slice_with_its_counts() -> None:
    head, everything, dark = sliced.table([of("all", 3, 1, kind="all"), of("dark", 1, 1)]).splitlines()
    assert head.split()[:3] == ["slice", "n", "right"]
    assert everything.split()[:3] == ["all", "4", "75.00%"]
    assert dark.split()[:4] == ["light:", "dark", "2", "50.00%"]
    assert dark.split()[-3:] == ["1/2", "0/0", "0/0"]
    assert len({len(line) for line in (head, everything, dark)}) == 1


def test_a_sheets_pictures_come_worst_first_with_what_is_true_and_what_was_said() -> None:
    faces = [face(BARE, 0.4), face(MASKED, 0.97), face(WRONG, 0.2), face(MASKED, 0.51)]
    assert [caption for _, caption in sliced.pictures(faces)] == [
        "mask, bare 0.97",
        "wrong, bare 0.20",
        "bare, bare 0.40",
        "mask, bare 0.51",
    ]


# -- calibration ----------------------------------------------------------------------------------------------------


def arrays(*faces: tuple[float, bool]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([bare for bare, _ in faces], np.float32), np.array([is_bare for _, is_bare in faces], bool)


def test_verdicts_of_one_confidence_share_a_bin_whichever_way_they_point() -> None:
    found = calibration.bins(
        *arrays((0.97, True), (0.03, False), (0.02, True), (0.62, True), (1.0, True), (0.5, False))
    )
    assert [(each.n, each.right) for each in found] == [(1, 0.0), (1, 1.0), (4, 0.75)]
    assert [each.confidence for each in found] == pytest.approx([0.5, 0.62, (0.97 + 0.97 + 0.98 + 1) / 4])


def test_the_error_is_the_mean_gap_weighed_by_faces() -> None:
    assert calibration.expected_error([Bin(30, 0.9, 0.8), Bin(10, 0.6, 0.9)]) == pytest.approx(
        (30 * 0.1 + 10 * 0.3) / 40
    )


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_every_face_is_in_one_bin_and_the_error_a_share(faces: list[tuple[float, bool]]) -> None:
    found = calibration.bins(*arrays(*faces))
    assert sum(each.n for each in found) == len(faces)
    assert all(0.5 <= each.confidence <= 1 and 0 <= each.right <= 1 and each.n for each in found)
    assert 0 <= calibration.expected_error(found) <= 1


def test_honest_confidence_has_no_error_and_boasting_has() -> None:
    rng = np.random.default_rng(0)
    bare = rng.random(40_000).astype(np.float32)
    truth = rng.random(40_000) < bare
    assert calibration.expected_error(calibration.bins(bare, truth)) < 0.01
    boast = (1 / (1 + (1 / bare.clip(1e-6, 1 - 1e-6) - 1) ** 3)).astype(np.float32)
    assert calibration.expected_error(calibration.bins(boast, truth)) > 0.1


def test_a_threshold_costs_what_the_hand_counts() -> None:
    found = calibration.points(*arrays((0.3, False), (0.6, False), (0.05, False), (0.6, True), (0.92, True)))
    by_threshold = {point.threshold: point for point in found}
    assert [point.threshold for point in found] == pytest.approx(np.arange(0.1, 0.951, 0.05))
    assert by_threshold[0.1] == Point(0.1, 2, 3, 0, 2)
    assert by_threshold[0.6] == Point(0.6, 1, 3, 0, 2)  # at the threshold a face counts as bare
    assert by_threshold[0.65] == Point(0.65, 0, 3, 1, 2)
    assert by_threshold[0.95] == Point(0.95, 0, 3, 2, 2)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), max_size=60))
def test_a_higher_threshold_never_alarms_more_nor_misses_fewer(faces: list[tuple[float, bool]]) -> None:
    found = calibration.points(*arrays(*faces))
    alarms, missed = [point.false_alarms for point in found], [point.missed for point in found]
    assert alarms == sorted(alarms, reverse=True)
    assert missed == sorted(missed)
    assert {(point.masked, point.bare) for point in found} == {
        (sum(not is_bare for _, is_bare in faces), sum(is_bare for _, is_bare in faces))
    }


def curve(*alarms: int, masked: int = 100) -> list[Point]:
    return [Point(0.1 * (place + 1), alarm, masked, place, 50) for place, alarm in enumerate(alarms)]


@pytest.mark.parametrize(
    ("people", "place"),
    [(10, 0), (11, 1), (20, 1), (50, 2), (100, 3), (101, 4), (1000, 4)],
)
def test_the_chosen_threshold_is_the_lowest_that_keeps_the_promise(people: int, place: int) -> None:
    found = curve(10, 5, 2, 1, 0)
    assert calibration.choose(found, people) is found[place]


def test_where_none_keeps_the_promise_the_highest_is_chosen_and_where_nobody_is_masked_the_lowest() -> None:
    assert calibration.choose(curve(9, 8, 7), 100).threshold == pytest.approx(0.3)
    assert calibration.choose(curve(0, 0, masked=0), 100).threshold == pytest.approx(0.1)


def spoilt(temperature: float, bias: float, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, C) logits, scaled and shifted from the true log odds of being bare, and labels drawn by those odds."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2.5, 20_000)
    is_bare = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    logits = np.zeros((len(odds), classes), np.float32)
    logits[:, BARE] = (odds - bias) * temperature
    logits[:, 2:] = -60  # nobody wears one wrong
    return logits, np.where(is_bare, BARE, MASKED)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (0.5, 0.0), (3.0, 0.0), (1.0, 1.5), (2.0, -0.8)])
def test_the_temperature_and_bias_that_spoilt_the_confidence_are_found_again(
    temperature: float, bias: float, classes: int
) -> None:
    found = calibration.fit(*spoilt(temperature, bias, classes))
    assert found == pytest.approx((temperature, bias), rel=0.08, abs=0.08)


def test_both_camps_have_the_same_say_in_the_bias_however_many_they_are() -> None:
    logits, labels = spoilt(1.0, 0.7, 2)
    few = (labels == MASKED) | (np.arange(len(labels)) % 10 == 0)  # a tenth of the bare
    bare = classifier.bare_share(logits[few], data.LABELS, *calibration.fit(logits[few], labels[few]))
    missed, alarmed = (bare[labels[few] == BARE] < 0.5).mean(), (bare[labels[few] == MASKED] >= 0.5).mean()
    assert missed == pytest.approx(alarmed, abs=0.02)


def test_masks_worn_wrong_have_no_say_in_the_calibration() -> None:
    logits, labels = spoilt(2.0, 0.5, 3)
    rng = np.random.default_rng(1)
    others = rng.normal(0, 9, (5000, 3)).astype(np.float32)
    both = np.concatenate([logits, others]), np.concatenate([labels, np.full(5000, WRONG)])
    assert calibration.fit(*both) == calibration.fit(logits, labels)


# -- the pictures ---------------------------------------------------------------------------------------------------


def pixels(path: Path) -> np.ndarray:
    with PillowImage.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_a_sheet_shows_each_picture_in_its_place_with_its_line_under_it(tmp_path: Path) -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    tiles = [(np.full((5, 9, 3), colour, np.uint8), "bare, bare 0.12") for colour in colours]
    contact_sheet.write(tiles, tmp_path / "sheet.png", columns=2, side=40)
    paper = pixels(tmp_path / "sheet.png")
    step, line = 40 + 4, contact_sheet.TEXT + 5
    assert paper.shape == (2 * (step + line), 2 * step, 3)
    for place, colour in enumerate(colours):
        top, left = place // 2 * (step + line), place % 2 * step
        assert (paper[top : top + 40, left : left + 40] == colour).all()
        assert (paper[top + 40 : top + 40 + line, left : left + 40] < 128).any()  # ink
    assert (paper[step + line :, step:] == 255).all()  # an empty place
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_sheet_of_nothing_is_a_blank_row(tmp_path: Path) -> None:
    contact_sheet.write([], tmp_path / "sheet.png", columns=3, side=20)
    paper = pixels(tmp_path / "sheet.png")
    assert paper.shape == (20 + contact_sheet.TEXT + 5 + 4, 3 * 24, 3)
    assert (paper == 255).all()


def test_calibration_and_thresholds_are_drawn_and_nothing_else_is_left(tmp_path: Path) -> None:
    drawn = []
    for right in (0.6, 0.95):
        plots.reliability([Bin(90, 0.55, 0.5), Bin(900, 0.97, right)], 0.2, tmp_path / "reliability.png")
        drawn.append(pixels(tmp_path / "reliability.png"))
    for alarms in ((40, 20, 1), (4, 2, 1)):
        plots.operating(curve(*alarms), curve(*alarms)[1], tmp_path / "thresholds.png")
        drawn.append(pixels(tmp_path / "thresholds.png"))
    assert all(0.01 < (picture < 250).any(axis=2).mean() < 0.5 for picture in drawn)
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[2], drawn[3])
    assert {path.name for path in tmp_path.iterdir()} == {"reliability.png", "thresholds.png"}
    assert plots.plt.get_fignums() == []


# -- the report -----------------------------------------------------------------------------------------------------


def test_confidence_is_held_against_faces_as_the_device_sees_them_and_both_camps_agree_on() -> None:
    faces = [
        face(BARE, 0.8),
        face(MASKED, 0.3, street=True),
        face(BARE, 0.1, whole=True),
        face(WRONG, 0.2, street=True),
        face(BARE, 0.4, grey=True),
    ]
    bare, is_bare = slices_report.with_clear_class(faces)
    assert bare == pytest.approx([0.8, 0.3])
    assert is_bare.tolist() == [True, False]


def test_masks_worn_wrong_are_counted_by_what_they_were_called() -> None:
    faces = [face(WRONG, answer=answer) for answer in (WRONG, MASKED, WRONG, MASKED)]
    assert slices_report.incorrect([*faces, face(BARE, answer=BARE), face(WRONG, grey=True)]) == {
        "n": 4,
        "called_with_mask": 2,
        "called_without_mask": 0,
        "called_mask_weared_incorrect": 2,
    }


def test_the_summary_is_ready_for_json_and_agrees_with_itself() -> None:
    faces = [face(BARE, 0.9, light="dark")] * 30 + [face(MASKED, 0.8, light="bright")] * 25
    faces += [face(MASKED, 0.05)] * 75
    figures = json.loads(json.dumps(slices_report.summary(faces, people=4)))
    assert figures["slices"][0]["n"] == 130
    assert figures["worst"]["slice"] == "bright"
    assert figures["chosen"] == {"threshold": 0.1, "false_alarms": 25, "masked": 100, "missed": 0, "bare": 30}
    assert slices_report.summary(faces, people=5)["chosen"]["threshold"] == 0.85
    assert figures["calibration_error"] == pytest.approx((30 * 0.1 + 75 * 0.05 + 25 * 0.8) / 130, abs=1e-4)
    assert figures["chosen"] in figures["thresholds"]


def paint(path: Path, *colours: tuple[int, int, int]) -> None:
    """Patches of 40 by 60 pixels, side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.array([colours], np.uint8).repeat(60, axis=0).repeat(40, axis=1)[..., ::-1])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Three masked portraits, one of them called bare; two bare ones; ten streets with a face of each class."""
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    portraits, street = tmp_path / "portraits", tmp_path / "street"
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for label, colours in ((Label.WITH_MASK, (CLOTH, CLOTH, SKIN)), (Label.WITHOUT_MASK, (SKIN, SKIN))):
        for number, colour in enumerate(colours):
            paint(portraits / label / f"{number}.png", colour)
            lines.append(f"{label}/{number}.png\t5\t5\t35\t50\t0.9")
    (portraits / "with_mask" / "junk.jpg").write_bytes(b"junk")
    (portraits / "faces.tsv").write_text("\n".join(lines) + "\n")
    (portraits / "synthetic.txt").write_text("with_mask/1.png\n")
    for number in range(10):
        faces = [entry(label, 40 * place, 5, 40 * place + 30, 40) for place, label in enumerate(data.CLASSES)]
        write(street, f"{number}", *faces)
        paint(street / "images" / f"{number}.png", CLOTH, SKIN, SKIN)
    return portraits, street


def command(model: Path, portraits: Path, out: Path, *options: str | Path) -> None:
    arguments: Sequence[str] = ["slices", str(model), "--data", str(portraits), "--out", str(out), *map(str, options)]
    cli(arguments, standalone_mode=False)


def test_the_command_judges_every_face_says_what_it_found_and_writes_it_down(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sliced, "MIN_FACES", 2)
    model, out = saved(tmp_path / "colour.keras", 3), tmp_path / "new" / "report"
    command(model, folders[0], out, "--scenes", folders[1], "--part", "all")
    names = {"slices.json", "mistakes.png", "grey.png", "worst.png", "reliability.png", "thresholds.png"}
    assert {path.name for path in out.iterdir()} == names
    figures = json.loads((out / "slices.json").read_text())
    found = {f"{row['kind']}: {row['slice']}": row for row in figures["slices"]}
    assert found["all: all"]["n"] == 5 + 5 + 30
    assert {name: found[f"source: {name}"]["n"] for name in ("whole portrait", "portrait face", "street")} == {
        "whole portrait": 5,
        "portrait face": 5,
        "street": 30,
    }
    assert found["class: with_mask"]["masked_called_bare"] == "2/16"  # the portrait, whole and cut
    assert found["class: without_mask"]["bare_called_masked"] == "0/14"
    assert [found[f"grey: {label}"]["n"] for label in data.CLASSES] == [16, 14, 10]
    assert found["worn wrong: street"]["n"] == found["grey, worn wrong: street"]["n"] == 10
    assert (found["mask: pasted"]["n"], found["mask: real"]["n"]) == (2, 4)
    assert figures["incorrect"]["n"] == 10
    assert (figures["model"], figures["part"], figures["seed"]) == ("colour.keras", "all", 0)
    said = capsys.readouterr().out
    assert sliced.table([]) in said
    # A model that judges by colour cannot tell the classes at night.
    assert re.search(r"worst slice: grey: with(_mask, 16 of 16|out_mask, 14 of 14) wrong", said)
    assert f"into {out}" in said


@pytest.mark.parametrize("temperature", [500.0, 0.5])
def test_the_confidence_that_is_judged_is_the_runs_own(
    folders: tuple[Path, Path], tmp_path: Path, temperature: float
) -> None:
    model = saved(tmp_path / "colour.keras", 2)
    fields: dict[str, Any] = {"name": "x", "task": "mask", "labels": data.LABELS, "input_size": 8, "seed": 0}
    run = Run(**fields, split_sha256="", knobs={}, versions={}, history={}, temperature=temperature)
    run_folder.write(tmp_path, run)
    command(model, folders[0], tmp_path / "out", "--part", "all")
    error = json.loads((tmp_path / "out" / "slices.json").read_text())["calibration_error"]
    boasting = abs(error - 0.2) < 1e-3  # one in five is wrong, but the scores say that none is
    assert boasting is (temperature < 1)


def test_a_part_of_the_split_is_judged_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for number in range(40):
        name = f"{data.LABELS[number % 2]}/{number}.png"
        save(tmp_path / "set", name, number)
        lines.append(f"{name}\t5\t5\t35\t50\t0.9")
    (tmp_path / "set" / "faces.tsv").write_text("\n".join(lines) + "\n")
    command(saved(tmp_path / "colour.keras", 3), tmp_path / "set", tmp_path / "out", "--part", "test", "--seed", "3")
    figures = json.loads((tmp_path / "out" / "slices.json").read_text())
    assert (figures["part"], figures["seed"], figures["slices"][0]["n"]) == ("test", 3, 2 * 10)


def test_portraits_without_known_faces_are_sliced_and_give_no_threshold(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[0] / "faces.tsv").unlink()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thresholds.png").write_bytes(b"of another model")
    command(saved(tmp_path / "colour.keras", 3), folders[0], tmp_path / "out", "--part", "all")
    assert json.loads((tmp_path / "out" / "slices.json").read_text())["chosen"] is None
    assert (
        "no threshold can be recommended: no masked or no bare face was cut out of a picture" in capsys.readouterr().out
    )
    assert not (tmp_path / "out" / "thresholds.png").exists()  # without faces there is no figure


@pytest.mark.parametrize(("masked", "told"), [(40, True), (100, False)])
def test_so_few_masked_people_that_the_promise_cannot_be_told_are_named(masked: int, told: bool) -> None:
    said = slices_report.recommended(
        {"threshold": 0.3, "false_alarms": 0, "masked": masked, "missed": 1, "bare": 9}, 100
    )
    assert said.startswith("threshold 0.3 (at most one false alarm in 100): 0 of ")
    assert said.endswith("; so few masked faces cannot show one in 100") is told
