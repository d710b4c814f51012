"""An interrupted training continues and ends with the same weights; a checkpoint of another run is never used."""

import hashlib
import itertools
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from annotated_scenes import entry, write
from numpy.typing import NDArray
from photographs import save

if TYPE_CHECKING:
    import keras
else:
    keras = pytest.importorskip("keras", reason="needs extra `train`")

from maskwatch.errors import ConfigError
from training.augment import scenes
from training.classifier import pools, recipes, train_classifier
from training.finder import (
    fake_quantization,
    finder_loss,
    finder_scenes,
    finder_threshold,
    slimming,
    train_finder,
    warm_finder,
)
from training.networks import finder, mobilenet_v2
from training.pictures import data
from training.runs import allocator, checkpoints, run_folder
from training.runs.checkpoints import Checkpoint
from training.runs.knobs import USUAL, FineTuning, Way

pytestmark = pytest.mark.usefixtures("own_hash_cache")

tf = pytest.importorskip("tensorflow", reason="needs extra `train`")
EPOCHS = 3
Weights = list[np.ndarray]
Train = Callable[..., None]
INPUTS = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
ANSWERS = (INPUTS[:, 0] > INPUTS[:, 1] * INPUTS[:, 2]).astype(np.int64)


class PulledError(Exception):
    """The plug was pulled."""


class Plug(keras.callbacks.Callback):
    """Raises Unplugged in the middle of an epoch, counted from the start of the run over all its phases."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.left = epoch

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        if batch == 0:
            self.left -= 1
            if self.left < 0:
                raise PulledError


def compiled() -> keras.Model:
    """A small network with an optimizer of the kind both recipes use."""
    keras.utils.set_random_seed(7)
    image = keras.Input((6,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8, activation="relu")(image))
    model = keras.Model(image, keras.layers.Dense(2)(hidden))
    rate = keras.optimizers.schedules.CosineDecay(3e-2, EPOCHS * 2)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def learn(folder: Path, key: str = "a recipe", pulled: int = 10**9) -> tuple[int, Weights, checkpoints.Curves]:
    """Train, or continue a training; returns (epochs that were done before, weights, curves)."""
    model, checkpoint = compiled(), Checkpoint(folder, key)
    done = checkpoint.resume(model, EPOCHS)
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(
        INPUTS,
        ANSWERS,
        batch_size=32,
        shuffle=False,
        initial_epoch=done,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[Plug(pulled), checkpoint, swap],
    )
    seconds = checkpoint.curves.pop("seconds")
    assert len(seconds) == EPOCHS
    assert min(seconds) > 0
    return done, model.get_weights(), checkpoint.curves


def interrupted(folder: Path, *pulled: int, key: str = "a recipe") -> None:
    for epochs in pulled:
        with pytest.raises(PulledError):
            learn(folder, key, epochs)


@pytest.fixture(scope="module", autouse=True)
def no_graphs() -> Iterable[None]:
    """Run eagerly: making a graph takes longer than these few small steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Weights, checkpoints.Curves]:
    """The result of a run without an interruption."""
    return learn(tmp_path_factory.mktemp("undisturbed"))


def same(one: Weights, other: Weights) -> bool:
    return all(np.allclose(mine, theirs, rtol=1e-4, atol=1e-6) for mine, theirs in zip(one, other, strict=True))


def test_training_does_something_that_a_lost_epoch_would_change(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path
) -> None:
    done, weights, curves = whole
    assert done == 0
    assert curves.keys() == {"loss", "accuracy"}
    assert {len(values) for values in curves.values()} == {EPOCHS}
    model = compiled()
    model.fit(INPUTS, ANSWERS, batch_size=32, shuffle=False, epochs=EPOCHS - 1, verbose=0)
    assert not same(model.get_weights(), weights)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pulled", [(1,), (2,), (1, 1), (0, 1)])
