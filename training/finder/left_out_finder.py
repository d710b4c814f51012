"""Cross-validation by source: a finder on scenes of a source that it was not trained on.

A held-out fifth shows how well a finder knows these data sets; a source left out shows what strangers may cost. Each
case continues from the same finder, which must not have learnt the source either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from maskwatch.errors import ConfigError
from maskwatch.system import whole_file
from training.finder import finder_scenes, finder_threshold, train_finder
from training.judging import detections, scorer
from training.pictures import data, voc
from training.runs import run_folder
from training.runs.knobs import USUAL, Way

RECORD = "left-out-finder.json"
MIN_SIDE = 24.0  # pixels, shorter side: smaller faces are ignored, as in docs/quality.md
PARTS = ("train", "validation")  # of the source that is left out; its test part stays for the end


def run(
    sources: Sequence[Path],
    left_out: Sequence[str],
    portraits: Path | None,
    start: Path,
    out: Path,
    knobs: train_finder.Knobs,
    way: Way = USUAL,
) -> list[dict[str, Any]]:
    """Train a finder without each of `left_out` in its own folder under `out`, and judge it on that source.

    Args:
        sources: folders of annotated scenes.
        left_out: names of some of these folders.
        portraits: see train_finder.train.
        start: a finder that has not learnt the sources to leave out. It is judged too, so that a row shows what
            the other sources bring.
        out: the folder of all runs; gets left-out-finder.json.
        knobs: of the trainings, which have no rounded phase. Each chooses its threshold on its own validation scenes.

    Returns:
        A row for each source; they are also the record.

    Raises:
        ConfigError: a name is not one of the sources', two sources have the same name, or there is no face to judge on.
    """
    splits = voc.sources(sources, knobs.seed)
    for name in left_out:
        if name not in splits:
            raise ConfigError(f"of {name}: no such source; expected one of {', '.join(splits)}")
        if not any(scene.faces for scene in scenes_of(splits[name])):
            raise ConfigError(f"of {name}: no annotated face to judge a finder on; leave out another source")
    knobs = replace(knobs, rounded=0)  # that phase is for int8, and the float finder is judged
    rows = []
    for name in left_out:
        others = [source for source, other in zip(sources, splits, strict=True) if other != name]
        folder = out / f"without-{name}"
        print(f"training without {name}: {folder}", flush=True)
        train_finder.train(others, portraits, None, start, folder, knobs, way)
        material = finder_scenes.gather(others, None, knobs.seed)
        before = train_finder.start_model(start, material, knobs)
        threshold, _ = finder_threshold.choose(
            finder_threshold.find_all(before, material.validation, knobs.size), material.validation
        )
        run = run_folder.read(folder / "model.keras")
        after = keras.models.load_model(folder / "model.keras", compile=False)
        rows.append(
            {
                "left_out": name,
                "parts": list(PARTS),
                "learnt": run.knobs["sources"],
                "batches": knobs.again,
                "start_sha256": run.start_sha256,
                "start": judge(before, splits[name], threshold, knobs.size),
                "without": judge(after, splits[name], run.score_threshold or 0.0, knobs.size),
                **({"quick": True} if way.quick else {}),
            }
        )
    whole_file.write(out / RECORD, json.dumps(rows, indent=1) + "\n")
    return rows


def scenes_of(split: voc.Split) -> list[voc.Scene]:
    """The scenes of PARTS."""
    return [scene for part in PARTS for scene in voc.part(split, part)]


def judge(model: keras.Model, split: voc.Split, threshold: float, size: int) -> dict[str, Any]:
    """The figures of the float finder on the readable scenes of PARTS; `size`: side of its input, pixels."""
    scenes = scenes_of(split)
    good = data.readable(scene.path for scene in scenes)
    scenes = [scene for scene in scenes if scene.path in good]
    truths = {scene.key: detections.as_truths(scene.faces, MIN_SIDE) for scene in scenes}
    return scorer.score_faces(finder_threshold.find_all(model, scenes, size), truths, threshold, MIN_SIDE)


def line(row: dict[str, Any]) -> str:
    """A row in words."""
    start, without = row["start"], row["without"]
    low, high = without["face_ap50_interval95"]
    return (
        f"{row['left_out']}, not learnt: AP50 {without['face_ap50']:.3f} ({low:.3f}–{high:.3f}), recall "
        f"{without['recall']:.1%}, precision {without['precision']:.1%} of {without['faces']} faces from "
        f"{without['min_side']:g} px; before {start['face_ap50']:.3f}, {start['recall']:.1%}, {start['precision']:.1%}"
    )
