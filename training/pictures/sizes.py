"""The minimum data that a training needs: too little to train or judge is refused, little is only warned about.

The numbers come from what a share means: of 20 faces, one is 5 %, and a validation part that small chooses by chance.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from maskwatch.errors import SourceError
from training.pictures import data

logger = logging.getLogger(__name__)
LEAST_PHOTOGRAPHS = 40  # of each class, so that each part of the split has some
LEAST_LEARNT = 200  # faces of a class
LEAST_CHECKED = 20  # faces of a class


def of_classes(portraits: Path, learn: Iterable[int], check: Iterable[int]) -> None:
    """Refuse a data set without one of the classes, and warn about a small class.

    Args:
        portraits: for the message.
        learn, check: the class of each training sample, and of each validation sample.

    Raises:
        SourceError: there is no masked or no bare sample in one of the two.
    """
    for name, labels, minimum in (("learn from", learn, LEAST_LEARNT), ("check on", check, LEAST_CHECKED)):
        counts = np.bincount(list(labels), minlength=len(data.CLASSES))
        for label, count in zip(data.LABELS, counts, strict=False):
            if not count:
                raise SourceError(
                    f"data {portraits}: no {label} picture to {name}; expected {LEAST_PHOTOGRAPHS} photographs or more "
                    "of each class"
                )
            if count < minimum:
                logger.warning("data %s: %d of %s to %s, %s", portraits, count, label, name, _worth(name, minimum))


def _worth(name: str, minimum: int) -> str:
    if name == "check on":
        return f"fewer than {minimum} give no reliable figure: use more photographs"
    return f"fewer than {minimum}: expect a model that knows these pictures and no others"


def of_scenes(learn: int, check: int, roots: Iterable[Path]) -> None:
    """Refuse or warn about a small number of annotated faces.

    Args:
        learn, check: annotated faces in training, and in validation, which chooses the threshold.
        roots: for the message.

    Raises:
        SourceError: there is none in one of the two.
    """
    named = ", ".join(map(str, roots))
    for name, count, minimum in (("learn from", learn, LEAST_LEARNT), ("check on", check, LEAST_CHECKED)):
        if not count:
            raise SourceError(f"scenes {named}: no annotated face to {name}; expected 40 scenes with faces or more")
        if count < minimum:
            logger.warning("scenes %s: %d faces to %s, %s", named, count, name, _worth(name, minimum))
