"""Each network of the study is trained for two steps or more on drawn pictures, converted, evaluated, judged once and
compared; so is ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import drawn_study
import matplotlib
import numpy as np
import pytest
from annotated_scenes import entry, write
from photographs import save

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from convert import conversion
from convert.recipe import Recipe
from maskwatch.errors import ConfigError, ModelError, SourceError
from maskwatch.vision import bundle
from training import __main__ as program
from training.networks import deep_cnn, mobilenet_v2
from training.pictures import data
from training.runs import course, run_folder
from training.study import (
    batches,
    epochs,
    features,
    judge,
    judged,
    measures,
    networks,
    parts,
    pictures,
    train,
    variants,
)
from training.yolo import train_yolov5s

tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

SIDES = {"cnn": 32, "deep_cnn": 32, "alexnet": networks.SMALLEST, "mobilenet_v2": 32}  # pixels
NARROW = {"channels": (4, 6, 6, 6, 8), "dense": (16, 12)}


@pytest.fixture(scope="module", autouse=True)
def eager_and_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterable[None]:
    """Make the networks small, run eagerly (a graph takes longer than two steps), and keep the user's caches unused."""
    cache = tmp_path_factory.mktemp("cache")
    alexnet = networks.alexnet_of_the_study
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "HASH_CACHE", cache / "hashes.csv")
        patch.setattr(pictures, "CACHE", cache / "study")
        patch.setattr(networks, "alexnet_of_the_study", lambda size: alexnet(size, **NARROW))
        patch.setattr(deep_cnn, "STAGES", ((64, 16, 2), (32, 24, 3)))
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_study.photographs(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a base, used instead of ImageNet's."""
    base = keras.applications.MobileNetV2(input_shape=(32, 32, 3), include_top=False, weights=None)
    path = tmp_path_factory.mktemp("weights") / "base.weights.h5"
    base.save_weights(path)
    return path


@pytest.fixture(
    scope="module", params=[("cnn", "C3"), ("deep_cnn", "deep_cnn"), ("alexnet", "alexnet"), ("mobilenet_v2", "M2")]
)
def trained(
    request: pytest.FixtureRequest, root: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a run after two epochs; an epoch may be a single step."""
    network, name = request.param
    out = tmp_path_factory.mktemp(network) / "run"
    said = ["train", network, "--data", str(root), "--out", str(out), "--size", str(SIDES[network])]
    said += ["--epochs", "2", "--protocol", "honest", "--variant", name]
    program.cli(said + (["--weights", str(weights)] if network == "mobilenet_v2" else []), standalone_mode=False)
    return out


def converted(trained: Path, folders: tuple[Path, ...], out: Path) -> Path:
    """The run's int8 bundle."""
    done = conversion.convert(trained / "model.keras", folders, Recipe(calibration=10))
    bundle.write(out / "int8.tflite", done.made["int8"].flatbuffer, done.card("int8"))
    return out / "int8.tflite"


def judged_and_compared(trained: Path, int8: Path, root: Path, out: Path, *scenes: str) -> judged.Record:
    """The run's record, after `judge` and `compare`; both know the whole test part."""
    said = ["judge", str(trained), "--data", str(root), "--int8", str(int8), "-o", str(out / "record.json"), *scenes]
    program.cli(said, standalone_mode=False)
    found = judged.read(out / "record.json")
    assert found.judged.keys() == {"float32", "int8"}
    split = data.load(root, progress=False).split(0)
    for each in found.judged.values():
        assert len(each.parts["test"].truth) == len(split.test)
        assert len(each.parts["validation"].truth) == len(split.validation)
    with pytest.raises(ConfigError, match="judged once already"):
        program.cli(said, standalone_mode=False)
    program.cli(["compare", str(out / "record.json"), "-o", str(out / "report")], standalone_mode=False)
    (row, _) = json.loads((out / "report" / "comparison.json").read_text())["protocols"]["honest"]
    assert (row["network"], row["quick"], row["n"]) == (found.network, found.quick, len(split.test))
    return found


def evaluated(model: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `evaluate` prints about the test part."""
    capsys.readouterr()
    program.cli(["evaluate", str(model), str(root), "--part", "test", "--json"], standalone_mode=False)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_whole_way(trained: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_folder.read(trained / "model.keras")
    assert (run.task, run.labels) == ("mask", data.LABELS)
    assert len(run.history["loss"]) >= 2
    int8 = converted(trained, (root,), tmp_path)
    found = judged_and_compared(trained, int8, root, tmp_path)
    assert (found.network, found.protocol) == (run.name, "honest")
    assert found.quick  # two epochs are a try
    for model, precision in ((trained / "model.keras", "float32"), (int8, "int8")):
        right = measures.accuracy(found.judged[precision].parts["test"])
        assert evaluated(model, root, capsys)["accuracy"] == pytest.approx(right, abs=1e-4)


def test_ours_goes_the_whole_way_too(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a model with random weights: so it has two of the recipe's four phases, a step each."""
    street, start = scenes_of_two(tmp_path / "street"), tmp_path / "start.keras"
    mobilenet_v2.build(32, 0.35, None).save(start)
    said = ["train", "mobilenet_v2", "--start", str(start), "--data", str(root), "--scenes", str(street)]
    said += ["--out", str(tmp_path / "run"), "--size", "32", "--alpha", "0.35"]
    said += ["--epochs", "1", "--settling", "1", "--looks", "64"]
    program.cli(said, standalone_mode=False)
    assert len(run_folder.read(tmp_path / "run" / "model.keras").history["loss"]) == 2
    int8 = converted(tmp_path / "run", (root, street), tmp_path)
    found = judged_and_compared(tmp_path / "run", int8, root, tmp_path, "--scenes", str(street))
    assert (found.network, found.protocol) == ("mobilenet_v2", "device")
    assert "street: street" in found.judged["int8"].parts
    assert evaluated(int8, root, capsys)["n"] == len(found.judged["int8"].parts["test"].truth)


def scenes_of_two(street: Path) -> Path:
    """Ten scenes with a masked and a bare face each."""
    for number in range(10):
        write(street, f"{number}", entry("with_mask", 10, 10, 40, 50), entry("without_mask", 60, 10, 90, 50))
        save(street, f"images/{number}.png", number)
    return street


def test_nothing_but_the_result_is_left_and_it_is_not_overwritten(trained: Path, root: Path) -> None:
    left = {path.name for path in trained.iterdir()} - {judge.TOUCHED}
    assert left == {"model.keras", "run.json", "curves.png"}
    run = run_folder.read(trained / "model.keras")
    variant = variants.named(run.name, run.knobs["variant"])
    assert variant is not None
    with pytest.raises(ConfigError, match=r"holds a finished .*name another --out, or give --force to train it anew"):
        train.train(variant, None, root, trained, train.Options(seed=9))


def test_yolov5s_answers_whole_photographs_and_scenes(root: Path, tmp_path: Path) -> None:
    street = scenes_of_two(tmp_path / "street")
    knobs = train_yolov5s.Knobs(size=64, depth=0.1, width=0.125, batch=2, steps=2, warmup=1, steps_per_epoch=2)
    train_yolov5s.train([street], root, tmp_path / "run", knobs)
    done = conversion.convert(tmp_path / "run" / "model.keras", (street,), Recipe(calibration=7))
    bundle.write(tmp_path / "int8.tflite", done.made["int8"].flatbuffer, done.card("int8"))
    (tmp_path / "records").mkdir()
    out = tmp_path / "records" / "yolo.json"
    said = ["judge", str(tmp_path / "run"), "--data", str(root), "--scenes", str(street), "-o", str(out)]
    said += ["--int8", str(tmp_path / "int8.tflite")]
    program.cli(said, standalone_mode=False)
    found = judged.read(out)
    assert (found.network, found.protocol) == ("yolov5s", "device")
    assert found.judged.keys() == {"float32", "int8"}
    for each in found.judged.values():
        assert each.parts.keys() == {"validation", "test"}
        assert each.scenes.keys() == {"validation of street", "test of street"}
    program.cli(["compare", str(out), "-o", str(tmp_path / "out")], standalone_mode=False)
    assert "mAP50-95" in (tmp_path / "out" / "comparison.md").read_text()


def test_the_end_says_what_was_made_and_the_same_command_again_too(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--limit makes a quick try, also for the command that is given again."""
    said = ["train", "cnn", "--data", str(root), "--out", str(tmp_path / "run"), "--size", "32", "--epochs", "1"]
    said += ["--variant", "C1", "--limit", "8"]
    for again in (False, True):
        program.cli(said, standalone_mode=False)
        lines = capsys.readouterr().out.splitlines()
        assert any("nothing to do" in line for line in lines) == again
        made, marked, following = lines[-3:]
        assert made.startswith(f"made {tmp_path / 'run' / 'model.keras'}: cnn at 32 px; ")
        assert "--limit" in marked
        assert following.startswith(f"next: python -m training judge {tmp_path / 'run'}")
    assert run_folder.read(tmp_path / "run" / "model.keras").quick


@pytest.mark.parametrize("content", ["{", "[]", '{"times": "often"}', "{}"])
def test_a_damaged_note_of_how_often_it_was_judged_is_named(
    trained: Path, root: Path, tmp_path: Path, content: str
) -> None:
    note = trained / judge.TOUCHED
    before = note.read_text() if note.exists() else None
    note.write_text(content)
    try:
        with pytest.raises(ConfigError, match=r"judged\.json: .*expected how often this training was judged"):
            judge.judge(judge.Subject(trained, None, root, []), tmp_path / "record.json")
    finally:
        note.unlink() if before is None else note.write_text(before)


@pytest.mark.parametrize("damage", [lambda data_: data_[:-9], lambda _: b"no array", lambda _: b""])
def test_a_damaged_cache_is_named_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(pictures, "CACHE", tmp_path)

    def seven(array: np.ndarray) -> None:
        array[:] = 7

    def get() -> int:
        return int(np.asarray(pictures.cached("a", (3, 4), np.uint8, seven)).sum())

    assert get() == 84
    file = tmp_path / "a.npy"
    file.write_bytes(damage(file.read_bytes()))
    assert get() == 84
    assert get() == 84
    (told,) = [record.message for record in caplog.records]
    assert told.startswith(f"cache {file}: damaged (")
    np.save(file, np.zeros((2, 2), np.uint8))
    assert get() == 84
    assert "it holds uint8 (2, 2), expected uint8 (3, 4)" in caplog.text


# -- what is learnt from, and what chooses ---------------------------------------------------------------------------


def test_the_honest_protocol_takes_the_split_that_cuts_no_group_whatever_the_seed(root: Path) -> None:
    split = data.load(root, progress=False).split(0)
    for seed in (0, 1):
        found = parts.of(root, "honest", seed)
        assert [found.photos[at].path for at in found.test] == [photo.path for photo in split.test]
        assert not set(found.learn) & (set(found.check) | set(found.test))
        assert found.sha256 == split.sha256


def test_the_studys_protocol_chooses_on_what_it_reports_and_draws_anew_for_each_seed(root: Path) -> None:
    first, second = parts.of(root, "study", 0), parts.of(root, "study", 1)
    assert first.check.tolist() == first.test.tolist()
    assert len(first.test) == 12
    assert sorted([*first.learn, *first.test]) == list(range(60))
    assert first.test.tolist() != second.test.tolist()


def test_a_smaller_share_is_part_of_a_larger_one(root: Path, tmp_path: Path) -> None:
    shares = [set(parts.of(root, "honest", 0, share).learn) for share in (0.1, 0.5, 1.0)]
    assert shares[0] < shares[1] < shares[2]
    assert len(parts.of(root, "honest", 0, limit=6).learn) == 6
    assert len(parts.of(root, "honest", 0, limit=1).learn) == 2  # one of each class
    with pytest.raises(SourceError, match="no with_mask picture to check on; expected 40 photographs or more of each"):
        parts.of(drawn_study.photographs(tmp_path, 8), "honest", 0)


def test_a_varied_photograph_is_turned_no_further_than_the_study_turned_it() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[28:32] = 255  # a horizontal bar
    for seed in range(20):
        found = batches.varied(image, np.random.default_rng(seed))
        assert found.shape == image.shape
        rows = found[..., 0].argmax(axis=0)
        lit = np.flatnonzero(found[..., 0].max(axis=0) > 128)
        slope = np.polyfit(lit, rows[lit], 1)[0]
        assert abs(np.degrees(np.arctan(slope))) < 26  # 20°, and what zoom and shear add


def test_every_photograph_is_shown_once_an_epoch_and_two_processes_share_each_batch() -> None:
    labels = np.arange(12)
    whole = batches.Batches(lambda at, _: np.array([at]), labels, 4, seed=0)
    shown = [whole[index][1].tolist() for index in range(len(whole))]
    assert sorted(np.concatenate(shown)) == labels.tolist()
    halves = [batches.Batches(lambda at, _: np.array([at]), labels, 4, 0, place, 2)[1][1] for place in (0, 1)]
    assert np.concatenate(halves).tolist() == shown[1]
    whole.on_epoch_end()
    assert [whole[index][1].tolist() for index in range(len(whole))] != shown


def test_the_epoch_that_is_kept_is_the_best_and_of_equals_the_surest() -> None:
    assert epochs.best({"val_accuracy": [0.5, 0.9, 0.9, 0.8], "val_loss": [0.1, 0.4, 0.3, 0.2]}) == 2


# -- features --------------------------------------------------------------------------------------------------------


def test_features_are_made_once_and_the_whole_network_answers_as_its_head_did(
    root: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = variants.named("mobilenet_v2", "M5")
    assert variant is not None
    options = train.Options(epochs=1, size=32)
    train.train(variant, str(weights), root, tmp_path / "first", options)
    model = keras.models.load_model(tmp_path / "first" / "model.keras", compile=False)
    split = parts.of(root, "honest", 0)
    images = pictures.decoded(split.paths, 32)[split.check]
    base = networks.transfer(variant, str(weights), 32)[0]
    found = features.of(base, split.paths, 1)[0][split.check]
    assert np.asarray(model(images)) == pytest.approx(np.asarray(model.get_layer("head")(found)), abs=1e-4)
    monkeypatch.setattr(features, "_images_of_copy", None)  # no picture is shown to the base again
    train.train(variant, str(weights), root, tmp_path / "second", replace(options, seed=5))


def test_the_frozen_base_stays_as_it_was(root: Path, weights: Path, tmp_path: Path) -> None:
    variant = variants.named("mobilenet_v2", "M5")
    assert variant is not None
    before = networks.transfer(variant, str(weights), 32)[0].get_weights()
    train.train(variant, str(weights), root, tmp_path / "run", train.Options(epochs=1, size=32))
    model = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    after = model.get_layer("frozen").get_layer(mobilenet_v2.BASE).get_weights()
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


# -- kills, precision, devices ---------------------------------------------------------------------------------------


class PulledError(Exception):
    """The plug was pulled."""


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_been(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """A variant of two stages: the kill happens in the first or in the second."""
    variant = replace(variants.ALL[0], epochs=(2, 2), batch=20)
    options = train.Options(size=32)
    left = [batch]

    def pull(*_: object, **__: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise PulledError

    with monkeypatch.context() as patch:
        patch.setattr(course.Course, "on_train_batch_end", pull)
        with pytest.raises(PulledError):
            train.train(variant, None, root, tmp_path / "killed", options)
    again = train.train(variant, None, root, tmp_path / "killed", options)
    whole = train.train(variant, None, root, tmp_path / "whole", options)
    for name in ("loss", "val_loss", "val_accuracy"):
        assert again.history[name] == pytest.approx(whole.history[name], abs=1e-5)
    assert len(whole.history["loss"]) == 4
    found = [keras.models.load_model(tmp_path / name / "model.keras", compile=False) for name in ("killed", "whole")]
    for first, second in zip(*(model.get_weights() for model in found), strict=True):
        assert first == pytest.approx(second, abs=1e-5)


def test_it_stops_when_the_checked_part_gets_no_better(root: Path, tmp_path: Path) -> None:
    variant = replace(
        variants.ALL[0], epochs=(30,), rate=0.0, patience=2
    )  # nothing is learnt: the first stays the best
    run = train.train(variant, None, root, tmp_path / "run", train.Options(size=16))
    assert (len(run.history["loss"]), run.knobs["kept_epoch"]) == (3, 1)


def test_killed_after_its_early_end_it_learns_nothing_more(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant, options = replace(variants.ALL[0], epochs=(30,), rate=0.0, patience=2), train.Options(size=16)

    def pull(*_: object, **__: object) -> None:
        raise PulledError

    with monkeypatch.context() as patch:
        patch.setattr(train.plots, "curves", pull)
        with pytest.raises(PulledError):
            train.train(variant, None, root, tmp_path / "run", options)
    monkeypatch.setattr(keras.Model, "fit", pull)
    run = train.train(variant, None, root, tmp_path / "run", options)
    assert (len(run.history["loss"]), run.knobs["kept_epoch"]) == (3, 1)


def test_a_network_trained_in_bfloat16_is_saved_in_float32(root: Path, tmp_path: Path) -> None:
    train.train(variants.ALL[0], None, root, tmp_path / "run", train.Options(size=16, epochs=1, bfloat16=True))
    model = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    assert {layer.dtype_policy.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_the_studys_protocol_is_not_calibrated_and_a_bundle_of_another_training_is_refused(
    root: Path, tmp_path: Path
) -> None:
    run = train.train(variants.ALL[0], None, root, tmp_path / "run", train.Options("study", size=16, epochs=1))
    assert (run.temperature, run.bias) == (1.0, 0.0)
    with pytest.raises(ModelError):
        judge._same_training(bundle.default_path("mask"), run)


def on_devices(count: int, root: Path, out: Path) -> subprocess.Popen[str]:
    said = ["-m", "training", "train", "cnn", "--variant", "C4", "--size", "32", "--epochs", "2", "--data-parallel"]
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
        "HOME": str(out.parent / f"home{count}"),
        "MPLCONFIGDIR": matplotlib.get_cachedir(),  # the list of fonts takes a while
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, *said, "--data", str(root), "--out", str(out)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_two_devices_learn_what_one_learns(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("jax", reason="needs extra `jax`")
    outs = [tmp_path / "one", tmp_path / "two"]
    for process in [on_devices(count, root, out) for count, out in enumerate(outs, 1)]:
        said, _ = process.communicate()
        assert process.returncode == 0, said
    one, two = (run_folder.read(out / "model.keras").history for out in outs)
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)
    assert one["accuracy"] == two["accuracy"]


def test_data_parallel_names_what_it_needs(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Keras runs on tensorflow, expected jax"):
        train.train(variants.ALL[0], None, root, tmp_path / "run", train.Options(data_parallel=True))


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["--variant", "C1", "--looks", "5"], "--looks: has no meaning with --protocol honest"),
        (["--limit", "9"], "--limit: belongs to --protocol honest and study"),
        (["--protocol", "device", "--variant", "C1"], "--variant: belongs to --protocol honest and study"),
    ],
)
def test_options_of_the_other_kind_of_training_are_refused(
    said: list[str], expected: str, root: Path, tmp_path: Path
) -> None:
    call: list[Any] = ["train", "cnn", "--data", str(root), "--out", str(tmp_path / "x"), *said]
    with pytest.raises(ConfigError, match=expected):
        program.cli(call, standalone_mode=False)
