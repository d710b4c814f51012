"""Held-out scenes that no training has seen in another copy.

A source without groups.tsv is split picture by picture, so a near-duplicate of a training scene may be held out. Such a
scene says nothing about unseen pictures, so it is not judged. The split stays as it is: its hash names the trainings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from training.pictures import data, voc

logger = logging.getLogger(__name__)


def scenes(held_out: Sequence[voc.Scene], splits: Iterable[voc.Split], source: str) -> list[voc.Scene]:
    """Those of the held-out scenes of a source that look like no training scene of any source; others are counted.

    Near-duplicates are found as in a split: perceptual hashes that differ in a few bits, see data.DUPLICATE_DISTANCE.
    """
    learnt = [scene.path for split in splits for scene in split.train]
    hashes, _ = data.hashes_of(Path(source), [*learnt, *(scene.path for scene in held_out)], progress=True)
    known = np.array([hashes[path] for path in learnt if path in hashes], np.uint64)
    found = [scene for scene in held_out if scene.path not in hashes or not _near(hashes[scene.path], known)]
    if len(found) < len(held_out):
        few = len(held_out) - len(found)
        logger.warning(
            "%s: %d of %d pictures look like a training picture and are not judged", source, few, len(held_out)
        )
    return found


def _near(hashed: int, known: np.ndarray) -> bool:
    return bool((np.bitwise_count(known ^ np.uint64(hashed)) <= data.DUPLICATE_DISTANCE).any())
