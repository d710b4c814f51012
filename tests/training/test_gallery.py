"""The gallery shows what the classifier learns from: every drawing, every effect, and whole training views."""

from pathlib import Path

import numpy as np
import photographs
import pytest
from annotated_scenes import entry, write
from photographs import save
from PIL import Image as PillowImage

from maskwatch.errors import SourceError
from training.__main__ import cli
from training.augment import crops, wear, weather
from training.classifier import gallery
from training.pictures import contact_sheet, data

SIDE = 32  # pixels of a tile
Sheets = dict[str, list[str]]


@pytest.fixture
def portraits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Portraits of both classes, each with a known face."""
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    return photographs.portraits(tmp_path / "portraits")


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Ten scenes of one face each, the wrongly worn kind."""
    for number in range(10):
        write(tmp_path / "street", f"{number}", entry("mask_weared_incorrect", 10, 10, 50, 50))
        save(tmp_path / "street", f"images/{number}.png", 100 + number)
    return tmp_path / "street"


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> Sheets:
    """The captions of each sheet."""
    seen: Sheets = {}
    written = contact_sheet.write

    def keep(pictures: list[tuple[np.ndarray, str]], path: Path, columns: int = 12, side: int = 128) -> None:
        assert {picture.shape for picture, _ in pictures} == {(SIDE, SIDE, 3)}
        seen[path.name] = [caption for _, caption in pictures]
        written(pictures, path, columns, side)

    monkeypatch.setattr(contact_sheet, "write", keep)
    return seen


def test_every_drawing_and_every_effect_is_shown_a_few_times(portraits: Path, tmp_path: Path, captions: Sheets) -> None:
    gallery.write(portraits, [], tmp_path / "new" / "out", SIDE, seed=0)
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == {"drawings.png", "weather.png", "looks.png"}
    for name, shown in (("drawings.png", wear.DRAWINGS), ("weather.png", weather.CHANCES)):
        assert captions[name] == [each.__name__ for each in dict.fromkeys(shown) for _ in range(gallery.EACH)]
    with PillowImage.open(tmp_path / "new" / "out" / "looks.png") as image:
        assert image.size == (12 * (SIDE + 4), gallery.LOOKS // 12 * (SIDE + 4 + contact_sheet.TEXT + 5))


def test_looks_carry_the_class_they_are_taught_as_often_as_the_training_has_them(
    portraits: Path, street: Path, tmp_path: Path, captions: Sheets
) -> None:
    gallery.write(portraits, [street], tmp_path / "out", SIDE, seed=0)
    shown = captions["looks.png"]
    assert set(shown) == set(data.CLASSES)
    assert 0.4 * gallery.LOOKS <= shown.count("mask_weared_incorrect") < 0.7 * gallery.LOOKS
    gallery.write(portraits, [], tmp_path / "out", SIDE, seed=0)
    assert captions["looks.png"].count("mask_weared_incorrect") < 0.15 * gallery.LOOKS


def test_only_photographs_of_the_training_part_are_shown(
    portraits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[Path] = set()
    read_rgb = data.read_rgb

    def note(path: Path) -> np.ndarray:
        read.add(path)
        return read_rgb(path)

    monkeypatch.setattr(data, "read_rgb", note)
    gallery.write(portraits, [], tmp_path / "out", SIDE, seed=1)
    assert read <= {photo.path for photo in data.load(portraits, progress=False).split(1).train}


def test_a_damaged_photograph_is_left_out(portraits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.load(portraits, progress=False).split(0).train[0].path
    monkeypatch.setattr(data, "readable", lambda paths: set(paths) - {first})
    monkeypatch.setattr(crops, "varied", lambda sample, _image, size, _rng, _masks: (_black(sample, first, size), 0))
    gallery.write(portraits, [], tmp_path / "out", SIDE, seed=0)
    assert (tmp_path / "out" / "looks.png").exists()


def _black(sample: crops.Sample, damaged: Path, size: int) -> np.ndarray:
    assert sample.path != damaged
    return np.zeros((size, size, 3), np.uint8)


def test_without_known_faces_there_is_nothing_to_draw_on(portraits: Path, tmp_path: Path) -> None:
    (portraits / "faces.tsv").unlink()
    with pytest.raises(SourceError, match=rf"^data {portraits}: no bare portrait has a known face"):
        gallery.write(portraits, [], tmp_path / "out", SIDE, seed=0)
    assert not (tmp_path / "out").exists()


def test_the_command_says_where_the_sheets_are(
    portraits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["looks", "--data", str(portraits), "--out", str(tmp_path / "out"), "--size", str(SIDE)]
    cli(arguments, standalone_mode=False)
    assert capsys.readouterr().out == f"wrote drawings.png, weather.png and looks.png into {tmp_path / 'out'}\n"
    assert len(list((tmp_path / "out").iterdir())) == 3
