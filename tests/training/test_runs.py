"""A run writes a model that loads without the project, the record of how it was made, and its curves."""

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Namespace

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write
from photographs import blotches, save
from PIL import Image as PillowImage
from scipy.special import log_softmax

keras = pytest.importorskip("keras", reason="needs extra `train`")
tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

from maskwatch.errors import ConfigError, ModelError  # noqa: E402
from maskwatch.flow import Box, Face  # noqa: E402
from maskwatch.records.run import Run  # noqa: E402
from maskwatch.vision import preprocess  # noqa: E402
from training.augment import crops, empty_parts, scenes  # noqa: E402
from training.augment.crops import Sample  # noqa: E402
from training.augment.picture import Picture  # noqa: E402
from training.classifier import pools, recipes, train_classifier  # noqa: E402
from training.finder import finder_scenes, finder_scores, finder_threshold, resize_finder, train_finder  # noqa: E402
from training.judging import evaluate, plots  # noqa: E402
from training.judging.detections import Found  # noqa: E402
from training.networks import finder, mobilenet_v2  # noqa: E402
from training.pictures import data, voc  # noqa: E402
from training.runs import run_folder  # noqa: E402
from training.runs.knobs import FineTuning  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_hash_cache")

KNOBS = FineTuning(size=32, alpha=0.35, epochs=2, settling=1, looks=30, frozen="block_2_add", batch=6, seed=3)
PHOTOS = 40
RUN = Run(
    name="tiny",
    task="mask",
    labels=data.LABELS,
    input_size=32,
    margin=0.25,
    temperature=1.7,
    bias=-0.2,
    score_threshold=0.4,
    seed=3,
    split_sha256="ab" * 32,
    knobs={"rate": 1e-3, "street_split": None},
    versions=run_folder.versions(),
    history={"loss": [0.7, 0.3], "seconds": 1.5},
    metrics={"validation": {"n": 3}},
)


# -- the record -----------------------------------------------------------------------------------------------------


