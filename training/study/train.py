"""Trains a network of the study on whole photographs of two classes. It uses the study's numbers where the study gives
them. The validation part chooses the epoch, see training.study.parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.records.run import Run
from training.judging import calibration, plots
from training.runs import allocator, batch_norm, checkpoints, course, occupied, run_folder
from training.runs.knobs import USUAL, Way
from training.study import batches, epochs, features, networks, parallel, parts, pictures, result
from training.study.options import Options
from training.study.variants import Variant

WARMUP = 200  # steps, where the rate falls by a cosine
CLIPPED = 1.0  # the largest norm of all gradients together: one bad batch must not ruin a deep network


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Training data, and the validation data that choose the epoch."""

    make: batches.Make
    labels: NDArray[np.int64]
    x_check: NDArray[np.generic]
    y_check: NDArray[np.int64]


def train(variant: Variant, weights: str | None, root: Path, out: Path, options: Options, way: Way = USUAL) -> Run:
    """Train one variant on the photographs of `root`; an interrupted run continues, a finished one stays.

    Writes out/model.keras, out/run.json and out/curves.png.

    Args:
        variant: the network and its numbers.
        weights: of MobileNetV2's base, see networks.build.
        root: with_mask/ and without_mask/.
        out: the run's folder; it is made if it does not exist.
        options: see Options.
        way: how the training is run.

    Raises:
        ConfigError: an option does not fit; or the folder holds another training, see training.runs.occupied.
        SourceError: the photographs cannot be used.
    """
    place = parallel.start(options.seed, variant.batch) if options.data_parallel else parallel.Place()
    # Processes that share a disk must not overwrite each other
    folder = out / f"process-{place.process}" if place.process else out
    knobs = {**asdict(options), "variant": variant.name}
    way = replace(way, quick=way.quick or options.limit is not None)
    occupied.claim(folder, variant.network, knobs, way)
    keras.utils.set_random_seed(options.seed)
    cv2.setNumThreads(1)  # the other cores are for the network
    split = parts.of(root, options.protocol, options.seed, options.share, options.limit)
    print(
        f"{variant.key}: {len(split.learn)} photographs to learn from, {len(split.check)} choose the epoch", flush=True
    )
    whole, learner, material = _begin(variant, weights, split, options)
    key = checkpoints.fingerprint(
        variant=asdict(variant), knobs=knobs, split=split.sha256, weights=checkpoints.of_weights(learner)
    )
    if not occupied.begin(folder, variant.network, knobs, way, key):
        run = run_folder.read(folder / "model.keras")
        print(f"{folder}: this training is finished already, nothing to do (--force trains it anew)", flush=True)
        result.say(run, folder)
        return run
    curves, chosen = _learn(variant, learner, _even(material, variant.batch, place), folder, options, place, key)
    plots.curves(curves, folder / "curves.png")
    if place.processes > 1:
        learner = parallel.alone(learner)
    model = _in_float32(whole, variant, weights, options)
    temperature, bias = _calibrated(learner, material, options.protocol)
    run_folder.save(model, folder / "model.keras")
    run = result.record(variant, split, options, curves, chosen, temperature, bias)
    run = run.model_copy(update={"key": key, "quick": way.quick})
    run_folder.write(folder, run)
    occupied.end(folder)
    result.say(run, folder)
    return run


def _begin(
    variant: Variant, weights: str | None, split: parts.Parts, options: Options
) -> tuple[keras.Model, keras.Model, Material]:
    """The whole network, the part of it that is trained, and the data for that part."""
    labels, size = split.labels, options.size or variant.size
    if variant.frozen:
        base, head = networks.transfer(variant, weights, size)
        feature_copies = features.of(base, split.paths, options.copies)
        image = keras.Input((size, size, 3), name="image")
        whole = keras.Model(image, head(base(image)), name=variant.network)

        def make(at: int, rng: np.random.Generator) -> NDArray[np.generic]:
            return feature_copies[rng.integers(len(feature_copies))][split.learn[at]]

        return whole, head, Material(make, labels[split.learn], feature_copies[0][split.check], labels[split.check])
    images = pictures.decoded(split.paths, size)
    keras.config.set_dtype_policy("mixed_bfloat16" if options.bfloat16 else "float32")
    network = networks.build(variant, weights, size)
    keras.config.set_dtype_policy("float32")

    def make(at: int, rng: np.random.Generator) -> NDArray[np.generic]:
        return batches.varied(images[split.learn[at]], rng)

    return network, network, Material(make, labels[split.learn], images[split.check], labels[split.check])


