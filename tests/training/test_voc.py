"""Annotated scenes are read completely or refused in one line, and divided into parts by scene."""

from pathlib import Path

import pytest
from annotated_scenes import entry, write
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Box
from training.pictures import voc
from training.pictures.voc import Annotation, Scene


def test_every_face_of_every_scene_is_read_in_the_order_of_the_names(tmp_path: Path) -> None:
    write(tmp_path, "b", entry("with_mask", 1, 2, 30, 40), entry("mask_weared_incorrect", -0.5, 0, 9, 9.25))
    write(tmp_path, "a")
    faces = (
        Annotation(Box(1, 2, 30, 40), "with_mask"),
        Annotation(Box(-0.5, 0, 9, 9.25), "mask_weared_incorrect"),
    )
    images = tmp_path / "images"
    assert voc.load(tmp_path) == (Scene(images / "a.png", ()), Scene(images / "b.png", faces))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        "<annotation>",
        "<annotation><object></object></annotation>",
        f"<annotation>{entry('with_mask', 1, 2, 3, 'x')}</annotation>",
        f"<annotation>{entry('with_mask', 1, 2, 3, '')}</annotation>",
        f"<annotation>{entry('with_mask', 1, 2, 3, 4).replace('xmax', 'right')}</annotation>",
        f"<annotation>{entry('with_mask', 1, 2, 3, 4).replace('name>', 'label>')}</annotation>",
    ],
)
def test_an_annotation_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "a")
    path.write_text(text)
    with pytest.raises(SourceError, match=rf"^annotation {path}: .*; expected Pascal VOC") as caught:
        voc.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_image_without_annotation_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a")
    path.unlink()
    with pytest.raises(SourceError, match=rf"^annotation {path}: .*No such file"):
        voc.load(tmp_path)


@pytest.mark.parametrize("missing", ["images", "annotations"])
def test_a_missing_folder_is_refused(tmp_path: Path, missing: str) -> None:
    write(tmp_path, "a")
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match=rf"^scenes {tmp_path}: expected the folders images/ and annotations/"):
        voc.load(tmp_path)


def scenes(count: int) -> tuple[Scene, ...]:
    return tuple(Scene(Path(f"{number:04}.png"), ()) for number in range(count))


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 300), st.integers(0, 9))
def test_no_scene_is_in_two_parts_and_none_is_lost(count: int, seed: int) -> None:
    parts = voc.split(scenes(count), seed)
    dealt = [*parts.train, *parts.validation, *parts.test]
    assert sorted(dealt, key=lambda scene: scene.path) == list(scenes(count))


def test_a_fifth_is_held_out_and_a_tenth_chooses_the_threshold() -> None:
    parts = voc.split(scenes(682))
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [478, 68, 136]


def test_the_seed_decides_and_nothing_else() -> None:
    assert voc.split(scenes(50), 3) == voc.split(scenes(50), 3)
    assert voc.split(scenes(50), 3).sha256 == voc.split(scenes(50), 3).sha256
    assert voc.split(scenes(50), 3).sha256 != voc.split(scenes(50), 4).sha256


def test_the_hash_of_a_split_knows_which_part_a_scene_is_in() -> None:
    one, other = scenes(2)
    hashes = {voc.Split((one, other), (), ()).sha256, voc.Split((one,), (other,), ()).sha256}
    assert len(hashes | {voc.Split((one,), (), (other,)).sha256}) == 3


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a", entry("", 0, 0, 20, 40))
    with pytest.raises(SourceError):
        voc.load(tmp_path)


def table(path: Path, *rows: str) -> None:
    path.write_text("\n".join(row.replace(" ", "\t") for row in rows) + "\n")


def test_faces_that_nobody_annotated_are_read_as_neither_face_nor_background(tmp_path: Path) -> None:
    write(tmp_path, "a", entry("with_mask", 1, 2, 30, 40))
    write(tmp_path, "b")
    table(tmp_path / "unlabelled.tsv", "image x1 y1 x2 y2 score", "a.png 50 60 70 80 0.9", "b.png 1 1 9 9 0.5")
    one, other = voc.load(tmp_path)
    assert one.faces == (
        Annotation(Box(1, 2, 30, 40), "with_mask"),
        Annotation(Box(50, 60, 70, 80), voc.FACE, ignored=True),
    )
    assert other.faces == (Annotation(Box(1, 1, 9, 9), voc.FACE, ignored=True),)


def test_in_a_suspect_picture_a_face_is_of_no_known_class(tmp_path: Path) -> None:
    write(tmp_path, "a", entry("with_mask", 1, 2, 30, 40))
    write(tmp_path, "b", entry("with_mask", 1, 2, 30, 40))
    table(tmp_path / "suspect.tsv", "image label", "a.png with_mask")
    assert [scene.faces[0].name for scene in voc.load(tmp_path)] == [voc.FACE, "with_mask"]


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a")
    table(tmp_path / "groups.tsv", "picture group", "a.png 1")
    with pytest.raises(SourceError, match=r"^table .*groups.tsv: no column image; expected image, group$"):
        voc.load(tmp_path)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 3))
def test_no_group_of_near_duplicates_is_cut(groups: list[int], seed: int) -> None:
    grouped = tuple(Scene(Path(f"{place:04}.png"), (), str(group)) for place, group in enumerate(groups))
    parts = voc.split(grouped, seed)
    found = [{scene.group for scene in part} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, found)) == len(set(groups))
    assert sorted(parts.train + parts.validation + parts.test, key=lambda scene: scene.path) == list(grouped)


def test_several_sources_have_one_hash_that_knows_their_order() -> None:
    one, other = voc.split(scenes(9)), voc.split(scenes(12))
    assert voc.sha256([one]) == one.sha256
    assert len({voc.sha256(order) for order in ([one], [other], [one, other], [other, one])}) == 4


def test_sources_have_their_folders_names_and_no_two_the_same(tmp_path: Path) -> None:
    for name in ("press", "streets", "old/press"):
        write(tmp_path / name, "a", entry("with_mask", 1, 2, 30, 40))
    found = voc.sources([tmp_path / "press", tmp_path / "streets"], 3)
    assert list(found) == ["press", "streets"]
    assert found["press"] == voc.split(voc.load(tmp_path / "press"), 3)
    with pytest.raises(ConfigError, match="another folder of scenes is named press too; rename one of them"):
        voc.sources([tmp_path / "press", tmp_path / "old" / "press"], 3)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([[(0, 0, 80, 90)], [(0, 0, 70, 90)], [(0, 0, 20, 20), (30, 0, 50, 20)]], True),
        ([[(0, 0, 20, 20)], [(0, 0, 70, 90)]], False),
        ([[(0, 0, 80, 90)], [], []], True),  # rooms say nothing
        ([[]], False),
    ],
)
def test_a_source_is_of_portraits_where_most_pictures_show_one_large_face(
    shown: list[list[tuple[int, int, int, int]]], expected: bool
) -> None:
    scenes = [Scene(Path("x"), tuple(Annotation(Box(*box), "with_mask") for box in boxes)) for boxes in shown]
    assert voc.portraits_mostly(scenes) is expected
