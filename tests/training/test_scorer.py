"""The figures for found faces are those of the rule, computed by hand, and mistakes in the lines are named."""

import json
from pathlib import Path

import pytest
from annotated_scenes import entry, write
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import save

from maskwatch.camera.files import folder
from maskwatch.cli.still_pictures import Still, json_line
from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Box, Face, Label, Verdict
from training.__main__ import cli, main
from training.judging import detections, matching, scorer, wilson
from training.judging.average_precision import average_precision, precision_interval
from training.judging.detections import MIN_SIDE, Found, Truth
from training.pictures import data, voc
from training.pictures.data import LABELS

BARE, MASKED, WRONGLY = "without_mask", "with_mask", "mask_weared_incorrect"


def square(left: float, side: float = 20) -> Box:
    return Box(left, 0, left + side, side)


def truth(left: float, name: str = MASKED, side: float = 20) -> Truth:
    return Truth(square(left, side), name, ignored=side < MIN_SIDE)


SCENE = {"x": [truth(0), truth(40, BARE), truth(80, side=10), truth(120, WRONGLY)]}
FOUND = {
    "x": [
        Found(square(120), 0.4, MASKED),
        Found(square(0), 0.9, MASKED, 0.4),
        Found(square(300), 0.8, BARE, 0.9),  # nobody is there
        Found(square(40), 0.7, MASKED, 0.6),
        Found(square(80, 10), 0.6, BARE),  # a face too small to judge
        Found(square(400, 5), 0.5),  # nobody, and too small to count
    ],
    "not annotated": [Found(square(0), 1.0)],
}


