"""The study's measures, and those it left out, from the scores of one part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from training.judging import calibration, wilson
from training.pictures.data import LABELS
from training.study.judged import Scores

NONE = -1  # the answer of a detector that found no face


def answers(scores: Scores) -> NDArray[np.int64]:
    """(N,) 0 with_mask, 1 without_mask, NONE."""
    classes = scores.classes()
    return np.where(classes.max(axis=1) > 0, (classes[:, 1] >= classes[:, 0]).astype(int), NONE)


def right(scores: Scores) -> NDArray[np.bool_]:
    """(N,) whether each answer is right."""
    return answers(scores) == scores.truths()


def accuracy(scores: Scores) -> float:
    """Share of right answers, 0–1."""
    return float(right(scores).mean())


def interval(scores: Scores) -> tuple[float, float]:
    """Wilson's 95 % interval of the accuracy."""
    hits = right(scores)
    return wilson.interval(int(hits.sum()), len(hits))


def log_loss(scores: Scores) -> float:
    """Mean negative logarithm of the share that the right class has in both scores; shares from 1e-6 to 1 - 1e-6."""
    share = np.clip(bare(scores), 1e-6, 1 - 1e-6)
    return float(-np.log(np.where(scores.truths() == 1, share, 1 - share)).mean())


def bare(scores: Scores) -> NDArray[np.float64]:
    """(N,) 0–1: the share of without_mask in both scores; 0.5 when both are 0."""
    classes = scores.classes()
    total = classes.sum(axis=1)
    return np.where(total > 0, classes[:, 1] / np.where(total > 0, total, 1), 0.5)


def of(scores: Scores) -> dict[str, Any]:
    """Every measure of one part, ready for JSON; shares are 0–1."""
    truth, hits = scores.truths(), right(scores)
    columns = precision_recall_fscore_support(truth, answers(scores), labels=range(len(LABELS)), zero_division=0.0)
    names = ("precision", "recall", "f1")
    return {
        "n": len(truth),
        "accuracy": float(hits.mean()),
        "interval95": interval(scores),
        "per_class": {
            str(label): {name: float(columns[row][at]) for row, name in enumerate(names)}
            for at, label in enumerate(LABELS)
        },
        "roc_auc": float(roc_auc_score(truth, bare(scores))) if len(set(truth.tolist())) > 1 else None,
        "confusion": confusion(scores),
        "covariance": np.cov(scores.classes(), rowvar=False).tolist() if len(truth) > 1 else None,
        "ece": calibration.expected_error(calibration.bins(bare(scores).astype(np.float32), truth == 1)),
        "reliability": [
            {"n": bin_.n, "confidence": bin_.confidence, "right": bin_.right}
            for bin_ in calibration.bins(bare(scores).astype(np.float32), truth == 1)
        ],
    }


def confusion(scores: Scores) -> list[list[int]]:
    """Rows: truth with_mask, without_mask. Columns: answered with_mask, without_mask, nothing."""
    truth, predicted = scores.truths(), answers(scores)
    return [[int(((truth == row) & (predicted == column)).sum()) for column in (0, 1, NONE)] for row in (0, 1)]


def mcnemar(best: Scores, other: Scores) -> dict[str, Any] | None:
    """McNemar's exact test (McNemar 1947, Psychometrika 12) of two models; None: for different photographs."""
    if best.photos_sha256 != other.photos_sha256:
        return None
    first, second = right(best), right(other)
    only_best, only_other = int((first & ~second).sum()), int((~first & second).sum())
    differing = only_best + only_other
    p = float(binomtest(min(only_best, only_other), differing, 0.5).pvalue) if differing else 1.0
    return {"only_best_right": only_best, "only_this_right": only_other, "p": p}
