"""Compares the records of many trainings: tables, a learning curve, and the answer in words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskwatch.records.speed import Run as BoardRun
from training.study.answer import answer
from training.study.judged import Record
from training.study.rows import groups, table, title

SCHEMA = "maskwatch-comparison-1"


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
        "study_curves": curves(study),
    }
    return {**result, "answer": answer(result)}


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
    """Network -> accuracy on the test part by the share of training data; only networks with several shares.

    Of each share the first seed counts alone: the whole training part often has more seeds than a share.
    """
    records = [
        seeds[0] for share in {record.share for record in records} for seeds in groups(_of(records, share)).values()
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for share in sorted({record.share for record in records}):
        for row in table(_of(records, share), "test"):
            if row["precision"] == "float32":
                fields = (
                    "learnt",
                    "mean",
                    "validation",
                    "validation_loss",
                    "spread",
                    "interval95",
                    "n",
                    "epochs",
                    "quick",
                    "network",
                )
                found.setdefault(row["title"], []).append({"share": share, **{name: row[name] for name in fields}})
    return {name: points for name, points in found.items() if len(points) > 1}


def _of(records: Sequence[Record], share: float) -> list[Record]:
    return [record for record in records if record.share == share]


def curves(records: Sequence[Record]) -> dict[str, dict[str, Sequence[float]]]:
    """Accuracy, loss and average precisions by epoch, of the first seed of each training."""
    names = ("accuracy", "val_accuracy", "val_map50", "val_face_ap50", "loss", "val_loss")
    return {
        title(seeds[0]): {name: seeds[0].curves[name] for name in names if name in seeds[0].curves}
        for seeds in groups(records).values()
        if seeds[0].curves
    }
