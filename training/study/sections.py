"""The comparison as text and tables, for both Markdown and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.pictures.data import LABELS
from training.study.answer import SIGNIFICANCE

Rows = Sequence[Mapping[str, Any]]
HONEST = (
    "The split without near-duplicates in two parts: each network learns from 5,287 photographs, its epoch is chosen "
    "on 454, and it is judged on 1,812, on whole photographs as in the study. A network is marked if one of its seeds "
    "was judged on the 1,812 more than once; docs/study.md says how that is counted. The best network is the one that "
    "did best on the 454. The share right on validation and the accuracy are means over the seeds, ± is their standard "
    "deviation. All other figures are of the first seed: the number right, Wilson's 95 % interval, ROC-AUC, the "
    "calibration error (ECE), McNemar's test, precision, recall, F1, confusion, covariance, and the costs."
)
STUDY = (
    "The study's own way: 80 and 20 % are chosen at random, so near-duplicates are on both sides, and the best epoch "
    "is chosen on the photographs that are reported. The difference from the table above is what both are worth."
)
ELSEWHERE = (
    "Faces of the test photographs, cut out as on the device, and faces of street scenes (the test part, without masks "
    "that are worn wrong). The networks learnt from whole photographs; ours also learnt from such faces. In a cell: "
    "the mean over the seeds, their number in brackets, and Wilson's 95 % interval of the first of them. YOLOv5s is "
    "not in this table: it looks at a whole scene and finds the faces itself, so it is judged as a detector."
)
DETECTED = "Average precision of faces from 16 px; mAP over with_mask and without_mask."
COSTS = (
    "Seconds of training: other work ran on the same processors, more or less of it, so they only show the order of "
    "magnitude. Those of M1 to M6 are without the four passes of the frozen base, which they share. In `16 of 60` "
    "epochs, --epochs made the recipe shorter: the learning rate fell to zero in 16. A picture's time on a board may "
    "be of another file of the same network, because it does not depend on the weights."
)
NO_INT8 = "No int8 files were made for this protocol."
FEW_DOTS = "A dot is the share right of the photographs with about that confidence; hollow dots are fewer than 20."
CURVES = (
    "Of the first seed. Checked: the 454 photographs that choose the epoch; for ours, the faces and photographs of its "
    "own validation part; for YOLOv5s, the validation scenes after every 500 batches."
)
LEARNT = (
    "Accuracy on the same 1,812 photographs, by the share of the training part that the network learnt from; one seed."
)
QUICK = (
    "Rows marked (try) learnt from few photographs or for few epochs. They show that every step works; their figures "
    "mean nothing."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    drawing: str | None = None  # the name of the section's plot


def of(result: Mapping[str, Any]) -> list[Section]:
    """The report's sections; sections without content are left out."""
    honest, study = result["protocols"]["honest"], result["protocols"]["study"]
    quick = (QUICK,) if any(row["quick"] for row in (*honest, *study)) else ()
    found = [Section("The answer", tuple(result["answer"]))] if result["answer"] else []
    if honest:
        found += [
            Section("Honest protocol", (HONEST, COSTS, *quick), (quality(honest), cost(honest)), "accuracy"),
            Section("The study's figures beside ours", (), (beside(honest),)),
            Section("By class", (), (by_class(honest),), "confusion"),
            Section("Confidence", (FEW_DOTS,), (confidence(honest),), "reliability"),
        ]
    if result["curves"]:
        found.append(Section("Curves", (CURVES,), (), "curves"))
    if study:
        tables = (quality(study), cost(study), beside(study), by_class(study))
        found.append(Section("The study's own protocol", (STUDY, *_no_int8(study), *quick), tables, "study_curves"))
    if result["elsewhere"]:
        found.append(Section("Street faces and crops", (ELSEWHERE,), (across(result["elsewhere"]),)))
    if result["detectors"]:
        found.append(Section("Detectors", (DETECTED,), (detected(result["detectors"]),)))
    if result["learning"]:
        found.append(Section("How much data", (LEARNT,), (learnt(result["learning"]),), "learning"))
    return found


