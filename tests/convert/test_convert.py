"""A tiny network trained on drawn faces is converted to a bundle, and every broken network is refused."""

import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write

keras = pytest.importorskip("keras", reason="needs extra `train`")

from drawn_faces import SIDE, Convert, drawn, made  # noqa: E402

from convert import __main__ as program  # noqa: E402
from convert import conversion, files, gates, graph, packing, page, proof, quantize, recipe, samples, variants  # noqa: E402
from convert.recipe import Recipe  # noqa: E402
from maskwatch.config import MaskSettings  # noqa: E402
from maskwatch.daemon import parts  # noqa: E402
from maskwatch.errors import SourceError  # noqa: E402
from maskwatch.flow import Box, Image  # noqa: E402
from maskwatch.records.run import Run  # noqa: E402
from maskwatch.vision import bundle  # noqa: E402
from maskwatch.vision.classifier import MaskClassifier  # noqa: E402
from maskwatch.vision.runtime import Model  # noqa: E402
from training.augment import crops  # noqa: E402
from training.pictures import data, voc  # noqa: E402
from training.runs import run_folder  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_hash_cache")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for label in data.LABELS:
        (root / label).mkdir()
        for number in range(90):
            cv2.imwrite(str(root / label / f"{number}.png"), drawn(label, rng)[..., ::-1])
    return root


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as `python -m training train` leaves it."""
    folder = tmp_path_factory.mktemp("run")
    split = data.load(photos, progress=False).split(0)
    images = np.stack([cv2.resize(data.read_rgb(photo.path), (SIDE, SIDE)) for photo in split.train])
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    hidden = keras.layers.Rescaling(1 / 127.5, -1)(image)
    for channels in (8, 16):
        hidden = keras.layers.Conv2D(channels, 3, strides=2, activation="relu")(hidden)
    hidden = keras.layers.Dense(256, activation="relu")(keras.layers.Flatten()(hidden))
    network = keras.Model(image, keras.layers.Dense(2)(hidden))
    network.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(images, np.array([photo.label for photo in split.train]), epochs=25, verbose=0)
    run_folder.save(network, folder / "model.keras")
    run_folder.write(folder, made(split.sha256))
    return folder / "model.keras"


@pytest.fixture(scope="module")
def done(trained: Path, photos: Path) -> conversion.Conversion:
    return conversion.convert(trained, [photos], Recipe(variants=recipe.VARIANTS, calibration=60))


def variant(model: Path, folder: Path, **other: object) -> Path:
    """A run folder with the same model and another run.json."""
    copy = folder / "model.keras"
    copy.write_bytes(model.read_bytes())
    run_folder.write(folder, Run.model_validate({**run_folder.read(model).model_dump(), **other}))
    return copy


def test_a_good_model_passes_every_gate(done: conversion.Conversion) -> None:
    assert done.failures == []
    int8 = done.made["int8"]
    assert int8.measures["accuracy"] == 100.0
    assert (int8.facts.input_type, int8.facts.input_scale, int8.facts.input_zero_point) == ("UINT8", 1.0, 0)
    assert int8.facts.float_operators == ()


@pytest.mark.parametrize("name", recipe.VARIANTS)
def test_every_variant_is_a_bundle_the_device_runs_with_the_float_verdicts(
    done: conversion.Conversion, name: recipe.Variant, tmp_path: Path
) -> None:
    path = tmp_path / "mask.tflite"
    bundle.write(path, done.made[name].flatbuffer, done.card(name))
    read = bundle.read(path, "mask")
    assert read.card.provenance["variant"] == name
    device = MaskClassifier(read, threads=1)
    rng = np.random.default_rng(8)
    for label in data.LABELS:
        assert device.verdict(cv2.resize(drawn(label, rng), (SIDE, SIDE))).label == label


def test_a_variant_is_what_it_says(done: conversion.Conversion) -> None:
    size = {name: len(made.flatbuffer) for name, made in done.made.items()}
    assert size["float16"] < 0.6 * size["float32"]
    assert size["dynamic"] < 0.4 * size["float32"]
    assert size["int8"] < 0.3 * size["float32"]
    assert done.made["int16x8"].facts.input_type == "INT16"
    assert done.made["int16x8"].facts.float_operators == ()
    assert done.made["dynamic"].facts.input_type == "FLOAT32"
    weights = {
        name: {graph.TYPES[tensor.type] for tensor in packing.unpack(done.made[name].flatbuffer).subgraphs[0].tensors}
        for name in done.made
    }
    assert "FLOAT16" in weights["float16"]
    assert "INT8" in weights["dynamic"]
    assert weights["float32"] <= {"FLOAT32", "INT32"}


def test_the_bundle_carries_tflite_metadata(done: conversion.Conversion) -> None:
    for variant in done.made.values():
        assert b"TFLITE_METADATA" in variant.flatbuffer
        assert b"M001" in variant.flatbuffer
        assert bundle.LABELS_FILE.encode() in variant.flatbuffer


def test_the_calibration_sample_is_balanced_shuffled_and_from_the_training_split(
    done: conversion.Conversion, photos: Path
) -> None:
    labels = [example.label for example in done.calibration]
    assert labels.count(0) == labels.count(1) == 30
    assert labels != sorted(labels)
    train = {
        f"{photo.path.parent.name}/{photo.path.name}" for photo in data.load(photos, progress=False).split(0).train
    }
    assert {example.name for example in done.calibration} <= train


def test_a_failed_gate_withholds_its_variant_alone_and_what_lay_there_is_set_aside(
    convert: Convert, trained: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mask.tflite"
    out.write_bytes(b"the old model")
    said = ("--variants", "float16,int8", "--calibration", "20", "--gate", "size_ratio=1")
    finished = convert(trained, "--data", photos, "-o", out, *said)
    assert finished.exit_code == 1
    assert "gate failed: int8: size_ratio is" in finished.errors
    assert "not written: int8" in finished.errors
    assert f"{out}, of an earlier conversion, was renamed to mask.earlier.tflite" in finished.errors
    assert (tmp_path / "mask.earlier.tflite").read_bytes() == b"the old model"
    assert not out.exists()  # no file is left that the new report does not name
    assert bundle.read(tmp_path / "mask.float16.tflite", "mask").card.caveats == ()
    report = json.loads((tmp_path / "mask.report.json").read_text())
    assert (report["shipped"], report["withheld"]) == (False, ["int8"])
    assert [gate["measure"] for gate in report["gates"] if not gate["holds"]] == ["size_ratio"]
    assert "A gate failed: not written: int8." in (tmp_path / "mask.report.md").read_text()


def test_a_report_names_loosened_gates_before_it_says_that_the_gates_hold() -> None:
    assert page.verdict({"shipped": True}) == "Every gate holds."
    loose = page.verdict({"shipped": True, "loosened": {"flips": 20.0}})
    assert loose == "**Gates were loosened for it: flips 20.** With these limits, every gate holds."


def test_loosened_gates_and_a_quick_try_are_told_by_report_card_and_check(
    convert: Convert, trained: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mask.tflite"
    said = ("--quick", "--gate", "flips=20", "--gate", "recall_drop=off", "--gate", "size_ratio=1")
    finished = convert(trained, "--data", photos, "-o", out, *said)
    assert finished.exit_code == 0, finished.errors  # a quick try runs every step
    assert "gate failed: int8: size_ratio is" in finished.errors
    quickly, loosely = bundle.read(out, "mask").card.caveats
    assert quickly == "made with --quick, of a few pictures: not for use at a door"
    assert loosely == "its gates were loosened: recall_drop off, flips 20.0"
    told: list[str] = []
    parts.build_classifier(MaskSettings(model=str(out)), told.append)
    assert told[1:] == [quickly, loosely]
    written = (tmp_path / "mask.report.md").read_text()
    assert "**Gates were loosened for it: recall drop off, flips 20.**" in written
    assert "**Made with --quick" in written
    assert "≤ 20 (usually 0.5)" in written
    assert re.search(
        r"convert: \d+ of with_mask in the validation part: fewer than 20 give no reliable figure", finished.errors
    )


def test_a_variant_that_is_not_asked_for_again_is_set_aside(
    convert: Convert, trained: Path, photos: Path, tmp_path: Path
) -> None:
    older = tmp_path / "mask.dynamic.tflite"
    older.write_bytes(b"of another day")
    finished = convert(trained, "--data", photos, "-o", tmp_path / "mask.tflite", "--quick")
    assert finished.exit_code == 0, finished.errors
    assert not older.exists()
    assert (tmp_path / "mask.dynamic.earlier.tflite").read_bytes() == b"of another day"


def test_variants_lie_beside_the_bundle_with_report_and_recipe_that_makes_them_again(
    convert: Convert, trained: Path, photos: Path, tmp_path: Path
) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    first.mkdir(), again.mkdir()
    said = ("--variants", "dynamic,float32,int8", "--calibration", "20", "--seed", "3", "--gate", "flips=2")
    finished = convert(trained, "--data", photos, "-o", first / "mask.tflite", *said)
    assert finished.exit_code == 0, finished.errors
    file = first / "mask.recipe.json"
    assert convert(trained, "--data", photos, "-o", again / "mask.tflite", "--recipe", file).exit_code == 0
    names = {path.name for path in first.glob("*.tflite")}
    assert names == {"mask.tflite", "mask.dynamic.tflite", "mask.float32.tflite"}
    for name in (*names, "mask.recipe.json", "mask.report.json", "mask.report.md", "mask.report.html"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
    known = recipe.read(file)
    assert (known.variants, known.seed, known.gates["flips"]) == (("float32", "dynamic", "int8"), 3, 2.0)
    card = bundle.read(first / "mask.tflite", "mask").card
    report = json.loads((first / "mask.report.json").read_text())
    assert card.provenance["calibration_sha256"] == report["calibration"]["sha256"]
    validation = report["parts"]["validation"]["figures"]["int8"]
    assert card.metrics["validation"] == validation
    assert validation["n"] == len(data.load(photos, progress=False).split(0).validation)


def test_what_is_said_goes_before_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "asked.json"
    file.write_text(recipe.text(Recipe(variants=("dynamic",), calibration=20, seed=3, gates={"flips": 2, "size": 1})))
    asked = program._recipe(file, None, {"flips": 1.0}, {"seed": 0, "calibration": None, "keep_float": ()})
    assert asked == Recipe(variants=("dynamic",), calibration=20, seed=0, gates={"flips": 1, "size": 1})


def test_the_only_variant_and_the_int8_one_take_the_name_that_was_given() -> None:
    out = Path("runs/mask.tflite")
    assert files.path_of(out, "dynamic", ("dynamic",)) == out
    assert files.path_of(out, "int8", ("dynamic", "int8")) == out
    assert files.path_of(out, "dynamic", ("dynamic", "int8")) == Path("runs/mask.dynamic.tflite")


def test_swapped_labels_are_caught(trained: Path, photos: Path, tmp_path: Path) -> None:
    swapped = variant(trained, tmp_path, labels=tuple(reversed(data.LABELS)))
    result = conversion.convert(swapped, [photos], Recipe(calibration=20))
    assert "accuracy" in [failure.gate.measure for failure in result.failures]


def proved(trained: Path, photos: Path, shelf: samples.Shelf | None = None, **other: Any) -> conversion.Conversion:
    """Convert the trained network with one part replaced by a wrong one."""
    run = run_folder.read(trained)
    pictures = shelf or samples.gather(run, samples.Folders(photos))
    return conversion.prove(quantize.load(trained), run, pictures, Recipe(calibration=20), **other)


def failed(done: conversion.Conversion) -> set[str]:
    return {failure.gate.measure for failure in done.failures}


class Sample(samples.Shelf):
    """A shelf with other calibration pictures."""

    change: Callable[[Image], Image]

    def calibration(self, count: int, seed: int) -> list[samples.Example]:
        found = super().calibration(count, seed)
        return [samples.Example(each.name, each.view, each.label, type(self).change(each.image)) for each in found]


def changed(trained: Path, photos: Path, change: Callable[[Image], Image]) -> samples.Shelf:
    shelf = samples.gather(run_folder.read(trained), samples.Folders(photos))
    return type("Changed", (Sample,), {"change": staticmethod(change)})(shelf.train, shelf.validation, shelf.test)


def test_calibration_on_one_class_is_caught(trained: Path, photos: Path) -> None:
    """The calibration pictures show one person in the dark, so the ranges do not fit the other class."""
    shelf = changed(trained, photos, lambda image: image // 8)
    shelf.train = [candidate for candidate in shelf.train if candidate.label == 0]
    done = proved(trained, photos, shelf)
    assert {example.label for example in done.calibration} == {0}
    assert {"flips", "recall_drop", "input_mismatch"} <= failed(done)


def test_pixels_normalised_twice_are_caught(trained: Path, photos: Path) -> None:
    done = proved(trained, photos, changed(trained, photos, lambda image: image.astype(np.float32) / 255))
    assert {"input_mismatch", "accuracy_drop", "flips"} <= failed(done)


def test_a_network_that_normalises_wrongly_is_caught(trained: Path, photos: Path) -> None:
    """The network was trained on -1 to 1 and is given 1 to -1: the float model is as wrong as the int8 model."""
    network = quantize.load(trained)
    scaling = next(layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling))
    scaling.scale, scaling.offset = -scaling.scale, -scaling.offset
    run = run_folder.read(trained)
    shelf = samples.gather(run, samples.Folders(photos))
    done = conversion.prove(network, run, shelf, Recipe(calibration=20))
    assert "accuracy" in failed(done)
    assert done.validation.figures("float32")["accuracy"]["value"] < 50


def clipped(network: Any, images: Sequence[Image], asked: Recipe, task: str) -> dict[recipe.Variant, bytes]:
    """A correct int8 model, except that the hidden layer's output range ends at 0 instead of starting there."""
    made = variants.make(network, images, asked, task)
    model = packing.unpack(made["int8"])
    subgraph = model.subgraphs[0]
    dense = next(op for op in subgraph.operators if _named(model, op) == "FULLY_CONNECTED")
    subgraph.tensors[dense.outputs[0]].quantization.zeroPoint = np.array([127], np.int64)
    return {**made, "int8": packing.pack(model)}


