"""Compares the records of many trainings: rows, tables, a learning curve, and the answer in words. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from maskwatch.records.speed import Run as BoardRun
from training.study import measures, variants
from training.study.judged import Judged, Record

SCHEMA = "maskwatch-comparison-1"
OURS = "MobileNetV2, ours"
SIGNIFICANCE = 0.05  # McNemar's p; from this value on, two networks do not differ significantly
NETWORKS = {
    "cnn": "CNN",
    "deep_cnn": "deep CNN",
    "alexnet": "AlexNet",
    "mobilenet_v2": "MobileNetV2",
    "yolov5s": "YOLOv5s",
}
SCRATCH = ("cnn", "deep_cnn", "alexnet")


def title(record: Record) -> str:
    """`MobileNetV2 M1`, `AlexNet`, `MobileNetV2, ours`."""
    name = NETWORKS.get(record.network, record.network)
    if record.protocol == "device":
        return name if record.network == "yolov5s" else f"{name}, ours"
    return name if record.variant == record.network else f"{name} {record.variant}"


def compare(records: Sequence[Record], boards: Sequence[BoardRun] = ()) -> dict[str, Any]:
    """Everything in the report, ready for JSON.

    Args:
        records: of trainings.
        boards: records of `python -m benchmarks run`.
    """
    whole = [record for record in records if record.share == 1]
    honest = [record for record in whole if record.protocol in ("honest", "device")]
    study = [record for record in whole if record.protocol == "study"]
    tables = {"honest": table(honest, "test", boards), "study": table(study, "test", boards)}
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "protocols": tables,
        "elsewhere": elsewhere(honest),
        "detectors": detectors(honest),
        "learning": learning([record for record in records if record.protocol == "honest"]),
        "curves": curves(honest),
    }
    return {**result, "answer": answer(result)}


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
        "spread": float(np.std(accuracies, ddof=1)) if len(seeds) > 1 else None,
        **measures.of(first.judged[precision].parts[part]),
        "input_size": first.input_size,
        "parameters": first.parameters,
        "trainable": first.trainable,
        "multiply_adds": first.multiply_adds,
        "bytes": first.judged[precision].bytes,
        "seconds": _mean([record.seconds for record in seeds]),
        "epochs": first.epochs,
        "kept_epoch": first.kept_epoch,
        "learnt": first.learnt,
        "quick": any(record.quick for record in seeds),
        "times_judged": max(record.times_judged for record in seeds),
        "latency": latency(first, precision, boards),
        "published": published(first),
    }


def _on_validation(measure: Callable[[measures.Scores], float], record: Record, precision: str) -> float | None:
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
    by_key = {key: seeds[0] for key, seeds in groups(records).items()}

    def scores(row: Mapping[str, Any]) -> measures.Scores:
        judged: Judged = by_key[row["network"], row["variant"], row["protocol"]].judged[row["precision"]]
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
    """The study's own figure, and why ours differs."""
    variant = None if record.protocol == "device" else variants.named(record.network, record.variant)
    if variant is None:
        why = variants.YOLO if record.network == "yolov5s" else variants.OURS
        return {"accuracy": None, "parameters": None, "why": why}
    accuracy = None if variant.accuracy is None else variant.accuracy / 100
    return {"accuracy": accuracy, "parameters": variant.parameters, "why": variant.why}


def latency(record: Record, precision: str, boards: Sequence[BoardRun]) -> list[dict[str, Any]]:
    """Median ms on one thread of ai-edge-litert, by board, of the same file or of a network with the same name.

    A time does not depend on the weights, so a network measured as NETWORK-VARIANT or NETWORK will do.
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
        if rows:
            values = np.concatenate([np.ravel(times) for times in rows[0].us])
            times_by_board.append({"board": board.host.board, "ms": float(np.median(values)) / 1000})
    return times_by_board


def elsewhere(records: Sequence[Record]) -> dict[str, list[dict[str, Any]]]:
    """The same networks on tight crops and street faces: for each part a table as from table()."""
    names = {name for record in records for judged in record.judged.values() for name in judged.parts}
    return {name: table(records, name) for name in sorted(names - {"validation", "test"})}


def detectors(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A row for each detector, precision and part of a source of scenes."""
    return [
        {"title": title(seeds[0]), "seed": seeds[0].seed, "precision": precision, "scenes": name, **found.model_dump()}
        for seeds in groups(records).values()
        for precision, judged in seeds[0].judged.items()
        for name, found in judged.scenes.items()
    ]


