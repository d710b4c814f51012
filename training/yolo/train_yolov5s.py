"""The recipe of YOLOv5s on scenes and portraits: faces with what they wear, from random weights."""

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
from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from training.augment.picture import Picture
from training.judging import detections, plots, scene_scores, summary
from training.judging.detections import Findings, Found, Truth
from training.networks import yolov5s
from training.pictures import data, quick, sizes, voc
from training.runs import checkpoints, occupied, run_folder, silu
from training.runs.knobs import USUAL, Way
from training.yolo import mosaics, yolo_boxes, yolo_loss

NAME = "yolov5s"
MODEL = "model.keras"
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(3, 46))  # 0.06 to 0.9, tried on validation scenes
MIN_SCORE = min(THRESHOLDS) / 2
BATCH = 16  # scenes in a prediction
F1_TOLERANCE = 0.005  # of F1, 0–1: about two of the faces in the validation scenes


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every number of the recipe, with its reason."""

    size: int = 320  # pixels, as the face finder's: a 400 px street scene keeps its 22 px faces at 18
    depth: float = yolov5s.DEPTH
    width: float = yolov5s.WIDTH
    batch: int = 16
    steps: int = 8000  # 128,000 composed scenes; 0.8 s a step on two cores with AMX in bfloat16, 1.3 s in float32
    rate: float = 1e-3  # peak, of AdamW; cosine to zero. The original's 300 epochs of SGD would take half a day
    warmup: int = 100  # steps
    decay: float = 5e-4  # the original's
    ema: float = 0.998  # weight averaging over about 500 steps
    steps_per_epoch: int = 500  # a checkpoint, and a look at the validation scenes, every few minutes
    patience: int = 5  # epochs without a better validation mAP50 that end the training
    bfloat16: bool = False  # mixed precision: nearly twice as quick on a Xeon with AMX
    limit: int | None = None  # the most pictures of each part of each source: a quick try, which the record says
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """The pictures to train on, and those that choose the threshold."""

    photographs: mosaics.Photographs
    validation: list[voc.Scene]
    sha256: str  # of the sources' splits, in their order


def gather(sources: Sequence[Path], root: Path | None, seed: int, at_most: int | None = None) -> Material:
    """Split each source and leave out unreadable files.

    Args:
        sources: folders of annotated scenes.
        root: with_mask/, without_mask/ and faces.tsv, for portraits; or None.
        seed: of the splits.
        at_most: the most scenes of each part of each source.
    """
    splits = [voc.split(voc.load(source), seed) for source in sources]
    sha256 = voc.sha256(splits)
    photos = data.load(root).split(seed) if root else None
    if at_most is not None:
        splits = [quick.of_scenes(split, at_most) for split in splits]
        photos = photos and quick.of_photos(photos, at_most)
    good = data.readable(scene.path for split in splits for scene in split.validation)
    street, portrait = [], []
    for split in splits:
        if voc.portraits_mostly(split.train):
            portrait.append(mosaics.pictures(split.train))
        else:
            street.append(mosaics.pictures(split.train, mosaics.RARE_AGAIN))
    if photos and root:
        portrait.append(mosaics.portraits(photos.train, data.faces(root)))
    photographs = mosaics.Photographs([some for some in street if some], [some for some in portrait if some])
    validation = [scene for split in splits for scene in split.validation if scene.path in good]
    learnt = sum(len(picture.boxes) for picture in photographs)
    sizes.of_scenes(learnt, sum(len(scene.faces) for scene in validation), sources)
    return Material(photographs, validation, sha256)


class Mosaics(keras.utils.PyDataset):
    """Composed batches. Batch i of an epoch depends on the seed alone, not on the thread that makes it."""

    def __init__(self, photographs: mosaics.Photographs, knobs: Knobs) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.photographs, self.knobs, self.anchors = photographs, knobs, yolo_boxes.anchors(knobs.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        knobs = self.knobs
        rng = np.random.default_rng([knobs.seed, self.epoch, index])
        made = [mosaics.compose(self.photographs, knobs.size, rng) for _ in range(knobs.batch)]
        return np.stack([picture.image for picture in made]), np.stack([self._targets(picture) for picture in made])

    def _targets(self, picture: Picture) -> NDArray[np.float32]:
        assert picture.labels is not None
        return yolo_loss.targets(picture.boxes, picture.labels, self.knobs.size, self.anchors, picture.left_out)


def train(sources: Sequence[Path], portraits: Path | None, out: Path, knobs: Knobs, way: Way = USUAL) -> None:
    """Train on the training parts of `sources` and `portraits`; the sources' validation scenes choose the epoch and
    then the threshold.

    Writes out/model.keras, out/run.json and out/curves.png. After every epoch, the best averaged weights so far and
    everything needed to continue are saved: to continue an interrupted run, give the same command again.

    Raises:
        ConfigError: the size is not a multiple of the coarsest stride; the steps are not a multiple of an epoch's, or
            end before the warm-up; or the folder holds another training, see training.runs.occupied.
    """
    _check(knobs)
    way = replace(way, quick=way.quick or knobs.limit is not None)
    occupied.claim(out, NAME, asdict(knobs), way)
    keras.utils.set_random_seed(knobs.seed)
    cv2.setNumThreads(1)  # the other cores are for the network
    material = gather(sources, portraits, knobs.seed, knobs.limit or (quick.PICTURES if way.quick else None))
    print(f"to learn from: {material.photographs.described()}", flush=True)
    model = yolov5s.build(knobs.size, len(data.CLASSES), knobs.depth, knobs.width)
    key = fingerprint(knobs, material)
    if not occupied.begin(out, NAME, asdict(knobs), way, key):
        summary.say(summary.finished(out, run_folder.read(out / MODEL)))
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
        knobs={
            **asdict(knobs),
            "anchors": yolo_boxes.anchors(knobs.size).round(3).tolist(),
            "sources": [source.resolve().name for source in sources],
            "portraits": portraits is not None,
            "kept_epoch": best_epoch(curves) + 1,
        },
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
    learnt = [(picture.boxes.tolist(), np.asarray(picture.labels).tolist()) for picture in material.photographs]
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
    """Train, or do the rest of a training; the model then has the averaged weights of the best epoch."""
    network = model
    if knobs.bfloat16:
        keras.config.set_dtype_policy("mixed_bfloat16")
        network = yolov5s.build(knobs.size, len(data.CLASSES), knobs.depth, knobs.width)
        keras.config.set_dtype_policy("float32")
        network.set_weights(model.get_weights())
    joined = keras.layers.Activation("linear", dtype="float32")(yolo_loss.join(network.outputs))
    trainer = keras.Model(network.input, joined)
    loss = yolo_loss.YoloLoss(knobs.size, len(data.CLASSES), yolo_boxes.anchors(knobs.size))
    trainer.compile(optimizer(knobs), loss)
    checkpoint = checkpoints.Checkpoint(out, key)

    def judge() -> dict[str, float]:
        model.set_weights(network.get_weights())
        found = find_all(model, material.validation, knobs.size)
        figures = scene_scores.score(found, truths_of(material.validation), MIN_SCORE)
        return {"val_map50": figures["map50"], "val_face_ap50": figures["face_ap50"]}

    def save_if_best() -> None:
        chosen, done = best_epoch(checkpoint.curves), len(checkpoint.curves["loss"])
        if chosen == done - 1:
            model.set_weights(network.get_weights())
            run_folder.save(model, out / MODEL)

    with silu.compiled():
        checkpoints.fit(
            trainer,
            Mosaics(material.photographs, knobs),
            knobs.steps // knobs.steps_per_epoch,
            checkpoint,
            save=save_if_best,
            judge=judge,
            ended=lambda curves: stalled(curves, knobs.patience),
        )
    model.set_weights(keras.models.load_model(out / MODEL, compile=False).get_weights())
    return checkpoint.curves


def best_epoch(curves: checkpoints.Curves) -> int:
    """The epoch, from 0, with the highest mAP50 on the validation scenes; of equal ones the first."""
    return int(np.argmax(curves["val_map50"]))


def stalled(curves: checkpoints.Curves, patience: int) -> bool:
    """Whether the last `patience` epochs were no better. The averaged weights find nothing at first: that is no end."""
    best = best_epoch(curves)
    return curves["val_map50"][best] > 0 and len(curves["val_map50"]) - 1 - best >= patience


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
    known, scenes = yolo_boxes.anchors(size), list(pictures)
    found = {}
    for start in range(0, len(scenes), BATCH):
        batch = scenes[start : start + BATCH]
        shown = [preprocess.letterbox(data.read_rgb(scene.path), size) for scene in batch]
        answers = [np.asarray(maps) for maps in model.predict_on_batch(np.stack([pixels for pixels, _ in shown]))]
        for place, (scene, (_, placement)) in enumerate(zip(batch, shown, strict=True)):
            maps = [answer[place : place + 1] for answer in answers]
            found[scene.key] = yolo_boxes.find(maps, size, known, data.CLASSES, MIN_SCORE, placement)
    return found


def truths_of(pictures: Iterable[voc.Scene]) -> dict[str, list[Truth]]:
    """The annotated faces of each scene."""
    return {scene.key: detections.as_truths(scene.faces) for scene in pictures}


def choose_threshold(found: Findings, pictures: Iterable[voc.Scene]) -> tuple[float, dict[str, Any]]:
    """The lowest threshold whose F1 of verdicts is as good as the best, and the figures at it."""
    truths = truths_of(pictures)
    scores = {threshold: scene_scores.tally(found, truths, threshold).f1 for threshold in THRESHOLDS}
    lowest = min(threshold for threshold, f1 in scores.items() if f1 >= max(scores.values()) - F1_TOLERANCE)
    return lowest, scene_scores.score(found, truths, lowest)