def _named(model: Any, operator: Any) -> str:
    return graph.OPERATORS[model.operatorCodes[operator.opcodeIndex].builtinCode]


@pytest.fixture(scope="module")
def broken(trained: Path, photos: Path) -> conversion.Conversion:
    return proved(trained, photos, make=clipped)


def test_a_clipped_layer_is_caught_and_named(broken: conversion.Conversion) -> None:
    assert {"flips", "accuracy_drop", "recall_drop"} <= failed(broken)
    errors = broken.made["int8"].layers
    at = next(index for index, layer in enumerate(errors) if layer.operator == "FULLY_CONNECTED")
    assert min(layer.sqnr_db for layer in errors[:at]) > 20
    assert errors[at].sqnr_db < 1
    assert errors[at].name in proof.summary(broken)["variants"]["int8"]["worst_layers"]


def test_a_model_that_stayed_float_is_caught(trained: Path, photos: Path) -> None:
    def lazy(network: Any, images: Sequence[Image], asked: Recipe, task: str) -> dict[recipe.Variant, bytes]:
        made = variants.make(network, images, asked, task)
        return {**made, "int8": quantize.to_float16(network)}

    done = proved(trained, photos, make=lazy)
    assert failed(done) == {"input_mismatch", "float_operators", "size_ratio"}


