"""The record of the split of every data set: how many pictures each part has, and a hash of which ones.

The run.json of a training has one hash of all its sources, in the order in which they were given. This record shows
that two trainings with different hashes used the same split: see `voc.joined_sha256`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.pictures import data, voc

SEED = 0  # of the split of everything that is kept


def record(root: Path, scenes: Sequence[Path]) -> dict[str, Any]:
    """The split of photographs and of each source of scenes, ready for JSON.

    Args:
        root: with_mask/ and without_mask/.
        scenes: a source each.
    """
    photos = data.load(root).split(SEED)
    return {
        "seed": SEED,
        "photographs": {root.resolve().name: _of(photos)},
        "scenes": {name: _of(split) for name, split in sorted(voc.sources(scenes, SEED).items())},
    }


def _of(split: data.Split | voc.Split) -> dict[str, Any]:
    counts = {part: len(getattr(split, part)) for part in data.SPLIT}
    return {**counts, "sha256": split.sha256}
