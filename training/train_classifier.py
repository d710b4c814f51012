"""How a mask classifier is trained, whatever its network: one honest split, one stream of looks, one record.

The weights shipped are an exponential average of those trained, labels are smoothed, and what makes confidence mean
what it says is fitted on validation. What differs from network to network is its recipe: training.recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch import preprocess
from maskwatch.flow import Image, Label
from training import calibration, checkpoints, crops, data, plots, record, voc
from training.augment import weather
from training.knobs import Knobs
from training.progress import track
from training.recipes import Recipe, Stage, Turned

SOURCES = ("street", "pasted", "portraits")


class Looks(keras.utils.PyDataset):
    """Batches of varied looks; batch i of an epoch of a seed is always the same, whatever thread makes it."""

    def __init__(self, samples: Sequence[crops.Sample], knobs: Knobs) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.knobs, self.epoch, self.plain = knobs, 0, 0.0
        self.images = {path: data.read_rgb(path) for path in track({s.path for s in samples}, "Reading photographs")}
        self.pools = pools(samples, knobs)

    def __len__(self) -> int:
        return -(-self.knobs.looks // self.knobs.batch)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        rng = np.random.default_rng([self.knobs.seed, self.epoch, index])
        shares = [share for share, _ in self.pools]
        chosen = rng.choice(len(self.pools), self.knobs.batch, p=shares)
        looks = [self._look(self.pools[pool][1], rng) for pool in chosen]
        return np.stack([image for image, _ in looks]), np.array([label for _, label in looks])

    def _look(self, pool: Sequence[crops.Sample], rng: np.random.Generator) -> tuple[Image, int]:
        sample = pool[rng.integers(len(pool))]
        if self.plain and rng.random() < self.plain:
            look = crops.cut(sample, self.images[sample.path], self.knobs.size)
            return (weather.mirror(look) if rng.random() < 0.5 else look), sample.label
        return crops.varied(sample, self.images[sample.path], self.knobs.size, rng)


def pools(samples: Sequence[crops.Sample], knobs: Knobs) -> list[tuple[float, list[crops.Sample]]]:
    """(share of the looks, samples to draw from evenly): portraits, and each class of the street."""
    portraits = [sample for sample in samples if not sample.street]
    street = [[s for s in samples if s.street and s.label == index] for index in range(len(data.CLASSES))]
    wrong = knobs.incorrect if street[data.CLASSES.index(Label.INCORRECT)] else 0.0
    weights = [(1 - wrong) / 2 if label is not Label.INCORRECT else wrong for label in data.CLASSES]
    rows = [(1 - knobs.street, portraits), *((knobs.street * w, pool) for w, pool in zip(weights, street, strict=True))]
    rows = [(share, pool) for share, pool in rows if pool and share]
    total = sum(share for share, _ in rows)
    return [(share / total, pool) for share, pool in rows]


def train(recipe: Recipe[Turned], portraits: Path, scenes: Path | None, out: Path, knobs: Turned) -> None:
    """Train a network on the training split of `portraits` and the training scenes of `scenes`.

    Writes out/model.keras, out/run.json, out/curves.png. The averaged weights are saved after every epoch, and so is
    all that an interrupted run needs to go on: give the same command again.
    """
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(knobs.seed)
    cv2.setNumThreads(1)  # the network has the other cores
    split = data.load(portraits).split(knobs.seed)
    known = data.faces(portraits)
    street = voc.split(voc.load(scenes), knobs.seed) if scenes else None
    learn = crops.portraits(split.train, known) + (crops.street(street.train) if street else [])
    check = crops.portraits(split.validation, known) + (crops.street(street.validation) if street else [])
    pasted = data.pasted(portraits)
    learn, check = ([s for s in part if source(s, pasted) != knobs.without] for part in (learn, check))
    good = data.readable(sample.path for sample in learn + check)
    learn, check = ([sample for sample in part if sample.path in good] for part in (learn, check))
    print(f"{len(learn)} faces to learn from, {len(check)} to check on", flush=True)
    x_check, y_check = plain(check, knobs.size)

    model = recipe.build(knobs)
    key = checkpoints.fingerprint(
        knobs=asdict(knobs), samples=[str(sample) for sample in learn + check], weights=checkpoints.of_weights(model)
    )
    looks = Looks(learn, knobs)
    curves: checkpoints.Curves = {}
    for number, stage in enumerate(recipe.stages(knobs)):
        recipe.freeze(model, stage.frozen)
        found = run_stage(model, stage, looks, (x_check, y_check), out, f"{key} {number}", knobs)
        for name, values in found.items():
            curves.setdefault(name, []).extend(values)
        plots.curves(curves, out / "curves.png")
    temperature, bias = calibration.fit(model.predict(x_check, verbose=0), y_check)
    record.write(
        out,
        record.Run(
            name=recipe.name,
            task="mask",
            labels=data.CLASSES,
            input_size=knobs.size,
            margin=preprocess.FACE_MARGIN,
            temperature=temperature,
            bias=bias,
            seed=knobs.seed,
            split_sha256=split.sha256,
            knobs={**asdict(knobs), "samples": len(learn), "street_split": street.sha256 if street else None},
            versions=record.versions(),
            history=dict(curves),
        ),
    )


def source(sample: crops.Sample, pasted: frozenset[str]) -> str:
    """Which of SOURCES a face is from; `pasted`: file names of portraits whose mask is a drawing."""
    if sample.street:
        return "street"
    return "pasted" if sample.path.name in pasted else "portraits"


def run_stage(
    model: keras.Model,
    stage: Stage,
    looks: Looks,
    check: tuple[NDArray[np.uint8], NDArray[np.int64]],
    out: Path,
    key: str,
    knobs: Knobs,
) -> checkpoints.Curves:
    """Train one stage, or what is left of it; the model ends with its averaged weights. Answers the curves."""
    steps, warmup = stage.epochs * len(looks), min(knobs.warmup, len(looks) // 2)
    trainer = keras.Model(model.input, model.output)  # shares the layers; what is saved stays free of our loss
    trainer.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(0.0, steps - warmup, warmup_target=stage.rate, warmup_steps=warmup),
            weight_decay=knobs.decay,
            use_ema=True,
            ema_momentum=min(knobs.ema, max(0.0, 1 - 5 / steps)),  # an average over a fifth of a short stage
            global_clipnorm=1.0,  # the width-1.0 weights have no batch norm of their own to tame a step
        ),
        SmoothedCrossEntropy(knobs.smoothing),
        metrics=["accuracy"],
    )
    looks.plain = stage.plain
    checkpoint = checkpoints.Checkpoint(out, key, stage.name)
    print(f"stage {stage.name}: {stage.epochs} epochs at rate {stage.rate:g}", flush=True)
    checkpoints.fit(
        trainer,
        looks,
        stage.epochs,
        checkpoint,
        save=lambda: record.save(model, out / "model.keras"),
        validation_data=check,
        validation_batch_size=knobs.batch,
    )
    return checkpoint.curves


class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits with integer classes whose certainty is (1 - smoothing)."""

    def __init__(self, smoothing: float, name: str = "smoothed_cross_entropy") -> None:
        super().__init__(name=name)
        self.smoothing = smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(B,) or (B, 1) classes and (B, C) logits -> (B,)."""
        count = y_pred.shape[-1]
        wanted = keras.ops.one_hot(keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,)), count)
        wanted = wanted * (1 - self.smoothing) + self.smoothing / count
        return keras.losses.categorical_crossentropy(wanted, y_pred, from_logits=True)


def plain(samples: Sequence[crops.Sample], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(N, size, size, 3) the samples as the device would see them, and their (N,) classes."""
    images = [crops.cut(sample, data.read_rgb(sample.path), size) for sample in samples]
    return np.stack(images), np.array([sample.label for sample in samples])