def test_a_record_is_read_back_beside_its_model(tmp_path: Path) -> None:
    run_folder.write(tmp_path, RUN)
    assert run_folder.read(tmp_path / "model.keras") == RUN
    assert [path.name for path in tmp_path.iterdir()] == [run_folder.RECORD]


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
        (tmp_path / run_folder.RECORD).write_text(text)
    with pytest.raises(ModelError) as caught:
        run_folder.read(tmp_path / "model.keras")
    assert str(caught.value).startswith(f"run record {tmp_path / run_folder.RECORD}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_versions_are_those_a_run_depends_on() -> None:
    assert {"python", "keras", "numpy", "maskwatch"} <= run_folder.versions().keys()
    assert run_folder.versions()["keras"] == keras.__version__


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
    for picture, panels in zip(drawn, (1, 2, 1), strict=True):
        height, width, _ = picture.shape
        assert (height / 396, width / (550 * panels)) == pytest.approx((1, 1), rel=0.05)
    assert all(0.01 < inked(picture) < 0.5 for picture in drawn)
    assert not np.array_equal(drawn[0], drawn[2])
    assert [left.name for left in tmp_path.iterdir()] == ["curves.png"]
    assert plots.plt.get_fignums() == []


def darkest(picture: np.ndarray) -> np.ndarray:
    """(row, column) of the middle of the dark blue pixels."""
    return np.argwhere((picture[..., 0] < 60) & (picture[..., 2] > 90)).mean(axis=0)


def test_the_confusion_is_darkest_where_most_answers_fell_rows_are_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    places = {}
    for truth, answer in ((0, 0), (0, 1), (1, 0)):
        counts = np.ones((2, 2), np.int64)
        counts[truth, answer] = 90
        plots.confusion(counts, data.LABELS, path)
        places[truth, answer] = darkest(pixels(path))
    assert pixels(path).shape[:2] == pytest.approx((396, 480), rel=0.05)
    down, right = places[1, 0] - places[0, 0], places[0, 1] - places[0, 0]
    assert down[0] > 50 > abs(down[1])
    assert right[1] > 50 > abs(right[0])


def test_a_confusion_of_nothing_is_a_picture_too(tmp_path: Path) -> None:
    plots.confusion(np.zeros((2, 2), np.int64), data.LABELS, tmp_path / "confusion.png")
    assert inked(pixels(tmp_path / "confusion.png")) > 0.01


# -- the classifier's recipe ----------------------------------------------------------------------------------------


def test_the_head_learns_first_then_the_last_blocks_then_all_but_the_first_which_then_settles() -> None:
    head, last, everything, settling = recipes.fine_tuning(KNOBS)
    assert [phase.unaugmented_share for phase in (head, last, everything, settling)] == [0, 0, 0, KNOBS.plain]
    assert (settling.frozen, settling.epochs) == (everything.frozen, KNOBS.settling)
    assert settling.rate < everything.rate
    assert (head.frozen, last.frozen, everything.frozen) == (None, "block_12_add", KNOBS.frozen)
    assert everything.epochs == KNOBS.epochs
    assert head.rate > last.rate >= everything.rate == KNOBS.rate
    assert len({phase.name for phase in (head, last, everything, settling)}) == 4  # each names its own checkpoint


def test_a_training_that_goes_on_needs_no_stages_for_the_head() -> None:
    assert recipes.going_on(KNOBS) == recipes.fine_tuning(KNOBS)[2:]
    assert recipes.of_mobilenet_v2(None, Path("mask.tflite")).phases(KNOBS) == recipes.going_on(KNOBS)
    assert recipes.of_mobilenet_v2("imagenet").phases(KNOBS) == recipes.fine_tuning(KNOBS)


def sample(label: int, street: bool, source: str = "crowd") -> Sample:
    return Sample(Path("x.png"), label, Box(1, 2, 30, 40), street=street, source=source if street else "")


PORTRAITS = [sample(0, False), sample(1, False), sample(1, False)]
STREETS = [sample(0, True), sample(0, True), sample(1, True), sample(2, True)]
PRESS = [sample(0, True, "press"), *[sample(2, True, "press")] * 9]  # nobody is bare there


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (PORTRAITS + STREETS, [(0.5, 3), (0.175, 2), (0.175, 1), (0.15, 1)]),
        (PORTRAITS + STREETS + PRESS, [(0.5, 3), (0.0875, 2), (0.0875, 1), (0.175, 1), (0.075, 1), (0.075, 9)]),
        (PORTRAITS + STREETS[:3], [(0.5, 3), (0.25, 2), (0.25, 1)]),  # nobody wears one wrong
        (PORTRAITS, [(1.0, 3)]),
        (STREETS, [(0.35, 2), (0.35, 1), (0.3, 1)]),
        (STREETS[:2], [(1.0, 2)]),
        (STREETS[3:], [(1.0, 1)]),
    ],
)
def test_looks_are_shared_out_among_portraits_and_the_classes_of_scenes_and_within_a_class_among_the_sources(
    samples: list[Sample], expected: list[tuple[float, int]]
) -> None:
    found = pools.pools(samples, KNOBS)
    assert [(pytest.approx(share), len(pool)) for share, pool in found] == expected
    assert sum(share for share, _ in found) == pytest.approx(1)
    assert {id(each) for _, pool in found for each in pool} == {id(each) for each in samples}


@pytest.fixture
def seen(tmp_path: Path) -> list[Sample]:
    """A portrait and a street face of each class, each in a separate picture."""
    return [
        replace(each, path=save(tmp_path, f"{number}.png", number))
        for number, each in enumerate([*PORTRAITS[:2], *(sample(label, True) for label in range(3))])
    ]


@pytest.mark.parametrize(
    ("name", "street", "source"),
    [("a.jpg", False, "pasted"), ("b.jpg", False, "portraits"), ("a.jpg", True, "crowd"), ("b.jpg", True, "crowd")],
)
def test_a_face_has_one_source(name: str, street: bool, source: str) -> None:
    each = replace(sample(0, street), path=Path("x") / name)
    assert pools.source(each, frozenset({"a.jpg"})) == source
    assert source in train_classifier.sources(["crowd"])


