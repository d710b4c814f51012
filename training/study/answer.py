"""What the compared figures say about the study's question, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.study.rows import chosen

SIGNIFICANCE = 0.05  # McNemar's p; from this value on, two networks do not differ significantly
SCRATCH = ("cnn", "deep_cnn", "alexnet")


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
    return float(row["accuracy"])


def _transfer_or_scratch(transfer: Mapping[str, Any], scratch: Mapping[str, Any]) -> str:
    first, second = sorted((transfer, scratch), key=_accuracy, reverse=True)
    mistakes = [f"{(1 - row['accuracy']) * row['n']:.0f}" for row in (first, second)]
    return (
        f"Transfer or scratch: {first['title']} gets {first['accuracy']:.2%} of {first['n']} held-out photographs "
        f"right{_on_average(first)}, {second['title']} {second['accuracy']:.2%}{_on_average(second)}: {mistakes[0]} "
        f"mistakes against {mistakes[1]}{_doubt(first, second)}."
    )


def _on_average(row: Mapping[str, Any]) -> str:
    """The mean of several seeds. McNemar's test and the mistakes are the first seed's alone."""
    seeds = len(row["seeds"])
    return f" (on average over {seeds} seeds {row['mean']:.2%})" if seeds > 1 else ""


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
            best = chosen(scratch)
            enough = next((point for point in points if point["mean"] >= best["mean"]), None)
            if enough:
                sentences.append(
                    f"{name} needs {enough['share']:.0%} of the training part ({enough['learnt']} photographs) to be "
                    f"as good as {best['title']} with all of it, the best network from scratch that has such a curve."
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
    """For each board, the quickest of the files measured there whose interval on validation reaches the best's.

    A board on which fewer than two networks were measured says nothing.
    """
    sentences = []
    for board in sorted({time["board"] for row in rows for time in row["latency"]}):
        measured = [(time["ms"], row) for row in rows for time in row["latency"] if time["board"] == board]
        if len({row["title"] for _, row in measured}) > 1:
            best = _interval(chosen([row for _, row in measured]))
            reaching = [(ms, row) for ms, row in measured if _interval(row)[1] >= best[0]]
            ms, row = min(reaching, key=lambda pair: pair[0])
            sentences.append(
                f"On {board}, of the {len(measured)} files measured: {row['title']} in {row['precision']} is the "
                f"quickest whose interval on validation reaches that of the best, with {ms:.1f} ms a picture on one "
                f"thread. {row['accuracy']:.2%} of the held-out photographs are right."
            )
    return sentences


def _interval(row: Mapping[str, Any]) -> Sequence[float]:
    """The accuracy's interval on validation; on the judged photographs if that is missing, as in chosen()."""
    found: Sequence[float] = row["validation_interval95"] or row["interval95"]
    return found
