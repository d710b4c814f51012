"""A run leaves a model that anybody can load, the record of how it was made, and its curves."""

import json
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy.special import log_softmax, softmax
from test_data import blotches, save
from test_voc import entry, write

keras = pytest.importorskip("keras", reason="needs extra `train`")

from maskwatch import preprocess  # noqa: E402
from maskwatch.errors import ModelError  # noqa: E402
from maskwatch.flow import Box  # noqa: E402
from training import crops, data, evaluate, plots, record, scenes, train_classifier, train_finder, voc  # noqa: E402
from training.crops import Sample  # noqa: E402
from training.scorer import Found  # noqa: E402
from training.train_classifier import Knobs  # noqa: E402

KNOBS = Knobs(size=32, alpha=0.35, varied=1, epochs=2, batch=16, seed=3)
PHOTOS = 40
RUN = record.Run(
    name="tiny",
    task="mask",
    labels=data.LABELS,
    input_size=32,
    margin=0.25,
    temperature=1.7,
    score_threshold=0.4,
    seed=3,
    split_sha256="ab" * 32,
    knobs={"rate": 1e-3, "street": None},
    versions=record.versions(),
    history={"loss": [0.7, 0.3], "seconds": 1.5},
    metrics={"validation": {"n": 3}},
)


@pytest.fixture(scope="module", autouse=True)
def no_shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterable[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "HASH_CACHE", tmp_path_factory.mktemp("cache") / "hashes.csv")
        yield


# -- the record -----------------------------------------------------------------------------------------------------


