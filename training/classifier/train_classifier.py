"""How a mask classifier is trained, whatever its network: one leak-free split, one stream of views, one record.

The shipped weights are an exponential average of the trained ones, labels are smoothed, and the calibration of the
confidence is fitted on the validation part. What differs between networks is in training.classifier.recipes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError
from maskwatch.flow import Image, Label
from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from maskwatch.vision.classifier import bare_share
from training.augment import crops, transplant, weather
from training.augment.head import Head
from training.classifier import landmarks
from training.classifier.pools import PASTED, PORTRAITS, pools, source
from training.classifier.recipes import AnyKnobs, Phase, Recipe
from training.judging import calibration, plots, summary
from training.pictures import data, quick, sizes, voc
from training.runs import checkpoints, occupied, run_folder
from training.runs.knobs import USUAL, Knobs, Way
from training.runs.progress import track


@dataclass(frozen=True, slots=True)
class Material:
    """The samples to train on, and to validate on."""

    learn: list[crops.Sample]
    check: list[crops.Sample]
    portraits_sha256: str  # of the portraits' split
    scenes_sha256: str | None  # of the scenes' splits, in their order; None without scenes


class AugmentedViews(keras.utils.PyDataset):
    """Batches of augmented views; batch i of an epoch depends on the seed alone, whatever thread makes it."""

    def __init__(self, samples: Sequence[crops.Sample], knobs: Knobs) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.knobs, self.epoch, self.unaugmented_share = knobs, 0, 0.0
        self.images = {path: data.read_rgb(path) for path in track({s.path for s in samples}, "Reading photographs")}
        self.pools = pools(samples, knobs)
        self.masks = transplant.cut_out_masks(crops.masked(samples, knobs.seed), lambda path: self.images[path])

    def __len__(self) -> int:
        return -(-self.knobs.looks // self.knobs.batch)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        rng = np.random.default_rng([self.knobs.seed, self.epoch, index])
        shares = [share for share, _ in self.pools]
        chosen = rng.choice(len(self.pools), self.knobs.batch, p=shares)
        views = [self._view(self.pools[pool][1], rng) for pool in chosen]
        return np.stack([image for image, _ in views]), np.array([label for _, label in views])

    def _view(self, pool: Sequence[crops.Sample], rng: np.random.Generator) -> tuple[Image, int]:
        sample = pool[rng.integers(len(pool))]
        if self.unaugmented_share and rng.random() < self.unaugmented_share:
            view = crops.cut(sample, self.images[sample.path], self.knobs.size)
            return (weather.mirror(view) if rng.random() < 0.5 else view), sample.label
        return crops.varied(sample, self.images[sample.path], self.knobs.size, rng, self.masks)


def sources(scenes: Iterable[str]) -> tuple[str, ...]:
    """The names of all sources: the folders of scenes, and the two kinds of portraits.

    Raises:
        ConfigError: a folder has the name of a kind of portraits.
    """
    names = (*scenes, PASTED, PORTRAITS)
    if taken := {PASTED, PORTRAITS} & set(names[:-2]):
        raise ConfigError(f"scenes {taken.pop()}: portraits of --data are named so; rename the folder of scenes")
    return names


def gather(
    portraits: Path, scenes: Sequence[Path], seed: int, without: str | None, at_most: int | None = None
) -> Material:
    """Split each source; leave out the source `without` and unreadable files.

    `at_most`: the most samples of each class of each source.

    Raises:
        ConfigError: two sources have the same name, or there is none named `without`.
        SourceError: a folder cannot be used.
    """
    splits = voc.sources(scenes, seed)
    names = sources(splits)
    if without is not None and without not in names:
        raise ConfigError(f"without {without}: no such source; expected one of {', '.join(names)}")
    split, known, pasted = data.load(portraits).split(seed), data.faces(portraits), data.pasted(portraits)
    learn, check = (
        [
            sample
            for sample in crops.portraits(photos, known) + crops.of_sources(splits, part)
            if source(sample, pasted) != without
        ]
        for part, photos in (("train", split.train), ("validation", split.validation))
    )
    if at_most is not None:
        learn, check = (
            quick.few(part, at_most, lambda sample: (sample.source, sample.label, sample.whole))
            for part in (learn, check)
        )
    good = data.readable(sample.path for sample in learn + check)
    learn, check = ([sample for sample in part if sample.path in good] for part in (learn, check))
    sizes.of_classes(portraits, (sample.label for sample in learn), (sample.label for sample in check))
    return Material(learn, check, split.sha256, voc.sha256(splits.values()) if splits else None)


def train(
    recipe: Recipe[AnyKnobs],
    portraits: Path,
    scenes: Sequence[Path],
    out: Path,
    knobs: AnyKnobs,
    yunet: Path | None = None,
    way: Way = USUAL,
) -> None:
    """Train a network on the training split of `portraits` and the training scenes of the folders `scenes`.

    With YuNet's ONNX file `yunet`, drawn and moved masks follow the head's turn. Its landmarks are found once and kept
    in out/landmarks.tsv.

    Writes out/model.keras, out/run.json, out/curves.png. After every epoch, the averaged weights and everything needed
    to continue are saved: to continue an interrupted run, give the same command again.

    Raises:
        ConfigError: see `gather`; or the folder holds another training, see training.runs.occupied.
        ModelError: `yunet` is not such a file.
    """
    occupied.claim(out, recipe.name, asdict(knobs), way)
    keras.utils.set_random_seed(knobs.seed)
    cv2.setNumThreads(1)  # the other cores are for the network
    material = gather(portraits, scenes, knobs.seed, knobs.without, quick.EACH if way.quick else None)
    learn, check = material.learn, material.check
    if yunet:
        learn = landmarks.with_landmarks(learn, yunet, out / landmarks.TABLE)
    print(f"{len(learn)} faces to learn from, {len(check)} to check on", flush=True)
    x_check, y_check = unaugmented(check, knobs.size)

    model = recipe.build(knobs)
    key = checkpoints.fingerprint(
        knobs=asdict(knobs), samples=[str(sample) for sample in learn + check], weights=checkpoints.of_weights(model)
    )
    if not occupied.begin(out, recipe.name, asdict(knobs), way, key):
        summary.say(summary.finished(out, run_folder.read(out / "model.keras")))
        return
    curves = run_phases(recipe, model, learn, (x_check, y_check), out, key, knobs)
    material = replace(material, learn=learn)
    run = _record(recipe, material, scenes, knobs, model.predict(x_check, verbose=0), y_check, curves)
    run = run.model_copy(update={"quick": way.quick, "key": key})
    run_folder.write(out, run)
    occupied.end(out)
    summary.say(summary.lines(out, run))


def run_phases(
    recipe: Recipe[AnyKnobs],
    model: keras.Model,
    learn: Sequence[crops.Sample],
    check: tuple[NDArray[np.uint8], NDArray[np.int64]],
    out: Path,
    key: str,
    knobs: AnyKnobs,
) -> checkpoints.Curves:
    """Train all phases of a recipe; the model ends with its averaged weights.

    Args:
        recipe: of the network.
        model: its network.
        learn: the samples to train on.
        check: (N, S, S, 3) uint8 RGB and (N,) classes of the validation samples.
        out: the run's folder; out/curves.png is drawn after each phase.
        key: see checkpoints.fingerprint.
        knobs: of the recipe.

    Returns:
        The curves of all phases, one after the other.
    """
    views = AugmentedViews(learn, knobs)
    curves: checkpoints.Curves = {}
    phases = recipe.phases(knobs)
    print("phases, with their epochs: " + ", ".join(f"{each.name} {each.epochs}" for each in phases), flush=True)
    for number, phase in enumerate(phases):
        recipe.freeze(model, phase.frozen)
        later = len(views) * sum(each.epochs for each in phases[number + 1 :])
        found = run_phase(model, phase, views, check, out, f"{key} {number}", knobs, later)
        for name, values in found.items():
            curves.setdefault(name, []).extend(values)
        plots.curves(curves, out / "curves.png")
    return curves


def _record(
    recipe: Recipe[AnyKnobs],
    material: Material,
    scenes: Sequence[Path],
    knobs: AnyKnobs,
    logits: NDArray[np.float32],
    y_check: NDArray[np.int64],
    curves: checkpoints.Curves,
) -> Run:
    """run.json, with the calibration that is fitted on the (N, 3) logits of the validation samples."""
    temperature, bias = calibration.fit(logits, y_check)
    return Run(
        name=recipe.name,
        task="mask",
        labels=data.CLASSES,
        input_size=knobs.size,
        margin=preprocess.FACE_MARGIN,
        temperature=temperature,
        bias=bias,
        seed=knobs.seed,
        split_sha256=material.portraits_sha256,
        knobs={
            **asdict(knobs),
            "samples": len(material.learn),
            "street_split": material.scenes_sha256,
            "sources": [Path(root).resolve().name for root in scenes],
            "landmarks": sum(isinstance(sample.box, Head) for sample in material.learn),
        },
        versions=run_folder.versions(),
        history=dict(curves),
        metrics={"validation": counts(bare_share(logits, data.CLASSES, temperature, bias), y_check)},
        start_sha256=run_folder.file_sha256(recipe.start),
    )


def counts(bare: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, int]:
    """Count right and wrong answers.

    Args:
        bare: (N,) how surely each face counts as bare, 0–1. A mask worn wrong is right when it counts as bare.
        labels: (N,) index into data.CLASSES.
    """
    is_masked, called = labels == data.CLASSES.index(Label.WITH_MASK), bare >= 0.5
    is_bare = labels == data.CLASSES.index(Label.WITHOUT_MASK)
    return {
        "n": len(labels),
        "right": int((called != is_masked).sum()),
        "masked": int(is_masked.sum()),
        "masked_called_bare": int((called & is_masked).sum()),
        "bare": int(is_bare.sum()),
        "bare_called_masked": int((~called & is_bare).sum()),
        "worn_wrong": int((~is_masked & ~is_bare).sum()),
        "worn_wrong_called_masked": int((~called & ~is_masked & ~is_bare).sum()),
    }


def run_phase(
    model: keras.Model,
    phase: Phase,
    views: AugmentedViews,
    check: tuple[NDArray[np.uint8], NDArray[np.int64]],
    out: Path,
    key: str,
    knobs: Knobs,
    later: int = 0,
) -> checkpoints.Curves:
    """Train one phase, or the rest of it; the model ends with its averaged weights. Returns the curves."""
    steps, warmup = phase.epochs * len(views), min(knobs.warmup, len(views) // 2)
    trainer = keras.Model(model.input, model.output)  # shares the layers; the saved model stays free of our loss
    trainer.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(0.0, steps - warmup, warmup_target=phase.rate, warmup_steps=warmup),
            weight_decay=knobs.decay,
            use_ema=True,
            ema_momentum=min(knobs.ema, max(0.0, 1 - 5 / steps)),  # an average over a fifth of a short phase
            global_clipnorm=1.0,  # the width-1.0 weights have no batch norm that would limit a step
        ),
        SmoothedCrossEntropy(knobs.smoothing),
        metrics=["accuracy"],
    )
    views.unaugmented_share = phase.unaugmented_share
    checkpoint = checkpoints.Checkpoint(out, key, phase.name)
    checkpoints.fit(
        trainer,
        views,
        phase.epochs,
        checkpoint,
        save=lambda: run_folder.save(model, out / "model.keras"),
        later=later,
        validation_data=check,
        validation_batch_size=knobs.batch,
    )
    return checkpoint.curves


class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits with integer classes; each true class has the probability 1 - smoothing."""

    def __init__(self, smoothing: float, name: str = "smoothed_cross_entropy") -> None:
        super().__init__(name=name)
        self.smoothing = smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(B,) or (B, 1) classes and (B, C) logits -> (B,)."""
        count = y_pred.shape[-1]
        wanted = keras.ops.one_hot(keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,)), count)
        wanted = wanted * (1 - self.smoothing) + self.smoothing / count
        return keras.losses.categorical_crossentropy(wanted, y_pred, from_logits=True)


def unaugmented(samples: Sequence[crops.Sample], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(N, size, size, 3) the samples as the device sees them, and their (N,) classes."""
    images = [crops.cut(s, data.read_rgb(s.path), size) for s in track(samples, "Cutting what is checked on")]
    return np.stack(images), np.array([sample.label for sample in samples])