def _no_int8(rows: Rows) -> tuple[str, ...]:
    return () if any(row["precision"] == "int8" for row in rows) else (NO_INT8,)


def quality(rows: Rows) -> Table:
    """Accuracy of each network, and whether it differs significantly from the best."""
    head = ("network", "file", "right on validation", "right", "accuracy, mean ± spread (seeds)", "95 % interval")
    return Table(
        (*head, "ROC-AUC", "ECE", "only the best right / only this", "McNemar's p"),
        tuple(
            (
                name(row),
                row["precision"],
                "–" if row["validation"] is None else percent(row["validation"]),
                f"{round(row['accuracy'] * row['n'])} of {row['n']}",
                f"{percent(row['mean'])}{spread(row)} ({len(row['seeds'])})",
                ends(row["interval95"]),
                number(row["roc_auc"], ".4f"),
                number(row["ece"], ".4f"),
                *against(row),
            )
            for row in rows
        ),
    )


def against(row: Mapping[str, Any]) -> tuple[str, str]:
    """McNemar's test against the best network, as text."""
    found = row["mcnemar"]
    if row["best"]:
        return "the best", "–"
    if found is None:
        return "other photographs", "–"
    doubt = "" if found["p"] < SIGNIFICANCE else ", may be chance"
    return f"{found['only_best_right']} / {found['only_this_right']}", f"{found['p']:.3g}{doubt}"


def cost(rows: Rows) -> Table:
    """Size and time of each network."""
    boards = sorted({time["board"] for row in rows for time in row["latency"]})
    head = ("network", "file", "input", "parameters", "learnt", "multiply-adds", "size", "epochs", "kept", "training")
    return Table(
        (*head, *(f"{board}, ms" for board in boards)),
        tuple(
            (
                name(row),
                ".keras" if row["precision"] == "float32" else row["precision"],
                f"{row['input_size']} px",
                number(row["parameters"], ","),
                number(row["trainable"], ","),
                number(row["multiply_adds"] and row["multiply_adds"] / 1e6, ",.0f", " M"),
                f"{row['bytes'] / 1e6:.2f} MB",
                _epochs(row),
                number(row["kept_epoch"], "d"),
                number(row["seconds"], ",.0f", " s"),
                *(
                    number(next((time["ms"] for time in row["latency"] if time["board"] == board), None), ".2f")
                    for board in boards
                ),
            )
            for row in rows
        ),
        "What it costs",
    )


def _epochs(row: Mapping[str, Any]) -> str:
    """`16 of 60` where --epochs made the recipe shorter."""
    of_recipe = f" of {row['recipe_epochs']}" if row["recipe_epochs"] else ""
    return f"{number(row['epochs'], 'd')}{of_recipe}"


def beside(rows: Rows) -> Table:
    """The study's own figures."""
    return Table(
        ("network", "study", "ours", "parameters, study", "ours", "why they differ"),
        tuple(
            (
                name(row),
                number(row["published"]["accuracy"] and 100 * row["published"]["accuracy"], ".2f", " %"),
                percent(row["mean"]),
                number(row["published"]["parameters"], ","),
                number(row["parameters"], ","),
                row["published"]["why"],
            )
            for row in rows
            if row["precision"] == "float32"
        ),
    )


def by_class(rows: Rows) -> Table:
    """The study's measures."""
    head = [f"{measure} {label}" for label in map(str, LABELS) for measure in ("precision", "recall", "F1")]
    return Table(
        (
            "network",
            "file",
            *head,
            "confusion (masked / bare: called masked, bare, nothing)",
            "covariance of the scores",
        ),
        tuple(
            (
                name(row),
                row["precision"],
                *(
                    f"{row['per_class'][label][measure]:.4f}"
                    for label in map(str, LABELS)
                    for measure in ("precision", "recall", "f1")
                ),
                " / ".join(" ".join(map(str, counts)) for counts in row["confusion"]),
                covariance(row["covariance"]),
            )
            for row in rows
        ),
    )


