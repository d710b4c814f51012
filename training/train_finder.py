"""The recipe of the face finder."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training import data, finder_loss, record, scenes, voc
from training.networks import finder


@dataclass(frozen=True, slots=True)
class Knobs:
    """Everything one may turn, with its reason."""

    size: int = 320  # pixels; a 400 px street scene keeps its 22 px faces at 18
    alpha: float = 0.35  # trunk width: 0.2 M weights, an int8 file of half a megabyte
    channels: int = 48  # of neck and heads
    batch: int = 16
    steps: int = 3000  # 48,000 composed scenes: about 50 min on two busy x86-64 cores
    rate: float = 2e-3  # peak; cosine to zero, after a warm-up
    trunk_rate: float = 1.0  # the trunk learns as fast as the rest: scenes are far from ImageNet's framing
    warmup: int = 200  # steps
    decay: float = 1e-4
    ema: float = 0.998  # weight averaging over about 500 steps
    steps_per_epoch: int = 250
    seed: int = 0


class Scenes(keras.utils.PyDataset):
    """Freshly composed batches; batch i of a seed is always the same, whatever thread makes it."""

    def __init__(self, street: list[scenes.Picture], portrait: list[scenes.Picture], knobs: Knobs) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.street, self.portrait, self.knobs = street, portrait, knobs
        self.cells = finder_loss.cell_centres(knobs.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rng = np.random.default_rng([self.knobs.seed, self.epoch, index])
        made = [scenes.compose(self.street, self.portrait, self.knobs.size, rng) for _ in range(self.knobs.batch)]
        return (
            np.stack([picture.image for picture in made]),
            np.stack([finder_loss.targets(picture.boxes, self.cells) for picture in made]),
        )


def train(boxes: Path, portraits: Path | None, weights: str | None, out: Path, knobs: Knobs) -> None:
    """Train on the training scenes of `boxes` and the training portraits of `portraits`.

    Writes out/model.keras and out/run.json. The averaged weights of every epoch are saved, so an interrupted run leaves a usable model.
    """
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(knobs.seed)
    scene_split = voc.split(voc.load(boxes), knobs.seed)
    street = scenes.streets(scene_split.train)
    photos = data.load(portraits).split(knobs.seed).train if portraits else ()
    portrait = scenes.portraits(photos, portraits) if portraits else []
    print(f"{len(street)} street scenes, {len(portrait)} portraits to learn from", flush=True)

    model = finder.build(knobs.size, knobs.alpha, knobs.channels, weights)
    trainer = keras.Model(model.input, finder_loss.join(model.outputs))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, knobs.steps - knobs.warmup, warmup_target=knobs.rate, warmup_steps=knobs.warmup
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=knobs.decay, use_ema=True, ema_momentum=knobs.ema, global_clipnorm=10.0
    )
    trainer.compile(optimizer, finder_loss.FinderLoss(knobs.size))
    started = time.monotonic()
    epochs = knobs.steps // knobs.steps_per_epoch
    history = trainer.fit(
        Scenes(street, portrait, knobs),
        epochs=epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: record.save(model, out / "model.keras")),
        ],
    )
    record.write(
        out,
        record.Run(
            name="finder",
            task="face",
            labels=("face",),
            input_size=knobs.size,
            score_threshold=0.5,
            seed=knobs.seed,
            split_sha256=scene_split.sha256,
            knobs=asdict(knobs),
            versions=record.versions(),
            history={**history.history, "seconds": time.monotonic() - started},
        ),
    )
