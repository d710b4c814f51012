"""The study's plain CNN and AlexNet: their shapes, and everything from photographs to each variant."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from annotated_scenes import entry, write
from photographs import save

keras = pytest.importorskip("keras", reason="needs extra `train`")
tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

from convert import conversion  # noqa: E402
from convert.recipe import VARIANTS, Recipe, Variant  # noqa: E402
from maskwatch.errors import ConfigError  # noqa: E402
from maskwatch.vision import bundle  # noqa: E402
from maskwatch.vision.classifier import MaskClassifier  # noqa: E402
from training import __main__ as program  # noqa: E402
from training.classifier import recipes  # noqa: E402
from training.networks import alexnet, cnn  # noqa: E402
from training.pictures import data, voc  # noqa: E402
from training.runs import run_folder  # noqa: E402
from training.runs.knobs import AlexNet, PlainCnn  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_hash_cache")

NARROW = {"channels": (4, 6, 6, 6, 8), "dense": (16, 12, 8)}  # an AlexNet that learns in a second
SIZES = {"cnn": 32, "alexnet": alexnet.SMALLEST}  # pixels


def sides(model: keras.Model, kind: type) -> list[int]:
    return [layer.output.shape[1] for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("network", [cnn.build(32), alexnet.build(alexnet.SMALLEST, **NARROW)], ids=["cnn", "alexnet"])
def test_camera_bytes_go_in_and_logits_come_out(network: keras.Model) -> None:
    image, scale = network.layers[:2]
    assert isinstance(image, keras.layers.InputLayer)
    assert scale.name == "scale"
    assert np.asarray(scale(np.array([0.0, 127.5, 255.0]))).tolist() == [-1, 0, 1]
    assert network.output_shape == (None, 3)
    logits = network.layers[-1]
    assert (logits.name, logits.activation) == ("logits", keras.activations.linear)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_plain_cnn_has_as_many_convolutions_as_asked_for_each_pooled(depth: int) -> None:
    network = cnn.build(40, depth)
    assert sides(network, keras.layers.Conv2D) == [40, 20, 10][:depth]
    assert sides(network, keras.layers.MaxPooling2D) == [20, 10, 5][:depth]
    assert not sides(network, keras.layers.BatchNormalization)


@pytest.fixture(scope="module")
def whole() -> keras.Model:
    """An AlexNet with the knobs that it is trained with."""
    return recipes.ALEXNET.build(AlexNet())


def test_alexnet_has_the_studys_parameters(whole: keras.Model) -> None:
    assert whole.count_params() == pytest.approx(30e6, rel=0.05)
    first = whole.get_layer("conv1")
    assert (first.filters, first.kernel_size, first.strides) == (96, (11, 11), (4, 4))
    assert [whole.get_layer(f"dense{number}").units for number in (1, 2)] == [4096, 4096]


def test_alexnet_narrows_as_its_docstring_says(whole: keras.Model) -> None:
    assert sides(whole, keras.layers.Conv2D) == [55, 23, 9, 7, 5]
    assert sides(whole, keras.layers.MaxPooling2D) == [27, 11, 2]


def test_every_layer_of_alexnet_but_the_last_is_followed_by_its_batch_norm(whole: keras.Model) -> None:
    kinds = [
        type(layer)
        for layer in whole.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense | keras.layers.BatchNormalization)
    ]
    assert kinds[1::2] == [keras.layers.BatchNormalization] * 8
    assert keras.layers.BatchNormalization not in kinds[::2]


def test_alexnet_takes_any_side_from_its_smallest_up_and_refuses_others() -> None:
    assert sides(alexnet.build(alexnet.SMALLEST, **NARROW), keras.layers.MaxPooling2D)[-1] == 1
    assert alexnet.build(301, **NARROW).output_shape == (None, 3)
    with pytest.raises(ConfigError, match=r"^size 194: too small .* expected at least 195 pixels$"):
        alexnet.build(alexnet.SMALLEST - 1)


@pytest.mark.parametrize("knobs", [PlainCnn(epochs=7, plain=0.3), AlexNet(epochs=7, plain=0.3)])
def test_from_scratch_all_learns_in_one_stage(knobs: PlainCnn | AlexNet) -> None:
    (phase,) = recipes.from_scratch(knobs)
    assert (phase.epochs, phase.rate, phase.unaugmented_share) == (7, knobs.rate, 0.3)
    model = alexnet.build(alexnet.SMALLEST, **NARROW)
    recipes.ALEXNET.freeze(model, phase.frozen)
    assert all(layer.trainable for layer in model.layers)


# -- from photographs to every variant ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of portraits and of street scenes."""
    root = tmp_path_factory.mktemp("folders")
    portraits, street = root / "portraits", root / "street"
    for number in range(40):
        save(portraits, f"{data.LABELS[number % 2]}/{number}.png", number)
    for number in range(10):
        faces = [entry(label, 10 + 40 * place, 10, 40 + 40 * place, 50) for place, label in enumerate(data.CLASSES)]
        write(street, f"{number}", *faces)
        save(street, f"images/{number}.png", 100 + number)
    return portraits, street


