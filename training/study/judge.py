"""Judges a finished training on photographs that were not used to choose it: `python -m training judge`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError, ModelError
from maskwatch.flow import Image, Label
from maskwatch.records.run import Run
from maskwatch.vision import bundle, preprocess
from training.augment import crops
from training.judging import detections, evaluate, scene_scores
from training.judging.average_precision import average_precision, precision_interval
from training.judging.detections import Findings, Found, Truths
from training.networks import size
from training.pictures import data, unseen, voc
from training.runs import run_folder
from training.runs.progress import track
from training.study import parts
from training.study.judged import DECIMALS, Judged, Record, Scenes, Scores, sha256_of, write
from training.yolo import yolo_boxes

TOUCHED = "judged.json"  # in a run's folder: how often its test part was judged
MIN_SCORE = 0.01  # of a box that counts as a detector's answer on a photograph
MIN_EPOCHS = 3  # fewer are only a try; the study's own shortest training has 5
IOUS = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
Answer = Callable[[Sequence[crops.Sample]], NDArray[np.float64]]  # (N, 2) scores: with_mask, without_mask


@dataclass(frozen=True, slots=True)
class Subject:
    """The training that is judged, and the data."""

    run: Path  # folder of a training: model.keras and run.json
    int8: Path | None  # its bundle, made by `python -m convert`
    root: Path  # with_mask/ and without_mask/
    scenes: Sequence[Path]  # a source each


def judge(subject: Subject, out: Path, again: bool = False) -> Record:
    """Judge a training on validation and test, and write its record.

    Args:
        subject: see Subject.
        out: the record's file; its folder must exist.
        again: judge even if the test part was judged before.

    Raises:
        ConfigError: it was judged before, without `again`.
        ModelError: a model cannot be used, or belongs to another training.
        SourceError: the data cannot be used.
    """
    run = run_folder.read(subject.run / "model.keras")
    before = _times(subject.run)
    if before and not again:
        often = "once" if before == 1 else f"{before} times"
        raise ConfigError(
            f"run {subject.run}: its test part was judged {often} already; expected once, because whoever looks twice "
            "chooses by it; --again judges it nevertheless, and the record says so"
        )
    split = _split(subject.root, run)
    models = {"float32": subject.run / "model.keras"} | ({"int8": subject.int8} if subject.int8 else {})
    found = {name: _judged(path, run, split, subject) for name, path in models.items()}
    (subject.run / TOUCHED).write_text(json.dumps({"times": before + 1}) + "\n")
    done = _record(run, subject.run, found, before + 1)
    write(done, out)
    return done


def _times(run: Path) -> int:
    file = run / TOUCHED
    try:
        return int(json.loads(file.read_text())["times"]) if file.exists() else 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{file}: {error}; expected how often this training was judged, as in {json.dumps({'times': 1})}: "
            "write it, or delete the file if it never was"
        ) from error


def _split(root: Path, run: Run) -> parts.Parts:
    """The split that the training used; a network without a protocol used the honest split, or only scenes."""
    protocol = run.knobs.get("protocol", "honest")
    split = parts.of(root, protocol, int(run.knobs.get("seed", 0)) if protocol == "study" else 0)
    if run.task == "mask" and split.sha256 != run.split_sha256:
        raise ModelError(
            f"run of {run.name}: trained on the split {run.split_sha256[:12]}, {root} has {split.sha256[:12]}; "
            "expected the same photographs"
        )
    return split


def _judged(path: Path, run: Run, split: parts.Parts, subject: Subject) -> Judged:
    """Judge one model file on all parts."""
    answer, detect = _opened(path, run)
    known = data.faces(subject.root)
    of_scenes = voc.sources(subject.scenes, parts.SPLIT_SEED)
    photos = {"validation": split.check, "test": split.test}
    samples_by_part = {
        name: [crops.Sample(split.photos[at].path, split.photos[at].label, None, whole=True) for at in places]
        for name, places in photos.items()
    }
    if run.task == "mask":  # a detector is given whole scenes
        portraits = crops.portraits((split.photos[at] for at in split.test), known)
        cropped = [sample for sample in portraits if not sample.whole]
        faces = {name: crops.of_sources({name: scenes}, "test") for name, scenes in of_scenes.items()}
        samples_by_part |= {"crops": cropped, **{f"street: {name}": found for name, found in faces.items()}}
    content = path.read_bytes()
    return Judged(
        file=path.name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        parts={
            name: _scores(answer, samples, f"{path.name}, {name}")
            for name, samples in samples_by_part.items()
            if samples
        },
        scenes=_scenes(detect, of_scenes) if detect else {},
    )


def _scores(answer: Answer, samples: Sequence[crops.Sample], title: str) -> Scores:
    """Scores on the samples without masks worn wrong, which are neither of the two classes."""
    judged = [sample for sample in samples if sample.label < len(data.LABELS)]
    blocks = [judged[start : start + evaluate.BATCH] for start in range(0, len(judged), evaluate.BATCH)]
    scores = np.concatenate([answer(block) for block in track(blocks, title)]).round(DECIMALS)
    return Scores(
        photos_sha256=sha256_of(f"{sample.path.parent.name}/{sample.path.name}" for sample in judged),
        truth="".join(str(sample.label) for sample in judged),
        masked=tuple(scores[:, 0].tolist()),
        bare=tuple(scores[:, 1].tolist()),
    )


def _opened(path: Path, run: Run) -> tuple[Answer, Callable[[Image], list[Found]] | None]:
    """Functions that call a model: one gives a sample's scores, and for a detector, another finds faces."""
    if path.suffix == ".tflite":
        _same_training(path, run)
    if run.task == "mask":
        network = evaluate.open_network(path)

        def classify(samples: Sequence[crops.Sample]) -> NDArray[np.float64]:
            images = [crops.cut(sample, data.read_rgb(sample.path), network.size) for sample in samples]
            bare = network.bare(network.logits(np.stack(images))).astype(float)
            return np.column_stack([1 - bare, bare])

        return classify, None
    find = _finder(path, run)

    def look(samples: Sequence[crops.Sample]) -> NDArray[np.float64]:
        return np.array([best_scores(find(data.read_rgb(sample.path))) for sample in samples])

    return look, find


