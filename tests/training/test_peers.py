"""Other projects' finders are decoded as their authors say, and their lines are read like the project's."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.camera import demo
from maskwatch.cli.still_pictures import Still, json_line
from maskwatch.errors import ModelError
from maskwatch.flow import Box, Face, Label, Verdict
from training.__main__ import cli, main
from training.judging import detections, peers
from training.judging.detections import Found

PEERS = os.environ.get("MASKWATCH_PEERS")
MODELS = Path(PEERS or ".")
HERS = Box(246, 176, 369, 318)  # the face of the demo at 5 s, pixels
ANCHORS = peers.aizoo_anchors()
WIDTH, HEIGHT = 400, 300  # pixels of the frame
MASKED, BARE = 0, 1  # columns of the class scores


def test_the_anchors_are_as_many_and_as_large_as_published() -> None:
    centres, sizes = ANCHORS[:, :2], ANCHORS[:, 2:]
    assert ANCHORS.shape == (5972, 4)
    assert ((centres > 0) & (centres < 1)).all()
    assert centres.mean(axis=0) == pytest.approx([0.5, 0.5], abs=1e-4)
    shapes = np.unique(sizes.round(5), axis=0)
    squares = [0.04, 0.056, 0.08, 0.11, 0.16, 0.22, 0.32, 0.45, 0.64, 0.72]
    assert shapes[shapes[:, 0] == shapes[:, 1], 0] == pytest.approx(squares)
    tall = shapes[shapes[:, 0] < shapes[:, 1]]
    assert sorted(tall[:, 0] / tall[:, 1]) == pytest.approx([0.42] * 5 + [0.62] * 5, abs=1e-3)
    assert sorted(np.sqrt(tall.prod(axis=1))) == pytest.approx(sorted(squares[::2] * 2), abs=1e-3)


def test_the_anchors_go_row_by_row_with_four_shapes_in_each_place() -> None:
    first, below = 0.5 / 33, 1.5 / 33
    assert ANCHORS[0] == pytest.approx([first, first, 0.04, 0.04])
    assert ANCHORS[1] == pytest.approx([first, first, 0.056, 0.056])
    assert ANCHORS[2] == pytest.approx([first, first, 0.04 * 0.62**0.5, 0.04 / 0.62**0.5])
    assert ANCHORS[4, :2] == pytest.approx([below, first])
    assert ANCHORS[4 * 33, :2] == pytest.approx([first, below])
    assert ANCHORS[-1, :2] == pytest.approx([2.5 / 3, 2.5 / 3])


def decode(answers: dict[int, tuple[float, float]], offsets: np.ndarray | None = None) -> list[Found]:
    """An output from {anchor: scores of masked and bare}; every other anchor has low scores."""
    classes = np.zeros((len(ANCHORS), 2), np.float32)
    for anchor, scores in answers.items():
        classes[anchor] = scores
    still = np.zeros_like(ANCHORS)
    return peers.aizoo_decode(still if offsets is None else offsets, classes, ANCHORS, WIDTH, HEIGHT, 0.5)


def corners(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def anchor_at(x: float, y: float, width: float) -> int:
    """The anchor nearest to a centre and a width, which are fractions of the frame."""
    return int(np.abs(ANCHORS[:, :3] - (x, y, width)).sum(axis=1).argmin())


@pytest.mark.parametrize("place", [(0.5, 0.5, 0.64), (0.3, 0.7, 0.2), (0.8, 0.2, 0.05)])
def test_an_anchor_without_offsets_is_its_own_box_in_pixels(place: tuple[float, float, float]) -> None:
    at = anchor_at(*place)
    x, y, width, height = ANCHORS[at] * (WIDTH, HEIGHT, WIDTH, HEIGHT)
    (face,) = decode({at: (0.9, 0.1)})
    assert corners(face.box) == pytest.approx((x - width / 2, y - height / 2, x + width / 2, y + height / 2), abs=0.01)


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(0.04, 0.2), st.floats(0.04, 0.2), st.integers(0, 5971))
def test_any_box_inside_the_frame_comes_back_from_any_anchor(
    x: float, y: float, width: float, height: float, at: int
) -> None:
    centre, size = ANCHORS[at, :2], ANCHORS[at, 2:]
    offsets = np.zeros_like(ANCHORS)
    offsets[at] = (*((x, y) - centre) / size / 0.1, *np.log((width, height) / size) / 0.2)
    (face,) = decode({at: (0.1, 0.8)}, offsets)
    wanted = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) * (WIDTH, HEIGHT, WIDTH, HEIGHT)
    assert corners(face.box) == pytest.approx(tuple(wanted), abs=0.05)


def test_a_box_ends_at_the_frame() -> None:
    (face,) = decode({5971: (0.9, 0.1)})  # lower right, 0.99 of the frame high
    assert (face.box.right, face.box.bottom) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("scores", "label", "score"),
    [
        ((0.9, 0.2), Label.WITH_MASK, 0.9),
        ((0.3, 0.6), Label.WITHOUT_MASK, 0.6),
        ((0.5, 0.4), Label.WITH_MASK, 0.5),
        ((0.49, 0.49), None, 0.0),
    ],
)
def test_the_surer_class_is_the_label_and_must_reach_the_score(
    scores: tuple[float, float], label: Label | None, score: float
) -> None:
    found = decode({3000: scores})
    assert [(face.label, face.score) for face in found] == ([(label, pytest.approx(score))] if label else [])


def test_of_anchors_on_one_face_the_surest_stays_whatever_their_classes() -> None:
    here, elsewhere = anchor_at(0.3, 0.5, 0.16), anchor_at(0.7, 0.5, 0.16)
    found = decode({here: (0.7, 0.1), here + 1: (0.1, 0.9), elsewhere: (0.8, 0.1)})
    assert [(face.label, round(face.score, 3)) for face in found] == [(Label.WITHOUT_MASK, 0.9), (Label.WITH_MASK, 0.8)]
    assert found[0].box.iou(found[1].box) == 0


def test_nothing_sure_is_nothing_found() -> None:
    assert decode({}) == []


def test_what_is_printed_is_what_the_scorer_reads(tmp_path: Path) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    found = [Found(Box(1.5, 2, 30.1, 40), 0.9001, Label.WITHOUT_MASK), Found(Box(5, 6, 7, 8), 0.25)]
    lines = tmp_path / "peer.jsonl"
    lines.write_text(
        "".join(
            f"{json.dumps(peers.as_line(name, image, faces))}\n" for name, faces in (("a.png", found), ("b.jpg", []))
        )
    )
    assert detections.findings(lines) == {"a": found, "b": []}


def test_the_lines_have_the_keys_of_maskwatch_detect() -> None:
    box = Box(1, 2, 30, 40)
    still = Still("a.png", WIDTH, HEIGHT, ((Face(box, 0.9), Verdict(Label.WITH_MASK, 1.0)),))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert peers.as_line("a.png", image, [Found(box, 0.9, Label.WITH_MASK)]) == json.loads(json_line(still))
    (bare,) = peers.as_line("a.png", image, [Found(box, 0.9)])["faces"]
    assert bare.keys() == {"box", "score"}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "expected"),
    [
        ("aizoo {0}/junk.onnx {0}", ModelError.exit_code, "model {0}/junk.onnx: the runtime cannot run it"),
        ("yunet {0}/junk.onnx {0}", ModelError.exit_code, "model {0}/junk.onnx: OpenCV cannot run it"),
        ("yolo {0}/junk.onnx {0}", 2, "'yolo' is not one of 'yunet', 'aizoo'"),
        ("aizoo {0}/gone {0}", 2, "File '{0}/gone' does not exist"),
        ("aizoo {0}/junk.onnx {0}/gone", 2, "Directory '{0}/gone' does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, exit_code: int, expected: str
) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk" * 50)
    with pytest.raises(SystemExit) as caught:
        main(["peer", *arguments.format(tmp_path).split()])
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("training: ")
    assert expected.format(tmp_path) in line
    assert (caught.value.code, printed.out) == (exit_code, "")


@pytest.mark.parametrize("content", [None, b"junk" * 50])
def test_landmarks_need_yunets_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "yunet.onnx"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"^model {path}: "):
        peers.yunet_landmarks(path)


def test_landmarks_are_two_eyes_from_left_to_right_the_nose_and_the_mouth() -> None:
    if not (PEERS and (MODELS / "yunet_s_640_640.onnx").is_file()):
        pytest.skip("MASKWATCH_PEERS names no folder with yunet_s_640_640.onnx")
    landmarks, picture = peers.yunet_landmarks(MODELS / "yunet_s_640_640.onnx"), demo.Scene().at(5.0)
    for image in (picture, np.ascontiguousarray(picture[:, ::-1])):
        points = landmarks(image)
        assert points is not None
        (eye, other, nose, corner, _) = points
        assert points.shape == (5, 2)
        assert eye[0] < nose[0] < other[0]
        assert max(eye[1], other[1]) < nose[1] < corner[1]
    assert picture.shape[1] - HERS.right < nose[0] < picture.shape[1] - HERS.left  # of the mirrored picture
    assert landmarks(np.zeros((200, 200, 3), np.uint8)) is None


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [("yunet", "yunet_s_640_640.onnx", None), ("aizoo", "aizoo_face_mask_detection.tflite", Label.WITHOUT_MASK)],
)
def test_a_peer_finds_the_face_of_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, name: str, label: Label | None
) -> None:
    if not (PEERS and (MODELS / name).is_file()):
        pytest.skip(f"MASKWATCH_PEERS names no folder with {name}")
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "her.png"), demo.Scene().at(5.0)[..., ::-1])
    cli(["peer", kind, str(MODELS / name), str(images), "--min-score", "0.6"], standalone_mode=False)
    lines = tmp_path / "peer.jsonl"
    lines.write_text(capsys.readouterr().out)
    (face,) = detections.findings(lines)["her"]
    assert face.label == label
    assert face.box.iou(HERS) > 0.7
