"""What each cell of the finder must learn (its target), and the loss.

A face is assigned to the strides that suit its size (SIZES). There, the cells close to its centre (NEAR) are positive:
they must find the face. The score is trained with the quality focal loss (Li et al. 2020, arXiv 2006.04388). Its target
grows with the overlap of the cell's box with the face, so that the cell with the highest score also has the best box.
The box is trained with the GIoU loss (Rezatofighi et al. 2019, arXiv 1902.09630).
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from maskwatch.vision.decoding import LOG_SIZE
from training.augment.picture import Boxes
from training.networks.finder import STRIDES

# Stride -> sizes of the faces that it is trained on: from the first number to below the second. The ranges overlap. The
# size of a face is the square root of its area, in pixels of the input.
SIZES = {8: (0.0, 48.0), 16: (32.0, 112.0), 32: (80.0, np.inf)}
TOO_SMALL = 9.0  # pixels of the input; cells in a smaller face are ignored: it does not matter if they find it or not
# Distances from a face's centre in strides, the larger one of x and y. Cells up to NEAR are positive; cells in the face
# between NEAR and AROUND are ignored, because it does not matter if they find the face or not.
NEAR, AROUND = 0.75, 1.5
SCORE_WEIGHT, BOX_WEIGHT = 4.0, 2.0
POSITIVE, NEGATIVE, IGNORED = 1.0, 0.0, -1.0
ScoreLoss = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]


def cell_centres(size: int) -> NDArray[np.float32]:
    """(N, 3) centre x, centre y and stride of each cell, in pixels of the input; ordered by stride, then row by row.

    Args:
        size: side of the input, pixels.
    """
    rows = []
    for stride in STRIDES:
        centre = (np.arange(size // stride, dtype=np.float32) + 0.5) * stride
        y, x = np.meshgrid(centre, centre, indexing="ij")
        rows.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride, np.float32)], axis=1))
    return np.concatenate(rows)


def targets(
    boxes: Boxes, cells: NDArray[np.float32], left_out: NDArray[np.bool_] | None = None, near: float = NEAR
) -> NDArray[np.float32]:
    """The targets of the cells. A cell that is positive for two faces is assigned to the smaller one.

    Args:
        boxes: (M, 4) faces, in pixels of the input.
        cells: (N, 3) see cell_centres().
        left_out: (M,) faces whose cells are ignored, as are those of faces below TOO_SMALL; None: no face.
        near: distance from a face's centre up to which cells are positive, in strides.

    Returns:
        (N, 5) for each cell POSITIVE, NEGATIVE or IGNORED, then left, top, right, bottom of its face. Without a face
        this is a box of 2 by 2 pixels, with which the loss can be computed.
    """
    result = np.zeros((len(cells), 5), np.float32)
    result[:, 1:] = np.concatenate([cells[:, :2] - 1, cells[:, :2] + 1], axis=1)
    sizes = np.sqrt(np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 0))
    unimportant = sizes < TOO_SMALL
    if left_out is not None:
        unimportant |= left_out
    # (M, N): each face with each cell
    x, y = (np.abs(cells[:, axis] - (boxes[:, axis, None] + boxes[:, 2 + axis, None]) / 2) for axis in (0, 1))
    half_width, half_height = ((boxes[:, 2 + axis, None] - boxes[:, axis, None]) / 2 for axis in (0, 1))
    distance = np.maximum(x, y) / cells[:, 2]
    inside = (x <= half_width) & (y <= half_height)
    low, high = np.array([SIZES[stride] for stride in STRIDES])[np.searchsorted(STRIDES, cells[:, 2])].T
    positive = (low <= sizes[:, None]) & (sizes[:, None] < high) & (distance <= near)
    for face in np.argsort(-sizes):  # large faces first: a smaller one then overwrites their cells
        if unimportant[face]:
            result[inside[face] | (distance[face] <= near), 0] = IGNORED
            continue
        around = inside[face] & (distance[face] <= AROUND) & ~positive[face] & (result[:, 0] == NEGATIVE)
        result[around, 0] = IGNORED
        result[positive[face]] = np.concatenate([[POSITIVE], boxes[face]])
    return result


def join(outputs: list[keras.KerasTensor]) -> keras.KerasTensor:
    """The network's maps -> (B, N, 5): score logit, dx, dy, log width, log height; the N cells are in the order of
    cell_centres()."""
    columns = []
    for score, box in zip(outputs[::2], outputs[1::2], strict=True):
        both = keras.layers.Concatenate(axis=-1)([score, box])
        columns.append(keras.layers.Reshape((-1, 5))(both))
    return keras.layers.Concatenate(axis=1, name="cells")(columns)


def quality_focal(logit: keras.KerasTensor, quality: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of the scores with the quality, weighted by the square of their difference (arXiv 2006.04388)."""
    return ops.square(ops.stop_gradient(ops.sigmoid(logit)) - quality) * entropy(logit, quality)


def entropy(logit: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy of each cell."""
    return ops.relu(logit) - logit * target + ops.softplus(-ops.abs(logit))


class FinderLoss(keras.losses.Loss):
    """Weighted sum of the scores' loss and the GIoU loss of the boxes, divided by the number of positive cells."""

    def __init__(
        self, size: int, score_loss: ScoreLoss = quality_focal, floor: float = 0.5, name: str = "finder_loss"
    ) -> None:
        """Args:
        size: side of the input, pixels.
        score_loss: of each cell, from its logit and its quality, 0 where no face is.
        floor: the least quality of a cell on a face; 1 if the score shall not say how good the box is. With the
            overlap alone (0), a cell whose box is still bad would get a target near 0, and would never learn a higher
            score.
        """
        super().__init__(name=name, reduction=None)
        self.cells = cell_centres(size)
        self.score_loss, self.floor = score_loss, floor

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(B, N, 5) targets and (B, N, 5) outputs -> a scalar."""
        state, logit = y_true[..., 0], y_pred[..., 0]
        positive = ops.cast(ops.equal(state, POSITIVE), "float32")
        judged = ops.cast(ops.not_equal(state, IGNORED), "float32")
        overlap, giou = self.overlaps(y_true[..., 1:], y_pred[..., 1:])
        quality = ops.stop_gradient(positive * (self.floor + (1 - self.floor) * overlap))
        count = ops.maximum(ops.sum(positive), 1.0)
        score_loss = ops.sum(judged * self.score_loss(logit, quality)) / count
        box_loss = ops.sum(positive * (1 - giou)) / count
        return score_loss * SCORE_WEIGHT + BOX_WEIGHT * box_loss

    def overlaps(
        self, true: keras.KerasTensor, output: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """(B, N) IoU and GIoU of the cells' boxes with the faces' boxes."""
        cells = ops.convert_to_tensor(self.cells)[None]
        stride = cells[..., 2:]
        centre = cells[..., :2] + output[..., :2] * stride
        half = ops.exp(ops.clip(output[..., 2:], *LOG_SIZE)) * stride / 2
        low, high = centre - half, centre + half
        inner = ops.relu(ops.minimum(high, true[..., 2:]) - ops.maximum(low, true[..., :2]))
        outer = ops.maximum(high, true[..., 2:]) - ops.minimum(low, true[..., :2])
        intersection, hull = inner[..., 0] * inner[..., 1], outer[..., 0] * outer[..., 1]
        size, true_size = high - low, true[..., 2:] - true[..., :2]
        union = size[..., 0] * size[..., 1] + true_size[..., 0] * true_size[..., 1] - intersection
        iou = intersection / ops.maximum(union, 1e-6)
        return iou, iou - (hull - union) / ops.maximum(hull, 1e-6)
