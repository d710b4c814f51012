"""The recipe of the face finder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import keras

from maskwatch.errors import ConfigError
from maskwatch.flow import Box
from maskwatch.records.run import Run
from training.augment.picture import Picture
from training.finder import (
    fake_quantization,
    finder_loss,
    finder_scenes,
    finder_scores,
    finder_threshold,
    slimming,
    warm_finder,
)
from training.finder.finder_knobs import Knobs
from training.judging import plots, summary
from training.networks import finder
from training.pictures import data, quick, voc
from training.runs import checkpoints, occupied, run_folder
from training.runs.knobs import USUAL, Way

NAME = "finder"
SLIMMED_ON = 4  # batches of training scenes
STATISTICS_ON = 8  # batches of training scenes from which the batch norms of a dequantized finder are measured
RANGES_ON = 8  # batches of training scenes over which activations are measured, before they are rounded


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
    material = finder_scenes.gather(sources, portraits, knobs.seed, quick.PICTURES if way.quick else None)
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
    model: keras.Model, material: finder_scenes.Material, knobs: Knobs, told: dict[str, Any], curves: checkpoints.Curves
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
    material: finder_scenes.Material,
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
        pictures = finder_scenes.first_scenes(material, knobs, SLIMMED_ON)
        model, lost = slimming.slim(model, knobs.stem, pictures, knobs.alpha, knobs.channels)
        finder.freeze(model, knobs.frozen)
    material = replace(material, pictures=finder_scenes.with_hard_places(material.pictures, model, knobs))
    if scale:
        finder_scores.unfold(model, scale)
    curves.append(learn(model, material, again, out, knobs, key, later=last.steps))
    if last.steps:
        ranges = fake_quantization.ranges(model, finder_scenes.first_scenes(material, knobs, RANGES_ON))
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


def fingerprint(knobs: Knobs, material: finder_scenes.Material, weights: str, scale: finder_scores.Scale | None) -> str:
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


def start_model(start: Path, material: finder_scenes.Material, knobs: Knobs) -> keras.Model:
    """The finder to continue from: a float model, or the one in a bundle."""
    if start.suffix == ".keras":
        return warm_finder.from_model(start, knobs.size)
    return warm_finder.from_bundle(
        start, finder_scenes.first_scenes(material, knobs, STATISTICS_ON), knobs.alpha, knobs.channels
    )


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: a warm-up, then the rate falls to zero by a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983)."""

    name: str
    steps: int
    peak: float
    seed: int  # of its scenes


def learn(
    model: keras.Model,
    material: finder_scenes.Material,
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
        finder_scenes.Scenes(material, knobs, phase.seed),
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
