"""A row of figures for each training and precision, and the choice of the best one. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from maskwatch.records.speed import Run as BoardRun
from training.study import measures, variants
from training.study.judged import Judged, Record

Measure = TypeVar("Measure")
WIDE = 0.25  # p10 to p90 of a time as a share of its median; one that spreads more is not used
NETWORKS = {
    "cnn": "CNN",
    "deep_cnn": "deep CNN",
    "alexnet": "AlexNet",
    "mobilenet_v2": "MobileNetV2",
    "yolov5s": "YOLOv5s",
}


def title(record: Record) -> str:
    """`MobileNetV2 M1`, `AlexNet`, `MobileNetV2, ours`."""
    name = NETWORKS.get(record.network, record.network)
    if record.protocol == "device":
        return name if record.network == "yolov5s" else f"{name}, ours"
    return name if record.variant == record.network else f"{name} {record.variant}"


def groups(records: Iterable[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """The records of each training, the smallest seed first. The order of `records` does not matter."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.network, record.variant, record.protocol, record.seed)):
        found.setdefault((record.network, record.variant, record.protocol), []).append(record)
    return found


def table(records: Sequence[Record], part: str, boards: Sequence[BoardRun] = ()) -> list[dict[str, Any]]:
    """A row for each network and precision that was judged on the part: the best first, int8 below its float model.

    The row's `best` marks the network that validation chose, see chosen(). It need not be the first row.
    """
    rows = []
    for seeds in groups(records).values():
        for precision in ("float32", "int8"):
            judged = [
                record for record in seeds if precision in record.judged and part in record.judged[precision].parts
            ]
            if judged:
                rows.append(_row(judged, precision, part, boards))
    floats = {row["title"]: row["mean"] for row in rows if row["precision"] == "float32"}
    rows.sort(key=lambda row: (-floats.get(row["title"], 0.0), row["title"], row["precision"]))
    _against_the_best(rows, records, part)
    _best_of_each_kind(rows)
    return rows


def _row(seeds: Sequence[Record], precision: str, part: str, boards: Sequence[BoardRun]) -> dict[str, Any]:
    """The first seed's figures, and the spread of all seeds."""
    first = seeds[0]
    accuracies = [measures.accuracy(record.judged[precision].parts[part]) for record in seeds]
    return {
        "title": title(first),
        "network": first.network,
        "variant": first.variant,
        "protocol": first.protocol,
        "precision": precision,
        "seeds": [record.seed for record in seeds],
        "accuracies": accuracies,
        "mean": float(np.mean(accuracies)),
        "validation": _mean([_on_validation(measures.accuracy, record, precision) for record in seeds]),
        "validation_loss": _mean([_on_validation(measures.log_loss, record, precision) for record in seeds]),
        "validation_interval95": _on_validation(measures.interval, first, precision),
        "spread": float(np.std(accuracies, ddof=1)) if len(seeds) > 1 else None,
        **measures.of(first.judged[precision].parts[part]),
        "input_size": first.input_size,
        "parameters": first.parameters,
        "trainable": first.trainable,
        "multiply_adds": first.multiply_adds,
        "bytes": first.judged[precision].bytes,
        "seconds": first.seconds,
        "epochs": first.epochs,
        "recipe_epochs": _recipe_epochs(first),
        "kept_epoch": first.kept_epoch,
        "learnt": first.learnt,
        "quick": any(record.quick for record in seeds),
        "times_judged": max(record.times_judged for record in seeds),
        "latency": latency(first, precision, boards),
        "published": published(first),
    }


def _recipe_epochs(record: Record) -> int | None:
    """The number of epochs in the variant's recipe if `--epochs` replaced it; None: it did not."""
    epochs = sum(record.knobs.get("recipe", {}).get("epochs", ()))
    return epochs if record.knobs.get("epochs") not in (None, epochs) and epochs else None


