"""The list of a part names exactly its photographs, with what is known of their faces."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.__main__ import cli
from training.pictures import data

FACES = "path\tx1\ty1\tx2\ty2\tscore\n{0}\t1\t2\t30\t40\t0.7\n{0}\t5\t6\t50\t60.5\t0.9\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve photographs of each class, no two alike."""
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "cache" / "hashes.csv")
    for seed in range(24):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        path = tmp_path / "photos" / data.LABELS[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC))
    return tmp_path / "photos"


def rows(root: Path, out: Path, *options: str) -> dict[str, dict[str, str]]:
    cli.main(["list", str(root), "--out", str(out), *options], standalone_mode=False)
    with out.open(newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file, delimiter="\t")}


@pytest.mark.parametrize("part", ["train", "test"])
def test_exactly_the_photographs_of_the_part_are_listed(root: Path, tmp_path: Path, part: str) -> None:
    found = rows(root, tmp_path / "new" / "list.tsv", "--part", part, "--seed", "3")
    photos = getattr(data.load(root, progress=False).split(3), part)
    assert {name: (row["part"], row["label"], row["group"]) for name, row in found.items()} == {
        f"{photo.path.parent.name}/{photo.path.name}": (part, photo.path.parent.name, str(photo.group))
        for photo in photos
    }


def test_the_best_known_face_and_drawn_masks_are_told(root: Path, tmp_path: Path) -> None:
    one, other, *_ = sorted(rows(root, tmp_path / "list.tsv"))
    (root / "faces.tsv").write_text(FACES.format(one))
    (root / "synthetic.txt").write_text(f"{one}\n")
    found = rows(root, tmp_path / "list.tsv")
    columns = ("pasted", "faces", "score", "left", "top", "right", "bottom")
    assert [found[one][column] for column in columns] == ["1", "2", "0.9", "5.0", "6.0", "50.0", "60.5"]
    assert [found[other][column] for column in columns] == ["0", "0", "", "", "", "", ""]
