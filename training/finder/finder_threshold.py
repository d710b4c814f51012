"""The score from which a box counts as a face, chosen on validation scenes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras

from maskwatch.errors import ModelError
from maskwatch.records.run import Run
from maskwatch.vision import bundle
from maskwatch.vision.finder import SingleShotDetector
from training.finder import finder_scores, warm_finder
from training.judging import detections, matching, mistakes, scorer
from training.judging.detections import Findings, Found
from training.pictures import data, voc
from training.runs import run_folder

THREADS = 2
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(5, 46))  # 0.1 to 0.9
F1_TOLERANCE = 0.002  # of F1, 0–1: about two of the 900 faces in the validation scenes


def find_all(model: keras.Model, pictures: Iterable[voc.Scene], size: int) -> dict[str, list[Found]]:
    """The faces that the float model finds in each scene."""
    min_score = min(THRESHOLDS) / 2
    return {
        scene.key: [answer.found for answer in finder_scores.answers(model, data.read_rgb(scene.path), size, min_score)]
        for scene in pictures
    }


def choose(found: Findings, pictures: Iterable[voc.Scene]) -> tuple[float, dict[str, Any]]:
    """The lowest threshold whose F1 of found faces is as good as the best, and the figures at it.

    A missed face cannot raise an alert, and a false face seldom raises one: of equal thresholds, the lower is better.
    """
    truths = {scene.key: detections.as_truths(scene.faces) for scene in pictures}
    scores = {threshold: matching.tally(found, truths, threshold).f1 for threshold in THRESHOLDS}
    lowest = min(threshold for threshold, f1 in scores.items() if f1 >= max(scores.values()) - F1_TOLERANCE)
    kinds = mistakes.summary(mistakes.of(found, truths, lowest))
    return lowest, {**scorer.score_faces(found, truths, lowest), "mistakes": kinds}


def find_all_in_int8(made: Path, model: Path, pictures: Iterable[voc.Scene]) -> dict[str, list[Found]]:
    """The faces that a bundle finds in each scene, as the device does.

    Raises:
        ModelError: the bundle cannot be read, or was not made from `model`.
    """
    opened = bundle.read(made, "face")
    if opened.card.provenance.get("float_sha256") != run_folder.file_sha256(model):
        raise ModelError(f"bundle {made}: not made from {model}; make it again by `python -m convert`")
    finder = SingleShotDetector(opened, min(THRESHOLDS) / 2, THREADS)
    return {
        scene.key: [Found(face.box, face.score) for face in finder.find(data.read_rgb(scene.path))]
        for scene in pictures
    }


def choose_again(model: Path, scenes: Sequence[voc.Scene], split_sha256: str, made: Path | None = None) -> Run:
    """Choose the threshold of a trained finder anew, and write it and its figures into the run.json beside the model.

    For a change of the rule, or for the int8 bundle, whose scores differ a little: the weights stay the same, so no
    training is repeated.

    Args:
        model: the path of model.keras.
        scenes: the validation part.
        split_sha256: of the scenes' splits; must be that of the training.
        made: the bundle that was made from the model, if the threshold is chosen by its answers.

    Raises:
        ModelError: the model or its record cannot be read, it is not a finder, or it was trained with another split;
            or the bundle is not the model's.
    """
    run = run_folder.read(model)
    if run.task != "face":
        raise ModelError(f"model {model}: made for task '{run.task}', expected a face finder")
    if run.split_sha256 != split_sha256:
        names = ", ".join(run.knobs["sources"])
        raise ModelError(
            f"model {model}: trained with other scenes; expected --data for each of {names}, in this order"
        )
    if made is None:
        found = find_all(warm_finder.from_model(model, run.input_size), scenes, run.input_size)
    else:
        found = find_all_in_int8(made, model, scenes)
    threshold, metrics = choose(found, scenes)
    part = "validation" if made is None else "validation, int8"
    run = run.model_copy(update={"score_threshold": threshold, "metrics": {**run.metrics, part: metrics}})
    run_folder.write(model.parent, run)
    return run
