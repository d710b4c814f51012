"""Which neck, heads, loss and labels find more faces: short trainings on stored features, each with one change.

The trunk of a trained finder stays as it is, and its features of some thousand scenes are computed once. Each trial
trains a new neck and new heads on them: the same scenes, in an order that its seed decides. This is much quicker than
to train the trunk too; what the trunk would learn together with them is not seen. Every trial is judged on the
validation pictures. Its gain against the recipe has an interval from the same drawn pictures for both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ConfigError
from maskwatch.system import whole_file
from training.finder import (
    finder_loss,
    finder_scenes,
    finder_scores,
    finder_threshold,
    stored_features,
    train_finder,
    warm_finder,
)
from training.finder.finder_knobs import Knobs
from training.finder.finder_scenes import Material
from training.finder.head_trials import TRIALS, Trial
from training.finder.stored_features import Stored
from training.judging import detections, peers, plots, scorer
from training.judging.average_precision import average_precision, resampled_precisions
from training.judging.detections import Findings, Found, Truths
from training.judging.peers import Finder
from training.networks import finder
from training.networks import size as network_size
from training.pictures import quick, voc
from training.runs import checkpoints, run_folder
from training.runs.knobs import USUAL, Way

RECORD, CHART = "head-search.json", "head-search.png"
MIN_SIDE = 24.0  # pixels, shorter side: smaller faces are ignored, as in docs/quality.md
FIRST = "recipe"  # the trial that the others are compared with
DRAWS = 400  # sets of pictures for the interval of a difference
TEACHER_SCORE = 0.7  # from which a box of YuNet's is a face
KNOBS = Knobs(steps=400, again=1500)  # 6,400 scenes; a trial sees each of them nearly four times
LEAST = 0.02  # score from which boxes are looked at, before calibration: losses differ in how high their scores are


class FeatureBatches(keras.utils.PyDataset):
    """Batches of stored features, in an order that depends on the seed and the epoch alone."""

    def __init__(self, stored: Stored, trial: Trial, knobs: Knobs) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self.stored, self.trial, self.knobs, self.epoch = stored, trial, knobs, 0
        self.cells = finder_loss.cell_centres(knobs.size)

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]:
        start = (self.epoch * len(self) + index) * self.knobs.batch
        places = np.arange(start, start + self.knobs.batch)
        turns, scenes = np.divmod(places, len(self.stored.faces))
        orders = {turn: self._order(turn) for turn in set(turns.tolist())}
        chosen = [int(orders[turn][scene]) for turn, scene in zip(turns.tolist(), scenes.tolist(), strict=True)]
        targets = [self.stored.faces[scene].targets(self.cells, self.trial) for scene in chosen]
        return tuple(maps[chosen].astype(np.float32) for maps in self.stored.maps), np.stack(targets)

    def _order(self, turn: int) -> NDArray[np.int64]:
        """The order of all scenes, the same for the same turn through them."""
        return np.random.default_rng([self.trial.seed, turn]).permutation(len(self.stored.faces))


def search(
    path: Path,
    sources: Sequence[Path],
    portraits: Path | None,
    yunet: Path | None,
    names: Sequence[str],
    out: Path,
    knobs: Knobs = KNOBS,
    way: Way = USUAL,
) -> dict[str, Any]:
    """run() with the finder in `path` and pictures from folders, which are split as in the finder's own training.

    Raises:
        ConfigError: see run(); or a number of batches cannot be used, or two sources have the same name.
        ModelError: the model cannot be read, or is not a finder; or `yunet` is not YuNet.
    """
    if knobs.again % knobs.steps_per_epoch or knobs.again <= knobs.warmup:
        raise ConfigError(
            f"again {knobs.again}: expected a multiple of {knobs.steps_per_epoch} above the warm-up's {knobs.warmup}"
        )
    if knobs.steps < 1:
        raise ConfigError(f"steps {knobs.steps}: expected at least 1")
    taught = any(trial.needs_teacher for trial in chosen(names, yunet is not None).values())  # before anything slow
    trained = run_folder.read(path)
    knobs = replace(knobs, size=trained.input_size)
    model = warm_finder.from_model(path, knobs.size)
    teacher = peers.yunet(yunet, TEACHER_SCORE, knobs.size) if yunet and taught else None
    cv2.setNumThreads(1)  # the other cores are for the network
    voc.sources(sources, trained.seed)  # refuses two of the same name
    material = finder_scenes.gather(sources, portraits, trained.seed, quick.PICTURES if way.quick else None)
    print(f"scenes of: {material.pictures.described()}", flush=True)
    told = {
        "trunk_sha256": run_folder.file_sha256(path),
        "teacher_sha256": run_folder.file_sha256(yunet) if yunet else None,
        "teacher_score": TEACHER_SCORE if yunet else None,
        "sources": [source.resolve().name for source in sources],
        "portraits": portraits is not None,
        "split_sha256": material.sha256,
        "versions": run_folder.versions(),
        "quick": way.quick,
    }
    return run(model, material, names, knobs, teacher, out, told)


def run(
    model: keras.Model,
    material: Material,
    names: Sequence[str],
    knobs: Knobs,
    teacher: Finder | None,
    out: Path,
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """Try each trial; writes out/head-search.json and out/head-search.png after each of them.

    Args:
        model: the finder whose trunk is used.
        material: the pictures.
        names: of trials; the recipe is always the first. Without names, all that are possible.
        knobs: `steps` batches of scenes are stored, and a trial learns for `again` batches, at a peak of `rate`.
        teacher: a detector, for the trials that need one.
        out: the folder of record, chart and checkpoints. What its record has already is not tried again.
        told: more for the record.

    Raises:
        ConfigError: there is no such trial, or it needs a teacher; or `out` holds another search.
    """
    trials = chosen(names, teacher is not None)
    # New weights: an average over more than a fifth of the steps would still contain the random ones.
    knobs = replace(knobs, ema=max(0.0, min(knobs.ema, 1 - 5 / knobs.again)))
    learnt = [picture.boxes.tolist() for picture in material.pictures]
    knobs_told = asdict(knobs)
    key = checkpoints.fingerprint(
        weights=checkpoints.of_weights(model), knobs=knobs_told, scenes=material.sha256, learnt=learnt, told=told
    )
    rows = begun(out, key)
    stored = stored_features.of(model, material, knobs, teacher or stored_features.no_teacher)
    truths = {scene.key: detections.as_truths(scene.faces, MIN_SIDE) for scene in material.validation}
    trunk = network_size.multiply_adds(model.get_layer(finder.TRUNK))
    record = {"key": key, **told, "knobs": knobs_told, "draws": DRAWS, "trials": rows}
    recipe: Findings = {}
    for name, trial in trials.items():
        if name != FIRST and name in rows and rows[name]["settings"] == trial.settings:
            continue
        checkpoint = checkpoints.Checkpoint(out, checkpoints.fingerprint(key=key, trial=trial.settings), name)
        heads = train(stored, trial, knobs, checkpoint)
        multiply_adds = trunk + network_size.multiply_adds(heads)
        found = find(heads, stored, material, knobs.size)
        recipe = recipe or found
        rows[name] = {
            "settings": trial.settings,
            "multiply_adds": multiply_adds,
            **judged(found, truths, material),
            "gain": gain(found, recipe, truths),
        }
        print(line(name, rows[name]), flush=True)
        whole_file.write(out / RECORD, json.dumps(record, indent=1) + "\n")
        draw(rows, out / CHART)
    return record


def begun(out: Path, key: str) -> dict[str, dict[str, Any]]:
    """The rows of the record that `out` holds already; makes the folder.

    Raises:
        ConfigError: it holds another search, or a record that cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        found = json.loads((out / RECORD).read_text())
        before, rows = str(found["key"]), dict(found["trials"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"--out {out}: {RECORD} cannot be read ({error!r}); delete it, or name another --out"
        ) from error
    if before != key:
        raise ConfigError(
            f"--out {out}: {RECORD} is of a search with other pictures, numbers, versions or another model; "
            "name another --out"
        )
    return rows


def chosen(names: Sequence[str], taught: bool) -> dict[str, Trial]:
    """The trials with these names, the recipe first; without names, all that are possible without or with a teacher.

    Raises:
        ConfigError: there is no such trial, or it needs a teacher.
    """
    for name in names:
        if name not in TRIALS:
            raise ConfigError(f"trial {name}: no such trial; expected one of {', '.join(TRIALS)}")
        if TRIALS[name].needs_teacher and not taught:
            raise ConfigError(f"trial {name}: needs a teacher; give --yunet")
    possible = {name: trial for name, trial in TRIALS.items() if taught or not trial.needs_teacher}
    return {name: trial for name, trial in possible.items() if not names or name in (FIRST, *names)}


def train(stored: Stored, trial: Trial, knobs: Knobs, checkpoint: checkpoints.Checkpoint) -> keras.Model:
    """New neck and heads, trained on the stored features."""
    keras.utils.set_random_seed(trial.seed)
    inputs = [keras.Input(maps.shape[1:]) for maps in stored.maps]
    heads = keras.Model(inputs, finder.neck_and_heads(inputs, trial.channels, trial.blocks))
    trainer = keras.Model(inputs, finder_loss.join(heads.outputs))
    phase = train_finder.Phase(checkpoint.name, knobs.again, knobs.rate, trial.seed)
    loss = finder_loss.FinderLoss(knobs.size, trial.score_loss, trial.floor)
    trainer.compile(train_finder.optimizer(knobs, phase), loss)
    checkpoints.fit(
        trainer,
        FeatureBatches(stored, trial, knobs),
        knobs.again // knobs.steps_per_epoch,
        checkpoint,
        save=lambda: None,
    )
    return heads


def find(heads: keras.Model, stored: Stored, material: Material, size: int) -> dict[str, list[Found]]:
    """The faces in each validation picture. First the scores are calibrated on the boxes in the same pictures, and the
    result is folded into `heads`."""

    def answers(min_score: float) -> list[list[finder_scores.Answer]]:
        found = []
        for index, placement in enumerate(stored.placements):
            maps = heads.predict_on_batch([of[index : index + 1].astype(np.float32) for of in stored.validation])
            found.append(finder_scores.decoded([np.asarray(of) for of in maps], placement, size, min_score))
        return found

    boxes = [[face.box for face in scene.faces] for scene in material.validation]
    finder_scores.fold(heads, finder_scores.fit(zip(answers(LEAST), boxes, strict=True)))
    least = min(finder_threshold.THRESHOLDS) / 2
    return {
        scene.key: [answer.found for answer in of_picture]
        for scene, of_picture in zip(material.validation, answers(least), strict=True)
    }


def judged(found: Findings, truths: Truths, material: Material) -> dict[str, Any]:
    """The figures of all validation pictures, and the average precision by source."""
    threshold, _ = finder_threshold.choose(found, material.validation)
    of_source: dict[str, dict[str, list[detections.Truth]]] = {}
    for scene in material.validation:
        of_source.setdefault(scene.path.parents[1].name, {})[scene.key] = truths[scene.key]
    by_source = {}
    for source, of_scenes in of_source.items():
        precision, faces = average_precision(found, of_scenes, min_side=MIN_SIDE)
        if faces:
            by_source[source] = {"faces": faces, "face_ap50": round(precision, 4)}
    return {**scorer.score_faces(found, truths, threshold, MIN_SIDE), "by_source": by_source}


def gain(found: Findings, recipe: Findings, truths: Truths) -> dict[str, Any]:
    """Average precision gained against the recipe, points, with its 95 % interval."""
    first, second = (average_precision(faces, truths, min_side=MIN_SIDE)[0] for faces in (recipe, found))
    drawn = [resampled_precisions(faces, truths, MIN_SIDE, DRAWS) for faces in (recipe, found)]
    low, high = np.percentile(drawn[1] - drawn[0], (2.5, 97.5))
    return {"points": round(100 * (second - first), 2), "interval95": [round(100 * low, 2), round(100 * high, 2)]}


def draw(rows: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """What each trial gains, as a picture."""
    gains = [(row["settings"]["what"], row["gain"]["points"], row["gain"]["interval95"]) for row in rows.values()]
    plots.gains(gains, "points of AP50 gained against the recipe, 95 % interval", path)


def line(name: str, row: Mapping[str, Any]) -> str:
    """A trial in words."""
    low, high = row["gain"]["interval95"]
    return (
        f"{name}: AP50 {row['face_ap50']:.3f}, recall {row['recall']:.1%}, precision {row['precision']:.1%}; "
        f"{row['gain']['points']:+.1f} points against the recipe ({low:+.1f} to {high:+.1f})"
    )