def test_a_converter_that_changes_the_float_model_is_caught(trained: Path, photos: Path) -> None:
    def wrong(network: Any, images: Sequence[Image], asked: Recipe, task: str) -> dict[recipe.Variant, bytes]:
        made = variants.make(network, images, asked, task)
        weights = network.layers[-1].get_weights()
        network.layers[-1].set_weights([weights[0], weights[1] + 0.1])
        return made

    assert "conversion_error" in failed(proved(trained, photos, make=wrong))


def test_flips_are_listed_with_both_scores(broken: conversion.Conversion) -> None:
    turned = broken.validation.changes("int8")
    assert turned
    assert broken.made["int8"].measures["flips"] == pytest.approx(100 * len(turned) / len(broken.validation.names))
    assert turned[0]["float"]["label"] != turned[0]["int8"]["label"]
    report = proof.summary(broken)
    assert report["parts"]["validation"]["changed_verdicts"]["int8"] == turned
    assert report["shipped"] is False


@pytest.mark.parametrize("back_end", recipe.BACK_ENDS)
def test_a_layer_can_be_left_in_float_by_either_back_end(trained: Path, photos: Path, back_end: recipe.BackEnd) -> None:
    if back_end != "tensorflow":
        pytest.importorskip("ai_edge_quantizer")
    network, run = quantize.load(trained), run_folder.read(trained)
    layer = next(layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    asked = Recipe(calibration=20, back_end=back_end, keep_float=(f"/{layer}_1/",), gates={"size_ratio": 40})
    done = conversion.prove(network, run, samples.gather(run, samples.Folders(photos)), asked)
    facts = done.made["int8"].facts
    assert failed(done) == set()
    assert {each.operator for each in facts.in_float} == {"CONV_2D", "QUANTIZE", "DEQUANTIZE"}
    assert facts.operators["CONV_2D"] == 2
    assert facts.eats_camera_bytes
    assert done.card("int8").provenance["back_end"] == back_end


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten scenes with a face of each class."""
    root = tmp_path_factory.mktemp("street")
    for number in range(10):
        faces = [entry(label, 40 * place, 10, 40 * place + 30, 48) for place, label in enumerate(data.CLASSES)]
        write(root, f"{number}", *faces)
        cv2.imwrite(str(root / "images" / f"{number}.png"), np.full((60, 120, 3), number, np.uint8))
    return root


def shelf(photos: Path, street: Path | None, **knobs: object) -> samples.Shelf:
    split = data.load(photos, progress=False).split(0)
    return samples.gather(made(split.sha256, knobs=knobs), samples.Folders(photos, (street,) if street else ()))


@pytest.mark.parametrize("known", [False, True])
def test_a_mask_model_is_judged_on_portraits_whole_and_cut_and_on_the_streets_two_verdicts(
    photos: Path, street: Path, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = [(Box(8, 4, 40, 44), 0.9)]
    monkeypatch.setattr(data, "faces", lambda root: dict.fromkeys(root.rglob("*.png"), face) if known else {})
    split, scenes = data.load(photos, progress=False).split(0), voc.split(voc.load(street), 0)
    found = shelf(photos, street, street_split=scenes.sha256)
    for part, portraits, pictures in (
        (found.train, split.train, scenes.train),
        (found.validation, split.validation, scenes.validation),
        (found.test, split.test, scenes.test),
    ):
        views = [candidate.view for candidate in part]
        assert views.count(samples.WHOLE) == len(portraits)
        assert views.count(samples.FACE) == (len(portraits) if known else 0)
        assert views.count(samples.STREET) == 2 * len(pictures)  # a mask worn wrong belongs to neither class
        assert {candidate.label for candidate in part} == {0, 1}


def test_what_is_judged_is_cut_as_the_device_cuts_it(
    photos: Path, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(8, 4, 40, 44)
    known = [(box, 0.9)]
    monkeypatch.setattr(data, "faces", lambda root: dict.fromkeys(root.rglob("*.png"), known))
    found = shelf(photos, street)
    whole, face = found.validation[:2]
    picture = data.read_rgb(whole.path)
    assert (whole.path, whole.view, face.path, face.view) == (face.path, samples.WHOLE, whole.path, samples.FACE)
    for candidate, sample in (
        (whole, crops.Sample(whole.path, 0, box, whole=True)),
        (face, crops.Sample(whole.path, 0, box)),
    ):
        assert np.array_equal(candidate.make(picture)[0], crops.cut(sample, picture, SIDE))


def test_scenes_split_otherwise_than_for_the_training_are_refused(photos: Path, street: Path) -> None:
    with pytest.raises(SourceError, match=rf"^data {street}: its split is .*, the model was trained on 0000"):
        shelf(photos, street, street_split="0" * 64)
    assert shelf(photos, None, street_split="0" * 64).train  # without scenes, their split is not checked


@pytest.mark.parametrize("labels", [("with_mask", "without_mask"), ("without_mask", "with_mask"), data.CLASSES])
@pytest.mark.parametrize(("temperature", "bias"), [(0.5, 0.0), (2.0, 0.7), (2.0, -0.7)])
def test_the_judge_and_the_device_give_one_verdict(labels: tuple[str, ...], temperature: float, bias: float) -> None:
    """A network whose three logits are a tenth of the mean red, green and blue."""
    image = keras.Input((SIDE, SIDE, 3))
    scaled = keras.layers.Rescaling(0.1)(keras.layers.GlobalAveragePooling2D()(image))
    dense = keras.layers.Dense(len(labels), use_bias=False)
    network = keras.Model(image, dense(scaled))
    dense.set_weights([np.eye(3, len(labels))])
    run = made("", labels=labels, temperature=temperature, bias=bias)
    flatbuffer = quantize.to_float32(network)
    device = MaskClassifier(bundle.Bundle(conversion.card(run), flatbuffer, "here"), threads=1)
    model = Model(flatbuffer, 1, "here").run
    looks = [np.full((SIDE, SIDE, 3), colour, np.uint8) for colour in ((120, 110, 100), (100, 110, 120), (90, 90, 91))]
    examples = [samples.Example(f"{number}", samples.FACE, 0, look) for number, look in enumerate(looks)]
    judged = conversion.judge(run, examples, {"float32": model, "int8": model})
    assert list(judged.called("int8")) == [device.verdict(look).label for look in looks]


def test_a_model_of_three_classes_becomes_a_bundle_of_three(photos: Path, tmp_path: Path) -> None:
    """An untrained network is enough here: its figures are bad, but the conversion is the same."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="relu")(image))
    run_folder.save(keras.Model(image, keras.layers.Dense(3)(pooled)), tmp_path / "model.keras")
    split = data.load(photos, progress=False).split(0)
    run_folder.write(tmp_path, made(split.sha256, labels=data.CLASSES, temperature=2.0, bias=0.3))
    done = conversion.convert(tmp_path / "model.keras", [photos], Recipe(calibration=20))
    assert set(done.validation.figures("int8")["recall"]) == set(data.LABELS)
    bundle.write(tmp_path / "mask.tflite", done.made["int8"].flatbuffer, done.card("int8"))
    read = bundle.read(tmp_path / "mask.tflite", "mask")
    assert (read.card.labels, read.card.temperature, read.card.bias) == (data.CLASSES, 2.0, 0.3)
    assert MaskClassifier(read, threads=1).verdict(np.zeros((SIDE, SIDE, 3), np.uint8)).label in data.LABELS


def test_the_test_part_is_judged_too_and_stands_in_card_and_report(done: conversion.Conversion, photos: Path) -> None:
    split = data.load(photos, progress=False).split(0)
    assert len(done.validation.names) == len(split.validation)
    names = {f"{photo.path.parent.name}/{photo.path.name}" for photo in split.test}
    assert set(done.test.names) == names
    told = done.test.figures("int8")
    assert done.card("int8").metrics["test"] == proof.summary(done)["parts"]["test"]["figures"]["int8"] == told
    low, high = told["by_view"][samples.WHOLE]["interval95"]
    assert 0 <= low <= told["accuracy"]["value"] <= high <= 100


@pytest.mark.parametrize(
    ("measure", "holds", "breaks"),
    [("accuracy_drop", 0.3, 0.31), ("flips", 0.5, 0.51), ("accuracy", 90.0, 89.9), ("recall_drop", 0.5, float("nan"))],
)
def test_a_gate_holds_up_to_its_limit_and_never_for_nan(measure: str, holds: float, breaks: float) -> None:
    (gate,) = [gate for gate in gates.MASK_GATES if gate.measure == measure]
    assert gates.check("int8", {measure: holds}, [gate]) == []
    (failure,) = gates.check("int8", {measure: breaks}, [gate])
    assert str(failure).startswith(f"int8: {measure} {'cannot be measured' if math.isnan(breaks) else 'is '}")
    assert gates.check("int8", {measure: breaks}, gates.adjusted([gate], {measure: None})) == []


@pytest.mark.parametrize(
    ("variant", "measures", "wanted", "unwanted"),
    [
        ("int8", {"flips": 3.0}, "--keep-float", "leave int8 out"),
        ("float16", {"flips": 3.0}, "leave it out of --variants", "--calibration"),
        ("dynamic", {"recall_drop": 3.0}, "leave it out of --variants", "--keep-float"),
        ("int16x8", {"accuracy_drop": 3.0}, "--calibration", "--keep-float"),
        ("int8", {"size_ratio": 80.0}, "--gate size_ratio=", "--calibration"),
        ("int8", {"recall_drop": float("nan")}, "--gate recall_drop=off", "--calibration"),
        (
            "int8",
            {"accuracy": 60.0, "accuracy_drop": 0.1},
            "the float model itself has 60.1 %: train it longer",
            "label",
        ),
        ("int8", {"accuracy": 60.0, "accuracy_drop": 35.0}, "names the labels in the order", "train it longer"),
    ],
)
def test_the_hint_is_for_the_gate_that_failed(
    variant: recipe.Variant, measures: dict[str, float], wanted: str, unwanted: str
) -> None:
    asked = [gate for gate in gates.default_gates("mask", variant) if gate.measure == next(iter(measures))]
    (failure,) = gates.check(variant, measures, asked)
    assert wanted in str(failure)
    assert unwanted not in str(failure)


def test_only_limits_that_ask_for_less_count_as_loosened() -> None:
    limits: dict[str, float | None] = {"flips": 20, "recall_drop": None, "accuracy": 95, "accuracy_drop": 0.3}
    assert gates.loosened("mask", limits) == {"recall_drop": None, "flips": 20}
    assert gates.loosened("mask", {"accuracy": 10, "size_ratio": 10}) == {"accuracy": 10}
    assert gates.loosened("mask", gates.default_limits("mask")) == {}


def test_a_limit_can_be_replaced_and_the_other_gates_stay() -> None:
    loose = gates.adjusted(gates.MASK_GATES, {"flips": 5.0})
    assert [gate.limit for gate in loose if gate.measure == "flips"] == [5.0]
    assert [gate for gate in loose if gate.measure != "flips"] == [
        gate for gate in gates.MASK_GATES if gate.measure != "flips"
    ]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "expected"),
    [
        (["gone.keras"], 4, "gone.keras"),
        (["MODEL", "--gate", "beauty=1"], 2, "no gate 'beauty'"),
        (["MODEL", "--gate", "flips=few"], 2, "'few' is not a number; expected e.g. flips=0.5 or flips=off"),
        (["MODEL", "--gate", "flips=nan"], 2, "'nan' is not a number"),
        (["MODEL", "--gate", "flips=inf"], 2, "'inf' is not a number"),
        (["MODEL", "--variants", "int8,int4"], 2, "no variant 'int4'"),
        (["MODEL", "--recipe", "gone.json"], 2, "recipe gone.json: No such file"),
        (["CUT"], 4, "not a .keras file, or cut short"),
        (["OTHER_SPLIT"], 3, "its split is"),
        (["OTHER_PIXELS"], 4, "preprocess version 0"),
    ],
)
def test_a_mistake_is_one_line_and_its_exit_code(
    convert: Convert, trained: Path, photos: Path, tmp_path: Path, arguments: list[str], exit_code: int, expected: str
) -> None:
    def model(word: str) -> str | Path:
        if word == "MODEL":
            return trained
        if word == "CUT":
            cut = variant(trained, tmp_path)
            cut.write_bytes(cut.read_bytes()[:2000])
            return cut
        if word == "OTHER_SPLIT":
            return variant(trained, tmp_path, split_sha256="0" * 64)
        if word == "OTHER_PIXELS":
            return variant(trained, tmp_path, preprocess_version=0)
        return word

    finished = convert(*map(model, arguments), "--data", photos, "-o", tmp_path / "out.tflite")
    assert finished.exit_code == exit_code
    (line,) = [line for line in finished.errors.splitlines() if line.startswith("convert: ")]
    assert expected in line
    assert not (tmp_path / "out.tflite").exists()


