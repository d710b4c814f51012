"""The changes of neck, heads, loss and labels that `python -m training head-search` tries: each alone, and two together
that looked best alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
from keras import ops

from training.finder import finder_loss
from training.finder.finder_loss import entropy, quality_focal

FOCUS = 2.0  # of the focal losses, as in their papers
FACE_WEIGHT, VARIFOCAL_WEIGHT = 0.25, 0.75  # of faces in the focal loss, of background in the varifocal loss; theirs


@dataclass(frozen=True, slots=True)
class Trial:
    """One training: what the recipe does, with changes."""

    what: str  # the change, in words
    channels: int = 40  # of neck and heads
    blocks: int = 1  # convolutions of the neck behind each level
    near: float = finder_loss.NEAR  # see finder_loss.targets
    score_loss: finder_loss.ScoreLoss = quality_focal
    floor: float = 0.5  # see finder_loss.FinderLoss
    teacher_boxes: bool = False  # boxes are the mean of the annotation and the teacher's
    teacher_faces: bool = False  # faces that only the teacher sees are ignored, not taught as background
    seed: int = 0  # of the initial weights and the order

    @property
    def settings(self) -> dict[str, Any]:
        """Its numbers and names, ready for JSON."""
        return {**asdict(self), "score_loss": self.score_loss.__name__}

    @property
    def needs_teacher(self) -> bool:
        """Whether it learns from another detector's answers."""
        return self.teacher_boxes or self.teacher_faces


def focal(logit: keras.KerasTensor, quality: keras.KerasTensor) -> keras.KerasTensor:
    """Focal loss (Lin et al. 2017, arXiv 1708.02002): a cell is on a face or not, however good its box."""
    face = ops.cast(quality > 0, "float32")
    weight = face * FACE_WEIGHT + (1 - face) * (1 - FACE_WEIGHT)
    return weight * ops.abs(face - ops.sigmoid(logit)) ** FOCUS * entropy(logit, face)


def varifocal(logit: keras.KerasTensor, quality: keras.KerasTensor) -> keras.KerasTensor:
    """Varifocal loss (Zhang et al. 2021, arXiv 2008.13367): background is weighted by its score, a face by its
    quality."""
    background = VARIFOCAL_WEIGHT * ops.sigmoid(logit) ** FOCUS
    return ops.where(quality > 0, quality, background) * entropy(logit, quality)


TRIALS: dict[str, Trial] = {
    "recipe": Trial("the recipe"),
    "recipe-1": Trial("the recipe, another seed", seed=1),
    "recipe-2": Trial("the recipe, a third seed", seed=2),
    "channels-24": Trial("24 channels in neck and heads", channels=24),
    "channels-64": Trial("64 channels in neck and heads", channels=64),
    "blocks-2": Trial("two convolutions behind each level", blocks=2),
    "near-0.5": Trial("cells up to half a stride from the centre learn a face", near=0.5),
    "near-1.25": Trial("cells up to 1.25 strides from the centre learn a face", near=1.25),
    "focal": Trial("focal loss: the score does not say how good the box is", score_loss=focal),
    "varifocal": Trial("varifocal loss", score_loss=varifocal, floor=0.0),
    "floor-0": Trial("the score learns the overlap alone", floor=0.0),
    "floor-1": Trial("the score learns every face alike", floor=1.0),
    "teacher-boxes": Trial("boxes halfway to the teacher's", teacher_boxes=True),
    "teacher-faces": Trial("faces that only the teacher sees are ignored", teacher_faces=True),
    "varifocal-near-1.25": Trial(
        "varifocal loss, and cells up to 1.25 strides from the centre", score_loss=varifocal, floor=0.0, near=1.25
    ),
}
