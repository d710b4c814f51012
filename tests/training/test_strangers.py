"""The figures on pictures that no model learnt from, computed by hand, and the whole command on drawn pictures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from annotated_scenes import entry, write
from needed import BUNDLES
from photographs import blotches, save

pytest.importorskip("sklearn", reason="needs extra `train`")

import cv2

from maskwatch.errors import ConfigError, ModelError
from maskwatch.flow import Box
from maskwatch.vision import bundle
from training.__main__ import cli
from training.judging import peers
from training.judging.detections import Found
from training.pictures import data, voc
from training.strangers import chart, judge, measures, pictures, slicing, systems, targets, traits
from training.strangers.measures import Row
from training.strangers.pictures import EMPTY_PARTS, PORTRAITS, Picture
from training.strangers.systems import System
from training.strangers.targets import Target
from training.strangers.watch import Crop, PictureResult

MASKED, BARE, WRONG = "with_mask", "without_mask", "mask_weared_incorrect"
OURS = System("ours", lambda _: [], 0.5, True)
SIDE = 24.0


def square(left: float, side: float = 30) -> Box:
    return Box(left, 0, left + side, side)


def scene(
    stem: str, faces: list[tuple[str, float]], found: list[Found], traits: list[dict[str, str]] | None = None
) -> PictureResult:
    """A picture with faces of 30 px width at these places."""
    known = tuple(voc.Annotation(square(left), name) for name, left in faces)
    return PictureResult(
        Picture("streets", Path(f"{stem}.png"), known), {"ours": found}, traits or [{} for _ in known], []
    )


def at(left: float, label: str | None = None, score: float = 0.9, side: float = 30) -> Found:
    return Found(square(left, side), score, label)


def by_measure(rows: list[Row]) -> dict[str, Row]:
    return {row.measure: row for row in rows}


# -- counting -------------------------------------------------------------------------------------------------------


def test_of_the_faces_found_each_mistake_is_counted_by_what_the_face_wears() -> None:
    shown = [
        scene("a", [(WRONG, 0), (WRONG, 40), (WRONG, 80)], [at(0, BARE), at(40, MASKED)]),  # the third is not found
        scene(
            "b", [(MASKED, 0), (MASKED, 40), (BARE, 80), ("face", 120)], [at(0, BARE), at(40, MASKED), at(80, MASKED)]
        ),
        scene("c", [(BARE, 0)], [at(0, BARE, score=0.49)]),  # below the threshold: not found, so not called
    ]
    found = by_measure(measures.labels("streets", shown, OURS, SIDE))
    counts = {name: (row.hits, row.n) for name, row in found.items()}
    assert counts == {measures.WORN_WRONG: (1, 2), measures.MASKED_BARE: (1, 2), measures.BARE_MASKED: (1, 1)}
    assert found[measures.WORN_WRONG].interval95 == pytest.approx((0.0945, 0.9055), abs=1e-4)  # Wilson, 1 of 2


def test_faces_smaller_than_asked_are_neither_missed_nor_called() -> None:
    small = PictureResult(
        Picture("streets", Path("a.png"), (voc.Annotation(square(0, 20), MASKED),)), {"ours": []}, [{}], []
    )
    assert [row.n for row in measures.faces("streets", [small], OURS, SIDE)] == [0] * 9
    assert measures.labels("streets", [small], OURS, SIDE) == []


def test_each_mistake_is_counted_by_its_kind() -> None:
    faces = [(BARE, 0), (BARE, 100), (BARE, 200), (BARE, 300)]
    found = [
        at(0),
        at(116),
        at(200, score=0.4),
        at(500),
        at(600),
        at(700),
    ]  # found; badly placed; too low; on nothing, thrice
    rows = by_measure(measures.faces("streets", [scene("a", faces, found)], OURS, SIDE))
    counts = {name: (row.hits, row.n) for name, row in rows.items() if row.about == measures.MISTAKES}
    assert counts == {
        "false: badly placed": (1, 5),
        "false: second box": (0, 5),
        "false: on nothing annotated": (3, 5),
        "missed: badly placed": (1, 4),
        "missed: lower score": (1, 4),
        "missed: no box": (1, 4),
    }
    assert (rows["recall"].n, rows["precision"].n) == (4, 5)


def test_recall_and_precision_are_those_of_the_systems_own_threshold() -> None:
    shown = [scene("a", [(BARE, 0), (BARE, 40)], [at(0), at(40, score=0.4), at(200)])]
    found = by_measure(measures.faces("streets", shown, OURS, SIDE))
    assert (found["recall"].hits, found["recall"].n) == (1, 2)
    assert (found["precision"].hits, found["precision"].n) == (1, 2)
    eager = measures.faces("streets", shown, replace(OURS, threshold=0.3), SIDE)
    assert by_measure(eager)["recall"].hits == 2
    assert found["AP50"].value == by_measure(eager)["AP50"].value  # it asks for no threshold


@pytest.mark.parametrize(("false", "low", "high"), [(0, 0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668)])
def test_false_faces_in_rooms_come_with_garwoods_interval(false: int, low: float, high: float) -> None:
    empty = [scene(f"{number}", [], [at(0, side=9)] if number < false else []) for number in range(100)]
    row = measures.rooms("rooms", empty, OURS)
    assert (row.hits, row.n, row.value) == (false, 100, false / 100)
    assert row.interval95 == pytest.approx((low / 100, high / 100), abs=1e-5)  # from a table of the Poisson's limits


def test_a_portrait_needs_a_face_at_the_threshold_and_its_label() -> None:
    def portrait(name: str, label: str, found: list[Found]) -> PictureResult:
        return PictureResult(Picture(PORTRAITS, Path(f"{label}/{name}.png"), (), label), {"ours": found}, [], [])

    shown = [
        portrait("a", MASKED, [at(0, MASKED)]),
        portrait("a", BARE, [at(0, MASKED)]),  # the same name in the other class's folder
        portrait("c", BARE, [at(0, BARE, score=0.4)]),
    ]
    found = by_measure(measures.portraits(shown, OURS))
    assert (found["right"].hits, found["no face found"].hits, found["right"].n) == (1, 1, 3)


def test_crops_are_counted_by_how_they_are_shown() -> None:
    crops = [("ours", "face", 0, 0.2), ("ours", "grey", 0, 0.7), ("ours", "grey", 1, 0.7), ("other", "grey", 0, 0.1)]
    shown = replace(scene("a", [(MASKED, 0), (WRONG, 40)], []), crops=[Crop(*each) for each in crops])
    rows = {(row.about, row.measure): (row.hits, row.n) for row in measures.crops("streets", [shown], "ours", SIDE)}
    assert rows == {
        ("crops: face", measures.MASKED_BARE): (0, 1),
        ("crops: grey", measures.MASKED_BARE): (1, 1),
        ("crops: grey", measures.WORN_WRONG): (1, 1),
    }


def test_what_quantizing_costs_is_told_on_the_same_drawn_pictures() -> None:
    before, after = OURS, replace(OURS, name="int8")
    shown = [
        replace(scene(f"{n}", [(BARE, 0)], []), found={"ours": [at(0)], "int8": [at(0)] if n else []}) for n in range(9)
    ]
    (row,) = measures.lost("streets", shown, before, after, SIDE)
    assert row.value == pytest.approx(1 / 9, abs=0.01)
    assert row.interval95 is not None
    assert row.interval95[0] >= 0  # in no draw is int8 better
    (same,) = measures.lost("streets", shown, before, replace(before), SIDE)
    assert (same.value, same.interval95) == (0, (0, 0))


def test_only_close_masked_faces_are_close_ups() -> None:
    traits = [{"close-up": "masked", "mask surface": "uneven"}, {"close-up": "others"}, {}]
    shown = [scene("a", [(MASKED, 0), (BARE, 40), (MASKED, 80)], [at(0)], traits)]
    found = by_measure(measures.close_ups("streets", shown, OURS, SIDE))
    assert {name: (row.hits, row.n) for name, row in found.items()} == {
        "masked, found": (1, 1),
        "uneven mask, found": (1, 1),
    }


# -- slices ---------------------------------------------------------------------------------------------------------


def test_a_slice_counts_its_faces_and_the_weakest_is_the_surest_to_be_weak() -> None:
    traits = [{"light": "dark"}, {"light": "bright"}]
    shown = [scene(f"{n}", [(MASKED, 0), (BARE, 40)], [at(40, BARE)], traits) for n in range(slicing.MIN_FACES_WEAK)]
    rows = slicing.rows(shown, OURS, SIDE)
    counts = {(row.about, row.source, row.measure): (row.hits, row.n) for row in rows}
    assert counts == {
        ("found", "light", "dark"): (0, 20),
        ("found", "light", "bright"): (20, 20),
        ("right", "light", "bright"): (20, 20),
    }
    assert [row.measure for row in slicing.weakest(rows, "found", "ours", 5)] == ["dark"]  # nothing is wrong in others


def test_of_two_weak_slices_the_weaker_comes_first_and_few_faces_prove_nothing() -> None:
    counts = ((50, 100), (90, 100), (100, 100), (0, slicing.MIN_FACES_WEAK - 1), (0, 400))
    rows = [
        measures.share("found", "light", "ours", f"{hits}/{n}", [at < hits for at in range(n)]) for hits, n in counts
    ]
    assert [row.measure for row in slicing.weakest(rows, "found", "ours", 5)] == ["0/400", "50/100", "90/100"]
    assert [row.measure for row in slicing.weakest(rows, "found", "ours", 1)] == ["0/400"]
    assert slicing.weakest(rows, "right", "ours", 5) == slicing.weakest(rows, "found", "others", 5) == []


def test_sizes_are_told_from_smaller_faces_on_than_the_rest() -> None:
    face = voc.Annotation(square(0, 20), BARE)
    seen = PictureResult(
        Picture("streets", Path("a.png"), (face,)), {"ours": []}, [{"size": "16–24 px", "light": "dark"}], []
    )
    assert list(slicing.slices([seen], OURS, SIDE)) == [("size", "16–24 px")]


@pytest.mark.parametrize(
    ("box", "expected"), [((10, 10, 40, 40), False), ((0, 10, 40, 40), True), ((60, 10, 99, 40), True)]
)
def test_a_face_at_the_side_of_the_picture_is_cut(box: tuple[float, ...], expected: bool) -> None:
    assert traits.cut(Box(*box), np.zeros((100, 100, 3), np.uint8)) is expected


def test_a_tenth_of_another_face_over_it_is_an_overlap() -> None:
    one, near, far = (voc.Annotation(square(left), BARE) for left in (0, 26.9, 27.1))
    assert traits.covered(one, [one, near])
    assert not traits.covered(one, [one, far])


def test_a_picture_without_colour_is_told() -> None:
    colours = blotches(1)
    assert traits.picture_colour(colours) == "colour"
    assert traits.picture_colour(np.repeat(colours[..., :1], 3, axis=2)) == "grey"


def test_a_printed_mask_is_uneven_and_a_shaded_one_is_not() -> None:
    shaded = np.repeat(np.linspace(60, 200, 64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    printed = shaded.copy()
    printed[::4, ::4] = 255
    printed[1::4, ::4] = 255
    printed[::4, 1::4] = 0
    box = Box(0, 0, 64, 64)
    assert traits.surface(np.ascontiguousarray(shaded), box) == "even"
    assert traits.surface(np.ascontiguousarray(printed), box) == "uneven"


def test_widers_tags_are_read_and_another_sets_that_are_always_zero_are_not(tmp_path: Path) -> None:
    tagged = entry(BARE, 1, 1, 30, 30).replace(
        "</object>", "<occluded>2</occluded><blur>0</blur><atypical_pose>1</atypical_pose></object>"
    )
    write(tmp_path, "one", tagged)
    write(tmp_path, "two", entry(BARE, 1, 1, 30, 30).replace("</object>", "<occluded>0</occluded></object>"))
    assert traits.annotated(tmp_path / "images" / "one.png") == [
        {"occlusion (annotated)": "much", "blur (annotated)": "none", "pose (annotated)": "unusual"}
    ]
    assert traits.annotated(tmp_path / "images" / "two.png") == [{}]


# -- what is measured -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["face.tflite,mask.tflite", "now=face.tflite", "now=,mask.tflite"])
def test_models_that_are_no_pair_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected NAME=FACE,MASK"):
        systems.ours(text, "bundles")


def test_a_missing_file_is_named_before_anything_is_measured() -> None:
    with pytest.raises(ModelError, match=r"gone.tflite: no such file"):
        systems.ours("now=gone.tflite,gone.tflite", "bundles")


def test_a_folder_without_peers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none of yunet"):
        systems.others(tmp_path)


def test_a_file_that_is_not_ultrafaces_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="expected UltraFace's ONNX file"):
        peers.ultraface(tmp_path / "some.onnx", 0.5)


@pytest.mark.parametrize(
    ("most", "value", "kept"),
    [(False, 0.9, True), (False, 0.89, False), (True, 0.9, True), (True, 0.91, False), (True, None, None)],
)
def test_a_bound_is_kept_on_its_own_side(most: bool, value: float | None, kept: bool | None) -> None:
    row = Row("faces", "streets", "ours", "recall", value, None, 9)
    assert Target("faces", "streets", "recall", 0.9, most).kept_by(row) is kept
    assert Target("faces", "streets", "recall").kept_by(row) is None


def test_a_system_with_its_own_bound_is_held_to_that() -> None:
    target = Target("faces", "streets", "AP50", 0.9, of_system={"far": 0.96})
    rows = {name: Row("faces", "streets", name, "AP50", 0.94, None, 9) for name in ("near", "far")}
    assert [target.kept_by(rows[name]) for name in ("near", "far")] == [True, False]


@BUNDLES
def test_the_command_judges_what_nobody_learnt_from_and_keeps_sheets_out_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    monkeypatch.setattr(measures, "RESAMPLED", 9)
    monkeypatch.setattr(bundle.preprocess, "VERSION", bundle.preprocess.VERSION + 1)  # `before` is older than the code
    for seed in range(20):
        save(tmp_path, f"portraits/{data.LABELS[seed % 2]}/{seed}.png", seed)
        write(tmp_path / targets.STREETS, f"{seed}", entry(data.CLASSES[seed % 3], 10, 10, 60, 70))
        write(tmp_path / targets.ROOMS, f"{seed}", "")
        for name in (targets.STREETS, targets.ROOMS):
            image = cv2.resize(blotches(100 + seed), None, fx=4, fy=4)  # so large that a part without a face fits in
            cv2.imwrite(str(tmp_path / name / "images" / f"{seed}.png"), image)
    pair = f"{bundle.default_path('face')},{bundle.default_path('mask')}"
    words = ["strangers", "--ours", f"before={pair}", "--ours", f"now={pair}", "--data", str(tmp_path / "portraits")]
    for name in (targets.STREETS, targets.ROOMS):
        words += ["--scenes", str(tmp_path / name)]
    words += ["--part", "validation", "--workers", "1", "--out", str(tmp_path / "out"), "--run", str(tmp_path / "run")]
    cli([*words, "--most", "2"], standalone_mode=False)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "strangers-validation-sample.json",
        "strangers-validation-sample.png",
    ]
    made = json.loads((tmp_path / "out" / "strangers-validation-sample.json").read_text())
    assert made["preprocess_version"] == bundle.preprocess.VERSION
    assert [fact["face"]["preprocess_version"] for fact in made["systems"]] == [bundle.preprocess.VERSION - 1] * 2
    assert {name: each["pictures"] for name, each in made["sources"].items()} == {
        targets.STREETS: 2,
        targets.ROOMS: 2,
        PORTRAITS: 1,
        EMPTY_PARTS: 2,
    }
    found = [(row["system"], row["about"], row["measure"]) for row in made["rows"]]
    for system in ("before", "now"):
        assert (system, "faces", "AP50") in found
        assert found.count((system, "rooms", "false faces an image")) == 2
        assert (system, "portraits", "right") in found
        assert (system, "crops: whole", "right") in found
    assert "rooms, rooms-empty, false faces an image, ≤ 0.007" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "out" / "strangers-validation-sample.png")).shape[0] > 300


def test_a_part_of_a_scene_is_a_picture_of_its_own_without_a_face(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for name, *faces in (("whole", MASKED), ("empty",)):
        write(tmp_path, name, *(entry(face, 10, 10, 60, 70) for face in faces))
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), image[..., ::-1])
    scene, room = (
        Picture("streets", picture.path, picture.faces)
        for picture in sorted(voc.load(tmp_path), key=lambda scene: -len(scene.faces))
    )
    (part,) = pictures.empty_parts_of([scene, room, replace(scene, source=PORTRAITS)])
    assert part.source == EMPTY_PARTS
    assert part.faces == ()
    assert part.key not in (scene.key, room.key)
    assert part.place is not None
    left, top, side = part.place.left, part.place.top, part.place.side
    assert left > 60 or top > 70
    np.testing.assert_array_equal(part.read(), image[top : top + side, left : left + side])
    np.testing.assert_array_equal(scene.read(), image)


def test_a_float_model_without_its_bundles_is_refused(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("face", "mask")]
    for file in files:
        file.touch()
    pair = ",".join(map(str, files))
    words = ["strangers", "--ours", f"now={pair}", "--float", f"old={pair}"]
    with pytest.raises(ConfigError, match="no --ours of the name old; expected one of now"):
        cli([*words, "--data", str(tmp_path), "--scenes", str(tmp_path), "--part", "test"], standalone_mode=False)


def test_a_finders_sources_are_known_by_the_hash_in_its_card(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("one", "two", "three")]
    for number, root in enumerate(roots):
        for stem in range(5 + number):
            write(root, f"{number}{stem}", entry(BARE, 1, 1, 30, 30))
            cv2.imwrite(str(root / "images" / f"{number}{stem}.png"), blotches(stem))
    splits = voc.sources(roots, 0)
    assert pictures.learnt(splits["two"].sha256, splits) == ["two"]
    both = voc.sha256([splits["three"], splits["one"]])
    assert pictures.learnt(both, splits) == ["three", "one"]
    assert pictures.learnt("others", splits) is None


def test_every_target_has_a_place_in_the_picture_or_is_of_float() -> None:
    for target in targets.TARGETS:
        assert (chart.title_of(target) in chart.PANELS) != target.about.startswith("float")


def test_a_record_has_a_line_for_each_figure() -> None:
    made = {"kind": "strangers", "rows": [{"n": 1}, {"n": 2}], "sources": {"a": {}}}
    assert json.loads(judge.text(made)) == made
    assert judge.text(made).count("\n") == 8
