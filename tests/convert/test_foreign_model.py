"""A model that others trained becomes a bundle that gives the verdicts they meant, or is refused in one line."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs extra `train`")

import colour_models  # noqa: E402
import foreign_models  # noqa: E402
from drawn_faces import SIDE, SKIN, Convert, Finished  # noqa: E402

from convert import conversion  # noqa: E402
from convert.foreign import convert_foreign, declared, keras_ends, keras_file, legacy, pixels, tflite_ends  # noqa: E402
from convert.foreign.pixels import Pixels  # noqa: E402
from convert.recipe import Recipe  # noqa: E402
from maskwatch.config import MaskSettings  # noqa: E402
from maskwatch.daemon import parts  # noqa: E402
from maskwatch.errors import ConfigError, ModelError  # noqa: E402
from maskwatch.flow import Label  # noqa: E402
from maskwatch.vision import bundle  # noqa: E402
from maskwatch.vision.classifier import MaskClassifier  # noqa: E402
from training.pictures import data  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_hash_cache")

FIRST_BARE = ("without_mask", "with_mask")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign_models.photographs(tmp_path_factory.mktemp("photos"))


def take(path: Path, folders: list[Path], **told: object) -> tuple[conversion.Conversion, list[str]]:
    """The conversion, and the lines that it printed."""
    lines: list[str] = []
    done = convert_foreign.convert_foreign(
        path, declared.Declared(**told), folders, Recipe(calibration=20), lines.append
    )  # type: ignore[arg-type]
    return done, lines


def device(path: Path, done: conversion.Conversion, variant: str = "float32") -> MaskClassifier:
    """The bundle as the device opens it."""
    bundle.write(path, done.made[variant].flatbuffer, done.card(variant))  # type: ignore[index]
    return MaskClassifier(bundle.read(path, "mask"), threads=1)


def right(judge: MaskClassifier) -> float:
    """Share of drawn faces that get the right label. The conversion has seen none of them."""
    rng = np.random.default_rng(99)
    faces = [(label, foreign_models.face(label, rng)) for label in data.LABELS for _ in range(10)]
    return float(np.mean([judge.verdict(cv2.resize(face, (SIDE, SIDE))).label == label for label, face in faces]))


def saved(network: "keras.Model", path: Path) -> Path:
    network.save(path)
    return path


# -- nothing is told: photographs show it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scaled", "channels", "bare", "ending", "suffix"),
    [
        ("-1..1", "rgb", 1, "softmax", "h5"),
        ("0..1", "bgr", 0, "softmax layer", "keras"),
        ("0..255", "bgr", 1, "sigmoid", "model"),
        ("0..1", "rgb", 0, "sigmoid layer", "h5"),
    ],
)
def test_what_is_not_told_is_found_on_photographs_and_told(
    photos: Path, tmp_path: Path, scaled: str, channels: str, bare: int, ending: str, suffix: str
) -> None:
    file = saved(
        foreign_models.model(scaled, channels, bare, ending), tmp_path / f"mine.{'h5' if suffix == 'model' else suffix}"
    )
    file = file.rename(tmp_path / f"mine.{suffix}")
    done, lines = take(file, [photos])
    labels = ("with_mask", "without_mask") if bare else FIRST_BARE
    assert f"this one fits: --pixels {scaled} --channels {channels} --labels {','.join(labels)} (100.0%" in lines[0]
    assert done.failures == []
    assert done.run.labels == labels
    for variant in done.made:
        judge = device(tmp_path / f"{variant}.tflite", done, variant)
        assert right(judge) == 1
    assert done.made["int8"].facts.eats_camera_bytes
    assert done.card("int8").provenance["own"] == {
        "pixels": scaled,
        "channels": channels,
        "judged": "on photographs that it may have learnt from",
    }


@pytest.mark.parametrize(("scaled", "channels", "ending"), [("-1..1", "bgr", "softmax"), ("0..255", "rgb", "sigmoid")])
@pytest.mark.parametrize("quantized", [False, True])
def test_a_tflite_gets_its_ends_changed_and_nothing_else(
    photos: Path, tmp_path: Path, scaled: str, channels: str, ending: str, quantized: bool
) -> None:
    network = foreign_models.model(scaled, channels, ending=ending)
    rng = np.random.default_rng(1)
    looks = [rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(20)] + [
        np.full((SIDE, SIDE, 3), v, np.uint8) for v in (0, 255)
    ]
    file = tmp_path / "mine.tflite"
    way = Pixels(scaled, channels)
    # A byte input keeps the order of its channels, since `of` would exchange them for the model.
    plain = [Pixels(scaled, "rgb").of(look) for look in looks]
    file.write_bytes(foreign_models.as_tflite(network, plain if quantized else None))
    done, lines = take(file, [photos])
    assert f"--pixels {scaled} --channels {channels}" in lines[0]
    assert ("of 4 possibilities" in lines[0]) == quantized  # the scale of a byte input tells its range
    assert done.failures == []
    assert list(done.made) == ["float32"]
    assert done.made["float32"].facts.eats_camera_bytes
    judge = device(tmp_path / "bundle.tflite", done)
    assert right(judge) == 1
    found = tflite_ends.source(file.read_bytes(), file, None)
    # In -1..1 each byte lies half-way between two steps of a byte input: kernels round all of them up, or to even.
    for look in looks[:4]:
        assert judge.logits(look) == pytest.approx(found.answer(look, way), abs=0.08 if quantized else 1e-4)


def test_what_fits_in_no_way_is_refused(photos: Path, tmp_path: Path) -> None:
    network = foreign_models.model()
    network.get_layer("away").set_weights([np.zeros((2, 4)), np.zeros(4)])  # it gives the same answer for every picture
    with pytest.raises(
        ModelError, match=r"of 20 ways to feed and read it, the best \(--pixels .*50% of \d+ photographs"
    ):
        take(saved(network, tmp_path / "mine.keras"), [photos])


def test_what_photographs_do_not_rule_out_is_told(photos: Path, tmp_path: Path) -> None:
    """A model that uses the green channel only, which has the same index in RGB and BGR."""
    network = foreign_models.model()
    gain, green = 8.0, np.zeros((1, 1, 3, 2), np.float32)  # skin and cloth differ little in green
    green[0, 0, 1] = gain
    offset = (np.array([SKIN[0], SKIN[2]]) - gain * SKIN[1]) / 127.5 + gain - 1
    network.get_layer("red_and_blue").set_weights([green, offset])
    _, lines = take(saved(network, tmp_path / "mine.keras"), [photos], scaled="-1..1", labels=tuple(Label)[:2])
    assert "of 2 possibilities" in lines[0]
    assert lines[1].startswith("these photographs do not rule out: --pixels -1..1 --channels ")


def test_two_orders_of_labels_that_fit_alike_are_not_guessed_between(tmp_path: Path) -> None:
    """The cloth's colour is nearly the skin's with red and blue exchanged, so exchanged labels and channels fit too."""
    mirrored = colour_models.photographs(tmp_path / "photos")
    found = r"fit --pixels -1\.\.1 .* and --pixels -1\.\.1 .* alike; say --labels or --channels"
    with pytest.raises(ModelError, match=found):
        take(saved(foreign_models.model(), tmp_path / "mine.keras"), [mirrored], scaled="-1..1")


def test_labels_told_in_the_wrong_order_fail_the_gate(photos: Path, tmp_path: Path) -> None:
    file = saved(foreign_models.model(), tmp_path / "mine.keras")
    done, lines = take(file, [photos], scaled="-1..1", channels="rgb", labels=(Label.WITHOUT_MASK, Label.WITH_MASK))
    assert "accuracy" in {failure.gate.measure for failure in done.failures}
    assert not any("possibilities" in line for line in lines)


# -- without photographs ----------------------------------------------------------------------------------------------


def test_without_photographs_it_is_packed_and_said_to_be_not_judged(
    convert: Convert,
    tmp_path: Path,
) -> None:
    file = saved(foreign_models.model(size=None), tmp_path / "mine.h5")
    out = tmp_path / "mask.tflite"
    told = ("--labels", "mask,no mask", "--size", SIDE, "--margin", 0.1, "--pixels", "-1..1", "--channels", "rgb")
    finished = convert(file, "--task", "mask", *map(str, told), "-o", out)
    assert finished.exit_code == 0, finished.errors
    card = bundle.read(out, "mask").card
    assert (card.margin, card.input_size, card.provenance["own"]["judged"]) == (0.1, SIDE, "not judged")
    assert card.metrics == {"training": {}}
    for kind in ("md", "html"):
        assert "it was not judged" in (tmp_path / f"mask.report.{kind}").read_text()
    assert json.loads((tmp_path / "mask.report.json").read_text())["judged"] == "not judged"
    lines: list[str] = []
    settings = MaskSettings(model=str(out))
    assert right(parts.build_classifier(settings, lines.append)) == 1  # type: ignore[arg-type]
    assert any(line.startswith("not judged") for line in lines)


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({}, "give --pixels and --channels and --labels"),
        ({"scaled": "0..1", "labels": declared.VERDICTS}, "give --channels"),
        ({"scaled": "0..1", "channels": "rgb"}, "give --labels"),
    ],
)
def test_without_photographs_everything_must_be_told(tmp_path: Path, told: dict[str, object], missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing}$"):
        take(saved(foreign_models.model(), tmp_path / "mine.keras"), [], **told)


# -- what Keras 2 wrote -----------------------------------------------------------------------------------------------


def test_what_keras_2_wrote_is_read(tmp_path: Path) -> None:
    file = foreign_models.keras_2(tmp_path / "mine.h5")
    model = keras_file.load(file)
    found = keras_ends.source(model, file, None)
    assert (found.size, found.outputs, found.shares) == (SIDE, 2, False)
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 255
    assert found.answer(red, Pixels("0..255", "rgb")) == pytest.approx([-8, 8], rel=1e-3)


def test_a_model_in_a_model_of_keras_2_is_told_as_keras_3_tells_it() -> None:
    """A model as Teachable Machine makes it: two Sequentials inside one, with a MobileNet in the first."""
    inner = {
        "module": "keras.src.engine.functional",
        "registered_name": "Functional",
        "class_name": "Functional",
        "config": {"input_layers": [["image", 0, 0]], "output_layers": [["relu", 0, 0]]},
    }
    legacy.convert({"class_name": "Sequential", "config": {"layers": [inner]}})
    ends = {"input_layers": ["image", 0, 0], "output_layers": ["relu", 0, 0]}
    assert inner == {"class_name": "Functional", "config": ends}


# -- pixels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scaled", "mode"), [("-1..1", "tf"), ("caffe", "caffe"), ("torch", "torch")])
def test_pixels_are_those_of_keras_own_preprocessing(scaled: str, mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    expected = keras.applications.imagenet_utils.preprocess_input(image.astype(np.float32), "channels_last", mode)
    assert Pixels(scaled, "rgb").of(image) == pytest.approx(expected, abs=1e-3)
    turned = keras.applications.imagenet_utils.preprocess_input(
        image[..., ::-1].astype(np.float32), "channels_last", mode
    )
    assert Pixels(scaled, "bgr").of(image) == pytest.approx(turned, abs=1e-3)


@pytest.mark.parametrize("way", [*pixels.ways(None, None, 3)[1:], *pixels.ways(None, None, 1)], ids=str)
def test_pixels_folded_into_a_network_are_those_it_was_given(way: Pixels) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    entry = keras.Input((SIDE, SIDE, 3))
    folded = keras.Model(entry, keras_ends._scaled(entry, way))
    assert np.asarray(folded(image[None].astype(np.float32)))[0] == pytest.approx(way.of(image), rel=1e-5, abs=1e-3)


def test_grey_is_opencvs() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert Pixels("0..255", "grey").of(image)[..., 0] == pytest.approx(grey, abs=0.6)


# -- what is refused --------------------------------------------------------------------------------------------------


def with_lambda(path: Path) -> Path:
    image = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Lambda(lambda value: value / 255)(image))
    return saved(keras.Model(image, keras.layers.Dense(2)(pooled)), path)


def small(path: Path, shape: tuple[int, ...] = (SIDE, SIDE, 3), outputs: int = 2, inputs: int = 1) -> Path:
    images = [keras.Input(shape) for _ in range(inputs)]
    flat = [keras.layers.Flatten()(image) for image in images]
    joined = keras.layers.Concatenate()(flat) if inputs > 1 else flat[0]
    return saved(keras.Model(images, keras.layers.Dense(outputs)(joined)), path)


def cut(path: Path) -> Path:
    small(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def pointing_elsewhere(path: Path) -> Path:
    small(path)
    with h5py.File(path, "r+") as file:
        file["model_weights"]["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    return path


def weights_alone(path: Path) -> Path:
    small(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    return path


def of_a_stranger(path: Path) -> Path:
    """A model file whose config names a class of another module; loading it would import that module."""
    small(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = members["config.json"].decode().replace('"class_name": "Dense"', '"class_name": "Popen"')
    members["config.json"] = config.replace('"module": "keras.layers"', '"module": "subprocess"').encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def words(path: Path) -> Path:
    path.write_text("<!doctype html> 404 Not Found")
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def tflite_cut(path: Path) -> Path:
    made = foreign_models.as_tflite(foreign_models.model())
    path.write_bytes(made[: len(made) // 2])
    return path


@pytest.mark.parametrize(
    ("name", "make", "exit_code", "expected"),
    [
        ("gone.h5", lambda path: path, 4, "No such file"),
        ("lambda.h5", with_lambda, 4, "has a Lambda layer: code of its maker"),
        ("lambda.keras", with_lambda, 4, "has a Lambda layer: code of its maker"),
        ("cut.h5", cut, 4, "Keras cannot load it"),
        ("cut.keras", cut, 4, "Keras cannot load it"),
        ("link.h5", pointing_elsewhere, 4, "its entry 'elsewhere' points elsewhere"),
        ("weights.h5", weights_alone, 4, "has weights but no model"),
        ("stranger.keras", of_a_stranger, 4, "not Keras' own"),
        ("page.h5", words, 4, "is no .keras, .h5 or .tflite file"),
        ("saved_model", folder, 4, "is a folder (a SavedModel?)"),
        ("two.keras", lambda path: small(path, inputs=2), 4, "has 2 inputs and 1 outputs"),
        ("four.keras", lambda path: small(path, outputs=4), 4, "answers (None, 4); expected one, two or three"),
        ("wide.keras", lambda path: small(path, (SIDE, 2 * SIDE, 3)), 4, "expected square pictures"),
        ("other.keras", lambda path: small(path, (48, 48, 3)), 2, "takes 48 pixels"),
        ("three.keras", lambda path: small(path, outputs=3), 2, "2 labels, but the model has 3 outputs"),
        ("cut.tflite", tflite_cut, 4, "damaged"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_its_exit_code(
    convert: Convert,
    tmp_path: Path,
    name: str,
    make: Callable[[Path], Path],
    exit_code: int,
    expected: str,
) -> None:
    told = ("--labels", "mask,no_mask", "--size", str(SIDE), "--pixels", "0..1", "--channels", "rgb")
    finished = convert(make(tmp_path / name), "--task", "mask", *told, "-o", tmp_path / "out.tflite")
    assert one_line(finished, exit_code, expected)
    assert not (tmp_path / "out.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "expected"),
    [
        ((), 4, "no run.json beside it; a model of others needs --task mask"),
        (("--task", "face"), 2, "the outputs of other finders differ"),
        (("--labels", "mask,no_mask"), 2, "--labels: only for a model of others"),
        (("--pixels=-1..1",), 2, "--pixels: only for a model of others"),
        (("--task", "mask", "--labels", "cat,dog"), 2, "'cat' is not a class"),
        (("--task", "mask", "--labels", "mask,mask"), 2, "expected with_mask,without_mask in the model's order"),
        (("--task", "mask", "--pixels", "0..2"), 2, "--pixels 0..2: expected one of 0..255, 0..1, -1..1"),
        (("--task", "mask"), 2, "without photographs (--data) nothing can be tried"),
        (("--task", "mask", "--variants", "int8"), 2, "--variants int8: photographs set its ranges"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line(
    convert: Convert,
    tmp_path: Path,
    arguments: tuple[str, ...],
    exit_code: int,
    expected: str,
) -> None:
    finished = convert(small(tmp_path / "mine.keras"), *arguments, "-o", tmp_path / "out.tflite")
    assert one_line(finished, exit_code, expected)


def one_line(finished: Finished, exit_code: int, expected: str) -> bool:
    lines = [line for line in finished.errors.splitlines() if line.startswith(("convert: ", "Traceback"))]
    assert (finished.exit_code, len(lines)) == (exit_code, 1), finished.errors
    assert expected in lines[0]
    return True


def test_damage_anywhere_in_an_h5_is_a_model_error_or_does_no_harm(tmp_path: Path) -> None:
    content = bytearray(small(tmp_path / "mine.h5").read_bytes())
    rng = np.random.default_rng(0)
    refused = 0
    for number in range(12):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 30):
            damaged[place] = rng.integers(256)
        file = tmp_path / f"{number}.h5"
        file.write_bytes(damaged)
        try:
            keras_file.load(file)
        except ModelError:
            refused += 1
    assert refused > 3