def _even(material: Material, batch: int, place: parallel.Place) -> Material:
    """Fill the last batch, so that devices can share it evenly: some validation photographs then count twice."""
    count = len(material.y_check)
    padded = count if place.devices == 1 else -(-count // batch) * batch
    chosen = np.arange(padded) % count
    if place.processes > 1:
        by_process = chosen.reshape(-1, place.processes, batch // place.processes)  # each process's part of each batch
        chosen = by_process[:, place.process].ravel()
    return Material(material.make, material.labels, material.x_check[chosen], material.y_check[chosen])


def _learn(
    variant: Variant,
    learner: keras.Model,
    material: Material,
    out: Path,
    options: Options,
    place: parallel.Place,
    key: str,
) -> tuple[checkpoints.Curves, int]:
    """Train all parts, or what is left of them, and load the best epoch's weights; returns the curves and epoch."""
    lengths = variant.epochs
    if options.epochs:  # of the last part; the earlier parts get at most as many
        lengths = (*(min(length, options.epochs) for length in lengths[:-1]), options.epochs)
    curves: checkpoints.Curves = {}
    best_weights = epochs.BestWeights(learner, curves, out / f"best-{key[:8]}", variant.patience)
    train_batches = batches.Batches(
        material.make, material.labels, variant.batch, options.seed, place.process, place.processes
    )
    ended = 0
    for number, length in enumerate(lengths):
        first, ended = ended, ended + length
        _fit(
            variant,
            learner,
            material,
            train_batches,
            best_weights,
            (first, ended),
            out,
            f"{key} {number}",
            f"part{number}",
        )
    return curves, best_weights.restore()


def _fit(
    variant: Variant,
    learner: keras.Model,
    material: Material,
    train_batches: batches.Batches,
    best_weights: epochs.BestWeights,
    epoch_range: tuple[int, int],
    out: Path,
    key: str,
    name: str,
) -> None:
    """One part of the training: epochs between[0] to between[1], with its own optimizer."""
    first, ended = epoch_range
    trainer = keras.Model(learner.input, keras.layers.Activation("linear", dtype="float32")(learner.output))
    trainer.compile(
        _optimizer(variant, (ended - first) * len(train_batches)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    checkpoint = checkpoints.Checkpoint(out, key, name)
    done = checkpoint.resume(trainer, ended - first)
    earlier = {measure: list(values) for measure, values in best_weights.curves.items()}
    _extend_curves(best_weights, earlier, checkpoint.curves)
    if done and best_weights.stalled():  # it was interrupted after its last epoch
        return
    train_batches.epoch = first + done
    progress = course.Course(variant.key, ended, len(train_batches))
    try:
        with batch_norm.fused():
            trainer.fit(
                train_batches,
                initial_epoch=train_batches.epoch,
                epochs=ended,
                shuffle=False,  # Batches shuffles, in an order that does not change after an interruption
                verbose=0,
                validation_data=(material.x_check, material.y_check),
                validation_batch_size=variant.batch // train_batches.processes,
                callbacks=[
                    allocator.KeepFreedMemory(),
                    _OffsetEpochs(checkpoint, first, lambda: _extend_curves(best_weights, earlier, checkpoint.curves)),
                    keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                    best_weights,
                    epochs.SeededDropout(learner, train_batches.seed),
                    progress,
                ],
            )
    finally:
        progress.close()


def _extend_curves(best_weights: epochs.BestWeights, earlier: checkpoints.Curves, now: checkpoints.Curves) -> None:
    """Give `best_weights` the curves of the earlier parts and of this one so far."""
    for name, values in now.items():
        best_weights.curves[name] = [*earlier.get(name, []), *values]


class _OffsetEpochs(keras.callbacks.Callback):
    """Gives a checkpoint the epochs, counted from the start of this part, and calls `after` when one is saved."""

    def __init__(self, checkpoint: checkpoints.Checkpoint, first: int, after: Callable[[], None]) -> None:
        super().__init__()
        self.checkpoint, self.first, self.after = checkpoint, first, after

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.checkpoint.set_model(model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.checkpoint.on_epoch_begin(epoch - self.first, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.checkpoint.on_epoch_end(epoch - self.first, logs)
        self.after()


def _optimizer(variant: Variant, steps: int) -> keras.optimizers.Optimizer:
    """AdamW, with averaged weights if the variant asks for them."""
    rate: Any = variant.rate
    if variant.cosine:
        warmup = min(WARMUP, steps // 2)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warmup), warmup_target=variant.rate, warmup_steps=max(1, warmup)
        )
    adam = keras.optimizers.AdamW(
        rate,
        weight_decay=variant.decay,
        use_ema=True,
        ema_momentum=min(variant.ema, max(0.0, 1 - 5 / steps)),
        global_clipnorm=CLIPPED if variant.cosine else None,
    )
    adam.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return adam


def _in_float32(whole: keras.Model, variant: Variant, weights: str | None, options: Options) -> keras.Model:
    """The network without mixed precision. Its weights were float32 in training too, so they only need to be copied."""
    if not options.bfloat16 or variant.frozen:
        return whole
    network = networks.build(variant, weights, options.size)
    network.set_weights(whole.get_weights())
    return network


def _calibrated(learner: keras.Model, material: Material, protocol: parts.Protocol) -> tuple[float, float]:
    """Temperature and bias, fitted on the validation part; 1 and 0 in the study's protocol: it has none."""
    if protocol == "study":
        return 1.0, 0.0
    return calibration.fit(learner.predict(material.x_check, verbose=0).astype(np.float32), material.y_check)