def _on_validation(measure: Callable[[measures.Scores], Measure], record: Record, precision: str) -> Measure | None:
    """A measure on the validation part; None: that part was not judged."""
    scores = record.judged[precision].parts.get("validation")
    return None if scores is None else measure(scores)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _against_the_best(rows: list[dict[str, Any]], records: Sequence[Record], part: str) -> None:
    """Add McNemar's test of every row against the best float row, with the first seeds.

    The best row is chosen on validation. A choice on the test part would make its figures there look too good.
    """
    floats = [row for row in rows if row["precision"] == "float32"]
    if not floats:
        return
    best = chosen(floats)
    by_seed = {(record.network, record.variant, record.protocol, record.seed): record for record in records}

    def scores(row: Mapping[str, Any]) -> measures.Scores:
        seed = row["seeds"][0]  # the first that was judged on this part
        judged: Judged = by_seed[row["network"], row["variant"], row["protocol"], seed].judged[row["precision"]]
        return judged.parts[part]

    for row in rows:
        row["mcnemar"] = None if row is best else measures.mcnemar(scores(best), scores(row))
        row["best"] = row is best


def _best_of_each_kind(rows: list[dict[str, Any]]) -> None:
    """Mark the best training of each network, in its float row and its int8 row. Our networks count too."""
    kinds: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault((row["network"], row["protocol"] == "device"), []).append(row)
    for kind in kinds.values():
        floats = [row for row in kind if row["precision"] == "float32"]
        finished = [row for row in floats if not row["quick"]]
        best = chosen(finished or floats)["title"] if floats else None
        for row in kind:
            row["best_of_kind"] = row["title"] == best


def chosen(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row with the most photographs right on validation; of equal ones, the one with the least log loss there.

    Without these figures, the best on the judged photographs. The study's own protocol has no validation part: there,
    the judged photographs themselves choose.
    """

    def merit(row: Mapping[str, Any]) -> tuple[float, float]:
        if row["validation"] is None:
            return float(row["mean"]), 0.0
        return float(row["validation"]), -float(row["validation_loss"])

    return max(sorted(rows, key=lambda row: str(row["title"])), key=merit)


def published(record: Record) -> dict[str, Any]:
    """The study's own figure, and why ours differs by the record's protocol."""
    variant = None if record.protocol == "device" else variants.named(record.network, record.variant)
    if variant is None:
        why = variants.YOLO if record.network == "yolov5s" else variants.OURS
        return {"accuracy": None, "parameters": None, "why": why}
    accuracy = None if variant.accuracy is None else variant.accuracy / 100
    why = variants.SAME_PROTOCOL if record.protocol == "study" else variant.why
    return {"accuracy": accuracy, "parameters": variant.parameters, "why": why}


def latency(record: Record, precision: str, boards: Sequence[BoardRun]) -> list[dict[str, Any]]:
    """Median ms on one thread of ai-edge-litert, by board, of the same file or of a network with the same name.

    A time does not depend on the weights, so a network measured as NETWORK-VARIANT or NETWORK will do. A board is left
    out if its values spread widely, or if its code was not committed.
    """
    names = {f"{record.network}-{record.variant}"}
    if record.protocol == "device":
        names |= {"mask"} if record.network == "mobilenet_v2" else {record.network}
    file = record.judged[precision].sha256
    times_by_board = []
    for board in boards:
        rows = [
            row
            for row in board.rows
            if (row.runtime, row.threads, row.variant) == ("ai-edge-litert", 1, precision)
            and (row.sha256 == file or row.model in names)
            and row.us
        ]
        if not rows or str(board.host.commit).endswith("-dirty"):
            continue
        values = np.concatenate([np.ravel(times) for times in rows[0].us])
        low, middle, high = (float(value) for value in np.quantile(values, (0.1, 0.5, 0.9)))
        if high - low <= WIDE * middle:
            times_by_board.append({"board": board.host.board, "ms": middle / 1000})
    return times_by_board