def _same_training(path: Path, run: Run) -> None:
    card = bundle.read(path, run.task, any_pixels=True).card
    if (card.name, card.provenance.get("split_sha256")) != (run.name, run.split_sha256):
        raise ModelError(
            f"model {path}: of {card.name}, another training; expected the bundle of this run's {run.name}"
        )


def _finder(path: Path, run: Run) -> Callable[[Image], list[Found]]:
    """A function that finds faces with a scene model in a picture of any size."""
    anchors = np.array(run.knobs["anchors"], np.float32)
    if path.suffix == ".tflite":
        from maskwatch.vision.runtime import Model

        maps = Model(path.read_bytes(), threads=2, origin=str(path)).run
    else:
        import keras

        network = keras.models.load_model(path, compile=False)

        def maps(pixels: Image) -> list[Any]:
            return [np.asarray(single) for single in network.predict_on_batch(pixels[None])]

    def find(image: Image) -> list[Found]:
        pixels, placement = preprocess.letterbox(image, run.input_size)
        return yolo_boxes.find(maps(pixels), run.input_size, anchors, run.labels, MIN_SCORE, placement)

    return find


def best_scores(found: Iterable[Found]) -> tuple[float, float]:
    """A photograph's scores for with_mask and without_mask: those of the best boxes. A mask worn wrong counts as bare.

    The label with the higher score is the answer. Without a box both scores are 0, and there is no answer.
    """
    best = {Label.WITH_MASK: 0.0, Label.WITHOUT_MASK: 0.0}
    for face in found:
        label = Label.WITH_MASK if face.label == Label.WITH_MASK else Label.WITHOUT_MASK
        best[label] = max(best[label], face.score)
    return best[Label.WITH_MASK], best[Label.WITHOUT_MASK]


def _scenes(find: Callable[[Image], list[Found]], sources: Mapping[str, voc.Split]) -> dict[str, Scenes]:
    """A detector's figures on both held-out parts of each source."""
    found = {}
    for name, split in sources.items():
        for part in ("validation", "test"):
            pictures = unseen.scenes(voc.part(split, part), sources.values(), name)
            seen = {scene.key: find(data.read_rgb(scene.path)) for scene in track(pictures, f"{name}, {part}")}
            found[f"{part} of {name}"] = precisions(seen, {s.key: detections.as_truths(s.faces) for s in pictures})
    return found


def precisions(seen: Findings, truths: Truths) -> Scenes:
    """Average precisions of faces, and of the two classes at overlaps of 0.5 to 0.95."""
    face, count = average_precision(seen, truths)
    by_iou = {iou: scene_scores.precisions(seen, truths, iou) for iou in IOUS}
    both = {iou: {label: by_class[label] for label in map(str, data.LABELS)} for iou, by_class in by_iou.items()}
    low, high = precision_interval(seen, truths)
    return Scenes(
        images=len(truths),
        faces=count,
        face_ap50=round(face, 4),
        face_ap50_interval95=(round(low, 4), round(high, 4)),
        map50=round(scene_scores.mean(both[IOUS[0]]), 4),
        map50_95=round(float(np.mean([scene_scores.mean(by_class) for by_class in both.values()])), 4),
        class_ap50={label: round(value, 4) for label, (value, n) in both[IOUS[0]].items() if n},
    )


def _record(run: Run, folder: Path, found: dict[str, Judged], times: int) -> Record:
    import keras

    model = keras.models.load_model(folder / "model.keras", compile=False)
    knobs, curves = run.knobs, {name: tuple(map(float, values)) for name, values in run.history.items()}
    recipe = knobs.get("recipe", {})
    return Record(
        network=run.name,
        variant=knobs.get("variant") or run.name,
        protocol=knobs.get("protocol", "device"),
        seed=int(knobs.get("seed", run.seed)),
        share=float(knobs.get("share", 1.0)),
        quick=run.quick or _few(knobs),
        input_size=run.input_size,
        parameters=model.count_params(),
        trainable=size.trainable(model, bool(recipe.get("heads"))),
        multiply_adds=size.multiply_adds(model),
        seconds=sum(curves["seconds"]) if "seconds" in curves else None,
        epochs=len(curves.get("loss", ())) or None,
        kept_epoch=knobs.get("kept_epoch"),
        learnt=knobs.get("learnt", knobs.get("samples")),
        curves=curves,
        knobs={name: value for name, value in knobs.items() if name != "anchors"},
        versions=run.versions,
        times_judged=times,
        judged=found,
    )


def _few(knobs: Mapping[str, Any]) -> bool:
    """Whether a training had so few epochs that it was only a try."""
    epochs = knobs.get("epochs") if "recipe" in knobs else None
    return epochs is not None and epochs < MIN_EPOCHS
