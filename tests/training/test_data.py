"""A data set is grouped by near-duplicates, and no group is divided between parts; the counts are the study's."""

import csv
import os
import struct
import zlib
from collections import Counter
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import save
from PIL import Image as PillowImage

from maskwatch.errors import SourceError
from maskwatch.flow import Box, Label
from training.pictures import data
from training.pictures.data import Photo

FOLDER = os.environ.get("MASKWATCH_DATA")
STUDY_SET = Path(FOLDER or ".") / "face-mask-7553"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five pictures in eight files: picture 1 three times, picture 4 in both classes."""
    root = tmp_path / "set"
    for name, seed, quality in (
        ("with_mask/a.jpg", 1, 95),
        ("with_mask/again.jpg", 1, 60),
        ("with_mask/more/deep.png", 1, 95),
        ("with_mask/b.jpg", 2, 95),
        ("with_mask/d.jpg", 4, 95),
        ("without_mask/c.JPG", 3, 95),
        ("without_mask/d.webp", 4, 95),
        ("without_mask/e.bmp", 5, 95),
    ):
        save(root, name, seed, quality)
    (root / "with_mask" / "notes.txt").write_text("no image")
    return root


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "cache" / "hashes.csv")


def partition(dataset: data.Dataset) -> set[frozenset[str]]:
    groups: dict[int, set[str]] = {}
    for photo in dataset.photos:
        groups.setdefault(photo.group, set()).add(photo.path.relative_to(dataset.root).as_posix())
    return {frozenset(names) for names in groups.values()}


def test_near_duplicates_share_a_group_across_formats_qualities_and_classes(root: Path) -> None:
    assert partition(data.load(root, progress=False)) == {
        frozenset({"with_mask/a.jpg", "with_mask/again.jpg", "with_mask/more/deep.png"}),
        frozenset({"with_mask/b.jpg"}),
        frozenset({"without_mask/c.JPG"}),
        frozenset({"with_mask/d.jpg", "without_mask/d.webp"}),
        frozenset({"without_mask/e.bmp"}),
    }


def test_each_photo_has_the_class_of_its_folder(root: Path) -> None:
    dataset = data.load(root, progress=False)
    assert Counter(data.LABELS[photo.label] for photo in dataset.photos) == {Label.WITH_MASK: 5, Label.WITHOUT_MASK: 3}
    assert all(data.LABELS[photo.label] in photo.path.parts for photo in dataset.photos)


def test_unreadable_files_are_named_and_left_out(root: Path) -> None:
    whole = (root / "with_mask" / "more" / "deep.png").read_bytes()
    for name, content in (("junk.jpg", b"junk"), ("empty.png", b""), ("cut.png", whole[: len(whole) // 2])):
        (root / "without_mask" / name).write_bytes(content)
    dataset = data.load(root, progress=False)
    assert len(dataset.photos) == 8
    named = sorted(line.split(": ")[0] for line in dataset.unreadable)
    assert named == [str(root / "without_mask" / name) for name in ("cut.png", "empty.png", "junk.jpg")]


def test_a_missing_class_folder_is_refused(root: Path) -> None:
    (root / "without_mask").rename(root / "bare")
    with pytest.raises(SourceError, match=rf"^data {root}: no folder without_mask/; expected with_mask/ and"):
        data.load(root, progress=False)


def test_a_class_without_a_readable_image_is_refused(root: Path) -> None:
    for path in (root / "without_mask").iterdir():
        path.write_bytes(b"junk")
    with pytest.raises(SourceError, match=rf"^data {root / 'without_mask'}: no readable image"):
        data.load(root, progress=False)


def test_an_unchanged_file_is_hashed_once_and_a_changed_one_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed, phash = [], imagehash.phash

    def counted(image: PillowImage.Image) -> imagehash.ImageHash:
        hashed.append(image)
        return phash(image)

    monkeypatch.setattr(imagehash, "phash", counted)
    first = data.load(root, progress=False)
    assert len(hashed) == len(first.photos)
    assert data.load(root, progress=False) == first
    assert len(hashed) == len(first.photos)
    (root / "with_mask" / "b.jpg").write_bytes((root / "with_mask" / "again.jpg").read_bytes())
    assert len(partition(data.load(root, progress=False))) == 4
    assert len(hashed) == len(first.photos) + 1


@pytest.mark.parametrize(("bits", "same"), [(0, True), (4, True), (5, False), (64, False)])
def test_hashes_within_four_bits_are_duplicates(bits: int, same: bool) -> None:
    one, other = data.group_duplicates(np.array([0, 2**bits - 1], np.uint64))
    assert bool(one == other) is same


def test_duplicates_of_duplicates_share_a_group_however_far_apart_in_the_list() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 1200, np.uint64)
    hashes[[3, 700, 1150]] = (0, 0b1111, 0b11111111)
    groups = data.group_duplicates(hashes)
    assert groups[3] == groups[700] == groups[1150]
    assert len(set(groups.tolist())) == 1198


def photos(with_mask: int, without_mask: int, grouped: int = 0, each: int = 2) -> list[Photo]:
    """Made-up photographs; the first `grouped` of each class in groups of `each`, every other alone."""
    made = []
    for label, count in enumerate((with_mask, without_mask)):
        for number in range(count):
            group = 10_000 * label + (number // each if number < grouped else number)
            made.append(Photo(Path(f"{data.LABELS[label]}/{number:05}.jpg"), label, group))
    return made


@pytest.mark.parametrize("each", [2, 40])
def test_the_studys_set_is_dealt_in_the_studys_counts_and_both_classes_evenly(each: int) -> None:
    parts = data.split(photos(3725, 3828, 2400, each), seed=0)
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [5287, 454, 1812]
    for part in (parts.train, parts.validation, parts.test):
        assert sum(photo.label == 0 for photo in part) == pytest.approx(len(part) * 3725 / 7553, abs=1)


def test_a_group_that_fits_nowhere_is_learnt_from() -> None:
    made = [Photo(Path(f"{number}.jpg"), number % 2, 0) for number in range(20)]
    assert data.split(made, seed=0) == data.Split(tuple(sorted(made, key=lambda photo: photo.path)), (), ())


def test_the_seed_decides_alone() -> None:
    made = photos(60, 50, 20)
    assert data.split(made, seed=3) == data.split(made[::-1], seed=3)
    assert data.split(made, seed=3).sha256 == data.split(made, seed=3).sha256
    assert data.split(made, seed=3).sha256 != data.split(made, seed=4).sha256


def test_the_hash_of_a_split_knows_which_part_a_photo_is_in() -> None:
    one, other = photos(1, 1)
    hashes = {data.Split((one, other), (), ()).sha256, data.Split((one,), (other,), ()).sha256}
    assert len(hashes | {data.Split((one,), (), (other,)).sha256}) == 3


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 25)), min_size=1, max_size=120), st.integers(0, 5))
def test_no_group_is_ever_cut_and_no_photo_lost(drawn: list[tuple[int, int]], seed: int) -> None:
    made = [Photo(Path(f"{number}.jpg"), label, group) for number, (label, group) in enumerate(drawn)]
    parts = data.split(made, seed)
    dealt = [*parts.train, *parts.validation, *parts.test]
    assert sorted(dealt, key=made.index) == made
    homes = [{photo.group for photo in part} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, homes)) == len({photo.group for photo in made})


def test_a_photograph_is_read_as_rgb_and_junk_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((4, 5, 3), (0, 0, 255), np.uint8))
    assert (data.read_rgb(tmp_path / "red.png") == (255, 0, 0)).all()
    (tmp_path / "junk.jpg").write_bytes(b"junk")
    with pytest.raises(SourceError, match=rf"^image {tmp_path / 'junk.jpg'}: "):
        data.read_rgb(tmp_path / "junk.jpg")


def test_known_faces_come_best_first_and_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert data.faces(tmp_path) == {}
    rows = "path\tx1\ty1\tx2\ty2\tscore\nwith_mask/a.jpg\t1\t2\t3\t4\t0.5\nwith_mask/a.jpg\t-5\t6\t7\t8.5\t0.9\n"
    (tmp_path / "faces.tsv").write_text(rows)
    best, second = (Box(-5, 6, 7, 8.5), 0.9), (Box(1, 2, 3, 4), 0.5)
    assert data.faces(tmp_path) == {tmp_path / "with_mask" / "a.jpg": [best, second]}


def test_classes_are_the_classifiers_outputs_and_verdicts_the_first_two() -> None:
    assert data.CLASSES == ("with_mask", "without_mask", "mask_weared_incorrect")
    assert data.LABELS == ("with_mask", "without_mask")


def test_pasted_masks_are_known_by_name_and_without_a_list_there_are_none(tmp_path: Path) -> None:
    assert data.pasted(tmp_path) == frozenset()
    (tmp_path / "synthetic.txt").write_text("with_mask/a.jpg\nwith_mask/more/b.png\n\n")
    assert data.pasted(tmp_path) == {"a.jpg", "b.png"}


@pytest.mark.skipif(not (FOLDER and STUDY_SET.is_dir()), reason="MASKWATCH_DATA names no folder with face-mask-7553")
def test_the_studys_pasted_masks_are_photographs_it_has() -> None:
    names = {path.name for path in data.class_files(STUDY_SET, Label.WITH_MASK)}
    assert data.pasted(STUDY_SET)
    assert data.pasted(STUDY_SET) <= names


@pytest.mark.skipif(not (FOLDER and STUDY_SET.is_dir()), reason="MASKWATCH_DATA names no folder with face-mask-7553")
def test_the_studys_set_has_the_groups_its_list_names() -> None:
    dataset = data.load(STUDY_SET, progress=False)
    listed: dict[str, set[str]] = {}
    with (STUDY_SET / "groups.tsv").open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            listed.setdefault(row["group"], set()).add(row["path"])
    expected = {name: group for group in listed.values() for name in group}
    found = {name: group for group in partition(dataset) for name in group}
    differing = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
    assert not differing, f"{len(differing)} of {len(expected)} files have other twins, e.g. {sorted(differing)[:3]}"
    parts = dataset.split()
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [5287, 454, 1812]


def test_a_picture_that_claims_to_be_enormous_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "h.csv")
    for label in data.LABELS:
        save(tmp_path / "set", f"{label}/a.png", 1)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "set" / "with_mask" / "bomb.png").write_bytes(bomb)
    assert len(data.load(tmp_path / "set", progress=False).unreadable) == 1


def test_images_that_cannot_be_decoded_are_named_counted_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, "with_mask/a.png", 1)
    good, cut = tmp_path / "with_mask" / "a.png", tmp_path / "with_mask" / "cut.png"
    cut.write_bytes(good.read_bytes()[:-20])
    assert data.readable([good, cut, good]) == {good}
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [f"image {cut}", "data"]
    assert "1 of 2 images left out" in caplog.text


def test_a_link_to_a_file_that_is_gone_is_named_and_left_out(root: Path) -> None:
    (root / "with_mask" / "gone.jpg").symlink_to(root / "elsewhere.jpg")
    found = data.load(root, progress=False)
    assert any(line.startswith(f"{root / 'with_mask' / 'gone.jpg'}: No such file") for line in found.unreadable)


@pytest.mark.parametrize(
    "content", [b"junk", b"\xff\xfe\x00", b"a,b,c\n", b"key,not a hash\n", b'"open quote\n\x00', b"a\n"]
)
def test_a_damaged_hash_cache_is_said_and_made_anew(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    cache = tmp_path / "damaged.csv"
    cache.write_bytes(content)
    monkeypatch.setattr(data, "HASH_CACHE", cache)
    before = data.load(root, progress=False)
    assert any(f"hashes {cache}: damaged" in record.getMessage() for record in caplog.records)
    caplog.clear()
    assert data.load(root, progress=False) == before
    assert not [record for record in caplog.records if "hashes" in record.getMessage()]
