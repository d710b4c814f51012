"""A quick training uses a few pictures of each kind; a folder with too few pictures is named."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imagehash", reason="needs extra `train`")

from maskwatch.errors import SourceError
from training.pictures import data, quick, sizes, voc


def test_a_few_are_taken_of_each_group_over_its_whole_length_in_order() -> None:
    items = [(group, place) for group in "ab" for place in range(100)] + [("c", 0)]
    kept = quick.few(items, 4, lambda item: item[0])
    assert kept == [*((group, place) for group in "ab" for place in (0, 25, 50, 75)), ("c", 0)]
    assert quick.few(items, 1000) == items
    assert quick.few([], 3) == []


def test_each_part_of_a_split_keeps_both_classes_and_the_rest_of_it() -> None:
    photos = tuple(data.Photo(Path(f"{n}.png"), n % 2, n) for n in range(300))
    split = quick.of_photos(data.Split(photos, photos[:9], photos[9:20]), 5)
    assert [np.bincount([photo.label for photo in part]).tolist() for part in (split.train, split.validation)] == [
        [5, 5],
        [5, 4],
    ]
    scenes = tuple(voc.Scene(Path(f"{n}.png"), ()) for n in range(300))
    assert len(quick.of_scenes(voc.Split(scenes, scenes, scenes), 40).test) == 40


@pytest.mark.parametrize(
    ("learn", "check", "expected"),
    [
        ([0] * 50, [0] * 9 + [1] * 9, "no without_mask picture to learn from"),
        ([0] * 50 + [1] * 50, [1] * 9, "no with_mask picture to check on"),
        ([2] * 50, [], "no with_mask picture to learn from"),
    ],
)
def test_a_data_set_without_a_class_is_refused_with_the_size_that_is_expected(
    learn: list[int], check: list[int], expected: str
) -> None:
    with pytest.raises(SourceError, match=f"data p: {expected}; expected 40 photographs or more of each class"):
        sizes.of_classes(Path("p"), learn, check)


def test_a_small_data_set_is_learnt_from_and_named(caplog: pytest.LogCaptureFixture) -> None:
    sizes.of_classes(Path("p"), [0] * 199 + [1] * 200, [0] * 20 + [1] * 19)
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(", ")[0] for line in said] == [
        "data p: 199 of with_mask to learn from",
        "data p: 19 of without_mask to check on",
    ]
    sizes.of_scenes(200, 20, [Path("s")])
    assert len(caplog.records) == 2
    sizes.of_scenes(199, 19, [Path("s")])
    assert len(caplog.records) == 4
    with pytest.raises(SourceError, match="scenes s, t: no annotated face to check on; expected 40 scenes"):
        sizes.of_scenes(500, 0, [Path("s"), Path("t")])
