"""Cross-validation by source: what a classifier makes of faces from a source it never learnt from.

A held-out fifth of every source says how well a model knows these data sets; a source left out says what another
camera, another kind of mask, another kind of picture may cost. The same recipe is run once with everything, and once
without each.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from training import report, train_classifier
from training import slices as sliced
from training.knobs import FineTuning
from training.recipes import Recipe
from training.train_classifier import SOURCES

RECORD = "left-out.jsonl"
ASKED = {  # source -> (kind, name) of the slices that show it
    "street": (("source", "street face"),),
    "pasted": (("mask", "pasted"),),
    "portraits": (("source", "portrait face"), ("source", "whole portrait")),
}


def run(
    recipe: Recipe[FineTuning], portraits: Path, scenes: Path | None, out: Path, knobs: FineTuning
) -> list[dict[str, Any]]:
    """Train, or finish training, a model for each case in a folder of its own under `out`; judge all on the test part.

    Returns:
        A row for each slice asked for; they are also written to out/left-out.jsonl.
    """
    found = {}
    sources = [source for source in SOURCES if scenes or source != "street"]
    for without in (None, *sources):
        folder = out / f"without-{without or 'nothing'}"
        print(f"training without {without or 'nothing'}: {folder}", flush=True)
        train_classifier.train(recipe, portraits, scenes, folder, replace(knobs, without=without))
        judged = report.judge(report.Subject(folder / "model.keras", portraits, scenes, "test", knobs.seed, None))
        found[without] = {(each.kind, each.name): each.record() for each in sliced.slices(judged)}
    rows = [
        {
            "left_out": source,
            "without": found[source][asked],
            "learnt": found[None][asked],
            "knobs": {"size": knobs.size, "alpha": knobs.alpha, "epochs": knobs.epochs, "looks": knobs.looks},
        }
        for source in sources
        for asked in ASKED[source]
        if asked in found[source]
    ]
    temporary = out / f".{RECORD}"
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
    temporary.replace(out / RECORD)
    return rows