def test_a_batch_of_looks_is_the_same_whenever_it_is_made(seen: list[Sample]) -> None:
    one, other = (train_classifier.AugmentedViews(seen, replace(KNOBS, looks=40, batch=16)) for _ in range(2))
    batches = [one[index] for index in range(len(one))]
    assert len(batches) == 3  # 40 looks in batches of 16
    for index in (2, 0, 1):
        assert all(map(np.array_equal, other[index], batches[index]))
    for images, labels in batches:
        assert (images.shape, images.dtype) == ((16, 32, 32, 3), np.uint8)
        assert (labels.shape, labels.dtype) == ((16,), np.int64)
        assert set(labels.tolist()) <= {0, 1, 2}


def test_every_batch_of_looks_of_every_epoch_and_seed_is_another(seen: list[Sample]) -> None:
    made = []
    for knobs in (KNOBS, replace(KNOBS, seed=4)):
        looks = train_classifier.AugmentedViews(seen, knobs)
        for _ in range(2):
            made += [looks[index][0].tobytes() for index in range(len(looks))]
            looks.on_epoch_end()
    assert len(set(made)) == 2 * 2 * 5


def test_every_sample_has_its_turn_as_often_as_its_pool_says(
    seen: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Sample] = []

    def varied(
        each: Sample, image: np.ndarray, size: int, _rng: np.random.Generator, _masks: object
    ) -> tuple[np.ndarray, int]:
        assert np.array_equal(image, data.read_rgb(each.path))
        drawn.append(each)
        return np.zeros((size, size, 3), np.uint8), each.label

    monkeypatch.setattr(crops, "varied", varied)
    looks = train_classifier.AugmentedViews(seen, replace(KNOBS, looks=3200))
    labels = np.concatenate([looks[index][1] for index in range(len(looks))])
    assert labels.tolist() == [each.label for each in drawn]
    shares = [drawn.count(each) / len(drawn) for each in seen]
    assert shares == pytest.approx([0.25, 0.25, 0.175, 0.175, 0.15], abs=0.03)


def test_settling_looks_are_often_the_devices_own_or_its_mirror(seen: list[Sample]) -> None:
    looks = train_classifier.AugmentedViews(seen, replace(KNOBS, looks=1200, batch=60))
    own = {}
    for each in seen:
        cut = crops.cut(each, data.read_rgb(each.path), KNOBS.size)
        own |= {cut.tobytes(): each.label, cut[:, ::-1].tobytes(): each.label}
    assert not any(image.tobytes() in own for image in looks[0][0])
    looks.unaugmented_share = 0.6
    found = [
        (image.tobytes(), label)
        for images, labels in map(looks.__getitem__, range(len(looks)))
        for image, label in zip(images, labels.tolist(), strict=True)
    ]
    plain = [(image, label) for image, label in found if image in own]
    assert len(plain) / len(found) == pytest.approx(0.6, abs=0.05)
    assert all(own[image] == label for image, label in plain)
    assert {image for image, _ in plain} == set(own)


@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_the_smoothed_loss_is_what_numpy_says(smoothing: float, shape: tuple[int, ...]) -> None:
    logits = np.array([[2.0, -1.0, 0.0], [0.5, 0.5, 0.5], [-30.0, 30.0, 1.0], [3.0, 4.0, -5.0]], np.float32)
    labels = np.array([0, 1, 0, 2])
    wanted = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    each = -(wanted * log_softmax(logits.astype(np.float64), axis=1)).sum(axis=1)
    loss = train_classifier.SmoothedCrossEntropy(smoothing)
    assert np.asarray(loss.call(labels.reshape(shape), logits)) == pytest.approx(each, rel=1e-5)
    assert float(loss(labels.reshape(shape), logits)) == pytest.approx(each.mean(), rel=1e-5)


