"""faces.tsv is made by the project's finder, shown on a sheet and read back unchanged; a missing file is reported."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("imagehash", reason="needs extra `train`")

from maskwatch.camera import drawn_face
from maskwatch.errors import ConfigError, SourceError
from maskwatch.flow import Box, Face
from maskwatch.vision import bundle
from training.__main__ import cli
from training.pictures import data, find_faces

FINDER = bundle.default_path("face")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bare face, a masked face, nobody, a file that is no picture, and a link to a file that does not exist."""
    face = cv2.resize(drawn_face.portrait(512, 600), (160, 188))[..., ::-1]
    masked = face.copy()
    cv2.rectangle(masked, (60, 76), (106, 106), (210, 190, 150), -1)
    for name, image in (("without_mask/bare", face), ("with_mask/masked", masked), ("with_mask/nobody", 0 * face + 90)):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), image)
    (tmp_path / "with_mask" / "none.png").write_bytes(b"no picture")
    (tmp_path / "with_mask" / "gone.png").symlink_to(tmp_path / "elsewhere.png")
    return tmp_path


def test_the_table_has_the_faces_and_the_sheet_every_photograph(root: Path) -> None:
    said = CliRunner().invoke(cli, ["find-faces", str(root)], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    assert f"wrote {root / 'faces.tsv'}: a face in 2 of 3 photographs (66.7 %)" in said.output
    known = data.faces(root)
    assert {path.name for path in known} == {"bare.png", "masked.png"}
    ((box, score),) = known[root / "without_mask" / "bare.png"]
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    assert score > 0.5
    assert middle == pytest.approx((83, 70), abs=15)  # where the drawing has it, at this size
    sheet = cv2.imread(str(root / "faces.png"))
    assert sheet is not None
    assert (sheet == np.array(find_faces.BOX[::-1])).all(axis=2).any()  # a frame is drawn


def test_the_table_has_the_columns_that_training_reads(root: Path) -> None:
    find_faces.write(root, [FINDER], 0.3, force=False)
    with (root / "faces.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert tuple(rows[0]) == data.FACE_COLUMNS
    assert all(0 < float(row["score"]) <= 1 and float(row["x1"]) < float(row["x2"]) for row in rows)


def test_a_table_that_is_there_is_not_overwritten_until_force(root: Path) -> None:
    (root / "faces.tsv").write_text("somebody's own\n")
    with pytest.raises(ConfigError, match=r"has a faces\.tsv already; look at it, or give --force"):
        find_faces.write(root, [FINDER], 0.3, force=False)
    assert (root / "faces.tsv").read_text() == "somebody's own\n"
    find_faces.write(root, [FINDER], 0.3, force=True)
    assert len(data.faces(root)) == 2


def test_a_face_that_two_finders_see_is_told_once() -> None:
    near, same, other = (
        Face(Box(*box), score)
        for box, score in (((0, 0, 100, 100), 0.6), ((4, 2, 102, 99), 0.9), ((300, 0, 330, 40), 0.5))
    )
    assert find_faces.joined([near, same, other]) == (same, other)
    assert find_faces.joined([]) == ()


def test_without_the_table_that_is_said_once_with_the_command_that_makes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert data.faces(tmp_path) == {}
    data.faces(tmp_path)
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"data {tmp_path}: no faces.tsv, so no face is cut out" in line
    assert f"`python -m training find-faces {tmp_path}` makes it" in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path\tx1\ty1\tx2\ty2\na.png\t1\t2\t3\t4\n", "no column 'score'"),
        ("path\tx1\ty1\tx2\ty2\tscore\na.png\t1\t2\tthree\t4\t0.5\n", "could not convert string to float"),
        ("path,x1,y1,x2,y2,score\na.png,1,2,3,4,0.5\n", "no column 'x1'"),
        ("path\tx1\ty1\tx2\ty2\tscore\na.png\t1\n", "float"),
    ],
)
def test_a_table_that_is_none_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "faces.tsv").write_text(text)
    with pytest.raises(SourceError) as caught:
        data.faces(tmp_path)
    assert expected in str(caught.value)
    assert "expected columns path, x1, y1, x2, y2, score with tabs" in str(caught.value)