def test_a_finder_is_judged_on_each_source_by_its_name(street: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(street, other)
    for folder, suffix in (
        ("images", "png"),
        ("annotations", "xml"),
    ):  # one more, so that it is split otherwise
        shutil.copy(other / folder / f"0.{suffix}", other / folder / f"more.{suffix}")
    splits = [voc.split(voc.load(root), 0) for root in (street, other)]
    run = made(voc.sha256(splits), task="face", labels=("face",))
    found = samples.gather(run, samples.Folders(scenes=(street, other)))
    assert {candidate.view for candidate in found.validation} == {street.name, "elsewhere"}
    assert len(found.test) == sum(len(split.test) for split in splits)
    names = [samples.named(candidate.path) for candidate in found.train + found.validation + found.test]
    assert len(set(names)) == 21  # the sources use the same file names
    turned = samples.gather(run, samples.Folders(scenes=(other, street)))
    assert [samples.named(each.path) for each in turned.train] == [samples.named(each.path) for each in found.train]
    with pytest.raises(SourceError, match="its split is"):
        samples.gather(run, samples.Folders(scenes=(street,)))


def test_what_nobody_annotated_is_ignored_by_the_judge(street: Path, tmp_path: Path) -> None:
    root = tmp_path / "street"
    shutil.copytree(street, root)
    (root / "unlabelled.tsv").write_text("image\tx1\ty1\tx2\ty2\n0.png\t10\t20\t40\t60\n")
    run = made(voc.split(voc.load(root), 0).sha256, task="face", labels=("face",))
    found = samples.gather(run, samples.Folders(scenes=(root,)))
    (candidate,) = [each for each in found.train + found.validation + found.test if each.path.stem == "0"][:1]
    truths = candidate.make(np.zeros((60, 120, 3), np.uint8))[1]
    assert [truth.ignored for truth in truths][-1]
    assert len(truths) == 1 + len(data.CLASSES)