def test_a_record_is_read_back_beside_its_model(tmp_path: Path) -> None:
    record.write(tmp_path, RUN)
    assert record.read(tmp_path / "model.keras") == RUN
    assert [path.name for path in tmp_path.iterdir()] == [record.RECORD]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "No such file"),
        ("", "Invalid JSON"),
        (RUN.model_dump_json()[:-20], "Invalid JSON"),
        ("[]", "should be an object"),
        (json.dumps({**RUN.model_dump(mode="json"), "sead": 3}), "sead: Extra inputs are not permitted"),
        (json.dumps({**RUN.model_dump(mode="json"), "input_size": "wide"}), "input_size: Input should be a valid int"),
        (json.dumps({"name": "tiny"}), "task: Field required"),
    ],
)
def test_a_record_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str | None, expected: str) -> None:
    if text is not None:
        (tmp_path / record.RECORD).write_text(text)
    with pytest.raises(ModelError) as caught:
        record.read(tmp_path / "model.keras")
    assert str(caught.value).startswith(f"run record {tmp_path / record.RECORD}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_versions_are_those_a_run_depends_on() -> None:
    assert {"python", "keras", "numpy", "maskwatch"} <= record.versions().keys()
    assert record.versions()["keras"] == keras.__version__


# -- the pictures ---------------------------------------------------------------------------------------------------


def pixels(path: Path) -> np.ndarray:
    with PillowImage.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def inked(picture: np.ndarray) -> float:
    """Share of the pixels that are not white."""
    return float((picture < 250).any(axis=2).mean())


def test_the_curves_are_a_picture_with_a_panel_for_each_measure(tmp_path: Path) -> None:
    falling = {"loss": [0.9, 0.4, 0.2], "val_loss": [0.9, 0.5, 0.4]}
    histories = [falling, {**falling, "accuracy": [0.5, 0.8, 0.9]}, {"loss": [0.2, 0.4, 0.9]}]
    path = tmp_path / "curves.png"
    drawn = []
    for history in histories:
        plots.curves(history, path)
        drawn.append(pixels(path))
    assert [picture.shape for picture in drawn] == [(396, 550 * panels, 3) for panels in (1, 2, 1)]
    assert all(0.01 < inked(picture) < 0.5 for picture in drawn)
    assert not np.array_equal(drawn[0], drawn[2])
    assert [left.name for left in tmp_path.iterdir()] == ["curves.png"]
    assert plots.plt.get_fignums() == []


def darkest(picture: np.ndarray) -> np.ndarray:
    """(row, column) in the middle of the deep blue."""
    return np.argwhere((picture[..., 0] < 60) & (picture[..., 2] > 90)).mean(axis=0)


def test_the_confusion_is_darkest_where_most_answers_fell_rows_are_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    places = {}
    for truth, answer in ((0, 0), (0, 1), (1, 0)):
        counts = np.ones((2, 2), np.int64)
        counts[truth, answer] = 90
        plots.confusion(counts, data.LABELS, path)
        places[truth, answer] = darkest(pixels(path))
    assert pixels(path).shape == (396, 462, 3)
    down, right = places[1, 0] - places[0, 0], places[0, 1] - places[0, 0]
    assert down[0] > 50 > abs(down[1])
    assert right[1] > 50 > abs(right[0])


def test_a_confusion_of_nothing_is_a_picture_too(tmp_path: Path) -> None:
    plots.confusion(np.zeros((2, 2), np.int64), data.LABELS, tmp_path / "confusion.png")
    assert inked(pixels(tmp_path / "confusion.png")) > 0.01


# -- the classifier's recipe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_spoilt_the_confidence_is_found_again(temperature: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (20_000, 2)).astype(np.float32)
    labels = (rng.random(len(honest)) < softmax(honest, axis=1)[:, 1]).astype(np.int64)
    assert train_classifier.fit_temperature(honest * temperature, labels) == pytest.approx(temperature, rel=0.06)


@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [1, 1, 0, 1, 1, 1, 1], [0, 1]])
def test_both_classes_have_the_same_say(labels: list[int]) -> None:
    weights = train_classifier.class_balance(np.array(labels))
    assert weights.shape == (len(labels),)
    assert weights.sum() == pytest.approx(len(labels))
    assert weights[np.array(labels) == 0].sum() == pytest.approx(weights[np.array(labels) == 1].sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_the_smoothed_loss_is_what_numpy_says(smoothing: float, shape: tuple[int, ...]) -> None:
    logits = np.array([[2.0, -1.0], [0.5, 0.5], [-30.0, 30.0], [3.0, 4.0]], np.float32)
    labels = np.array([0, 1, 0, 1])
    wanted = np.eye(2)[labels] * (1 - smoothing) + smoothing / 2
    each = -(wanted * log_softmax(logits.astype(np.float64), axis=1)).sum(axis=1)
    loss = train_classifier.SmoothedCrossEntropy(smoothing)
    assert np.asarray(loss.call(labels.reshape(shape), logits)) == pytest.approx(each, rel=1e-5)
    assert float(loss(labels.reshape(shape), logits)) == pytest.approx(each.mean(), rel=1e-5)


BASE = [np.ones((2, 3), np.float32)]
SAMPLES = [Sample(Path("set/with_mask/a.jpg"), 0, None), Sample(Path("set/with_mask/a.jpg"), 0, Box(1, 2, 3, 4))]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files SAMPLES names, the same data set elsewhere, and another with a picture of the same name."""
    monkeypatch.chdir(tmp_path)
    for folder, content in (("set", b"picture"), ("elsewhere/set", b"picture"), ("longer", b"another picture")):
        (tmp_path / folder / "with_mask").mkdir(parents=True)
        for name in ("a.jpg", "b.jpg"):
            (tmp_path / folder / "with_mask" / name).write_bytes(content)


@pytest.mark.parametrize(
    "other",
    [
        (SAMPLES[:1], KNOBS, 1, BASE),
        (SAMPLES[::-1], KNOBS, 1, BASE),
        ([replace(SAMPLES[0], label=1), SAMPLES[1]], KNOBS, 1, BASE),
        ([SAMPLES[0], replace(SAMPLES[1], box=Box(1, 2, 3, 5))], KNOBS, 1, BASE),
        ([replace(SAMPLES[0], path=Path("set/with_mask/b.jpg")), SAMPLES[1]], KNOBS, 1, BASE),
        (SAMPLES, replace(KNOBS, size=64), 1, BASE),
        (SAMPLES, replace(KNOBS, alpha=0.5), 1, BASE),
        (SAMPLES, replace(KNOBS, seed=4), 1, BASE),
        (SAMPLES, KNOBS, 0, BASE),
        (SAMPLES, KNOBS, 1, [BASE[0] + 1]),
        ([replace(SAMPLES[0], path=Path("longer/with_mask/a.jpg")), SAMPLES[1]], KNOBS, 1, BASE),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_features_are_made_anew_when_what_they_come_from_changed(other: tuple[Any, ...]) -> None:
    assert train_classifier.fingerprint(*other) != train_classifier.fingerprint(SAMPLES, KNOBS, 1, BASE)


@pytest.mark.usefixtures("pictures")
def test_features_stay_when_only_the_heads_training_changed() -> None:
    head = replace(KNOBS, epochs=9, rate=0.1, smoothing=0.3, batch=8)
    before = train_classifier.fingerprint(SAMPLES, KNOBS, 1, BASE)
    moved = [replace(sample, path=Path("elsewhere") / sample.path) for sample in SAMPLES]
    assert train_classifier.fingerprint(SAMPLES, head, 1, BASE) == before
    assert train_classifier.fingerprint(moved, KNOBS, 1, BASE) == before


# -- a whole run of the classifier ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Portraits, each with a known face, and street scenes with a bare and a masked face each."""
    root = tmp_path_factory.mktemp("folders")
    portraits, street = root / "portraits", root / "street"
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for number in range(PHOTOS):
        name = f"{data.LABELS[number % 2]}/{number}.png"
        save(portraits, name, number)
        lines.append(f"{name}\t30\t20\t70\t74\t0.9")
    (portraits / "faces.tsv").write_text("\n".join(lines) + "\n")
    for number in range(10):
        write(street, f"{number}", entry("with_mask", 10, 10, 40, 50), entry("without_mask", 60, 10, 90, 50))
        save(street, f"images/{number}.png", 100 + number)
    return portraits, street


@pytest.fixture(scope="module")
def out(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mask"
    train_classifier.train(*folders, None, out, KNOBS)
    return out


def test_a_run_leaves_its_model_record_curves_and_features(out: Path) -> None:
    names = {"model.keras", "run.json", "curves.png", "features-train.npz", "features-validation.npz"}
    assert {path.name for path in out.iterdir()} == names
    assert inked(pixels(out / "curves.png")) > 0.01


def test_the_model_is_loaded_by_plain_keras(out: Path) -> None:
    """A model that carries the recipe's own loss cannot be loaded where the recipe is not."""
    assert keras.models.load_model(out / "model.keras").output_shape == (None, 2)
    with zipfile.ZipFile(out / "model.keras") as archive:
        assert "training." not in archive.read("config.json").decode()
    assert evaluate.open_network(out / "model.keras").size == KNOBS.size


def test_the_record_tells_what_was_learnt_from(out: Path, folders: tuple[Path, Path]) -> None:
    portraits, street = folders
    run = record.read(out / "model.keras")
    photos, scene = data.load(portraits, progress=False).split(KNOBS.seed), voc.split(voc.load(street), KNOBS.seed)
    assert (run.task, run.labels, run.input_size, run.seed) == ("mask", data.LABELS, KNOBS.size, KNOBS.seed)
    assert (run.margin, run.preprocess_version) == (preprocess.FACE_MARGIN, preprocess.VERSION)
    assert run.split_sha256 == photos.sha256
    assert run.knobs["street"] == scene.sha256
    assert run.knobs["samples"] == (2 * len(photos.train) + 2 * len(scene.train)) * (1 + KNOBS.varied)
    assert {name: run.knobs[name] for name in ("size", "alpha", "epochs")} == {"size": 32, "alpha": 0.35, "epochs": 2}
    assert [len(run.history[name]) for name in ("loss", "val_loss", "accuracy", "val_accuracy")] == [2] * 4
    assert run.temperature > 0


def test_features_stand_in_the_order_of_the_samples_and_their_looks(out: Path, folders: tuple[Path, Path]) -> None:
    photos = data.load(folders[0], progress=False).split(KNOBS.seed)
    with np.load(out / "features-train.npz") as stored:
        features, labels = stored["x"], stored["y"]
    portraits = np.repeat([photo.label for photo in photos.train], 2 * (1 + KNOBS.varied))
    assert labels[: len(portraits)].tolist() == portraits.tolist()
    model = keras.models.load_model(out / "model.keras")
    base = keras.Model(model.input, model.get_layer("pool").output)
    plain = np.stack([crops.cut(Sample(photo.path, 0, None), data.read_rgb(photo.path), 32) for photo in photos.train])
    assert features[: len(portraits) : 4] == pytest.approx(np.asarray(base(plain)), rel=1e-3, abs=1e-5)


def test_a_second_run_reuses_the_features(
    out: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the cached features were not used")

    monkeypatch.setattr(train_classifier, "looks", fail)
    again = tmp_path / "again"
    again.mkdir()
    for name in ("features-train.npz", "features-validation.npz"):
        shutil.copy(out / name, again)
    train_classifier.train(*folders, None, again, replace(KNOBS, epochs=1))
    first, second = (record.read(folder / "model.keras").history for folder in (out, again))
    assert second["loss"] == pytest.approx(first["loss"][:1], rel=0.05)
    with pytest.raises(AssertionError, match="the cached features were not used"):
        train_classifier.train(*folders, None, again, replace(KNOBS, seed=4))


# -- the finder's recipe --------------------------------------------------------------------------------------------


def square(left: float, side: float = 40) -> Box:
    return Box(left, 0, left + side, side)


def test_the_threshold_is_the_lowest_of_the_best_f1_and_comes_with_its_figures() -> None:
    faces = tuple(voc.Annotation(square(100 * place), "with_mask") for place in range(4))
    found = {
        "x": [
            *(Found(square(100 * place), score) for place, score in enumerate((0.9, 0.7, 0.5, 0.15))),
            *(Found(square(100 * place), score) for place, score in ((10, 0.45), (11, 0.2), (12, 0.25))),
        ]
    }
    # F1 by what is let through: 4 of 7 found (8/11), 3 of 4 (6/8), 3 of 3 (6/7), 2 of 2 (4/6).
    threshold, figures = train_finder.choose_threshold(found, [voc.Scene(Path("x.png"), faces)])
    assert threshold == 0.46
    assert (figures["threshold"], figures["precision"], figures["recall"]) == (0.46, 1.0, 0.75)


STREET = [scenes.Picture(blotches(1), np.array([[20, 20, 60, 70]], np.float32))]


def dataset(seed: int = 0) -> train_finder.Scenes:
    return train_finder.Scenes(STREET, [], train_finder.Knobs(size=64, batch=2, steps_per_epoch=3, seed=seed))


def test_a_batch_is_the_same_whenever_it_is_made() -> None:
    one, other = dataset(), dataset()
    batches = [one[index] for index in range(len(one))]
    assert len(batches) == 3
    for index in (2, 0, 1):
        assert all(map(np.array_equal, other[index], batches[index]))
    images, answers = batches[0]
    assert (images.shape, images.dtype) == ((2, 64, 64, 3), np.uint8)
    assert answers.shape == (2, 8 * 8 + 4 * 4 + 2 * 2, 5)


def test_every_batch_of_every_epoch_and_seed_is_another() -> None:
    seen = []
    for made in (dataset(), dataset(1)):
        for _ in range(2):
            seen += [made[index][0].tobytes() for index in range(len(made))]
            made.on_epoch_end()
    assert len(set(seen)) == 2 * 2 * 3
