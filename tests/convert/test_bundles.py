"""`make bundles` makes the same bytes from a bundle's float model; any other result ends with an error."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

keras = pytest.importorskip("keras", reason="needs extra `train`")

import colour_models  # noqa: E402

from convert import bundles, quantize, recipe, samples  # noqa: E402
from maskwatch.vision import bundle  # noqa: E402
from training.runs import run_folder  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_hash_cache")

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "training" / "models"
MOST = {"face": 2e6, "mask": 10.5e6, "face-far": 2e6}  # bytes of float models: a repository is cloned by everybody


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_models.photographs(tmp_path_factory.mktemp("photos"))


class House(NamedTuple):
    """The folders that `make bundles` works on."""

    root: Path

    @property
    def shipped(self) -> Path:
        return self.root / "out" / "mask.tflite"

    @property
    def kept(self) -> Path:
        return self.root / "kept" / "mask" / "model.keras"

    def files(self) -> dict[str, bytes]:
        """The bytes of all shipped files and reports, by file name."""
        folders = (self.root / "out", self.root / "reports")
        return {path.name: path.read_bytes() for folder in folders for path in folder.iterdir()}


Bundles = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def released(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The folders after a first release."""
    house = House(tmp_path_factory.mktemp("house"))
    colour_models.kept(house.kept.parent, photos)
    (house.root / "out").mkdir()
    (house.root / "reports").mkdir()
    asked = recipe.Recipe(
        variants=("float32", "int8"), calibration=20, gates={"size_ratio": 200}
    )  # the card's text is most of the size of a tiny model
    house.shipped.with_suffix(".recipe.json").write_text(recipe.text(asked))
    assert run(house, photos) == 0
    return house


@pytest.fixture
def house(released: House, tmp_path: Path) -> House:
    shutil.copytree(released.root, tmp_path / "house")
    return House(tmp_path / "house")