def covariance(matrix: Sequence[Sequence[float]] | None) -> str:
    """`0.24 -0.24; -0.24 0.24`."""
    return "–" if matrix is None else "; ".join(" ".join(f"{value:.3f}" for value in row) for row in matrix)


def confidence(rows: Rows) -> Table:
    """How well the scores are calibrated."""
    return Table(
        (
            "network",
            "file",
            "expected calibration error",
            "photographs with a score of at least 95 %",
            "of these right",
        ),
        tuple((name(row), row["precision"], number(row["ece"], ".4f"), *_sure(row)) for row in rows),
    )


def _sure(row: Mapping[str, Any]) -> tuple[str, str]:
    bins = [bin_ for bin_ in row["reliability"] if bin_["confidence"] >= 0.95]
    count = sum(bin_["n"] for bin_ in bins)
    if not count:
        return "0", "–"
    return f"{count / row['n']:.1%}", f"{sum(bin_['n'] * bin_['right'] for bin_ in bins) / count:.2%}"


def across(parts: Mapping[str, Rows]) -> Table:
    """A table with a row for each network and a column for each part."""
    names = dict.fromkeys((name(row), row["precision"]) for rows in parts.values() for row in rows)
    found = {(part, name(row), row["precision"]): row for part, rows in parts.items() for row in rows}
    counts = {part: rows[0]["n"] for part, rows in parts.items() if rows}
    return Table(
        ("network", "file", *(f"{part} (n = {n})" for part, n in counts.items())),
        tuple((*key, *(_right(found.get((part, *key))) for part in counts)) for key in names),
    )


def _right(row: Mapping[str, Any] | None) -> str:
    return "–" if row is None else f"{percent(row['mean'])} ({len(row['seeds'])}) {ends(row['interval95'])}"


def detected(rows: Rows) -> Table:
    """A table of detectors' figures on scenes."""
    return Table(
        ("network", "file", "scenes", "pictures", "faces", "AP50 of faces", "mAP50", "mAP50-95", "AP50 by class"),
        tuple(
            (
                row["title"],
                row["precision"],
                row["scenes"],
                str(row["images"]),
                str(row["faces"]),
                f"{row['face_ap50']:.3f} ({row['face_ap50_interval95'][0]:.3f}–{row['face_ap50_interval95'][1]:.3f})",
                f"{row['map50']:.3f}",
                f"{row['map50_95']:.3f}",
                ", ".join(f"{label} {value:.3f}" for label, value in row["class_ap50"].items()),
            )
            for row in rows
        ),
    )


def learnt(found: Mapping[str, Rows]) -> Table:
    """The learning curve."""
    return Table(
        ("network", "share", "photographs", "epochs", "accuracy", "95 % interval"),
        tuple(
            (
                title,
                f"{point['share']:.0%}",
                str(point["learnt"]),
                number(point["epochs"], "d"),
                percent(point["mean"]),
                ends(point["interval95"]),
            )
            for title, points in found.items()
            for point in points
        ),
    )


def name(row: Mapping[str, Any]) -> str:
    """The network's name, with a mark on a quick try."""
    twice = f", judged {row['times_judged']} times" if row["times_judged"] > 1 else ""
    return f"{row['title']}{' (try)' if row['quick'] else ''}{twice}"


def percent(share: float) -> str:
    """`99.17 %`."""
    return f"{100 * share:.2f} %"


def spread(row: Mapping[str, Any]) -> str:
    """`± 0.12`, in points."""
    return "" if row["spread"] is None else f" ± {100 * row['spread']:.2f}"


def ends(interval: Sequence[float]) -> str:
    """`98.64–99.49`."""
    return f"{100 * interval[0]:.2f}–{100 * interval[1]:.2f}"


def number(value: float | None, form: str, unit: str = "") -> str:
    """A number as text; a dash for None."""
    return "–" if value is None else f"{value:{form}}{unit}"