def test_a_scene_worked_out_by_hand() -> None:
    # Surest first: hit, false, hit, hit. Precision at recalls up to 1/3 is 1 (34 of 101), then 3/4 (67 of 101).
    # with_mask, times confidence: 0.42 false, 0.4 false, 0.36 hit. without_mask: 0.72 false, and the bare face missed.
    expected = {
        "images": 1,
        "faces": 3,
        "face_ap50": round((34 + 67 * 0.75) / 101, 4),
        "with_mask_ap50": round(1 / 3, 4),
        "with_mask_n": 1,
        "without_mask_ap50": 0.0,
        "without_mask_n": 1,
        "threshold": 0.0,
        "recall": 1.0,
        "precision": 0.75,
        "label_accuracy": 0.5,  # the wrongly worn mask is judged for neither label
        "bare_called_masked": "1/1",
        "masked_called_bare": "0/1",
    }
    result = scorer.score(FOUND, SCENE)
    assert {key: result[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("threshold", "matched", "false", "missed"), [(0.0, 3, 1, 0), (0.7, 2, 1, 1), (0.85, 1, 0, 2), (0.95, 0, 0, 3)]
)
def test_only_boxes_that_reach_the_threshold_count(threshold: float, matched: int, false: int, missed: int) -> None:
    counts = matching.tally(FOUND, SCENE, threshold)
    assert (counts.matched, counts.false, counts.missed) == (matched, false, missed)
    assert counts.f1 == pytest.approx(2 * matched / (2 * matched + false + missed))


@pytest.mark.parametrize(
    ("found", "matched", "false"),
    [
        ([Found(square(0), 0.9), Found(square(1), 0.8)], 1, 1),  # one face is matched once
        ([Found(Box(0, 0, 20, 10), 0.9)], 1, 0),  # IoU 0.5 is enough
        ([Found(Box(0, 0, 20, 9.9), 0.9)], 0, 0),  # less is not, and this box is too small to be false
        ([Found(Box(0, 0, 60, 20), 0.9)], 0, 1),
    ],
)
def test_a_box_matches_the_face_it_overlaps_by_half(found: list[Found], matched: int, false: int) -> None:
    counts = matching.tally({"x": found}, {"x": [truth(0)]}, 0.0)
    assert (counts.matched, counts.false, counts.missed) == (matched, false, 1 - matched)


def test_the_surer_box_takes_the_face_and_another_face_is_left_for_the_other() -> None:
    faces = {"x": [truth(0), truth(8)]}
    found = {"x": [Found(square(5), 0.8), Found(square(3), 0.9)]}
    assert matching.tally(found, faces, 0.0).matched == 2


def test_ignored_faces_are_neither_missed_nor_false_nor_used_up() -> None:
    faces = {"x": [truth(0, side=12)]}
    found = {"x": [Found(square(0, 12), 0.9), Found(square(0, 13), 0.8), Found(Box(0, 0, 17, 18), 0.7)]}
    counts = matching.tally(found, faces, 0.0)  # the last overlaps by 0.47 only: near enough not to be called false
    assert (counts.matched, counts.false, counts.missed) == (0, 0, 0)
    assert average_precision(found, faces) == (0.0, 0)


@pytest.mark.parametrize(
    ("label", "name", "bare", "masked"),
    [
        (BARE, BARE, (1, 0), (0, 0)),
        (MASKED, BARE, (1, 1), (0, 0)),
        (MASKED, MASKED, (0, 0), (1, 0)),
        (BARE, MASKED, (0, 0), (1, 1)),
        (BARE, WRONGLY, (0, 0), (0, 0)),
        (None, BARE, (0, 0), (0, 0)),
    ],
)
def test_labels_are_judged_on_matched_faces_only(
    label: str | None, name: str, bare: tuple[int, int], masked: tuple[int, int]
) -> None:
    found = {"x": [Found(square(0), 0.9, label), Found(square(200), 0.9, label)]}
    counts = matching.tally(found, {"x": [truth(0, name)]}, 0.0)
    assert (counts.bare, counts.bare_called_masked) == bare
    assert (counts.masked, counts.masked_called_bare) == masked


def test_a_false_box_costs_only_when_it_is_surer_than_a_true_one() -> None:
    faces = {"x": [truth(0)], "y": [truth(0)]}
    again = Found(square(1), 0.5)  # the surer box has the face already
    found = {"x": [again, Found(square(0), 0.9), Found(square(100), 0.5)], "y": [Found(square(0), 0.7)]}
    assert average_precision(found, faces)[0] == pytest.approx(1.0)
    found["y"].append(Found(square(100), 0.8))
    assert average_precision(found, faces)[0] == pytest.approx((51 + 50 * 2 / 3) / 101)


FACES = st.tuples(st.floats(0.01, 1), st.sampled_from([BARE, MASKED, WRONGLY]), st.floats(MIN_SIDE, 90))


@settings(deadline=None, max_examples=25)  # a busy machine is no failure; each is resampled hundreds of times
@given(st.lists(st.lists(FACES, max_size=5), min_size=1, max_size=4).filter(any))
def test_perfect_detections_score_one(scenes: list[list[tuple[float, str, float]]]) -> None:
    faces = {
        f"{number}": [truth(100 * at, face[1], face[2]) for at, face in enumerate(scene)]
        for number, scene in enumerate(scenes)
    }
    found = {
        stem: [Found(true.box, face[0], true.name) for true, face in zip(faces[stem], scenes[int(stem)], strict=True)]
        for stem in faces
    }
    result = scorer.score(found, faces)
    assert [result[key] for key in ("face_ap50", "recall", "precision")] == [1.0] * 3
    assert result["label_accuracy"] == (1.0 if result["with_mask_n"] + result["without_mask_n"] else None)
    for label in LABELS:
        assert result[f"{label}_ap50"] == (1.0 if result[f"{label}_n"] else 0.0)
    names = [name for scene in scenes for _, name, _ in scene]
    assert result["faces"] == len(names) == result["with_mask_n"] + result["without_mask_n"] + names.count(WRONGLY)
    assert f"{WRONGLY}_n" not in result  # a verdict is never that


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    hits, n = counts
    z, share = 1.959964, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    low, high = wilson.interval(hits, n)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-5)
    assert 0 <= low <= share <= high <= 1


def test_of_nothing_every_share_is_possible() -> None:
    assert wilson.interval(0, 0) == (0.0, 1.0)


def test_the_interval_of_an_average_precision_holds_it_and_narrows_with_the_pictures() -> None:
    widths = []
    for count in (8, 80):
        faces = {f"{number}": [truth(0)] for number in range(count)}
        found = {f"{number}": [Found(square(0 if number % 4 else 300), 0.9)] for number in range(count)}
        value, _ = average_precision(found, faces)
        low, high = precision_interval(found, faces)
        assert 0 <= low < value < high <= 1
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]


def test_where_all_pictures_are_alike_or_there_is_none_the_average_precision_is_sure() -> None:
    alike = {f"{number}": [truth(0)] for number in range(5)}
    assert precision_interval({stem: [Found(square(0), 0.9)] for stem in alike}, alike) == pytest.approx((1, 1))
    assert precision_interval({}, alike) == (0.0, 0.0)
    assert precision_interval({}, {}) == (0.0, 0.0)


