"""The recipe of the face finder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError
from maskwatch.flow import Box
from maskwatch.records.run import Run
from training.augment import scenes
from training.augment.picture import Picture
from training.finder import (
    fake_quantization,
    finder_loss,
    finder_scores,
    finder_threshold,
    slimming,
    warm_finder,
)
from training.judging import plots, summary
from training.networks import finder
from training.pictures import data, quick, sizes, voc
from training.runs import checkpoints, occupied, run_folder
from training.runs.knobs import USUAL, Way

NAME = "finder"
SLIMMED_ON = 4  # batches of training scenes
SEEN = 0.3  # score from which a box in an empty room makes the room a hard one
STATISTICS_ON = 8  # batches of training scenes from which the batch norms of a dequantized finder are measured
RANGES_ON = 8  # batches of training scenes over which activations are measured, before they are rounded


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every number of the recipe, with its reason."""

    size: int = 320  # pixels; a 400 px street scene keeps its 22 px faces at 18
    alpha: float = 0.35  # trunk width: 0.2 M weights, an int8 file of half a megabyte
    channels: int = 40  # of neck and heads
    stem: int = 8  # of the first 16 channels, those kept after the first phase: saves a tenth of the time
    batch: int = 16
    steps: int = 4000  # 64,000 composed scenes: 0.6 s a step on two x86-64 cores
    again: int = 2500  # steps of a second phase at half the rate, with the slimmed finder
    rounded: int = 1000  # steps of a last phase, in which activations are rounded as in int8
    rate: float = 2e-3  # peak after a warm-up, then cosine to zero; half in the second phase, a tenth in the last
    frozen: str = ""  # trunk layers up to this one are frozen; "": none
    warmup: int = 200  # steps
    decay: float = 1e-4
    ema: float = 0.998  # weight averaging over about 500 steps
    steps_per_epoch: int = 250
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """The pictures to train on, and those that choose the threshold."""

    pictures: scenes.TrainingPictures
    validation: list[voc.Scene]
    close: list[Picture]  # portraits of the validation part
    sha256: str  # of the sources' splits, in their order


def gather(sources: Sequence[Path], portraits: Path | None, seed: int, at_most: int | None = None) -> Material:
    """Split each source and leave out unreadable files. `at_most`: the most scenes of each part of each source."""
    splits = {root: voc.split(voc.load(root), seed) for root in sources}
    sha256 = voc.sha256(splits.values())
    photos = data.load(portraits).split(seed) if portraits else None
    if at_most is not None:
        splits = {root: quick.of_scenes(split, at_most) for root, split in splits.items()}
        photos = photos and quick.of_photos(photos, at_most)
    good = data.readable(scene.path for split in splits.values() for scene in split.validation)
    street, portrait, empty = [], [], []
    for split in splits.values():
        of_source = scenes.streets(split.train)
        (portrait if voc.portraits_mostly(split.train) else street).append(of_source)
        empty += scenes.rooms(split.train)
    if photos and portraits:
        portrait.append(scenes.portraits(photos.train, portraits))
    pictures = scenes.TrainingPictures(
        [of_source for of_source in street if of_source],
        [picture for of_source in portrait for picture in of_source],
        empty,
    )
    validation = [scene for split in splits.values() for scene in split.validation if scene.path in good]
    learnt = sum(len(picture.boxes) for picture in pictures)
    sizes.of_scenes(learnt, sum(len(scene.faces) for scene in validation), sources)
    return Material(
        pictures,
        validation,
        scenes.portraits(photos.validation, portraits) if photos and portraits else [],
        sha256,
    )