def run(house: House, photos: Path, *arguments: str) -> int:
    """Run the command on these folders; returns its exit code."""
    folders = [f"--{name}={house.root / name}" for name in ("kept", "out", "reports", "work")]
    try:
        bundles.main(["--data", str(photos), "--task", "mask", *folders, *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_first_release_is_judged_and_leaves_bundle_hash_recipe_and_report(released: House) -> None:
    card = bundle.read(released.shipped, "mask").card
    assert card.provenance["float_sha256"] == hashlib.sha256(released.kept.read_bytes()).hexdigest()
    assert card.metrics["validation"]["accuracy"]["value"] == 100
    digest = hashlib.sha256(released.shipped.read_bytes()).hexdigest()
    assert (released.root / "out" / "SHA256SUMS").read_text() == f"{digest}  mask.tflite\n"
    assert set(released.files()) == {
        *(f"mask.report.{kind}" for kind in ("json", "md", "html")),
        *("mask.tflite", "mask.recipe.json", "SHA256SUMS"),
    }
    assert (released.root / "work" / "mask.float32.tflite").is_file()


def test_the_same_float_model_gives_the_same_bytes(
    house: House, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = house.files()
    assert run(house, photos) == 0
    assert "mask: the same" in capfd.readouterr().out
    assert house.files() == before


def other_calibration(house: House) -> None:
    """Change the recorded recipe's seed: the calibration pictures are others, as if the data set had changed."""
    file = house.shipped.with_suffix(".recipe.json")
    file.write_text(recipe.text(recipe.read(file).model_copy(update={"seed": 1})))


def other_flatbuffer(house: House) -> None:
    """Change the bundle and its recorded hashes, as if another converter had made it."""
    read = bundle.read(house.shipped, "mask")
    flatbuffer = bytearray(read.flatbuffer)
    flatbuffer[-1] ^= 1
    bundle.write(house.shipped, bytes(flatbuffer), read.card)
    bundles._note_sums(house.shipped)


def other_figures(house: House) -> None:
    file = house.root / "reports" / "mask.report.json"
    report = json.loads(file.read_text())
    report["parts"]["test"]["figures"]["int8"]["accuracy"]["value"] = 99.9
    file.write_text(json.dumps(report))


def other_record(house: House) -> None:
    run_folder.write(house.kept.parent, run_folder.read(house.kept).model_copy(update={"bias": 0.5}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_calibration, "card, provenance.calibration_sha256: shipped "),
        (other_flatbuffer, "the model itself: shipped "),
        (other_figures, "card, metrics.test.accuracy.value: shipped 100.0, made 99.9"),
        (other_record, "card, bias: shipped 0.0, made 0.5"),
    ],
)
def test_a_difference_is_told_and_no_shipped_file_is_touched(
    house: House, photos: Path, change: Callable[[House], None], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    change(house)
    before = house.files()
    assert run(house, photos) == 1
    errors = capfd.readouterr().err
    assert f"convert.bundles: mask: differs from {house.shipped}: {told}" in errors
    assert house.files() == before
    assert (house.root / "work" / "mask.tflite").read_bytes() != before["mask.tflite"]


def test_a_bundle_that_is_not_the_one_of_the_hashes_is_told(
    house: House, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (house.root / "out" / "SHA256SUMS").write_text(f"{'0' * 64}  mask.tflite\n")
    assert run(house, photos) == 1
    assert "its SHA-256 is not the one that" in capfd.readouterr().err


def test_another_float_model_is_a_new_release(house: House, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = house.files()
    network = quantize.load(house.kept)
    dense = network.get_layer("known")
    dense.set_weights([1.5 * weights for weights in dense.get_weights()])
    run_folder.save(network, house.kept)
    assert run(house, photos) == 0
    assert "a new float model" in capfd.readouterr().out
    assert house.files()["mask.tflite"] != before["mask.tflite"]
    assert run(house, photos) == 0
    assert "the same" in capfd.readouterr().out


def test_a_new_float_model_that_fails_a_gate_replaces_nothing(
    house: House, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = house.files()
    network = quantize.load(house.kept)
    dense = network.get_layer("known")
    dense.set_weights([-weights for weights in dense.get_weights()])
    run_folder.save(network, house.kept)
    assert run(house, photos) == 1
    assert "gate failed: int8: accuracy is" in capfd.readouterr().err
    assert house.files() == before
    assert (house.root / "work" / "mask.report.md").is_file()


def test_a_float_model_that_is_not_kept_is_one_line(
    house: House, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    house.kept.unlink()
    assert run(house, photos) == 4
    assert "mask/model.keras: no such file" in capfd.readouterr().err


def test_make_bundles_gives_every_folder_to_the_command() -> None:
    command = ["make", "--dry-run", "--assume-old=.venv/.made", "bundles", "DATA=a", "SCENES=b c"]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=quiet).stdout
    assert told.splitlines()[-1] == ".venv/bin/python -m convert.bundles --data a --data b --data c"


# -- what is committed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", bundles.TASKS)
def test_the_shipped_bundle_is_made_from_the_float_model_that_is_kept(task: bundle.Task) -> None:
    model = KEPT / task / "model.keras"
    if not model.is_file():
        pytest.skip(f"no float model of the shipped {task} bundle is kept yet")
    shipped = bundle.read(bundle.default_path(task), task)
    assert shipped.card.provenance["float_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert shipped.card.provenance["split_sha256"] == run_folder.read(model).split_sha256
    assert bundles._sums(bundle.default_path(task))[f"{task}.tflite"] == shipped.sha256


def test_the_float_models_are_small_enough_to_be_committed() -> None:
    sizes = {path.parent.name: path.stat().st_size for path in KEPT.rglob("*.keras")}
    assert all(size <= MOST[name] for name, size in sizes.items()), sizes
    assert sizes["face"] + sizes["mask"] <= 12e6


# -- the order of the folders -----------------------------------------------------------------------------------------


def test_scenes_may_be_given_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("a", "b", "c")
    for name in names:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(samples.voc, "load", lambda root: root.name)
    monkeypatch.setattr(samples.voc, "split", lambda scenes, _: Sha(scenes))
    expected = samples.voc.sha256([Sha("b"), Sha("c"), Sha("a")])
    folders = samples.Folders(scenes=tuple(tmp_path / name for name in names))
    assert [root.name for root in samples._splits(folders, 0, expected)] == ["b", "c", "a"]
    assert [root.name for root in samples._splits(folders, 0, "0" * 64)] == ["a", "b", "c"]


class Sha(NamedTuple):
    """A stand-in for a split that has nothing but its hash."""

    sha256: str


# -- the far finder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        (("face", "mask"), (), ["face", "mask"]),
        (("face", "mask", "face-far"), (), ["face", "mask", "face-far"]),
        (("face-far",), ("--task", "face-far"), ["face-far"]),
    ],
)
def test_the_far_finder_is_made_where_its_float_model_is_kept(
    kept: tuple[str, ...], asked: tuple[str, ...], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("out", "reports", *kept):
        (tmp_path / name).mkdir()
    for name in kept:
        (tmp_path / name / "model.keras").touch()
    made: list[str] = []
    monkeypatch.setattr(bundles, "release", lambda place, _: (made.append(place.shipped.stem), True)[1])
    folders = (
        "--kept",
        tmp_path,
        "--out",
        tmp_path / "out",
        "--reports",
        tmp_path / "reports",
        "--work",
        tmp_path / "w",
    )
    bundles.cli([*map(str, folders), "--data", str(tmp_path), *asked], standalone_mode=False)
    assert made == expected


def test_the_far_finder_is_read_as_a_finder() -> None:
    shipped = bundle.default_path("face")
    place = bundles.Place("face-far", shipped, shipped, shipped, shipped)
    assert bundles._read(place).card.task == "face"
