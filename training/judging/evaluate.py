"""Judges a classifier, float or quantized, on a folder of with_mask/ and without_mask/ photographs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from maskwatch.errors import ModelError, SourceError
from maskwatch.flow import Image
from maskwatch.vision import bundle
from maskwatch.vision.classifier import bare_share
from training.augment import crops
from training.pictures import data
from training.runs import run_folder
from training.runs.progress import track

BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A classifier opened from a file: (B, size, size, 3) uint8 RGB -> (B, C) logits, the first C of data.CLASSES."""

    size: int
    logits: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    temperature: float = 1.0
    bias: float = 0.0

    def bare(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., C) logits -> (...) how surely each face counts as bare, 0–1; a mask worn wrong counts as bare."""
        return bare_share(logits, data.CLASSES[: logits.shape[-1]], self.temperature, self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All answers of a classifier."""

    names: tuple[str, ...]
    truth: NDArray[np.int64]  # (N,) class indices
    scores: NDArray[np.float32]  # (N, 2) shares of the verdicts; a mask worn wrong counts as bare
    unreadable: tuple[str, ...]

    @property
    def answers(self) -> NDArray[np.int64]:
        """(N,) class indices."""
        return np.asarray(self.scores[:, 1] >= 0.5, np.int64)  # as classifier.as_verdict does

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(2, 2) counts, rows truth, columns answer."""
        return np.asarray(confusion_matrix(self.truth, self.answers, labels=range(len(data.LABELS))))

    def summary(self) -> dict[str, Any]:
        """The figures, ready for JSON."""
        columns = precision_recall_fscore_support(
            self.truth, self.answers, labels=range(len(data.LABELS)), zero_division=0.0
        )
        per_class = {
            str(label): {
                "precision": round(float(columns[0][index]), 4),
                "recall": round(float(columns[1][index]), 4),
                "f1": round(float(columns[2][index]), 4),
                "n": int(columns[3][index]),
            }
            for index, label in enumerate(data.LABELS)
        }
        return {
            "n": len(self.truth),
            "accuracy": round(float((self.answers == self.truth).mean()), 4),
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
            "labels": [str(label) for label in data.LABELS],
            "unreadable": len(self.unreadable),
        }


def open_network(path: Path, any_pixels: bool = False) -> Network:
    """Open a .keras model, a maskwatch bundle or a plain .tflite, with the calibration of its card or run.json, if any.

    Args:
        path: the file.
        any_pixels: also accept a bundle made for another preprocess.VERSION, see bundle.read.

    Raises:
        ModelError: the file is missing or broken, or is not a classifier of two or three classes.
    """
    if not path.is_file():
        raise ModelError(f"model {path}: no such file; expected a .keras or a .tflite")
    network = _tflite(path, any_pixels) if path.suffix == ".tflite" else _keras(path)
    probe = network.logits(np.zeros((1, network.size, network.size, 3), np.uint8))
    if probe.shape not in ((1, len(data.LABELS)), (1, len(data.CLASSES))):
        raise ModelError(f"model {path}: answers {probe.shape}, expected (1, 2) or (1, 3): not a mask classifier")
    return network


def _tflite(path: Path, any_pixels: bool) -> Network:
    from maskwatch.vision.runtime import Model

    content = path.read_bytes()
    model = Model(content, threads=2, origin=str(path))
    card = bundle.read(path, "mask", any_pixels).card if bundle.is_bundle(content) else None
    return Network(
        model.input_size,
        lambda images: np.stack([model.run(image)[0].ravel() for image in images]),
        *((card.temperature, card.bias) if card else (1.0, 0.0)),
    )


def _keras(path: Path) -> Network:
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except (KeyError, OSError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"model {path}: not a Keras model ({reason}); expected .keras") from error
    if (len(model.inputs), len(model.outputs)) != (1, 1):
        found = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise ModelError(f"model {path}: has {found}, expected one of each: not a mask classifier")
    run = run_folder.read(path) if (path.parent / run_folder.RECORD).exists() else None
    return Network(
        model.input_shape[1],
        lambda images: np.asarray(model.predict_on_batch(images)),
        *((run.temperature, run.bias) if run else (1.0, 0.0)),
    )


def evaluate(network: Network, samples: Iterable[crops.Sample], title: str = "Evaluating") -> Evaluation:
    """Judge each sample as the device sees it. Unreadable files are named and left out."""
    names, truth, logits, unreadable = [], [], [], []
    batch: list[Image] = []
    for sample in track(list(samples), title):
        try:
            batch.append(crops.cut(sample, data.read_rgb(sample.path), network.size))
        except SourceError as error:
            unreadable.append(str(error))
            continue
        names.append(f"{sample.path.parent.name}/{sample.path.name}")
        truth.append(sample.label)
        if len(batch) == BATCH:
            logits.append(network.logits(np.stack(batch)))
            batch = []
    if batch:
        logits.append(network.logits(np.stack(batch)))
    if not truth:
        raise SourceError("data: no readable image to evaluate on")
    bare = network.bare(np.concatenate(logits))
    return Evaluation(tuple(names), np.array(truth), np.stack([1 - bare, bare], axis=1), tuple(unreadable))


def folder(root: Path) -> list[crops.Sample]:
    """A sample for every image of root/with_mask and root/without_mask, as a whole picture."""
    return [
        crops.Sample(path, index, None)
        for index, label in enumerate(data.LABELS)
        for path in data.class_files(root, label)
    ]


def table(evaluation: Evaluation) -> str:
    """The figures as a table for people."""
    summary = evaluation.summary()
    lines = [
        f"{summary['n']} images, {summary['unreadable']} unreadable; accuracy {summary['accuracy']:.2%}",
        f"{'':14}{'precision':>10}{'recall':>10}{'F1':>10}{'n':>8}",
    ]
    for label, row in summary["per_class"].items():
        lines.append(f"{label:14}{row['precision']:>10.4f}{row['recall']:>10.4f}{row['f1']:>10.4f}{row['n']:>8}")
    lines.append(f"{'truth / answer':14}" + "".join(f"{label:>14}" for label in summary["labels"]))
    for label, row in zip(summary["labels"], summary["confusion"], strict=True):
        lines.append(f"{label:14}" + "".join(f"{count:>14}" for count in row))
    return "\n".join(lines)