@pytest.fixture(scope="module", params=["cnn", "alexnet"])
def trained(
    request: pytest.FixtureRequest, folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The run folder that `python -m training train NETWORK` writes after two epochs of a few pictures."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    narrow = replace(recipes.ALEXNET, build=lambda knobs: alexnet.build(knobs.size, **NARROW))
    portraits, street = folders
    said = f"--data {portraits} --scenes {street} --out {out} --size {SIZES[request.param]} --epochs 2 --looks 64"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "ALEXNET", narrow)
        tf.config.run_functions_eagerly(True)  # two steps: making a graph takes longer
        program.cli(["train", request.param, *said.split()], standalone_mode=False)
        tf.config.run_functions_eagerly(False)
    return out / "model.keras"


def test_the_run_tells_which_network_and_how_it_was_trained(trained: Path, folders: tuple[Path, Path]) -> None:
    run = run_folder.read(trained)
    assert run.name == keras.models.load_model(trained, compile=False).name
    assert (run.task, run.labels, run.input_size) == ("mask", data.CLASSES, SIZES[run.name])
    portraits, street = folders
    assert run.split_sha256 == data.load(portraits, progress=False).split(0).sha256
    assert run.knobs["street_split"] == voc.split(voc.load(street), 0).sha256
    assert (run.knobs["epochs"], run.knobs["looks"]) == (2, 64)
    assert not {"alpha", "frozen", "settling"} & run.knobs.keys()
    assert {len(values) for values in run.history.values()} == {2}


@pytest.fixture(scope="module")
def done(trained: Path, folders: tuple[Path, Path]) -> conversion.Conversion:
    """The conversion of that run. After two epochs its gates may fail; the test asks only that every step runs."""
    return conversion.convert(trained, folders, Recipe(variants=VARIANTS, calibration=10))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_bundle_the_device_runs(done: conversion.Conversion, name: Variant, tmp_path: Path) -> None:
    bundle.write(tmp_path / "mask.tflite", done.made[name].flatbuffer, done.card(name))
    read = bundle.read(tmp_path / "mask.tflite", "mask")
    assert (read.card.name, read.card.provenance["variant"]) == (done.run.name, name)
    size = SIZES[done.run.name]
    assert MaskClassifier(read, threads=1).verdict(np.zeros((size, size, 3), np.uint8)).label in data.LABELS
    assert done.made["float32"].measures["conversion_error"] < 0.01


def test_the_int8_variant_is_integers_only_and_batch_norm_leaves_no_operator(done: conversion.Conversion) -> None:
    facts = done.made["int8"].facts
    assert facts.float_operators == ()
    # Convolutions, dense layers with the logits, and the scaling, which a convolution that is not padded takes in.
    expected = {"cnn": (3, 2, 1, 1), "alexnet": (5, 4, 0, 0)}[done.run.name]
    assert tuple(facts.operators.get(name, 0) for name in ("CONV_2D", "FULLY_CONNECTED", "MUL", "ADD")) == expected


# -- the command line -----------------------------------------------------------------------------------------------


def test_the_classifiers_share_their_options_and_only_the_one_that_starts_with_weights_asks_for_them() -> None:
    options = {
        name: {option.name for option in program.train.commands[name].params}
        for name in ("mobilenet_v2", "cnn", "alexnet")
    }
    assert options["mobilenet_v2"] - options["alexnet"] == {"weights", "start", "alpha", "settling", "frozen"}
    assert options["cnn"] - options["alexnet"] == {"depth"}
    assert options["alexnet"] <= options["cnn"] & options["mobilenet_v2"]


def test_what_trains_is_part_of_the_program() -> None:
    assert {"train", "left-out", "resize"} <= program.cli.commands.keys()
    assert program.train.commands.keys() == {"mobilenet_v2", "cnn", "deep_cnn", "alexnet", "finder", "yolov5s"}


@pytest.mark.parametrize("given", [[], ["--weights", "imagenet", "--start", __file__]])
@pytest.mark.parametrize("command", [["train", "mobilenet_v2"], ["left-out"]])
def test_a_training_starts_with_weights_or_with_a_bundle(
    command: list[str], given: list[str], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    said = [*command, "--data", str(folders[0]), "--out", str(tmp_path / "out"), *given]
    with pytest.raises(click.UsageError, match=r"Give either --weights or --start\."):
        program.cli(said, standalone_mode=False)


def test_scenes_are_named_once_for_each_source() -> None:
    for command in (
        program.train.commands["mobilenet_v2"],
        program.train.commands["cnn"],
        program.train.commands["alexnet"],
    ):
        assert next(option for option in command.params if option.name == "scenes").multiple
    for name in ("left-out", "looks", "slices"):
        assert next(option for option in program.cli.commands[name].params if option.name == "scenes").multiple