# -- a whole run of the classifier ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Portraits, each with a known face, and street scenes with a face of each class."""
    root = tmp_path_factory.mktemp("folders")
    portraits, street = root / "portraits", root / "street"
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for number in range(PHOTOS):
        name = f"{data.LABELS[number % 2]}/{number}.png"
        save(portraits, name, number)
        lines.append(f"{name}\t30\t20\t70\t74\t0.9")
    (portraits / "faces.tsv").write_text("\n".join(lines) + "\n")
    for number in range(10):
        faces = [entry(label, 10 + 40 * place, 10, 40 + 40 * place, 50) for place, label in enumerate(data.CLASSES)]
        write(street, f"{number}", *faces)
        save(street, f"images/{number}.png", 100 + number)
    return portraits, street


@pytest.fixture(scope="module")
def out(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mask"
    tf.config.run_functions_eagerly(True)  # a few small steps: making a graph takes longer than all of them
    portraits, street = folders
    train_classifier.train(recipes.of_mobilenet_v2(None), portraits, [street], out, KNOBS)
    tf.config.run_functions_eagerly(False)
    return out


def test_a_run_leaves_its_model_record_and_curves(out: Path) -> None:
    names = {path.name for path in out.iterdir()}
    assert {"model.keras", "run.json", "curves.png"} <= names
    assert not [name for name in names if name.startswith(("writing-", "."))]
    assert inked(pixels(out / "curves.png")) > 0.01


def test_the_model_is_loaded_by_plain_keras(out: Path) -> None:
    """A model that carries the recipe's own loss cannot be loaded where the recipe is not."""
    assert keras.models.load_model(out / "model.keras").output_shape == (None, 3)
    with zipfile.ZipFile(out / "model.keras") as archive:
        assert "training." not in archive.read("config.json").decode()
    network = evaluate.open_network(out / "model.keras")
    run = run_folder.read(out / "model.keras")
    assert (network.size, network.temperature, network.bias) == (KNOBS.size, run.temperature, run.bias)


def test_the_record_tells_what_was_learnt_from(out: Path, folders: tuple[Path, Path]) -> None:
    portraits, street = folders
    run = run_folder.read(out / "model.keras")
    photos, scene = data.load(portraits, progress=False).split(KNOBS.seed), voc.split(voc.load(street), KNOBS.seed)
    assert (run.task, run.labels, run.input_size, run.seed) == ("mask", data.CLASSES, KNOBS.size, KNOBS.seed)
    assert (run.margin, run.preprocess_version) == (preprocess.FACE_MARGIN, preprocess.VERSION)
    assert run.split_sha256 == photos.sha256
    assert run.knobs["street_split"] == scene.sha256
    assert (run.knobs["sources"], run.knobs["landmarks"]) == (["street"], 0)
    assert run.knobs["samples"] == 2 * len(photos.train) + 3 * len(scene.train)
    assert {name: run.knobs[name] for name in ("size", "alpha", "epochs")} == {"size": 32, "alpha": 0.35, "epochs": 2}
    epochs = sum(phase.epochs for phase in recipes.fine_tuning(KNOBS))
    assert [len(run.history[name]) for name in ("loss", "val_loss", "accuracy", "val_accuracy")] == [epochs] * 4
    assert run.temperature > 0


def test_a_run_moves_what_is_not_frozen_and_nothing_else(out: Path) -> None:
    keras.utils.set_random_seed(KNOBS.seed)
    fresh = mobilenet_v2.build(KNOBS.size, KNOBS.alpha, None)
    trained = keras.models.load_model(out / "model.keras")
    names, moved = [], []
    for before in fresh.get_layer(mobilenet_v2.BASE).layers:
        if before.weights and not isinstance(before, keras.layers.BatchNormalization):
            names.append(before.name)
            after = trained.get_layer(mobilenet_v2.BASE).get_layer(before.name)
            if not all(map(np.array_equal, before.get_weights(), after.get_weights())):
                moved.append(before.name)
    assert names[names.index("block_2_project") + 1] == "block_3_expand"
    learnt = names[names.index("block_3_expand") :]
    assert set(moved) <= set(learnt)
    assert len(moved) >= len(learnt) - 2  # without batch norm some gradients of random weights are lost in float32
    for name in ("hidden", "logits"):
        before, after = fresh.get_layer(name).get_weights(), trained.get_layer(name).get_weights()
        assert not any(map(np.array_equal, before, after))


# -- the finder's recipe --------------------------------------------------------------------------------------------


def square(left: float, side: float = 40) -> Box:
    return Box(left, 0, left + side, side)


def test_the_threshold_is_the_lowest_of_the_best_f1_and_comes_with_its_figures() -> None:
    faces = tuple(voc.Annotation(square(100 * place), "with_mask") for place in range(4))
    found = {
        "x.png": [
            *(Found(square(100 * place), score) for place, score in enumerate((0.9, 0.7, 0.5, 0.15))),
            *(Found(square(100 * place), score) for place, score in ((10, 0.45), (11, 0.2), (12, 0.25))),
        ]
    }
    # F1 by what is let through: 4 of 7 found (8/11), 3 of 4 (6/8), 3 of 3 (6/7), 2 of 2 (4/6).
    threshold, figures = finder_threshold.choose(found, [voc.Scene(Path("x.png"), faces)])
    assert threshold == 0.46
    assert (figures["threshold"], figures["precision"], figures["recall"]) == (0.46, 1.0, 0.75)


def test_pictures_of_one_name_from_two_sources_are_two_pictures() -> None:
    faces = (voc.Annotation(square(0), "with_mask"),)
    scenes_ = [voc.Scene(Path(source) / "x.png", faces) for source in ("street", "rooms")]
    found = {scenes_[0].key: [Found(square(0), 0.9)], scenes_[1].key: []}
    _, figures = finder_threshold.choose(found, scenes_)
    assert (figures["images"], figures["faces"], figures["recall"]) == (2, 2, 0.5)


def test_a_threshold_is_chosen_anew_and_nothing_else_of_the_run_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = (voc.Annotation(square(0), "with_mask"),)
    shown = [voc.Scene(tmp_path / f"{number}.png", faces) for number in range(4)]
    found = {scene.key: [Found(square(0), 0.7), Found(square(500), 0.45)] for scene in shown}
    monkeypatch.setattr(finder_threshold, "find_all", lambda *_: found)
    before = RUN.model_copy(update={"task": "face", "input_size": 64, "knobs": {"sources": ["street"]}})
    run_folder.save(finder.build(64, 0.35, 8), tmp_path / "model.keras")
    run_folder.write(tmp_path, before)

    with pytest.raises(ModelError, match="trained with other scenes; expected --data for each of street"):
        finder_threshold.choose_again(tmp_path / "model.keras", shown, "of another split")
    assert run_folder.read(tmp_path / "model.keras") == before

    finder_threshold.choose_again(tmp_path / "model.keras", shown, before.split_sha256)
    after = run_folder.read(tmp_path / "model.keras")
    assert (after.score_threshold, after.metrics["validation"]["precision"]) == (0.46, 1.0)
    assert after.model_copy(update={"score_threshold": before.score_threshold, "metrics": before.metrics}) == before


def test_a_threshold_is_chosen_by_the_answers_of_the_models_own_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model.keras"
    faces = (voc.Annotation(square(0), "with_mask"),)
    shown = [voc.Scene(tmp_path / f"{number}.png", faces) for number in range(4)]
    for scene in shown:
        cv2.imwrite(str(scene.path), np.zeros((8, 8, 3), np.uint8))
    before = RUN.model_copy(update={"task": "face", "input_size": 64, "knobs": {"sources": ["street"]}})
    run_folder.save(finder.build(64, 0.35, 8), model)
    run_folder.write(tmp_path, before)
    provenance = {"float_sha256": "another"}
    answers = [Face(square(0), 0.7), Face(square(500), 0.55)]
    monkeypatch.setattr(finder_threshold.bundle, "read", lambda *_: Namespace(card=Namespace(provenance=provenance)))
    monkeypatch.setattr(finder_threshold, "SingleShotDetector", lambda *_: Namespace(find=lambda _: answers))
    with pytest.raises(ModelError, match=r"face.tflite: not made from .*model.keras; make it again"):
        finder_threshold.choose_again(model, shown, before.split_sha256, tmp_path / "face.tflite")
    assert run_folder.read(model) == before

    provenance["float_sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    finder_threshold.choose_again(model, shown, before.split_sha256, tmp_path / "face.tflite")
    after = run_folder.read(model)
    assert (after.score_threshold, after.metrics["validation, int8"]["precision"]) == (0.56, 1.0)
    assert after.metrics.get("validation") == before.metrics.get("validation")


def test_of_thresholds_that_chance_may_tell_apart_the_lowest_is_taken() -> None:
    faces = tuple(voc.Annotation(square(100 * place), "with_mask") for place in range(300))
    shown = [*(Found(square(100 * place), 0.8) for place in range(280)), Found(square(40000), 0.4)]
    for more, expected in ((1, 0.1), (5, 0.42)):  # false faces that score 0.4: F1 falls by 0.0017 each
        found = {"x.png": [*shown, *(Found(square(50000 + 100 * place), 0.4) for place in range(more - 1))]}
        assert finder_threshold.choose(found, [voc.Scene(Path("x.png"), faces)])[0] == expected


def test_the_rate_warms_up_and_descends() -> None:
    phase = train_finder.Phase("first", 1000, 2e-3, 0)
    rate = train_finder.optimizer(train_finder.Knobs(warmup=200), phase)._learning_rate
    at = {step: float(rate(step)) for step in (0, 100, 200, 600, 1000, 1100)}
    assert at == pytest.approx({0: 0, 100: 1e-3, 200: 2e-3, 600: 1e-3, 1000: 0, 1100: 0}, abs=1e-9)


@pytest.mark.parametrize(
    ("steps", "again", "expected"),
    [
        (1100, 0, "steps 1100: expected a multiple of 250 above the warm-up's 200"),
        (0, 0, "steps 0: expected"),
        (1000, 300, "again 300: expected a multiple of 250"),
    ],
)
def test_steps_that_make_no_phase_are_refused(tmp_path: Path, steps: int, again: int, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        train_finder.train([tmp_path], None, None, None, tmp_path / "run", train_finder.Knobs(steps=steps, again=again))
    with pytest.raises(ConfigError, match="rounded 300: expected a multiple of 250"):
        train_finder.train([tmp_path], None, None, None, tmp_path / "run", train_finder.Knobs(rounded=300))
    assert not (tmp_path / "run").exists()


STREET = [Picture(blotches(1), np.array([[20, 20, 60, 70]], np.float32))]


def test_a_place_without_a_face_in_which_the_finder_sees_one_is_a_hard_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two rooms, and the parts of one of two street scenes."""

    def grey(value: int, *faces: tuple[int, int, int, int]) -> Picture:
        return Picture(np.full((200, 200, 3), value, np.uint8), np.array(faces, np.float32).reshape(-1, 4))

    rooms, street = [grey(10), grey(200), grey(90)], [grey(20, (5, 5, 30, 30)), grey(180, (5, 5, 30, 30))]
    asked: list[tuple[object, int, float]] = []

    def answers(model: object, image: np.ndarray, size: int, min_score: float) -> list[str]:
        asked.append((model, size, min_score))
        return ["a face"] if image.mean() > 50 else []

    monkeypatch.setattr(finder_scores, "answers", answers)
    pictures = scenes.TrainingPictures([[street[0]], [street[1]]], [], rooms)
    found = finder_scenes.with_hard_places(pictures, "the model", train_finder.Knobs(size=96))
    assert list(found.hard[:2]) == rooms[1:]
    assert [part.image.mean() for part in found.hard[2:]] == [180] * empty_parts.PARTS
    assert (found.street, found.empty) == (pictures.street, pictures.empty)
    assert asked == [("the model", 96, finder_scenes.SEEN)] * (3 + 2 * empty_parts.PARTS)
    said = capsys.readouterr().out
    assert "2 of 3 empty rooms are hard" in said
    assert "2 of 4 parts of scenes without a face are hard" in said


def test_the_rounded_phase_has_fixed_batch_norms_and_each_phase_its_frozen_layers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    knobs = train_finder.Knobs(
        size=64, channels=8, batch=2, steps_per_epoch=2, steps=2, again=2, rounded=2, warmup=1, frozen="block_2_add"
    )
    model = finder.build(64, 0.35, 8, stem=8)
    seen: list[tuple[set[str], set[str]]] = []

    def fit(*_: object, **__: object) -> None:
        layers = [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]
        norms = {layer.name for layer in layers if isinstance(layer, keras.layers.BatchNormalization)}
        learnt = {layer.name for layer in layers if layer.trainable and layer.weights}
        seen.append((learnt & norms, learnt - norms))

    monkeypatch.setattr(train_finder.checkpoints, "fit", fit)
    material = finder_scenes.Material(scenes.TrainingPictures([STREET]), [], [], "")
    train_finder._train_phases(model, material, tmp_path, knobs, "", slim_already=True, scale=None)
    (norms_again, others_again), (norms_rounded, others_rounded) = seen
    assert "block_3_expand_BN" in norms_again
    assert "block_2_expand_BN" not in norms_again
    assert norms_rounded == set()
    assert others_rounded == others_again
    assert "block_2_expand" not in others_rounded


def dataset(seed: int = 0) -> finder_scenes.Scenes:
    knobs = train_finder.Knobs(size=64, batch=2, steps_per_epoch=3)
    return finder_scenes.Scenes(finder_scenes.Material(scenes.TrainingPictures([STREET]), [], [], ""), knobs, seed)


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


# -- another input side ---------------------------------------------------------------------------------------------


def test_a_resized_finder_has_the_same_weights_and_tells_where_it_was_trained(tmp_path: Path) -> None:
    model = finder.build(64, 0.35, 8, stem=12)
    run_folder.save(model, tmp_path / "model.keras")
    run_folder.write(
        tmp_path, RUN.model_copy(update={"task": "face", "knobs": {"alpha": 0.35, "channels": 8, "stem": 12}})
    )
    resize_finder.resize(tmp_path / "model.keras", 96, tmp_path / "larger")
    larger = keras.models.load_model(tmp_path / "larger" / "model.keras", compile=False)
    assert larger.input_shape == (None, 96, 96, 3)
    for before, after in zip(model.get_weights(), larger.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    run = run_folder.read(tmp_path / "larger" / "model.keras")
    assert (run.input_size, run.knobs["size"], run.knobs["trained_at"]) == (96, 96, RUN.input_size)
    assert run.metrics == {}


@pytest.mark.parametrize(
    ("task", "size", "expected"),
    [
        ("face", 100, "size 100: expected a multiple of 32"),
        ("face", 0, "size 0: expected a multiple of 32"),
        ("mask", 96, "made for task 'mask', expected a face finder"),
        ("face", 96, "expected the finder that run.json describes"),
    ],
)
def test_a_finder_that_cannot_be_resized_is_refused(tmp_path: Path, task: str, size: int, expected: str) -> None:
    (tmp_path / "model.keras").write_bytes(b"none")
    run_folder.write(
        tmp_path, RUN.model_copy(update={"task": task, "knobs": {"alpha": 0.35, "channels": 8, "stem": 12}})
    )
    with pytest.raises((ConfigError, ModelError), match=expected):
        resize_finder.resize(tmp_path / "model.keras", size, tmp_path / "larger")
    assert not (tmp_path / "larger").exists()
