"""The recipe of YOLOv5s on street scenes: faces with what they wear, from random weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError
from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from training.augment.scenes import Picture
from training.judging import detections, plots, scene_scores, summary
from training.judging.detections import Findings, Found
from training.networks import yolov5s
from training.pictures import data, quick, sizes, voc
from training.runs import checkpoints, occupied, run_folder
from training.runs.knobs import USUAL, Way
from training.yolo import mosaics, yolo_boxes, yolo_loss

NAME = "yolov5s"
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(3, 46))  # 0.06 to 0.9, tried on validation scenes
MIN_SCORE = min(THRESHOLDS) / 2
F1_TOLERANCE = 0.005  # of F1, 0–1: about two of the faces in the validation scenes


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every number of the recipe, with its reason."""

    size: int = 320  # pixels, as the face finder's: a 400 px street scene keeps its 22 px faces at 18
    depth: float = yolov5s.DEPTH
    width: float = yolov5s.WIDTH
    batch: int = 16
    steps: int = 2000  # 32,000 composed scenes, 67 for each training scene: an hour on two Xeon cores with AVX-512
    rate: float = 1e-3  # peak, of AdamW; cosine to zero. The original's 300 epochs of SGD would take half a day
    warmup: int = 100  # steps
    decay: float = 5e-4  # the original's
    ema: float = 0.998  # weight averaging over about 500 steps
    steps_per_epoch: int = 50  # a checkpoint every few minutes
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """The pictures to train on, and those that choose the threshold."""

    street: list[Picture]
    validation: list[voc.Scene]
    sha256: str  # of the split of the scenes


def gather(boxes: Path, seed: int, at_most: int | None = None) -> Material:
    """Split, and leave out unreadable files. `at_most`: the most scenes of each part."""
    split = voc.split(voc.load(boxes), seed)
    sha256 = split.sha256
    if at_most is not None:
        split = quick.of_scenes(split, at_most)
    good = data.readable(scene.path for scene in split.validation)
    street = mosaics.pictures(split.train)
    validation = [scene for scene in split.validation if scene.path in good]
    learnt, checked = sum(len(picture.boxes) for picture in street), sum(len(scene.faces) for scene in validation)
    sizes.of_scenes(learnt, checked, [boxes])
    return Material(street, validation, sha256)


