"""What `python -m training reach` measures: scenes shown at many sizes, of the validation part alone."""

from pathlib import Path

import numpy as np
import pytest

from maskwatch.flow import Box, Image
from maskwatch.vision import recall

voc = pytest.importorskip("training.pictures.voc", reason="needs extra `train`")
from training.judging import reach  # noqa: E402

FACE = (250, 90, 40)  # RGB
SIZE = 320


def scene(width: int, height: int, *boxes: Box) -> Image:
    image = np.full((height, width, 3), 128, np.uint8)
    for box in boxes:
        image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = FACE
    return image


def coloured(image: Image) -> Box:
    """The box of the part that is not grey."""
    rows, columns = np.nonzero(np.abs(image.astype(int) - 128).max(axis=2) > 60)
    return Box(float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)


@pytest.mark.parametrize(("width", "height"), [(448, 300), (300, 447), (640, 640)])
def test_a_face_lies_where_it_is_said_to_and_has_the_size_that_is_told(width: int, height: int) -> None:
    face = Box(100, 90, 180, 190)
    annotated = (voc.Annotation(face, "face"), voc.Annotation(Box(0, 0, 50, 50), "face", ignored=True))
    shown = list(reach.variants(scene(width, height, face), annotated, SIZE))
    assert {each.enlarged for each in shown} == set(reach.FILLS)
    for each in shown:
        ((side, box),) = each.faces  # nothing of what is ignored
        assert each.pixels.shape == (SIZE, SIZE, 3)
        assert box.iou(coloured(each.pixels)) > 0.85
        assert side == pytest.approx(box.width / each.enlarged, rel=0.08)


def test_no_scene_is_made_larger_than_it_was_taken() -> None:
    face = Box(10, 10, 50, 50)
    shown = list(reach.variants(scene(150, 100, face), [voc.Annotation(face, "face")], SIZE))
    assert max(side for each in shown for side, _ in each.faces) <= 40
    assert {each.enlarged for each in shown} == {1.0, 1.5, 2.0, 3.0}
    assert sum(each.enlarged == 1.0 for each in shown) == 1  # only a third of the input is filled: 112 of 150


def test_a_box_counts_for_one_face() -> None:
    near, beside = Box(0, 0, 40, 40), Box(4, 0, 44, 40)
    shown = reach.ShownScene(1.0, scene(9, 9), [(40.0, near), (40.0, beside), (20.0, Box(100, 100, 120, 120))])
    assert sorted(hit for _, hit in reach.hits(shown, [near])) == [False, False, True]
    assert [hit for _, hit in reach.hits(shown, [])] == [False] * 3


class Sees:
    """A stand-in finder that finds faces of at least 20 pixels' width."""

    input_size = SIZE

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def find(self, image: Image) -> list[object]:
        from maskwatch.flow import Face

        box = coloured(image)
        return [Face(box, 0.9)] if box.width >= 20 else []


def test_the_record_tells_what_the_finder_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    face = Box(100, 90, 150, 150)  # at 448 of 320: 36 pixels wide, and 25, 18, 12
    scenes = tuple(voc.Scene(tmp_path / f"{at}.png", (voc.Annotation(face, "face"),)) for at in range(12))
    monkeypatch.setattr(reach, "SingleShotDetector", Sees)
    monkeypatch.setattr(reach.bundle, "read", lambda *_: FakeBundle)
    monkeypatch.setattr(reach.voc, "sources", lambda *_: {"a": voc.Split(scenes[:1], scenes, scenes[:1])})
    monkeypatch.setattr(reach.voc, "part", lambda split, name: (asked.append(name), getattr(split, name))[1])
    monkeypatch.setattr(reach.data, "readable", lambda paths: set(paths))
    monkeypatch.setattr(reach.data, "read_rgb", lambda _: scene(448, 300, face))
    found = reach.measure(tmp_path / "face.tflite", [tmp_path])
    assert asked == ["validation"]
    assert {(row.enlarged, row.least): row.found / row.faces for row in found.rows if row.enlarged == 1.0} == {
        (1.0, 12): 0.0,
        (1.0, 17): 0.0,
        (1.0, 24): 1.0,
        (1.0, 34): 1.0,
    }
    path = tmp_path / "face.reach.json"
    reach.write(found, path)
    assert recall.read(tmp_path / "face.tflite", "abc") == found
    assert len(path.read_text().splitlines()) > len(found.rows)


class FakeBundle:
    sha256 = "abc"

    class card:  # noqa: N801
        score_threshold = 0.4
