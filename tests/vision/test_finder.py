"""A face the network answers comes back where it was: maps to boxes, boxes to the frame, one box a face."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.errors import ModelError
from maskwatch.flow import Box, Image
from maskwatch.vision import bundle, decoding, preprocess
from maskwatch.vision import finder as detector
from maskwatch.vision.model_card import ModelCard
from maskwatch.vision.quantization import Floats, Scale

SIZE, STRIDES = 128, (8, 16, 32)
NOTHING = -12.0  # a logit: surely no face


def empty_maps() -> dict[int, tuple[Floats, Floats]]:
    """Stride -> score logits and boxes without any face."""
    sides = {stride: SIZE // stride for stride in STRIDES}
    return {
        stride: (np.full((1, side, side, 1), NOTHING, np.float32), np.zeros((1, side, side, 4), np.float32))
        for stride, side in sides.items()
    }


def put(maps: dict[int, tuple[Floats, Floats]], stride: int, box: Box, score: float) -> None:
    """Answer a face from the cell its centre lies in: the inverse of decoding."""
    logits, offsets = maps[stride]
    x, y = (box.left + box.right) / 2 / stride, (box.top + box.bottom) / 2 / stride
    column, row = int(x), int(y)
    logits[0, row, column, 0] = np.log(score / (1 - score))
    size = np.log(box.width / stride), np.log(box.height / stride)
    offsets[0, row, column] = (x - column - 0.5, y - row - 0.5, *size)


def flat(maps: dict[int, tuple[Floats, Floats]]) -> list[Floats]:
    return [single for pair in maps.values() for single in pair]


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::103])
def test_a_face_comes_back_where_it_was_at_every_stride_in_any_order(stride: int, order: tuple[int, ...]) -> None:
    maps = empty_maps()
    put(maps, stride, Box(31.0, 40.5, 58.0, 90.0), 0.8)
    boxes, scores = decoding.decode([flat(maps)[place] for place in order], SIZE, 0.5)
    assert boxes == pytest.approx(np.array([[31.0, 40.5, 58.0, 90.0]]), abs=1e-3)
    assert scores == pytest.approx([0.8])


def test_faces_below_the_score_are_left_out_and_the_rest_come_surest_first() -> None:
    maps = empty_maps()
    for stride, left, score in ((8, 0, 0.3), (16, 30, 0.6), (32, 60, 0.9), (8, 90, 0.49)):
        put(maps, stride, Box(left, 10, left + 24, 40), score)
    boxes, scores = decoding.decode(flat(maps), SIZE, 0.5)
    assert scores == pytest.approx([0.9, 0.6])
    assert boxes[:, 0] == pytest.approx([60, 30], abs=1e-3)


def test_no_more_than_the_surest_candidates_are_kept() -> None:
    rng = np.random.default_rng(0)
    logits = rng.permutation(np.linspace(-3, 3, 40 * 40)).astype(np.float32).reshape(1, 40, 40, 1)
    boxes, scores = decoding.decode([logits, np.zeros((1, 40, 40, 4), np.float32)], 320, 0.0)
    surest = np.sort(1 / (1 + np.exp(-logits.ravel())))[::-1][: decoding.MAX_CANDIDATES]
    assert len(boxes) == decoding.MAX_CANDIDATES
    assert scores == pytest.approx(surest)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@given(seed=st.integers(0, 2**32 - 1), min_score=st.floats(0.01, 0.99))
@settings(max_examples=20, deadline=None)
def test_integers_are_decoded_as_what_they_stand_for(dtype: type[np.integer], seed: int, min_score: float) -> None:
    rng, limits = np.random.default_rng(seed), np.iinfo(dtype)
    raw = [rng.integers(limits.min + 1, limits.max + 1, each.shape, dtype) for each in flat(empty_maps())]
    scales = [Scale(float(rng.uniform(1e-5, 0.05)), int(rng.integers(-100, 100))) for _ in raw]
    boxes, scores = decoding.grid(raw, scales, SIZE, min_score).decode(raw)
    meant = [scale.floats(each) for scale, each in zip(scales, raw, strict=True)]
    expected, surest = decoding.decode(meant, SIZE, min_score)
    assert boxes.tolist() == expected.tolist()
    assert scores.tolist() == surest.tolist()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("min_score", [0.0, 0.01, 0.05])
def test_the_lowest_integer_is_no_face_because_it_stands_for_all_lower_scores(
    dtype: type[np.integer], min_score: float
) -> None:
    lowest = int(np.iinfo(dtype).min)
    raw = [np.full(each.shape, lowest, dtype) for each in flat(empty_maps())]
    raw[0][0, 2, 1, 0] = lowest + 1
    scale = Scale(0.05, lowest + 59)  # the lowest is a logit of -2.95, a score of 0.0497
    _, scores = decoding.grid(raw, [scale] * 6, SIZE, min_score).decode(raw)
    assert scores == pytest.approx([1 / (1 + np.exp(2.9))])


def test_floats_are_taken_as_they_are_whatever_scale_comes_with_them() -> None:
    maps = empty_maps()
    put(maps, 16, Box(31.0, 40.5, 58.0, 90.0), 0.8)
    boxes, scores = decoding.grid(flat(maps), [Scale(0.5, 3)] * 6, SIZE, 0.5).decode(flat(maps))
    assert boxes == pytest.approx(np.array([[31.0, 40.5, 58.0, 90.0]]), abs=1e-3)
    assert scores == pytest.approx([0.8])


def test_no_more_integers_than_the_surest_candidates_are_kept() -> None:
    raw = [np.arange(1600, dtype=np.int16).reshape(1, 40, 40, 1), np.zeros((1, 40, 40, 4), np.int16)]
    _, scores = decoding.grid(raw, [Scale(0.001), Scale()], 320, 0.0).decode(raw)
    assert len(scores) == decoding.MAX_CANDIDATES
    assert scores[-1] == pytest.approx(1 / (1 + np.exp(-1.2)))


def test_integers_wider_than_a_network_answers_are_refused() -> None:
    maps = [each.astype(np.int32) for each in flat(empty_maps())]
    with pytest.raises(ValueError, match="answers int32, expected floats or integers of 8 or 16 bits"):
        decoding.grid(maps, [Scale()] * 6, SIZE, 0.5)


def test_a_wild_size_reaches_no_further_than_one_input_beside_the_picture() -> None:
    maps = empty_maps()
    put(maps, 8, Box(20, 20, 40, 40), 0.9)
    maps[8][1][..., 2:] = (-500.0, 500.0)
    ((left, top, right, bottom),), _ = decoding.decode(flat(maps), SIZE, 0.5)
    assert np.log((right - left) / 8) == pytest.approx(decoding.LOG_SIZE[0], abs=1e-3)
    assert (top, bottom) == (-SIZE, 2 * SIZE)


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [(1, 2)],  # a classifier
        [(1, 16, 16, 1)],  # no boxes
        [(1, 16, 16, 4)],  # no scores
        [(1, 16, 16, 1), (1, 8, 8, 4)],
        [(1, 16, 8, 1), (1, 16, 8, 4)],
        [(1, 16, 16, 1), (1, 16, 16, 5)],
        [(2, 16, 16, 1), (2, 16, 16, 4)],
        [(1, 16, 16, 1), (1, 16, 16, 4), (1, 16, 16, 4)],
        [(1, 15, 15, 1), (1, 15, 15, 4)],  # no stride of this size
    ],
)
def test_answers_that_are_not_a_finders_are_refused_with_their_shapes(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=re.escape(str(shapes))):
        decoding.decode([np.zeros(shape, np.float32) for shape in shapes], SIZE, 0.5)


def test_of_boxes_on_one_face_the_surest_stays_and_another_face_too() -> None:
    boxes = np.array([[0, 0, 20, 20], [2, 1, 22, 21], [100, 0, 120, 20], [1, 0, 19, 20]], np.float32)
    scores = np.array([0.6, 0.9, 0.7, 0.8], np.float32)
    assert decoding.non_maximum_suppression(boxes, scores).tolist() == [1, 2]


@pytest.mark.parametrize(("max_iou", "kept"), [(0.49, 1), (0.51, 2)])
def test_how_much_two_boxes_may_overlap_is_the_callers(max_iou: float, kept: int) -> None:
    boxes = np.array([[0, 0, 30, 10], [10, 0, 40, 10]], np.float32)  # IoU 20 / 40
    assert len(decoding.non_maximum_suppression(boxes, np.array([0.9, 0.8], np.float32), max_iou)) == kept


def test_no_boxes_are_suppressed_to_none() -> None:
    assert decoding.non_maximum_suppression(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)).tolist() == []


CORNERS, EXTENTS = st.integers(0, 40), st.integers(1, 30)
CANDIDATES = st.lists(st.tuples(CORNERS, CORNERS, EXTENTS, EXTENTS, st.floats(2**-20, 1, width=32)), max_size=25)


@settings(deadline=None)  # a busy machine is no failure
@given(CANDIDATES, st.floats(0.1, 0.9))
def test_suppression_drops_what_overlaps_a_surer_box_and_nothing_else(
    candidates: list[tuple[int, int, int, int, float]], max_iou: float
) -> None:
    faces = [Box(left, top, left + width, top + height) for left, top, width, height, _ in candidates]
    boxes = np.array([[face.left, face.top, face.right, face.bottom] for face in faces], np.float32).reshape(-1, 4)
    scores = np.array([score for *_, score in candidates], np.float32)
    kept = decoding.non_maximum_suppression(boxes, scores, max_iou).tolist()
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for one, other in itertools.combinations(kept, 2):
        assert faces[one].iou(faces[other]) <= max_iou + 1e-6
    for dropped in set(range(len(faces))) - set(kept):
        rivals = [faces[dropped].iou(faces[one]) for one in kept if scores[one] >= scores[dropped]]
        assert max(rivals, default=0) > max_iou - 1e-6
    again = decoding.non_maximum_suppression(boxes[kept], scores[kept], max_iou)
    assert again.tolist() == list(range(len(kept)))


@pytest.mark.parametrize("box", [(20.0, 30.0, 46.0, 60.0), (10.0, 10.0, 100.0, 110.0), (100.0, 90.0, 128.0, 128.0)])
def test_what_training_teaches_is_what_the_device_decodes(box: tuple[float, float, float, float]) -> None:
    pytest.importorskip("tensorflow", reason="the loss needs extra `train`")
    from training.finder import finder_loss

    cells = finder_loss.cell_centres(SIZE)
    state, true = np.split(finder_loss.targets(np.array([box], np.float32), cells), [1], axis=1)
    stride, size = cells[:, 2:], true[:, 2:] - true[:, :2]
    answers = np.concatenate([((true[:, :2] + true[:, 2:]) / 2 - cells[:, :2]) / stride, np.log(size / stride)], axis=1)
    maps, start = [], 0
    for side in (SIZE // stride for stride in STRIDES):
        part = slice(start, start := start + side * side)
        maps.append(np.where(state[part] == finder_loss.POSITIVE, 9.0, NOTHING).reshape(1, side, side, 1))
        maps.append(answers[part].reshape(1, side, side, 4))
    boxes, _ = decoding.decode([single.astype(np.float32) for single in maps], SIZE, 0.5)
    assert len(boxes) == (state == finder_loss.POSITIVE).sum() > 0
    assert boxes == pytest.approx(np.tile(box, (len(boxes), 1)), abs=1e-3)


class ColourModel:
    """Stands in for the interpreter: whatever is magenta in its input is a face of score 0.7, told by two cells."""

    input_size = SIZE
    scales = (Scale(),) * 6

    def __init__(self, *_: object) -> None:
        pass

    def answer(self, image: Image) -> list[Floats]:
        maps = empty_maps()
        rows, columns = np.nonzero((image[..., 0] > 200) & (image[..., 1] < 60))
        if len(rows):
            box = Box(float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)
            put(maps, 16, box, 0.7)
            put(maps, 32, box, 0.6)
        return flat(maps)


def finder(
    monkeypatch: pytest.MonkeyPatch, min_score: float | None, threshold: float | None
) -> detector.SingleShotDetector:
    monkeypatch.setattr(detector, "Model", ColourModel)
    card = ModelCard(
        name="colour",
        task="face",
        labels=("face",),
        input_size=SIZE,
        preprocess_version=preprocess.VERSION,
        score_threshold=threshold,
        sha256="",
    )
    return detector.SingleShotDetector(bundle.Bundle(card, b"", "here"), min_score, 1)


def test_a_face_is_found_once_and_in_the_pixels_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.full((240, 512, 3), 40, np.uint8)
    frame[80:160, 300:400] = (255, 0, 255)
    (face,) = finder(monkeypatch, None, 0.5).find(frame)
    assert (face.box.left, face.box.top, face.box.right, face.box.bottom) == pytest.approx((300, 80, 400, 160), abs=4)
    assert face.score == pytest.approx(0.7)


def test_what_was_made_ahead_serves_that_image_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, other = np.full((240, 512, 3), 40, np.uint8), np.full((240, 512, 3), 40, np.uint8)
    frame[80:160, 300:400] = (255, 0, 255)
    single = finder(monkeypatch, None, 0.5)
    expected = single.find(frame)
    made: list[int] = []
    letterbox = preprocess.letterbox
    monkeypatch.setattr(preprocess, "letterbox", lambda *given: (made.append(id(given[0])), letterbox(*given))[1])
    single.prepare(frame)
    assert single.find(frame) == expected != []
    assert made == [id(frame)]
    assert single.find(other) == []
    assert made == [id(frame), id(other)]


@pytest.mark.parametrize(
    ("asked", "card", "found"), [(None, 0.65, 1), (None, 0.75, 0), (0.65, 0.75, 1), (0.75, 0.65, 0), (None, None, 1)]
)
def test_the_asked_score_goes_before_the_cards(
    monkeypatch: pytest.MonkeyPatch, asked: float | None, card: float | None, found: int
) -> None:
    frame = np.full((128, 128, 3), 40, np.uint8)
    frame[40:80, 40:80] = (255, 0, 255)
    assert len(finder(monkeypatch, asked, card).find(frame)) == found


def test_a_model_that_is_no_finder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColourModel, "answer", lambda *_: [np.zeros((1, 2), np.float32)])
    with pytest.raises(ModelError, match=r"^model here: answers \[\(1, 2\)\].*not a finder"):
        finder(monkeypatch, None, 0.5)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("yunet.onnx", None, "no such file"),
        ("yunet.onnx", b"no network", "OpenCV cannot run it"),
        ("mask.tflite", b"no network", "not an .onnx file"),
    ],
)
def test_a_file_that_is_not_yunet_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"^model {path}: {reason}.*YuNet") as caught:
        detector.YuNetDetector(path, 0.6)
    assert "\n" not in str(caught.value)


# -- answers that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["one score", "all scores", "a sure box"])
def test_a_finder_that_answers_no_numbers_does_not_pass_for_one_that_finds_nobody(
    monkeypatch: pytest.MonkeyPatch, value: float, place: str
) -> None:
    single = finder(monkeypatch, None, 0.5)
    maps = empty_maps()
    put(maps, 16, Box(31.0, 40.5, 58.0, 90.0), 0.8)
    scores, boxes = maps[16]
    if place == "a sure box":
        boxes[0, 4, 2, 1] = value  # of the cell that put() chose
    else:
        scores[0, slice(None) if place == "all scores" else 3] = value
    monkeypatch.setattr(ColourModel, "answer", lambda *_: flat(maps))
    with pytest.raises(ModelError, match=r"^model here: its output is not a finite number"):
        single.find(np.zeros((240, 320, 3), np.uint8))


def test_the_box_of_a_cell_that_does_not_count_may_be_anything() -> None:
    maps = empty_maps()
    put(maps, 16, Box(31.0, 40.5, 58.0, 90.0), 0.8)
    maps[8][1][:] = np.nan
    assert len(decoding.decode(flat(maps), SIZE, 0.5)[0]) == 1


def test_of_a_picture_full_of_faces_the_surest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    single = finder(monkeypatch, 0.01, 0.5)
    maps = empty_maps()
    scores, boxes = maps[8]
    scores[0, ..., 0] = np.linspace(-1, 4, 16 * 16).reshape(16, 16)  # each of 256 cells answers a small face of its own
    boxes[..., 2:] = -2.0
    monkeypatch.setattr(ColourModel, "answer", lambda *_: flat(maps))
    found = single.find(np.zeros((128, 128, 3), np.uint8))
    assert len(found) == detector.MAX_FACES < 16 * 16
    surest = np.sort(1 / (1 + np.exp(-scores.ravel())))[::-1][: detector.MAX_FACES]
    assert [face.score for face in found] == pytest.approx(surest.tolist(), abs=1e-5)


class Rows:
    """Stands in for cv2.FaceDetectorYN: answers nothing at first, then the rows it is given."""

    rows: np.ndarray | None = None

    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802 - OpenCV's name
        assert min(size) > 0

    def detect(self, image: Image) -> tuple[int, np.ndarray | None]:
        assert image.flags.c_contiguous
        return 1, self.rows


def yunet(monkeypatch: pytest.MonkeyPatch, rows: np.ndarray) -> detector.YuNetDetector:
    answers = Rows()
    monkeypatch.setattr(detector.cv2.FaceDetectorYN, "create", lambda *_: answers)
    made = detector.YuNetDetector(Path("yunet.onnx"), 0.5, b"a network")
    answers.rows = rows.astype(np.float32)
    return made


def row(*box: float, score: float = 0.9) -> list[float]:
    return [*box, *(0.0,) * 10, score]


def test_yunets_wild_boxes_reach_no_further_than_one_picture_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = yunet(monkeypatch, np.array([row(-1e9, -1e9, 3e9, 3e9), row(10, 20, 1e12, 5, score=0.8)]))
    first, second = wild.find(np.zeros((480, 640, 3), np.uint8))
    assert first.box == Box(-640, -480, 1280, 960)
    assert second.box == Box(10, 20, 1280, 25)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 2, 14])
def test_yunets_answer_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, value: float, column: int) -> None:
    rows = np.array([row(10, 20, 30, 40)])
    rows[0, column] = value
    with pytest.raises(ModelError, match=r"^model yunet.onnx: its output is not a finite number"):
        yunet(monkeypatch, rows).find(np.zeros((480, 640, 3), np.uint8))


def test_of_ten_thousand_faces_of_yunets_the_surest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = np.array([row(*rng.uniform(0, 400, 4), score=rng.uniform(0.5, 1)) for _ in range(10_000)])
    found = yunet(monkeypatch, rows).find(np.zeros((480, 640, 3), np.uint8))
    assert len(found) == detector.MAX_FACES
    assert [face.score for face in found] == pytest.approx(np.sort(rows[:, 14])[::-1][: detector.MAX_FACES].tolist())


def test_a_model_of_another_size_than_its_card_says_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColourModel, "input_size", 2 * SIZE)
    with pytest.raises(ModelError, match=rf"^model here: takes {2 * SIZE} pixels, its card says {SIZE}; "):
        finder(monkeypatch, None, 0.5)