def test_the_figures_come_with_their_intervals() -> None:
    result = scorer.score(FOUND, SCENE)
    assert result["recall_interval95"] == [round(end, 4) for end in wilson.interval(3, 3)]
    assert result["precision_interval95"] == [round(end, 4) for end in wilson.interval(3, 4)]
    assert result["label_interval95"] == [round(end, 4) for end in wilson.interval(1, 2)]
    assert result["face_ap50_interval95"] == [result["face_ap50"]] * 2  # one picture, drawn again and again
    assert scorer.score({}, SCENE)["label_interval95"] is None


# -- portraits through the whole pipeline ---------------------------------------------------------------------------


def test_a_portrait_is_judged_by_its_largest_face_and_one_without_a_face_is_wrong() -> None:
    found = {
        "a": [Found(square(0, 30), 0.5, MASKED), Found(square(50, 20), 0.99, BARE)],
        "b": [Found(square(0), 0.9, BARE)],
        "c": [Found(square(0), 0.9, MASKED)],
        "d": [Found(square(0), 0.9, BARE)],
        "e": [],
    }
    portraits = {"a": MASKED, "b": BARE, "c": BARE, "d": MASKED, "e": MASKED, "never looked at": BARE}
    assert scorer.score_portraits(found, portraits) == {
        "images": 6,
        "right": 2,
        "accuracy": round(2 / 6, 4),
        "interval95": [round(end, 4) for end in wilson.interval(2, 6)],
        "no_face": 2,
        "bare_called_masked": 1,
        "masked_called_bare": 1,
    }


@pytest.fixture
def portraits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty photographs of each class, and found.jsonl, which has the right class for all but bare number 1."""
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    lines = []
    for number in range(40):
        label = LABELS[number % 2]
        save(tmp_path, f"{label}/{number}.png", number)
        called = MASKED if number == 1 else label
        faces = f'[{{"box": [0, 0, 20, 40], "score": 0.5, "label": "{called}", "confidence": 0.9}}]'
        lines.append(f'{{"image": "{label}/{number}.png", "faces": {faces}}}')
    (tmp_path / "found.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_the_command_scores_portraits_by_part(portraits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = str(portraits / "found.jsonl")
    cli(["score-portraits", str(portraits), found, "--part", "all", "--part", "test"], standalone_mode=False)
    everything, test = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (everything["part"], everything["portraits"]) == ("all", "all")
    assert (everything["images"], everything["right"], everything["bare_called_masked"]) == (40, 39, 1)
    assert (test["part"], test["images"]) == ("test", 10)


def test_the_command_tells_pasted_masks_from_the_rest_where_a_list_names_them(
    portraits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (portraits / "synthetic.txt").write_text("with_mask/0.png\nwith_mask/2.png\n")
    cli(["score-portraits", str(portraits), str(portraits / "found.jsonl")], standalone_mode=False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    seen = [(line["portraits"], line["images"], line["right"]) for line in lines]
    assert seen == [("all", 40, 39), ("pasted masks", 2, 2), ("the rest", 38, 37)]


def detected(root: Path, images: list[Path]) -> Path:
    """What `maskwatch detect` prints for these folders, with every face labelled as masked."""
    faces = ((Face(Box(0, 0, 20, 40), 0.9), Verdict(Label.WITH_MASK, 0.9)),)
    lines = [json_line(Still(name, 64, 48, faces)) for name, _ in folder.find(images).pictures]
    path = root / "found.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both classes have the files 0.png to 9.png, as data sets numbered by class have."""
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    for number in range(20):
        save(tmp_path, f"data/{LABELS[number % 2]}/{number // 2}.png", number)
    return tmp_path / "data"


def test_portraits_of_the_same_file_name_are_counted_apart(alike: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = detected(alike.parent, [alike])
    cli(["score-portraits", str(alike), str(found)], standalone_mode=False)
    line = json.loads(capsys.readouterr().out)
    assert (line["images"], line["right"], line["bare_called_masked"], line["no_face"]) == (20, 10, 10, 0)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ((MASKED, BARE), "found.jsonl:11: a second picture with the name 0.png; expected different names: run "),
        ((MASKED,), "found.jsonl: 0.png fits two portraits, with_mask/0.png and without_mask/0.png; expected names "),
    ],
)
def test_a_name_that_fits_two_portraits_is_refused_in_one_line(
    alike: Path, capsys: pytest.CaptureFixture[str], folders: tuple[str, ...], message: str
) -> None:
    found = detected(alike.parent, [alike / name for name in folders])
    with pytest.raises(SystemExit) as caught:
        main(["score-portraits", str(alike), str(found)])
    assert caught.value.code == SourceError.exit_code
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"training: {found.parent}/{message}")
    assert "`maskwatch detect " in line