def learning(records: Sequence[Record]) -> dict[str, list[dict[str, Any]]]:
    """Network -> accuracy on the test part by the share of training data; only networks with several shares."""
    found: dict[str, list[dict[str, Any]]] = {}
    for share in sorted({record.share for record in records}):
        for row in table([record for record in records if record.share == share], "test"):
            if row["precision"] == "float32":
                fields = (
                    "learnt",
                    "mean",
                    "validation",
                    "validation_loss",
                    "spread",
                    "interval95",
                    "n",
                    "quick",
                    "network",
                )
                found.setdefault(row["title"], []).append({"share": share, **{name: row[name] for name in fields}})
    return {name: points for name, points in found.items() if len(points) > 1}


def curves(records: Sequence[Record]) -> dict[str, dict[str, Sequence[float]]]:
    """Accuracy and loss by epoch, of the first seed of each training."""
    names = ("accuracy", "val_accuracy", "loss", "val_loss")
    return {
        title(seeds[0]): {name: seeds[0].curves[name] for name in names if name in seeds[0].curves}
        for seeds in groups(records).values()
        if seeds[0].curves
    }


def answer(result: Mapping[str, Any]) -> list[str]:
    """Sentences that answer the study's question. Quick tries and missing figures are left out.

    Networks are chosen on validation; the figures are those of the test part.
    """
    rows = [row for row in result["protocols"]["honest"] if not row["quick"]]
    floats = [row for row in rows if row["precision"] == "float32"]
    transfer = [row for row in floats if row["network"] == "mobilenet_v2"]
    scratch = [row for row in floats if row["network"] in SCRATCH]
    sentences = []
    if transfer and scratch:
        sentences.append(_transfer_or_scratch(chosen(transfer), chosen(scratch)))
    sentences += _how_much_data(result["learning"]) + _quantizing(rows) + _boards(rows)
    return sentences


def _accuracy(row: Mapping[str, Any]) -> float:
    return float(row["mean"])


def _transfer_or_scratch(transfer: Mapping[str, Any], scratch: Mapping[str, Any]) -> str:
    first, second = sorted((transfer, scratch), key=_accuracy, reverse=True)
    mistakes = [f"{(1 - row['mean']) * row['n']:.0f}" for row in (first, second)]
    return (
        f"Transfer or scratch: {first['title']} gets {first['mean']:.2%} of {first['n']} held-out photographs right, "
        f"{second['title']} {second['mean']:.2%}: {mistakes[0]} mistakes against {mistakes[1]}{_doubt(first, second)}."
    )


def _doubt(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Whether the difference may be chance: by McNemar's test if one is the best network, otherwise by intervals."""
    other = second if first["best"] else first
    if (first["best"] or second["best"]) and other["mcnemar"]:
        p = other["mcnemar"]["p"]
        return f" (McNemar's p {p:.2g}{'' if p < SIGNIFICANCE else ', may be chance'})"
    return ", and their 95 % intervals overlap" if first["interval95"][0] <= second["interval95"][1] else ""


def _how_much_data(found: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    sentences = []
    for name, points in found.items():
        if not any(point["quick"] for point in points):
            accuracies = ", ".join(f"{point['mean']:.1%} from {point['learnt']} photographs" for point in points)
            sentences.append(f"How much data: {name} reaches {accuracies}.")
    whole = [{**points[-1], "title": name} for name, points in found.items() if points[-1]["share"] == 1]
    scratch = [point for point in whole if point["network"] in SCRATCH]
    for name, points in found.items():
        if scratch and points[0]["network"] == "mobilenet_v2":
            enough = next((point for point in points if point["mean"] >= chosen(scratch)["mean"]), None)
            if enough:
                sentences.append(
                    f"{name} needs {enough['share']:.0%} of the training part ({enough['learnt']} photographs) to be "
                    "as good as the best network from scratch with all of it."
                )
    return sentences


def _quantizing(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    by_title: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_title.setdefault(row["title"], {})[row["precision"]] = row
    costs = [
        f"{name} {100 * (pair['int8']['accuracy'] - pair['float32']['accuracy']):+.2f}"
        for name, pair in by_title.items()
        if len(pair) == 2
    ]
    return [f"What int8 changes, in points of accuracy: {', '.join(costs)}."] if costs else []


def _boards(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each board, the quickest file among those that are not significantly worse than the best."""
    best = max((row["interval95"][0] for row in rows), default=1.0)
    sentences = []
    for board in sorted({time["board"] for row in rows for time in row["latency"]}):
        timed = [
            (time["ms"], row)
            for row in rows
            for time in row["latency"]
            if time["board"] == board and row["interval95"][1] >= best
        ]
        if timed:
            ms, row = min(timed, key=lambda pair: pair[0])
            sentences.append(
                f"On {board}: {row['title']} in {row['precision']}, {ms:.1f} ms a picture on one thread and "
                f"{row['mean']:.2%} right, is the quickest whose interval reaches that of the best."
            )
    return sentences