class Scenes(keras.utils.PyDataset):
    """Composed batches. Batch i of an epoch depends on the seed alone, not on the thread that makes it."""

    def __init__(self, material: Material, knobs: Knobs, seed: int) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.material, self.knobs, self.seed = material, knobs, seed
        self.cells = finder_loss.cell_centres(knobs.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        made = [scenes.compose(self.material.pictures, self.knobs.size, rng) for _ in range(self.knobs.batch)]
        return (
            np.stack([picture.image for picture in made]),
            np.stack([finder_loss.targets(picture.boxes, self.cells, picture.left_out) for picture in made]),
        )


def train(
    sources: Sequence[Path],
    portraits: Path | None,
    weights: str | None,
    start: Path | None,
    out: Path,
    knobs: Knobs,
    way: Way = USUAL,
) -> None:
    """Train on the training scenes of `sources` and the training portraits of `portraits`; then calibrate.

    With `weights` for the trunk there are three phases, and the finder is slimmed after the first. A finder that
    continues from `start`, a bundle or a .keras file, is slim already and has no first phase. Writes out/model.keras,
    out/run.json and out/curves.png. After every epoch, the averaged weights and everything needed to continue are
    saved: to continue an interrupted run, give the same command again.

    Raises:
        ConfigError: the steps are not a multiple of an epoch's, or end before the warm-up; or the folder holds another
            training, see training.runs.occupied.
        ModelError: `start` is not a finder of this width.
    """
    _check(knobs)
    occupied.claim(out, NAME, asdict(knobs), way)
    keras.utils.set_random_seed(knobs.seed)
    cv2.setNumThreads(1)  # the other cores are for the network
    material = gather(sources, portraits, knobs.seed, quick.PICTURES if way.quick else None)
    print(f"to learn from: {material.pictures.described()}", flush=True)

    model = (
        start_model(start, material, knobs)
        if start is not None
        else finder.build(knobs.size, knobs.alpha, knobs.channels, weights)
    )
    scale = folded_scale(start)
    key = fingerprint(knobs, material, checkpoints.of_weights(model), scale)
    if not occupied.begin(out, NAME, asdict(knobs), way, key):
        summary.say(summary.finished(out, run_folder.read(out / "model.keras")))
        return
    model, curves, lost = _train_phases(model, material, out, knobs, key, start is not None, scale)
    plots.curves(curves, out / "curves.png")
    calibrated = calibrate(model, material.validation, material.close, knobs.size)
    run_folder.save(model, out / "model.keras")
    told = {
        "stem_lost": lost,
        "score_scale": asdict(calibrated),
        "sources": [source.resolve().name for source in sources],
    }
    run = _record(model, material, knobs, told, curves)
    run = run.model_copy(update={"quick": way.quick, "start_sha256": run_folder.file_sha256(start), "key": key})
    run_folder.write(out, run)
    occupied.end(out)
    summary.say(summary.lines(out, run))


def _record(
    model: keras.Model, material: Material, knobs: Knobs, told: dict[str, Any], curves: checkpoints.Curves
) -> Run:
    """run.json, with the threshold that is chosen on the validation scenes; `told`: more than the knobs."""
    threshold, metrics = finder_threshold.choose(
        finder_threshold.find_all(model, material.validation, knobs.size), material.validation
    )
    return Run(
        name=NAME,
        task="face",
        labels=("face",),
        input_size=knobs.size,
        score_threshold=threshold,
        seed=knobs.seed,
        split_sha256=material.sha256,
        knobs={**asdict(knobs), **told},
        versions=run_folder.versions(),
        history=curves,
        metrics={"validation": metrics},
    )


def _check(knobs: Knobs) -> None:
    for name, steps in (("steps", knobs.steps), ("again", knobs.again), ("rounded", knobs.rounded)):
        if steps % knobs.steps_per_epoch or ((steps or name == "steps") and steps <= knobs.warmup):
            raise ConfigError(
                f"{name} {steps}: expected a multiple of {knobs.steps_per_epoch} above the warm-up's {knobs.warmup}"
            )


def _train_phases(
    model: keras.Model,
    material: Material,
    out: Path,
    knobs: Knobs,
    key: str,
    slim_already: bool,
    scale: finder_scores.Scale | None,
) -> tuple[keras.Model, checkpoints.Curves, float]:
    """Train all phases and slim the finder after the first; one that is slim already has no first.

    Args:
        scale: what was folded into the scores of `model`; None: nothing, or it is not known.

    Returns:
        The trained finder, the curves of all phases, and the error of slimming (see slimming.slim).
    """
    first = Phase("first", knobs.steps, knobs.rate, knobs.seed)
    again = Phase("again", knobs.again, knobs.rate / 2, knobs.seed + 1)
    last = Phase("rounded", knobs.rounded, knobs.rate / 10, knobs.seed + 2)
    curves, lost = [], 0.0
    finder.freeze(model, knobs.frozen)
    if not slim_already:
        curves.append(learn(model, material, first, out, knobs, key, later=again.steps + last.steps))
        pictures = first_scenes(material, knobs, SLIMMED_ON)
        model, lost = slimming.slim(model, knobs.stem, pictures, knobs.alpha, knobs.channels)
        finder.freeze(model, knobs.frozen)
    material = replace(material, pictures=with_hard_rooms(material.pictures, model, knobs.size))
    if scale:
        finder_scores.unfold(model, scale)
    curves.append(learn(model, material, again, out, knobs, key, later=last.steps))
    if last.steps:
        ranges = fake_quantization.ranges(model, first_scenes(material, knobs, RANGES_ON))
        with fake_quantization.fixed_statistics(model):
            rounded = fake_quantization.rounded(model, ranges)
            curves.append(learn(model, material, last, out, knobs, key, network=rounded))
    names = dict.fromkeys(name for phase in curves for name in phase)
    return model, {name: [value for phase in curves for value in phase.get(name, [])] for name in names}, lost


def folded_scale(start: Path | None) -> finder_scores.Scale | None:
    """The scale that calibrate() folded into a finder, by the run.json beside a .keras.

    None: there is no finder, or its scale is unknown, and a line says so.
    """
    if start is None:
        return None
    if start.suffix == ".keras" and (start.parent / run_folder.RECORD).exists():
        told = run_folder.read(start).knobs.get("score_scale")
        if told:
            return finder_scores.Scale(told["slope"], {int(stride): own for stride, own in told["offsets"].items()})
    print(f"{start}: no run.json says how its scores were calibrated, so the training begins with them", flush=True)
    return None


def with_hard_rooms(pictures: scenes.TrainingPictures, model: keras.Model, size: int) -> scenes.TrainingPictures:
    """The pictures, with those of the empty rooms named as hard in which the finder sees a face."""
    hard = [room for room in pictures.empty if finder_scores.answers(model, room.image, size, SEEN)]
    if pictures.empty:
        print(f"{len(hard)} of {len(pictures.empty)} empty rooms are hard: the finder sees a face in them", flush=True)
    return replace(pictures, hard=hard)


def fingerprint(knobs: Knobs, material: Material, weights: str, scale: finder_scores.Scale | None) -> str:
    """A hash of everything that decides the result.

    Args:
        weights: the hash of the weights before the first phase.
        scale: what was folded into their scores.
    """
    learnt = [picture.boxes.tolist() for picture in material.pictures]
    told = asdict(scale) if scale else None
    return checkpoints.fingerprint(
        knobs=asdict(knobs), scenes=material.sha256, learnt=learnt, weights=weights, scale=told
    )


def start_model(start: Path, material: Material, knobs: Knobs) -> keras.Model:
    """The finder to continue from: a float model, or the one in a bundle."""
    if start.suffix == ".keras":
        return warm_finder.from_model(start, knobs.size)
    return warm_finder.from_bundle(start, first_scenes(material, knobs, STATISTICS_ON), knobs.alpha, knobs.channels)


def first_scenes(material: Material, knobs: Knobs, batches: int) -> NDArray[np.uint8]:
    """(N, S, S, 3) the first `batches` batches of training scenes."""
    made = Scenes(material, knobs, knobs.seed)
    return np.concatenate([made[index][0] for index in range(batches)])


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: a warm-up, then the rate falls to zero by a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983)."""

    name: str
    steps: int
    peak: float
    seed: int  # of its scenes


def learn(
    model: keras.Model,
    material: Material,
    phase: Phase,
    out: Path,
    knobs: Knobs,
    key: str,
    later: int = 0,
    network: keras.Model | None = None,
) -> checkpoints.Curves:
    """Train the layers that are not frozen, or do the rest of the steps; the model then has its averaged weights.

    `key` identifies the weights before the first phase, not those after it: after an interruption those differ in the
    last bits. `later`: steps of the phases that follow, for the time left. `network`: what is trained in its place,
    with the same layers.
    """
    if not phase.steps:
        return {}
    network = network or model
    trainer = keras.Model(network.input, finder_loss.join(network.outputs))
    trainer.compile(optimizer(knobs, phase), finder_loss.FinderLoss(knobs.size))
    checkpoint = checkpoints.Checkpoint(out, f"{key} {phase.name}", phase.name)
    checkpoints.fit(
        trainer,
        Scenes(material, knobs, phase.seed),
        phase.steps // knobs.steps_per_epoch,
        checkpoint,
        save=lambda: run_folder.save(model, out / "model.keras"),
        later=later,
    )
    return checkpoint.curves


def optimizer(knobs: Knobs, phase: Phase) -> keras.optimizers.Optimizer:
    """AdamW with averaged weights."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, phase.steps - knobs.warmup, warmup_target=phase.peak, warmup_steps=knobs.warmup
    )
    return keras.optimizers.AdamW(
        rate, weight_decay=knobs.decay, use_ema=True, ema_momentum=knobs.ema, global_clipnorm=10.0
    )


def calibrate(
    model: keras.Model, street: Iterable[voc.Scene], portrait: Iterable[Picture], size: int
) -> finder_scores.Scale:
    """Fit the scores of all strides on validation pictures, and fold the result into the model."""
    pictures = [(data.read_rgb(scene.path), [face.box for face in scene.faces]) for scene in street]
    pictures += [(picture.image, [Box(*box) for box in picture.boxes.tolist()]) for picture in portrait]
    scale = finder_scores.fit([(finder_scores.answers(model, image, size), faces) for image, faces in pictures])
    finder_scores.fold(model, scale)
    return scale
