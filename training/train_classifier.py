"""The recipe of the mask classifier: a frozen base whose features are computed once, then a head trained on them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from maskwatch import preprocess
from training import allocator, crops, data, plots, record, voc
from training.networks import mobilenet_v2
from training.progress import track

BATCH = 64  # images through the base at a time


@dataclass(frozen=True, slots=True)
class Knobs:
    """Everything one may turn, with its reason."""

    size: int = 224  # pixels; the study's
    alpha: float = 1.0  # width of the base; the study's
    varied: int = 2  # other looks of each sample, besides the plain one
    epochs: int = 60  # of the head, on cached features: seconds
    rate: float = 1e-3  # Adam, cosine to zero
    smoothing: float = 0.02  # of the labels: some photographs are in the wrong class
    batch: int = 256
    seed: int = 0


def train(portraits: Path, scenes: Path | None, weights: str | None, out: Path, knobs: Knobs) -> None:
    """Train on the training split of `portraits` and the training scenes of `scenes`.

    Writes out/model.keras, out/run.json, out/curves.png.
    Features are kept in out/features-*.npz, so an interrupted run goes on where it was.
    """
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(knobs.seed)
    allocator.keep_freed_memory()
    started = time.monotonic()
    split = data.load(portraits).split(knobs.seed)
    known = data.faces(portraits)
    street = voc.split(voc.load(scenes), knobs.seed) if scenes else None
    model = mobilenet_v2.build(knobs.size, knobs.alpha, weights)
    base = keras.Model(model.input, model.get_layer(mobilenet_v2.POOL).output)
    learn = crops.portraits(split.train, known) + (crops.street(street.train) if street else [])
    check = crops.portraits(split.validation, known) + (crops.street(street.validation) if street else [])
    good = data.readable(sample.path for sample in learn + check)
    learn, check = ([sample for sample in part if sample.path in good] for part in (learn, check))
    x, y = features(base, learn, knobs, knobs.varied, out / "features-train.npz")
    x_check, y_check = features(base, check, knobs, 0, out / "features-validation.npz")

    head = model.get_layer(mobilenet_v2.HEAD)
    trainer = keras.Model(head.input, head.output)  # shares the layers; what is saved stays free of our loss
    steps = knobs.epochs * -(-len(x) // knobs.batch)
    trainer.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(knobs.rate, steps)),
        SmoothedCrossEntropy(knobs.smoothing),
        metrics=["accuracy"],
    )
    history = trainer.fit(
        x,
        y,
        batch_size=knobs.batch,
        epochs=knobs.epochs,
        validation_data=(x_check, y_check),
        verbose=2,
        sample_weight=class_balance(y),
    )
    temperature = fit_temperature(head.predict(x_check, verbose=0), y_check)
    record.save(model, out / "model.keras")
    curves = {name: [float(value) for value in values] for name, values in history.history.items()}
    plots.curves(curves, out / "curves.png")
    record.write(
        out,
        record.Run(
            name="mobilenet_v2",
            task="mask",
            labels=data.LABELS,
            input_size=knobs.size,
            margin=preprocess.FACE_MARGIN,
            temperature=temperature,
            seed=knobs.seed,
            split_sha256=split.sha256,
            knobs={**asdict(knobs), "samples": len(y), "street": street.sha256 if street else None},
            versions=record.versions(),
            history={**curves, "seconds": time.monotonic() - started},
        ),
    )


class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits with integer classes whose certainty is (1 - smoothing)."""

    def __init__(self, smoothing: float, name: str = "smoothed_cross_entropy") -> None:
        super().__init__(name=name)
        self.smoothing = smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(B,) or (B, 1) classes and (B, 2) logits -> (B,)."""
        wanted = keras.ops.one_hot(keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,)), len(data.LABELS))
        wanted = wanted * (1 - self.smoothing) + self.smoothing / len(data.LABELS)
        return keras.losses.categorical_crossentropy(wanted, y_pred, from_logits=True)


def class_balance(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N,) weights that give both classes the same say: masked faces outnumber bare ones in the street."""
    counts = np.bincount(labels, minlength=len(data.LABELS))
    return (len(labels) / (len(data.LABELS) * counts))[labels].astype(np.float32)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The divisor of the logits with the least validation loss (Guo et al. 2017, arXiv 1706.04599)."""

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def features(
    base: keras.Model, samples: list[crops.Sample], knobs: Knobs, varied: int, cache: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, F) features and (N,) classes of each sample's plain look and `varied` others.

    Read from the cache where it was made from the same samples, knobs and weights.
    """
    key = fingerprint(samples, knobs, varied, [np.asarray(weight) for weight in base.weights])
    if cache.exists():
        with np.load(cache) as stored:
            if str(stored["key"]) == key:
                return stored["x"], stored["y"]
    labels = np.repeat([sample.label for sample in samples], varied + 1).astype(np.int64)
    total = -(-len(labels) // BATCH)
    found = [
        np.asarray(base.predict_on_batch(batch))
        for batch in track(_batches(looks(samples, knobs, varied)), f"Features {cache.stem}", total=total)
    ]
    x = np.concatenate(found)
    temporary = cache.with_name(f"writing-{cache.name}")
    np.savez(temporary, key=key, x=x, y=labels)
    temporary.replace(cache)
    return x, labels


def fingerprint(samples: list[crops.Sample], knobs: Knobs, varied: int, base: Iterable[NDArray[np.float32]]) -> str:
    """What the features depend on, as a hash. `base`: the weights of the frozen network."""
    weights = hashlib.sha256(b"".join(weight.tobytes() for weight in base)).hexdigest()
    geometry = {name: getattr(knobs, name) for name in ("size", "alpha", "seed")}
    text = json.dumps([geometry, varied, preprocess.VERSION, weights, [_named(sample) for sample in samples]])
    return hashlib.sha256(text.encode()).hexdigest()


def _named(sample: crops.Sample) -> str:
    """The sample wherever the data set lies."""
    size = sample.path.stat().st_size
    return f"{sample.path.parent.name}/{sample.path.name} {size} {sample.label} {sample.box}"


def looks(samples: list[crops.Sample], knobs: Knobs, varied: int) -> Iterator[NDArray[np.uint8]]:
    """For each sample its plain look, then its varied ones."""
    for index, sample in enumerate(samples):
        image = data.read_rgb(sample.path)
        yield crops.cut(sample, image, knobs.size)
        rng = np.random.default_rng([knobs.seed, index])
        for _ in range(varied):
            yield crops.varied(sample, image, knobs.size, rng)


def _batches(images: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    waiting: list[NDArray[np.uint8]] = []
    for image in images:
        waiting.append(image)
        if len(waiting) == BATCH:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)
