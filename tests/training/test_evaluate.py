"""A classifier is judged on every readable image, by figures computed by hand; any other model is refused."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cards import card
from evaluated import CLOTH, SIZE, SKIN, saved
from photographs import save

from maskwatch.errors import MaskwatchError, ModelError, SourceError
from maskwatch.flow import Box
from maskwatch.records.run import Run
from maskwatch.vision import bundle
from training.__main__ import cli, main
from training.augment import crops
from training.judging import evaluate
from training.pictures import data
from training.runs import run_folder


class ColourNetwork:
    """Calls a picture masked when it has more blue than red. Keeps the shapes of its batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.network = evaluate.Network(SIZE, self.logits)

    def logits(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(images.shape)
        red, _, blue = images.astype(np.float32).mean(axis=(1, 2)).T
        return np.stack([blue - red, red - blue], axis=1)


def draw(path: Path, *colours: tuple[int, int, int]) -> Path:
    """A picture of vertical stripes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.repeat(np.array([colours], np.uint8), 16, axis=1).repeat(20, axis=0)
    assert cv2.imwrite(str(path), image[..., ::-1])
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """with_mask: 3 of cloth, 2 of skin, 1 unreadable. without_mask: 3 of skin, 1 of cloth."""
    for label, colours in (("with_mask", [CLOTH] * 3 + [SKIN] * 2), ("without_mask", [SKIN] * 3 + [CLOTH])):
        for number, colour in enumerate(colours):
            draw(tmp_path / "set" / label / f"{number}.png", colour)
    (tmp_path / "set" / "with_mask" / "junk.jpg").write_bytes(b"junk")
    return tmp_path / "set"


def test_the_figures_are_those_worked_out_by_hand(root: Path) -> None:
    result = evaluate.evaluate(ColourNetwork().network, evaluate.folder(root))
    assert result.summary() == {
        "n": 9,
        "accuracy": round(6 / 9, 4),
        "per_class": {
            "with_mask": {"precision": 0.75, "recall": 0.6, "f1": round(2 * 3 / (2 * 3 + 1 + 2), 4), "n": 5},
            "without_mask": {"precision": 0.6, "recall": 0.75, "f1": round(2 * 3 / (2 * 3 + 2 + 1), 4), "n": 4},
        },
        "confusion": [[3, 2], [1, 3]],
        "labels": ["with_mask", "without_mask"],
        "unreadable": 1,
    }


def test_the_table_says_the_same_to_people(root: Path) -> None:
    assert evaluate.table(evaluate.evaluate(ColourNetwork().network, evaluate.folder(root))).splitlines() == [
        "9 images, 1 unreadable; accuracy 66.67%",
        "               precision    recall        F1       n",
        "with_mask         0.7500    0.6000    0.6667       5",
        "without_mask      0.6000    0.7500    0.6667       4",
        "truth / answer     with_mask  without_mask",
        "with_mask                  3             2",
        "without_mask               1             3",
    ]


def test_unreadable_files_are_named_and_left_out(root: Path) -> None:
    result = evaluate.evaluate(ColourNetwork().network, evaluate.folder(root))
    (line,) = result.unreadable
    assert line.startswith(f"image {root / 'with_mask' / 'junk.jpg'}: ")
    assert "with_mask/junk.jpg" not in result.names
    assert len(result.names) == len(result.truth) == len(result.scores) == 9


def test_answers_stay_with_their_images_over_many_batches(root: Path) -> None:
    cloth = crops.Sample(root / "with_mask" / "0.png", 0, None)
    skin = crops.Sample(root / "without_mask" / "0.png", 1, None)
    samples = [skin if number % 3 else cloth for number in range(2 * evaluate.BATCH + 3)]
    judge = ColourNetwork()
    result = evaluate.evaluate(judge.network, samples)
    assert result.answers.tolist() == [sample.label for sample in samples]
    assert [shape[0] for shape in judge.batches] == [evaluate.BATCH, evaluate.BATCH, 3]
    assert {shape[1:] for shape in judge.batches} == {(SIZE, SIZE, 3)}
    assert result.scores.sum(axis=1) == pytest.approx(np.ones(len(samples)))


def test_a_sample_with_a_box_is_judged_by_its_face_alone(tmp_path: Path) -> None:
    path = draw(tmp_path / "x.png", CLOTH, SKIN, SKIN)  # 16 pixels each
    samples = [crops.Sample(path, 0, Box(4, 4, 10, 10)), crops.Sample(path, 1, None)]
    assert evaluate.evaluate(ColourNetwork().network, samples).answers.tolist() == [0, 1]


@pytest.mark.parametrize("count", [2, 3])
def test_a_model_of_two_or_three_classes_gives_two_verdicts(tmp_path: Path, root: Path, count: int) -> None:
    network = evaluate.open_network(saved(tmp_path / "colour.keras", count))
    assert network.size == SIZE
    assert network.logits(np.zeros((5, SIZE, SIZE, 3), np.uint8)).shape == (5, count)
    result = evaluate.evaluate(network, evaluate.folder(root))
    assert result.scores.shape == (9, 2)
    assert result.scores.sum(axis=1) == pytest.approx(np.ones(9))
    assert result.confusion.tolist() == [[3, 2], [1, 3]]


def test_a_mask_worn_wrong_counts_as_bare_though_no_single_class_says_so(root: Path) -> None:
    logits = np.log(np.array([[0.4, 0.35, 0.25]], np.float32))  # masked is the likeliest class, bare the verdict
    network = evaluate.Network(SIZE, lambda images: logits.repeat(len(images), axis=0))
    result = evaluate.evaluate(network, evaluate.folder(root))
    assert result.scores == pytest.approx(np.tile([0.4, 0.6], (9, 1)))
    assert result.confusion.tolist() == [[0, 5], [0, 4]]


@pytest.mark.parametrize(("temperature", "bias", "bare"), [(1.0, 0.0, 0.6), (0.1, 0.0, 0.2139), (1.0, -1.0, 0.3556)])
def test_temperature_and_bias_have_their_say_in_the_verdict(
    root: Path, temperature: float, bias: float, bare: float
) -> None:
    logits = np.log(np.array([[0.4, 0.35, 0.25]], np.float32))
    network = evaluate.Network(SIZE, lambda images: logits.repeat(len(images), axis=0), temperature, bias)
    result = evaluate.evaluate(network, evaluate.folder(root))
    assert result.scores == pytest.approx(np.tile([1 - bare, bare], (9, 1)), abs=0.002)
    assert result.answers.tolist() == [int(bare > 0.5)] * 9


def test_a_keras_model_brings_its_runs_calibration(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.keras", 3)
    plain = evaluate.open_network(path)
    assert (plain.temperature, plain.bias) == (1.0, 0.0)
    fields: dict[str, Any] = {"name": "x", "task": "mask", "labels": data.CLASSES, "input_size": SIZE, "seed": 0}
    rest: dict[str, Any] = {"split_sha256": "", "knobs": {}, "versions": {}, "history": {}}
    run_folder.write(tmp_path, Run(**fields, **rest, temperature=2.5, bias=-0.3))
    known = evaluate.open_network(path)
    assert (known.temperature, known.bias) == (2.5, -0.3)


def test_a_bundle_brings_its_cards_calibration_and_a_plain_tflite_none(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs extra `train`")
    from convert import quantize

    flatbuffer = quantize.to_float32(quantize.load(saved(tmp_path / "model.keras", 3)))
    (tmp_path / "plain.tflite").write_bytes(flatbuffer)
    bundle.write(tmp_path / "mask.tflite", flatbuffer, card(labels=data.CLASSES, temperature=2.5, bias=-0.3))
    plain, known = (evaluate.open_network(tmp_path / name) for name in ("plain.tflite", "mask.tflite"))
    assert (plain.temperature, plain.bias, plain.size) == (1.0, 0.0, SIZE)
    assert (known.temperature, known.bias, known.size) == (2.5, -0.3, SIZE)


def test_nothing_readable_is_refused(root: Path) -> None:
    with pytest.raises(SourceError, match="no readable image"):
        evaluate.evaluate(ColourNetwork().network, [crops.Sample(root / "with_mask" / "junk.jpg", 0, None)])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.keras", None, "no such file; expected a .keras or a .tflite"),
        ("junk.tflite", b"junk" * 9, "the runtime cannot run it"),
        ("empty.tflite", b"", "the runtime cannot run it"),
        ("junk.keras", b"junk" * 9, "not a Keras model"),
        ("junk.h5", b"junk" * 9, "not a Keras model"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
        if path.suffix != ".tflite":
            pytest.importorskip("keras", reason="needs extra `train`")
    with pytest.raises(ModelError, match=rf"^model {path}: .*{expected}") as caught:
        evaluate.open_network(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ((1,), r"answers \(1, 1\), expected \(1, 2\) or \(1, 3\)"),
        ((4,), r"answers \(1, 4\), expected \(1, 2\) or \(1, 3\)"),
        ((2, 2), "has 1 inputs and 2 outputs, expected one"),
    ],
)
def test_a_keras_model_of_another_kind_is_refused(tmp_path: Path, classes: tuple[int, ...], expected: str) -> None:
    path = saved(tmp_path / "other.keras", *classes)
    with pytest.raises(ModelError, match=rf"^model {path}: {expected}.*: not a mask classifier$"):
        evaluate.open_network(path)


def test_the_command_judges_a_keras_model_and_names_what_it_could_not_read(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = saved(tmp_path / "colour.keras", 2)
    picture = tmp_path / "confusion.png"
    cli(["evaluate", str(model), str(root), "--json", "--plot", str(picture)], standalone_mode=False)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["confusion"] == [[3, 2], [1, 3]]
    assert f"image {root / 'with_mask' / 'junk.jpg'}: " in printed.err
    assert cv2.imread(str(picture)) is not None


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_command_judges_a_part_of_the_split_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    for number in range(40):
        save(tmp_path / "set", f"{data.LABELS[number % 2]}/{number}.png", number)
    model = saved(tmp_path / "colour.keras", 2)
    arguments = ["evaluate", str(model), str(tmp_path / "set"), "--part", part, "--seed", "3", "--json"]
    cli(arguments, standalone_mode=False)
    expected = {"train": 28, "validation": 2, "test": 10}  # of 40, in the study's proportions
    assert json.loads(capsys.readouterr().out)["n"] == expected[part]


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    printed = capsys.readouterr()
    assert printed.out == ""
    return int(str(caught.value.code)), printed.err


@pytest.mark.parametrize(
    ("arguments", "error", "expected"),
    [
        ("evaluate {0}/gone.keras {0}", ModelError, "model {0}/gone.keras: no such file"),
        ("evaluate {0}/junk.tflite {0}", ModelError, "model {0}/junk.tflite: the runtime cannot run it"),
        ("train mobilenet_v2 --data {0} --weights {0}/gone.h5 --out {0}/run", SourceError, "weights {0}/gone.h5: no"),
        ("train finder --data {0} --weights {0}/gone.h5 --out {0}/run", SourceError, "weights {0}/gone.h5: no such"),
        ("train mobilenet_v2 --data {0} --weights {0}/junk.tflite --out {0}/run", SourceError, "data {0}: no folder"),
        ("train finder --data {0} --weights {0}/junk.tflite --out {0}/run", SourceError, "scenes {0}: expected the"),
    ],
)
def test_a_mistake_is_one_line_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, error: type[MaskwatchError], expected: str
) -> None:
    if arguments.startswith("train"):
        pytest.importorskip("keras", reason="needs extra `train`")
    (tmp_path / "junk.tflite").write_bytes(b"junk" * 9)
    exit_code, printed = refusal(arguments.format(tmp_path).split(), capsys)
    (line,) = printed.splitlines()
    assert line.startswith(f"training: {expected.format(tmp_path)}")
    assert exit_code == error.exit_code


@pytest.mark.parametrize(
    "arguments",
    ["evaluate {0}/x.keras {0}/gone", "train mobilenet_v2 --data {0}/gone --weights imagenet --out {0}/run"],
)
def test_a_missing_folder_is_named_and_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    exit_code, printed = refusal(arguments.format(tmp_path).split(), capsys)
    assert exit_code == 2
    assert printed.splitlines()[-1].startswith("training: ")
    assert f"Directory '{tmp_path / 'gone'}' does not exist." in printed


def test_the_module_runs_as_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training", "evaluate", str(tmp_path / "gone.keras"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (ModelError.exit_code, "")
    assert line.startswith(f"training: model {tmp_path / 'gone.keras'}: ")


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, Path.exists], ids=["empty", "folder", "missing"])
def test_a_file_without_a_picture_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "x.jpg")
    with pytest.raises(SourceError, match=r"^image .*x\.jpg: "):
        data.read_rgb(tmp_path / "x.jpg")


def test_an_empty_file_does_not_end_an_evaluation(root: Path) -> None:
    (root / "with_mask" / "empty.jpg").touch()
    result = evaluate.evaluate(ColourNetwork().network, evaluate.folder(root))
    assert len(result.unreadable) == 2


def test_a_model_made_of_layers_in_a_row_is_opened(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    keras.Sequential(layers).save(tmp_path / "s.keras")
    assert evaluate.open_network(tmp_path / "s.keras").size == 8


@pytest.mark.parametrize("config", [None, '{"class_name":"Foo","module":"x","config":{}}'])
def test_an_archive_that_is_no_model_is_refused(tmp_path: Path, config: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "z.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
        if config:
            archive.writestr("config.json", config)
    with pytest.raises(ModelError):
        evaluate.open_network(tmp_path / "z.keras")


def test_a_model_of_two_inputs_is_refused(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

    pair = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    both = keras.layers.Flatten()(keras.layers.Add()(pair))
    keras.Model(pair, keras.layers.Dense(2)(both)).save(tmp_path / "two.keras")
    with pytest.raises(ModelError):
        evaluate.open_network(tmp_path / "two.keras")


def test_evaluate_json_is_one_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = saved(tmp_path / "colour.keras", 2)
    cli(["evaluate", str(model), str(root), "--json"], standalone_mode=False)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["model"] == "colour.keras"


def test_evaluating_a_part_names_what_it_could_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "h.csv")
    for number in range(40):
        save(tmp_path / "set", f"{data.LABELS[number % 2]}/{number}.png", number)
    (tmp_path / "set" / "with_mask" / "junk.jpg").write_bytes(b"junk")
    model = saved(tmp_path / "colour.keras", 2)
    cli(["evaluate", str(model), str(tmp_path / "set"), "--part", "test", "--json"], standalone_mode=False)
    assert "junk.jpg" in caplog.text
    assert "1 of 41 images left out" in caplog.text
