"""Cross-validation by source: a classifier's accuracy on faces of a source that it was not trained on.

A held-out fifth of every source shows how well a model knows these data sets. A source left out shows what another
camera, another kind of mask or another kind of picture may cost. The same recipe is run once with all sources, and once
without each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskwatch.records.quality import LeftOut
from maskwatch.system import whole_file
from training.augment import crops
from training.classifier import train_classifier
from training.classifier.pools import PASTED, PORTRAITS
from training.classifier.recipes import Recipe
from training.judging import slices as sliced
from training.judging import slices_report
from training.pictures import voc
from training.runs.knobs import USUAL, FineTuning, Way

RECORD = "left-out.jsonl"
ASKED = {  # source -> (kind, name) of the slices that show it; a folder of scenes has the slices of its own name
    PASTED: (("mask", "pasted"),),
    PORTRAITS: (("source", "portrait face"), ("source", "whole portrait")),
}


def asked(source: str) -> tuple[tuple[str, str], ...]:
    """(kind, name) of the slices that show a source."""
    return ASKED.get(source, (("source", source), ("worn wrong", source)))


def run(
    recipe: Recipe[FineTuning],
    portraits: Path,
    scenes: Sequence[Path],
    out: Path,
    knobs: FineTuning,
    yunet: Path | None = None,
    way: Way = USUAL,
) -> list[dict[str, Any]]:
    """Train a model for each case in its own folder under `out`, or finish its training; judge all on the test part.

    A folder of scenes without classes is not a case. Rows of a quick run are marked as quick.

    Returns:
        A row for each slice that shows a left-out source; the rows are also written to out/left-out.jsonl.
    """
    found = {}
    splits = voc.sources(scenes, knobs.seed)
    told = {sample.source for sample in crops.of_sources(splits, "all")}
    sources = [name for name in train_classifier.sources(splits) if name in told or name in ASKED]
    for without in (None, *sources):
        folder = out / f"without-{without or 'nothing'}"
        print(f"training without {without or 'nothing'}: {folder}", flush=True)
        train_classifier.train(recipe, portraits, scenes, folder, replace(knobs, without=without), yunet, way)
        subject = slices_report.Subject(folder / "model.keras", portraits, scenes, "test", knobs.seed, None, way.quick)
        judged = slices_report.judge(subject)
        found[without] = {(each.kind, each.name): each.record() for each in sliced.slices(judged)}
    rows = [
        {
            "left_out": source,
            "without": found[source][shown],
            "learnt": found[None][shown],
            "knobs": {"size": knobs.size, "alpha": knobs.alpha, "epochs": knobs.epochs, "looks": knobs.looks},
            **({"quick": True} if way.quick else {}),
        }
        for source in sources
        for shown in asked(source)
        if shown in found[source]
    ]
    whole_file.write(out / RECORD, "".join(LeftOut.model_validate(row).line() + "\n" for row in rows))
    return rows
