"""How much data a training needs at least. Where nothing could be learnt or told it is refused, where little, named.

The numbers are what a share means: of 20 faces one is 5 %, and a validation part smaller than that chooses by chance.
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
    """Refuse a data set in which a class is missing, and name one that is small.

    Args:
        portraits: for the message.
        learn, check: the class of each sample to learn from, and to check on.

    Raises:
        SourceError: nobody masked or nobody bare is in one of them.
    """
    for name, labels, least in (("learn from", learn, LEAST_LEARNT), ("check on", check, LEAST_CHECKED)):
        counts = np.bincount(list(labels), minlength=len(data.CLASSES))
        for label, count in zip(data.LABELS, counts, strict=False):
            if not count:
                raise SourceError(
                    f"data {portraits}: no {label} picture to {name}; expected {LEAST_PHOTOGRAPHS} photographs or more "
                    "of each class"
                )
            if count < least:
                logger.warning("data %s: %d of %s to %s, %s", portraits, count, label, name, _worth(name, least))


def _worth(name: str, least: int) -> str:
    if name == "check on":
        return f"of fewer than {least} a figure tells little: more photographs make it sure"
    return f"fewer than {least}: expect a model that knows these pictures and no others"


def of_scenes(learn: int, check: int, roots: Iterable[Path]) -> None:
    """The same of annotated scenes.

    Args:
        learn, check: annotated faces to learn from, and to choose the threshold by.
        roots: for the message.

    Raises:
        SourceError: there is none in one of them.
    """
    named = ", ".join(map(str, roots))
    for name, count, least in (("learn from", learn, LEAST_LEARNT), ("check on", check, LEAST_CHECKED)):
        if not count:
            raise SourceError(f"scenes {named}: no annotated face to {name}; expected 40 scenes with faces or more")
        if count < least:
            logger.warning("scenes %s: %d faces to %s, %s", named, count, name, _worth(name, least))