def test_scenes_of_the_same_stem_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    path.write_text('{"image": "a/1.jpg", "faces": []}\n{"image": "b/1.jpg", "faces": []}\n')
    with pytest.raises(SourceError, match=rf"^{path}: two pictures have the name 1 \(the second is b/1.jpg\)"):
        detections.findings(path)


def test_nothing_found_and_nothing_annotated_are_no_errors() -> None:
    assert scorer.score({}, SCENE)["recall"] == 0.0
    assert scorer.score(FOUND, {"x": []})["label_accuracy"] is None


def test_the_lines_the_device_prints_are_read_back(tmp_path: Path) -> None:
    faces = ((Face(Box(1, 2, 30, 40), 0.9), Verdict(Label.WITHOUT_MASK, 0.98)),)
    lines = [json_line(Still("in/some.x.jpg", 64, 48, faces)), "", json_line(Still("none.png", 64, 48, ()))]
    (tmp_path / "found.jsonl").write_text("\n".join(lines))
    found = [Found(Box(1, 2, 30, 40), 0.9, BARE, 0.98)]
    assert detections.findings(tmp_path / "found.jsonl") == {"some.x": found, "none": []}


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        '{"image": "x.jpg"}',
        '{"faces": []}',
        '{"image": "x.jpg", "faces": [{"score": 0.5}]}',
        '{"image": "x.jpg", "faces": [{"box": [1, 2, 3], "score": 0.5}]}',
        '{"image": "x.jpg", "faces": 3}',
        '{"image": 3, "faces": []}',
        "[]",
        "3",
    ],
)
def test_a_line_that_is_none_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "found.jsonl"
    path.write_text(f'{{"image": "a.jpg", "faces": []}}\n\n{line}\n')
    with pytest.raises(SourceError, match=rf"^{path}:3: .*; expected the lines of `maskwatch detect --json`$"):
        detections.findings(path)


@pytest.mark.parametrize(("side", "ignored"), [(15.9, True), (16, False)])
def test_faces_of_a_short_side_under_16_pixels_are_ignored(side: float, ignored: bool) -> None:
    box = Box(0, 0, side, 40)
    assert detections.as_truths([voc.Annotation(box, MASKED)]) == [Truth(box, MASKED, ignored)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten annotated scenes with one face each, and found.jsonl, which has all of them."""
    lines = []
    for number in range(10):
        write(tmp_path, f"{number}", entry("with_mask", 0, 0, 20, 40))
        lines.append(f'{{"image": "{number}.png", "faces": [{{"box": [0, 0, 20, 40], "score": 0.5}}]}}')
    (tmp_path / "found.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_the_command_prints_a_json_line_for_each_combination(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = f"{root / 'found.jsonl'}"
    options = ["--part", "all", "--part", "test", "--min-side", "16", "--min-side", "30"]
    cli(["score", str(root), f"ours={found}@0.4", f"theirs={found}@0.6", *options], standalone_mode=False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    seen = [[line[key] for key in ("detector", "part", "min_side", "faces", "recall")] for line in lines]
    assert seen == [
        ["ours", "all", 16, 10, 1.0],
        ["ours", "all", 30, 0, 0.0],
        ["ours", "test", 16, 2, 1.0],
        ["ours", "test", 30, 0, 0.0],
        ["theirs", "all", 16, 10, 0.0],
        ["theirs", "all", 30, 0, 0.0],
        ["theirs", "test", 16, 2, 0.0],
        ["theirs", "test", 30, 0, 0.0],
    ]


@pytest.mark.parametrize("detector", ["found.jsonl@0.4", "ours=found.jsonl", "ours={0}/found.jsonl@high"])
def test_a_detector_that_is_none_is_refused_in_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], detector: str
) -> None:
    text = detector.format(root)
    with pytest.raises(SystemExit) as caught:
        main(["score", str(root), text])
    assert caught.value.code == ConfigError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"training: detector {text}: expected NAME=FILE@THRESHOLD")


def test_boxes_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('{"image": "x.jpg", "faces": [{"box": ["a", 1, 2, 3], "score": 0.5}]}')
    with pytest.raises(SourceError):
        detections.findings(tmp_path / "f")


def test_a_missing_findings_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a", entry("with_mask", 0, 0, 20, 40))
    with pytest.raises(SystemExit):
        main(["score", str(tmp_path), f"x={tmp_path / 'gone'}@0.4"])
    assert len(capsys.readouterr().err.splitlines()) == 1