class Mosaics(keras.utils.PyDataset):
    """Composed batches. Batch i of an epoch depends on the seed alone, not on the thread that makes it."""

    def __init__(self, street: list[Picture], knobs: Knobs) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.street, self.knobs, self.anchors = street, knobs, yolo_boxes.anchors(knobs.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        knobs = self.knobs
        rng = np.random.default_rng([knobs.seed, self.epoch, index])
        made = [mosaics.compose(self.street, knobs.size, rng) for _ in range(knobs.batch)]
        return np.stack([picture.image for picture in made]), np.stack([self._targets(picture) for picture in made])

    def _targets(self, picture: Picture) -> NDArray[np.float32]:
        assert picture.labels is not None
        return yolo_loss.targets(picture.boxes, picture.labels, self.knobs.size, self.anchors)


def train(boxes: Path, out: Path, knobs: Knobs, way: Way = USUAL) -> None:
    """Train on the training scenes of `boxes`; choose the threshold on its validation scenes.

    Writes out/model.keras, out/run.json and out/curves.png. After every epoch, the averaged weights and everything
    needed to continue are saved: to continue an interrupted run, give the same command again.

    Raises:
        ConfigError: the size is not a multiple of the coarsest stride; the steps are not a multiple of an epoch's, or
            end before the warm-up; or the folder holds another training, see training.runs.occupied.
    """
    _check(knobs)
    occupied.claim(out, NAME, asdict(knobs), way)
    keras.utils.set_random_seed(knobs.seed)
    cv2.setNumThreads(1)  # the other cores are for the network
    material = gather(boxes, knobs.seed, quick.PICTURES if way.quick else None)
    print(f"{len(material.street)} street scenes to learn from, with rare ones listed twice", flush=True)
    model = yolov5s.build(knobs.size, len(data.CLASSES), knobs.depth, knobs.width)
    key = fingerprint(knobs, material)
    if not occupied.begin(out, NAME, asdict(knobs), way, key):
        summary.say(summary.finished(out, run_folder.read(out / "model.keras")))
        return
    curves = learn(model, material, out, knobs, key)
    plots.curves(curves, out / "curves.png")
    threshold, metrics = choose_threshold(find_all(model, material.validation, knobs.size), material.validation)
    run = Run(
        name=NAME,
        task="scene",
        labels=tuple(map(str, data.CLASSES)),
        input_size=knobs.size,
        score_threshold=threshold,
        seed=knobs.seed,
        split_sha256=material.sha256,
        knobs={**asdict(knobs), "anchors": yolo_boxes.anchors(knobs.size).round(3).tolist()},
        versions=run_folder.versions(),
        history=curves,
        metrics={"validation": metrics},
        quick=way.quick,
        key=key,
    )
    run_folder.write(out, run)
    occupied.end(out)
    summary.say(summary.lines(out, run))


def fingerprint(knobs: Knobs, material: Material) -> str:
    """A hash of everything that decides the result; the seed decides the first weights."""
    learnt = [(picture.boxes.tolist(), np.asarray(picture.labels).tolist()) for picture in material.street]
    return checkpoints.fingerprint(knobs=asdict(knobs), scenes=material.sha256, learnt=learnt)


def _check(knobs: Knobs) -> None:
    coarsest = max(yolov5s.STRIDES)
    if knobs.size <= 0 or knobs.size % coarsest:
        raise ConfigError(f"size {knobs.size}: expected a multiple of {coarsest}")
    if knobs.steps % knobs.steps_per_epoch or knobs.steps <= knobs.warmup:
        raise ConfigError(
            f"steps {knobs.steps}: expected a multiple of {knobs.steps_per_epoch} above the warm-up's {knobs.warmup}"
        )


def learn(model: keras.Model, material: Material, out: Path, knobs: Knobs, key: str) -> checkpoints.Curves:
    """Train, or do the rest of a training; the model then has its averaged weights."""
    trainer = keras.Model(model.input, yolo_loss.join(model.outputs))
    loss = yolo_loss.YoloLoss(knobs.size, len(data.CLASSES), yolo_boxes.anchors(knobs.size))
    trainer.compile(optimizer(knobs), loss)
    checkpoint = checkpoints.Checkpoint(out, key)
    batches = Mosaics(material.street, knobs)
    epochs = knobs.steps // knobs.steps_per_epoch
    checkpoints.fit(trainer, batches, epochs, checkpoint, save=lambda: run_folder.save(model, out / "model.keras"))
    return checkpoint.curves


def optimizer(knobs: Knobs) -> keras.optimizers.Optimizer:
    """AdamW with averaged weights; batch norm and biases do not decay."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, knobs.steps - knobs.warmup, warmup_target=knobs.rate, warmup_steps=knobs.warmup
    )
    adam = keras.optimizers.AdamW(
        rate, weight_decay=knobs.decay, use_ema=True, ema_momentum=knobs.ema, global_clipnorm=10.0
    )
    adam.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return adam


def find_all(model: keras.Model, pictures: Iterable[voc.Scene], size: int) -> dict[str, list[Found]]:
    """The faces that the float model finds in each scene, from MIN_SCORE on, letterboxed as on the device."""
    found = {}
    for scene in pictures:
        pixels, placement = preprocess.letterbox(data.read_rgb(scene.path), size)
        maps = [np.asarray(single) for single in model.predict_on_batch(pixels[None])]
        known = yolo_boxes.anchors(size)
        found[scene.key] = yolo_boxes.find(maps, size, known, data.CLASSES, MIN_SCORE, placement)
    return found


def choose_threshold(found: Findings, pictures: Iterable[voc.Scene]) -> tuple[float, dict[str, Any]]:
    """The lowest threshold whose F1 of verdicts is as good as the best, and the figures at it."""
    truths = {scene.key: detections.as_truths(scene.faces) for scene in pictures}
    scores = {threshold: scene_scores.tally(found, truths, threshold).f1 for threshold in THRESHOLDS}
    lowest = min(threshold for threshold, f1 in scores.items() if f1 >= max(scores.values()) - F1_TOLERANCE)
    return lowest, scene_scores.score(found, truths, lowest)