def test_a_run_interrupted_in_any_epoch_and_started_again_ends_as_one_that_was_not(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path, pulled: tuple[int, ...]
) -> None:
    interrupted(tmp_path, *pulled)
    done, weights, curves = learn(tmp_path)
    assert done == sum(pulled)
    assert same(weights, whole[1])
    assert {name: pytest.approx(values, rel=1e-4) for name, values in curves.items()} == whole[2]


def test_a_finished_run_started_again_trains_nothing_and_has_its_averaged_weights(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path
) -> None:
    learn(tmp_path)
    done, weights, curves = learn(tmp_path, pulled=0)  # one step would pull the plug
    assert done == EPOCHS
    assert same(weights, whole[1])
    assert curves == whole[2]


def test_another_recipe_starts_afresh_and_says_so(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, 2, key="another recipe")
    capsys.readouterr()
    done, weights, curves = learn(tmp_path)
    assert (
        f"{tmp_path}/checkpoint.weights.h5: of another training, so this phase starts again" in capsys.readouterr().out
    )
    assert done == 0
    assert same(weights, whole[1])
    assert {len(values) for values in curves.values()} == {EPOCHS}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["checkpoint.weights.h5", "checkpoint.json"])
@pytest.mark.parametrize(
    "damage",
    [cut, Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"junk" * 99)],
    ids=["cut short", "gone", "empty", "junk"],
)
def test_a_damaged_checkpoint_starts_afresh_and_says_so(
    whole: tuple[int, Weights, checkpoints.Curves],
    tmp_path: Path,
    name: str,
    damage: Callable[[Path], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    interrupted(tmp_path, 2)
    damage(tmp_path / name)
    capsys.readouterr()
    done, weights, curves = learn(tmp_path)
    assert f"{tmp_path}/checkpoint.weights.h5: damaged, so this phase starts again" in capsys.readouterr().out
    assert done == 0
    assert same(weights, whole[1])
    assert {len(values) for values in curves.values()} == {EPOCHS}


@pytest.mark.parametrize("state", ["[]", "null", '{"key": "a recipe"}'])
def test_a_state_that_says_too_little_starts_afresh(tmp_path: Path, state: str) -> None:
    interrupted(tmp_path, 1)
    (tmp_path / "checkpoint.json").write_text(state)
    assert Checkpoint(tmp_path, "a recipe").resume(compiled(), EPOCHS) == 0


@pytest.mark.filterwarnings("ignore:Skipping:UserWarning")
def test_weights_of_another_network_start_afresh_and_leave_nothing_behind(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path
) -> None:
    interrupted(tmp_path, 2)
    image = keras.Input((6,))
    other = keras.Model(image, keras.layers.Dense(2)(keras.layers.Dense(8)(keras.layers.Dense(8)(image))))
    other.save_weights(tmp_path / "checkpoint.weights.h5")
    done, weights, _ = learn(tmp_path)
    assert done == 0
    assert same(weights, whole[1])


def test_a_disk_that_is_full_leaves_the_epoch_before(
    whole: tuple[int, Weights, checkpoints.Curves], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, calls = keras.Model.save_weights, itertools.count(1)

    def full(model: keras.Model, path: Path, **options: Any) -> None:
        saved(model, path, **options)
        if next(calls) == 2:
            cut(path)
            raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(OSError, match="No space left"):
        learn(tmp_path)
    done, weights, _ = learn(tmp_path)
    assert done == 1
    assert same(weights, whole[1])


def test_stages_in_one_folder_keep_out_of_each_others_way(tmp_path: Path) -> None:
    first, second = (Checkpoint(tmp_path, "key", name) for name in ("head", "all"))
    for checkpoint, epochs in ((first, 1), (second, 2)):
        compiled().fit(INPUTS, ANSWERS, epochs=epochs, verbose=0, callbacks=[checkpoint])
    assert [Checkpoint(tmp_path, "key", name).resume(compiled(), 9) for name in ("head", "all")] == [1, 2]


def test_the_fingerprint_knows_every_part_and_no_order() -> None:
    parts: dict[str, Any] = {"knobs": {"rate": 1e-3, "seed": 0}, "split": "ab", "street": None}
    first = checkpoints.fingerprint(**parts)
    assert checkpoints.fingerprint(**dict(reversed(parts.items()))) == first
    others = [{**parts, "knobs": {"rate": 1e-3, "seed": 1}}, {**parts, "split": "ac"}, {**parts, "street": "ab"}]
    assert len({first, *(checkpoints.fingerprint(**other) for other in others)}) == 4


# -- the recipes ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Portraits with a known face each, four of them with a pasted mask, and street scenes with one of each class."""
    root = tmp_path_factory.mktemp("folders")
    portraits, street = root / "portraits", root / "street"
    lines = ["path\tx1\ty1\tx2\ty2\tscore"]
    for number in range(40):
        name = f"{data.LABELS[number % 2]}/{number}.png"
        save(portraits, name, number)
        lines.append(f"{name}\t30\t20\t70\t74\t0.9")
    (portraits / "faces.tsv").write_text("\n".join(lines) + "\n")
    (portraits / "synthetic.txt").write_text("".join(f"with_mask/{number}.png\n" for number in range(0, 40, 10)))
    for number in range(10):
        faces = [entry(label, 10 + 40 * place, 10, 40 + 40 * place, 50) for place, label in enumerate(data.CLASSES)]
        write(street, f"{number}", *faces)
        save(street, f"images/{number}.png", 100 + number)
    return portraits, street


def small_classifier(size: int, *_: object) -> keras.Model:
    """Three convolutions with the names that freezing looks for. It has no dropout, which restarts with its seed."""
    picture = keras.Input((size, size, 3))
    feature = picture
    for channels, name in ((4, "block_2_add"), (6, "block_12_add"), (8, "out_relu")):
        feature = keras.layers.Conv2D(channels, 3, strides=2, activation="relu", name=name)(feature)
    base = keras.Model(picture, feature, name=mobilenet_v2.BASE)
    image = keras.Input((size, size, 3), name="image")
    pooled = keras.layers.GlobalAveragePooling2D()(base(keras.layers.Rescaling(1 / 127.5, -1)(image)))
    return keras.Model(image, keras.layers.Dense(3, name="logits")(pooled))


def small_finder(size: int, *_: object) -> keras.Model:
    """A convolution for each stride: score and box from one layer."""
    image = keras.Input((size, size, 3), name="image")
    feature = keras.layers.Rescaling(1 / 127.5, -1)(image)
    outputs = []
    for stride in finder.STRIDES:
        feature = keras.layers.AveragePooling2D(8 if stride == 8 else 2)(feature)
        feature = keras.layers.ReLU()(keras.layers.Conv2D(6, 3, padding="same")(feature))
        for depth, name in ((1, "score"), (4, "box")):
            outputs.append(keras.layers.Conv2D(depth, 1, name=f"{name}{stride}")(feature))
    return keras.Model(image, outputs)


CLASSIFIER = FineTuning(size=32, epochs=2, looks=16, frozen="block_2_add", batch=16, seed=3)
FINDER = train_finder.Knobs(
    size=64, batch=4, steps=2, again=2, rounded=2, steps_per_epoch=1, warmup=1, rate=1e-2, seed=3
)
PHASES = (
    recipes.Phase("head", None, 1, 1e-2),
    recipes.Phase("last-blocks", "block_12_add", 1, 1e-2),
    recipes.Phase("all", "block_2_add", 4, 1e-2),
)
TOTAL = sum(phase.epochs for phase in PHASES)
STAGES_AS_THEY_ARE, ADAMW = recipes.fine_tuning, keras.optimizers.AdamW


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterable[None]:
    """Use small networks, short phases and an average over few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mobilenet_v2, "build", small_classifier)
        patch.setattr(recipes, "fine_tuning", lambda _: PHASES)
        patch.setattr(finder, "build", small_finder)
        patch.setattr(finder, "freeze", lambda *_: None)
        patch.setattr(slimming, "slim", lambda model, *_: (model, 0.0))  # there is no stem
        patch.setattr(
            keras.optimizers, "AdamW", lambda *args, **kwargs: ADAMW(*args, **{**kwargs, "ema_momentum": 0.5})
        )
        yield


def classify(folders: tuple[Path, Path], out: Path, knobs: FineTuning = CLASSIFIER, way: Way = USUAL) -> None:
    portraits, street = folders
    train_classifier.train(recipes.of_mobilenet_v2(None), portraits, [street], out, knobs, way=way)


def find(folders: tuple[Path, Path], out: Path, knobs: train_finder.Knobs = FINDER, way: Way = USUAL) -> None:
    portraits, street = folders
    train_finder.train([street], portraits, None, None, out, knobs, way)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Plug]:
    """Interrupt the run in this epoch."""

    def at(epoch: int) -> Plug:
        shared = Plug(epoch)
        monkeypatch.setattr(allocator, "KeepFreedMemory", lambda: shared)
        return shared

    return at


def outcome(out: Path) -> tuple[Weights, dict[str, Any]]:
    """The weights and the curves of a run."""
    run = run_folder.read(out / "model.keras")
    curves = {name: values for name, values in run.history.items() if name != "seconds"}
    return keras.models.load_model(out / "model.keras", compile=False).get_weights(), curves


@pytest.fixture(scope="module")
def undisturbed(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[Train, Path]:
    outs = {train: tmp_path_factory.mktemp(train.__name__) for train in (classify, find)}
    for train, out in outs.items():
        train(folders, out)
    return outs


def test_the_record_names_the_model_that_a_training_went_on_from(
    folders: tuple[Path, Path], undisturbed: dict[Train, Path], tmp_path: Path
) -> None:
    portraits, street = folders
    start = undisturbed[find] / "model.keras"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm_finder, "from_model", lambda *_: keras.models.load_model(start, compile=False))
        train_finder.train([street], portraits, None, start, tmp_path, FINDER)
    told = run_folder.read(tmp_path / "model.keras").start_sha256
    assert told == hashlib.sha256(start.read_bytes()).hexdigest()
    assert run_folder.read(start).start_sha256 is None


def test_a_finder_goes_on_with_the_scores_it_was_trained_with_not_with_those_it_was_calibrated_to(
    folders: tuple[Path, Path], undisturbed: dict[Train, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = undisturbed[find] / "model.keras"
    told = run_folder.read(start).knobs["score_scale"]
    monkeypatch.setattr(warm_finder, "from_model", lambda *_: keras.models.load_model(start, compile=False))
    begun: list[dict[int, NDArray[np.float32]]] = []

    def learn(model: keras.Model, *_: Any, **__: Any) -> dict[str, list[float]]:
        begun.append({stride: model.get_layer(f"score{stride}").get_weights()[1] for stride in finder.STRIDES})
        return {"loss": [1.0]}

    monkeypatch.setattr(train_finder, "learn", learn)
    portraits, street = folders
    train_finder.train([street], portraits, None, start, tmp_path / "known", FINDER)
    calibrated = keras.models.load_model(start, compile=False)
    for stride, bias in begun[0].items():
        folded = calibrated.get_layer(f"score{stride}").get_weights()[1]
        assert bias * told["slope"] + told["offsets"][str(stride)] == pytest.approx(folded, abs=1e-4)
        assert bias != pytest.approx(folded, abs=1e-4)


def test_the_last_phase_trains_the_rounded_finder_and_no_other_does(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[keras.Model] = []
    trained: list[list[keras.KerasTensor]] = []
    rounded, join = fake_quantization.rounded, finder_loss.join
    monkeypatch.setattr(fake_quantization, "rounded", lambda *given: made.append(rounded(*given)) or made[-1])
    monkeypatch.setattr(finder_loss, "join", lambda outputs: trained.append(outputs) or join(outputs))
    find(folders, tmp_path)
    (network,) = made
    ours = [[output is mine for output, mine in zip(each, network.outputs, strict=True)] for each in trained]
    assert ours == [[False] * 6, [False] * 6, [True] * 6]  # the phases first, again and rounded


def test_the_scale_of_a_finder_is_known_from_its_record_alone(
    undisturbed: dict[Train, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = undisturbed[find] / "model.keras"
    told = run_folder.read(start).knobs["score_scale"]
    found = train_finder.folded_scale(start)
    assert found is not None
    assert (found.slope, {str(stride): offset for stride, offset in found.offsets.items()}) == tuple(told.values())
    alone = tmp_path / "model.keras"
    alone.write_bytes(start.read_bytes())
    assert train_finder.folded_scale(alone) is None
    assert f"{alone}: no run.json says how its scores were calibrated" in capsys.readouterr().out
    assert train_finder.folded_scale(start.with_name("face.tflite")) is None
    assert train_finder.folded_scale(None) is None
    material = finder_scenes.Material(scenes.TrainingPictures([]), [], [], "")
    assert train_finder.fingerprint(FINDER, material, "", found) != train_finder.fingerprint(FINDER, material, "", None)


@pytest.mark.parametrize(("train", "pulled"), [(classify, 1), (classify, 3), (find, 1), (find, 3), (find, 5)])
def test_a_recipes_run_goes_on_where_it_was(
    folders: tuple[Path, Path],
    undisturbed: dict[Train, Path],
    tmp_path: Path,
    plug: Callable[[int], Plug],
    train: Train,
    pulled: int,
) -> None:
    plug(pulled)
    with pytest.raises(PulledError):
        train(folders, tmp_path)
    left = plug(TOTAL - pulled)
    train(folders, tmp_path)
    assert left.left == 0  # as many epochs as were left, and none more
    (weights, curves), (expected, wanted) = outcome(tmp_path), outcome(undisturbed[train])
    assert same(weights, expected)
    assert curves == {name: pytest.approx(values, rel=1e-3) for name, values in wanted.items()}
    assert {len(values) for values in curves.values()} == {TOTAL}


TURNED = {classify: replace(CLASSIFIER, smoothing=0.2), find: replace(FINDER, rate=2e-2)}
NAMED = {classify: "smoothing 0.05, now 0.2 is asked for", find: "rate 0.01, now 0.02 is asked for"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("train", [classify, find])
def test_an_unfinished_training_of_another_knob_is_refused_and_kept_until_force(
    folders: tuple[Path, Path], tmp_path: Path, plug: Callable[[int], Plug], train: Train
) -> None:
    plug(3)
    with pytest.raises(PulledError):
        train(folders, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=f"holds an unfinished .* with {NAMED[train]}; name another --out, or give"):
        train(folders, tmp_path, TURNED[train])
    assert contents(tmp_path) == before
    left = plug(TOTAL)
    train(folders, tmp_path, TURNED[train], Way(force=True))
    assert left.left == 0
    assert {len(values) for values in outcome(tmp_path)[1].values()} == {TOTAL}


@pytest.mark.parametrize("train", [classify, find])
def test_a_finished_training_is_not_overwritten_by_one_of_another_knob(
    folders: tuple[Path, Path],
    undisturbed: dict[Train, Path],
    tmp_path: Path,
    plug: Callable[[int], Plug],
    train: Train,
) -> None:
    shutil.copytree(undisturbed[train], tmp_path / "run")
    before = contents(tmp_path / "run")
    with pytest.raises(ConfigError, match=f"holds a finished .* with {NAMED[train]}; name another --out, or give"):
        train(folders, tmp_path / "run", TURNED[train])
    assert contents(tmp_path / "run") == before
    left = plug(TOTAL)
    train(folders, tmp_path / "run", TURNED[train], Way(force=True))
    assert left.left == 0
    assert run_folder.read(tmp_path / "run" / "model.keras").key not in before["run.json"].decode()


@pytest.mark.parametrize("train", [classify, find])
def test_a_finished_training_asked_for_again_is_left_as_it_is_and_told(
    folders: tuple[Path, Path],
    undisturbed: dict[Train, Path],
    plug: Callable[[int], Plug],
    capsys: pytest.CaptureFixture[str],
    train: Train,
) -> None:
    before = contents(undisturbed[train])
    plug(0)  # one step would pull it
    train(folders, undisturbed[train])
    assert contents(undisturbed[train]) == before
    said = capsys.readouterr().out
    assert f"{undisturbed[train]}: this training is finished already, nothing to do" in said
    assert "on the validation part: " in said


def test_a_quick_training_is_of_few_pictures_and_its_record_says_so(folders: tuple[Path, Path], tmp_path: Path) -> None:
    classify(folders, tmp_path, way=Way(quick=True))
    run = run_folder.read(tmp_path / "model.keras")
    assert run.quick
    with pytest.raises(ConfigError, match="with quick on, now off is asked for"):
        classify(folders, tmp_path)


@pytest.mark.parametrize("train", [classify, find])
def test_a_finished_training_keeps_no_checkpoint(undisturbed: dict[Train, Path], train: Train) -> None:
    assert set(contents(undisturbed[train])) == {"model.keras", "run.json", "curves.png"}


@pytest.mark.parametrize("train", [classify, find])
def test_each_epoch_and_the_end_are_told(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], train: Train
) -> None:
    train(folders, tmp_path)
    out = capsys.readouterr().out
    assert len(re.findall(r"^\w[\w-]*, epoch \d of \d: .*loss [\d.]+", out, re.MULTILINE)) == TOTAL
    assert f"made {tmp_path / 'model.keras'}: " in out
    assert re.search("on the validation part: .*(faces right|AP50 of faces)", out)


@pytest.mark.parametrize(("train", "network"), [(classify, mobilenet_v2), (find, finder)])
def test_a_finished_training_from_other_initial_weights_is_refused(
    folders: tuple[Path, Path],
    undisturbed: dict[Train, Path],
    tmp_path: Path,
    plug: Callable[[int], Plug],
    monkeypatch: pytest.MonkeyPatch,
    train: Train,
    network: ModuleType,
) -> None:
    build = network.build

    def other(*arguments: object) -> keras.Model:
        model = build(*arguments)
        model.weights[0].assign(model.weights[0] + 0.1)
        return model

    monkeypatch.setattr(network, "build", other)
    shutil.copytree(undisturbed[train], tmp_path / "run")
    plug(0)
    with pytest.raises(ConfigError, match="from other pictures or other first weights"):
        train(folders, tmp_path / "run")


@pytest.mark.parametrize("train", [classify, find])
def test_a_run_interrupted_before_its_last_model_was_written_writes_it(
    folders: tuple[Path, Path],
    undisturbed: dict[Train, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    train: Train,
) -> None:
    saved, calls = run_folder.save, itertools.count(1)

    def save_model(model: keras.Model, path: Path) -> None:
        if next(calls) == TOTAL:
            raise PulledError
        saved(model, path)

    monkeypatch.setattr(run_folder, "save", save_model)
    with pytest.raises(PulledError):
        train(folders, tmp_path)
    train(folders, tmp_path)
    assert same(outcome(tmp_path)[0], outcome(undisturbed[train])[0])


@pytest.mark.parametrize(
    ("train", "knobs"),
    [
        (classify, replace(CLASSIFIER, looks=48, batch=8)),
        (find, replace(FINDER, steps=12, again=0, rounded=0, steps_per_epoch=6)),
    ],
)
def test_batches_come_in_the_same_order_after_an_interruption(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plug: Callable[[int], Plug],
    train: Train,
    knobs: Any,
) -> None:
    monkeypatch.setattr(recipes, "fine_tuning", lambda _: PHASES[2:])
    train(folders, tmp_path / "whole", knobs)
    plug(1)
    with pytest.raises(PulledError):
        train(folders, tmp_path / "broken", knobs)
    plug(10**6)
    train(folders, tmp_path / "broken", knobs)
    assert same(outcome(tmp_path / "broken")[0], outcome(tmp_path / "whole")[0])


SOURCES = train_classifier.sources(["street"])


@pytest.mark.parametrize("without", [None, *SOURCES])
def test_a_source_that_is_left_out_is_not_learnt_from(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str | None
) -> None:
    learnt: list[str] = []

    def run_phase(
        _model: object, _stage: object, looks: train_classifier.AugmentedViews, *_: object
    ) -> checkpoints.Curves:
        pasted = data.pasted(folders[0])
        learnt.extend(pools.source(sample, pasted) for _, pool in looks.pools for sample in pool)
        return {"loss": [0.0]}

    monkeypatch.setattr(train_classifier, "run_phase", run_phase)
    monkeypatch.setattr(recipes, "fine_tuning", lambda _: PHASES[:1])
    classify(folders, tmp_path, replace(CLASSIFIER, without=without))
    assert set(learnt) == set(SOURCES) - {without}
    knobs = run_folder.read(tmp_path / "model.keras").knobs
    assert (knobs["without"], knobs["samples"]) == (without, len(learnt))


def test_an_unknown_source_cannot_be_left_out(folders: tuple[Path, Path], tmp_path: Path) -> None:
    said = "^without streets: no such source; expected one of street, pasted, portraits$"
    with pytest.raises(ConfigError, match=said):
        classify(folders, tmp_path, replace(CLASSIFIER, without="streets"))


def test_two_sources_of_one_name_are_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="another folder of scenes is named street too; rename one of them"):
        train_classifier.gather(folders[0], [folders[1], folders[1]], 0, None)
    with pytest.raises(ConfigError, match="scenes pasted: portraits of --data are named so; rename the folder"):
        train_classifier.sources(["street", "pasted"])


def test_a_run_of_few_looks_ends(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "fine_tuning", STAGES_AS_THEY_ARE)
    monkeypatch.setattr(keras.optimizers, "AdamW", ADAMW)
    classify(folders, tmp_path, replace(CLASSIFIER, looks=16, epochs=1, settling=1))
    assert (tmp_path / "run.json").exists()


def test_the_finders_run_leaves_its_model_record_and_curves(undisturbed: dict[Train, Path]) -> None:
    out = undisturbed[find]
    names = {path.name for path in out.iterdir()}
    assert {"model.keras", "run.json", "curves.png"} <= names
    assert not [name for name in names if name.startswith(("writing-", "."))]
    run = run_folder.read(out / "model.keras")
    assert (run.task, run.labels, run.input_size, run.seed) == ("face", ("face",), 64, 3)
    assert run.score_threshold in finder_threshold.THRESHOLDS
    assert run.metrics["validation"]["images"] == 1
    assert [run.knobs[name] for name in ("steps", "again", "rounded")] == [2, 2, 2]
    shapes = [output.shape for output in keras.models.load_model(out / "model.keras").outputs]
    assert shapes == [(None, side, side, depth) for side in (8, 4, 2) for depth in (1, 4)]


class HalfBatches(keras.utils.PyDataset):
    """INPUTS in two batches."""

    epoch = 0

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return INPUTS[index::2], ANSWERS[index::2]


def test_a_training_that_has_ended_early_learns_nothing_more_when_it_is_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, saved = [], []

    def ended(curves: checkpoints.Curves) -> bool:
        asked.append(len(curves["loss"]))
        return len(curves["loss"]) >= 2

    def fit() -> Weights:
        model = compiled()
        checkpoints.fit(
            model,
            HalfBatches(),
            EPOCHS,
            Checkpoint(tmp_path, "a recipe"),
            save=lambda: saved.append(model.get_weights()),
            ended=ended,
        )
        return model.get_weights()

    weights = fit()
    assert (asked, len(saved)) == ([1, 2], 3)
    assert same(weights, saved[1])  # the averaged weights after the second epoch
    assert same(weights, saved[2])
    assert "epoch 2 of 3" in capsys.readouterr().out
    assert same(fit(), weights)
    assert (asked, len(saved)) == ([1, 2, 2], 4)
    assert "epoch 3 of 3" not in capsys.readouterr().out
