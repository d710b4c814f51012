"""The README's tables, made from the committed records: python -m benchmarks readme.

A table stands between `<!-- table NAME -->` and `<!-- end -->`; a test fails when it is not what its record says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.records import spread
from maskwatch.errors import MaskwatchError

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SLICES = ("all", "class", "source", "mask", "size", "focus")
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def test_images() -> str:
    """Float and int8 on the held-out part of the study's set."""
    rows = []
    for record in _lines("training/results/mask-test.jsonl"):
        with_mask, without_mask = record["per_class"]["with_mask"], record["per_class"]["without_mask"]
        rows.append(
            (
                record["model"],
                record["n"],
                f"{100 * record['accuracy']:.2f} %",
                f"{100 * with_mask['recall']:.2f} %",
                f"{100 * without_mask['recall']:.2f} %",
                f"{with_mask['f1']:.4f}",
                f"{without_mask['f1']:.4f}",
                " / ".join(" ".join(map(str, row)) for row in record["confusion"]),
            )
        )
    head = "model|images|accuracy|recall masked|recall bare|F1 masked|F1 bare|confusion (masked / bare)"
    return markdown(head.split("|"), rows)


def scenes() -> str:
    """Detectors on annotated street scenes."""
    rows = [
        (
            row["detector"],
            row["part"],
            f"{row['min_side']:.0f} px",
            row["faces"],
            f"{row['face_ap50']:.3f} {_ends(row['face_ap50_interval95'])}",
            f"{row['precision']:.3f} {_ends(row['precision_interval95'])}",
            f"{row['recall']:.3f} {_ends(row['recall_interval95'])} at {row['threshold']:g}",
            *_labels(row),
        )
        for row in _lines("training/results/scenes.jsonl")
    ]
    head = "detector|scenes|faces from|faces|AP50|precision|recall|labels right|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def _labels(row: dict[str, Any]) -> tuple[str, str, str]:
    """Of a detector that gives any."""
    if row["label_accuracy"] is None:
        return "–", "–", "–"
    right = f"{100 * row['label_accuracy']:.1f} % {_ends(row['label_interval95'], 100)}"
    return right, row["bare_called_masked"], row["masked_called_bare"]


def portraits() -> str:
    """The whole pipeline on the study's photographs: the largest face's label."""
    rows = [
        (
            row["models"],
            row["portraits"],
            row["images"],
            f"{100 * row['accuracy']:.2f} % {_ends(row['interval95'], 100)}",
            row["no_face"],
            row["bare_called_masked"],
            row["masked_called_bare"],
        )
        for row in _lines("training/results/portraits.jsonl")
    ]
    head = "models|portraits|images|right|no face found|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def slices() -> str:
    """The shipped classifier on the test part, by the slices that tell most, beside the first; the records hold all."""
    first = {
        (row["kind"], row["slice"]): f"{100 * row['right']:.1f} %"
        for row in _json("training/results/slices-first.json")["slices"]
    }
    rows = [
        (
            "all" if row["kind"] == "all" else f"{row['kind']}: {row['slice'].replace('mask_weared_', 'worn ')}",
            row["n"],
            first.get((row["kind"], row["slice"]), "–"),
            f"{100 * row['right']:.1f} % {_ends(row['interval95'], 100)}",
            row["bare_called_masked"],
            row["masked_called_bare"],
        )
        for row in _json("training/results/slices.json")["slices"]
        if row["kind"] in SLICES
    ]
    head = ("slice", "faces", "first model", "right", "bare called masked", "masked called bare")
    return markdown(head, rows)


def _ends(interval: Sequence[float], scale: float = 1.0) -> str:
    """A 95 % interval."""
    digits = 3 if scale == 1 else 1
    return f"({interval[0] * scale:.{digits}f}–{interval[1] * scale:.{digits}f})"


def conversion() -> str:
    """Every variant of both models: its size, its quality on both parts, and the verdicts that are not float's."""
    rows = []
    for task in ("mask", "face"):
        report = _json(f"convert/results/{task}.report.json")
        for variant, file in report["variants"].items():
            parts = [part["figures"][variant] for part in report["parts"].values()]
            failed = sum(not gate["holds"] for gate in report["gates"] if gate["variant"] == variant)
            rows.append(
                (
                    f"{task}, {variant}",
                    f"{file['bytes'] / 1e6:.2f} MB, {file['size_ratio']:.1f} %",
                    *(_quality(part) for part in parts),
                    *(_changed(part) for part in parts),
                    f"{failed} fail" if failed else "hold",
                )
            )
    head = "model|file, of float32|validation|test|changed on validation|changed on test|gates"
    return markdown(head.split("|"), rows)


def _quality(figures: dict[str, Any]) -> str:
    """Accuracy of a classifier, AP50 of a finder."""
    found = figures.get("accuracy") or figures["ap50"]
    low, high = found["interval95"]
    return f"{found['value']:.2f} % ({low:.1f}–{high:.1f})"


def _changed(figures: dict[str, Any]) -> str:
    """Verdicts, or faces, that are not as the float model has them."""
    if "flips" in figures:
        return f"{figures['flips']} of {figures['n']}"
    return f"{figures['lost']} lost, {figures['gained']} gained" if "lost" in figures else "–"


def starts() -> str:
    """Time to the first verdict, and memory, by board."""
    rows = []
    for path in sorted((ROOT / "benchmarks/results").glob("*/device.json")):
        record = json.loads(path.read_text())
        columns = {name: [start[name] for start in record["starts"]] for name in record["starts"][0]}
        rows.append(
            (
                f"{record['host']['board']} ({record['host']['machine']}, {record['host']['cores']} cores)",
                *(f"{_range(columns[name])} s" for name in ("import_s", "models_s", "first_verdict_s")),
                f"{_range(columns['peak_rss_mb'], 0)} MB",
            )
        )
    return markdown(("board", "imports", "models opened", "process start to first verdict", "peak memory"), rows)


def frame() -> str:
    """Where a frame's time goes, by board."""
    rows = []
    for path in sorted((ROOT / "benchmarks/results").glob("*/device.json")):
        record = json.loads(path.read_text())
        stages = {name: values[1:] for name, values in record["frames_ms"].items()}  # the first frame warms up
        stages["total"] = [sum(frame) for frame in zip(*stages.values(), strict=True)]
        rows += [
            (record["host"]["board"], name, *(f"{v:.2f}" for v in spread(values))) for name, values in stages.items()
        ]
    return markdown(("board", "stage", "median ms", "p10", "p90"), rows)


def models() -> str:
    """Models in turns on one thread, by board; ratios to the study's network and to YuNet."""
    rows = []
    for path in sorted((ROOT / "benchmarks/results").glob("*/models.json")):
        record = json.loads(path.read_text())
        medians = {model["name"]: spread(model["ms"])[0] for model in record["models"]}
        for model in record["models"]:
            middle, low, high = spread(model["ms"])
            against = record["against"].get(model["name"])
            ratio = f"{middle / medians[against]:.2f} × {against}" if against else "–"
            size = f"{model['bytes'] / 1e6:.2f} MB"
            rows.append(
                (
                    record["host"]["board"],
                    model["name"],
                    f"{model['input_size']} px",
                    size,
                    f"{middle:.2f} ({low:.2f}–{high:.2f}) ms",
                    ratio,
                )
            )
    return markdown(("board", "model", "input", "file", "median (p10–p90)", "ratio"), rows)


def search() -> str:
    """What was tried for the shipped models: quality on both held-out parts against time, by board."""
    tables = []
    for kind, title in (("network", "mask classifier"), ("finder", "face finder")):
        rows, measures = [], []
        for path in sorted((ROOT / "benchmarks/results").glob("*/search.json")):
            for model in _candidates(json.loads(path.read_text()), kind):
                measures = list(model["quality"]["test"])
                found = [
                    f"{_percent(model['quality']['validation'][m])}; {_percent(model['quality']['test'][m], ends=True)}"
                    for m in measures
                ]
                rows.append((model["name"], f"{spread(model['ms'])[0]:.2f}", f"{model['bytes'] / 1e6:.2f}", *found))
        tables.append(markdown((title, "ms", "MB", *measures), rows))
    return "\n\n".join(tables)


def _candidates(record: dict[str, Any], kind: str) -> list[Any]:
    """The rows of a kind, quickest first."""
    rows = [model for model in record["models"] if model["kind"] == kind]
    return sorted(rows, key=lambda model: spread(model["ms"])[0])


def _percent(found: dict[str, Any], ends: bool = False) -> str:
    """A share, with its interval if wanted."""
    return f"{100 * found['value']:.1f} %" + (f" {_ends(found['interval95'], 100)}" if ends else "")


def left_out() -> str:
    """What a classifier makes of a source it never learnt from, beside one that did; the test part."""
    rows = []
    for record in _lines("training/results/left-out.jsonl"):
        without, learnt = record["without"], record["learnt"]
        rows.append(
            (
                record["left_out"],
                f"{without['kind']}: {without['slice']}",
                without["n"],
                *(
                    cell
                    for each in (without, learnt)
                    for cell in (
                        f"{100 * each['right']:.1f} % {_ends(each['interval95'], 100)}",
                        each["bare_called_masked"],
                        each["masked_called_bare"],
                    )
                ),
            )
        )
    head = "left out|judged on|faces|right|bare called masked|masked called bare|had it learnt: right|bare|masked"
    return markdown(head.split("|"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "test_images": test_images,
    "scenes": scenes,
    "portraits": portraits,
    "slices": slices,
    "conversion": conversion,
    "starts": starts,
    "frame": frame,
    "models": models,
    "search": search,
    "left_out": left_out,
}


def refreshed(text: str) -> str:
    """The README with every table as its record says.

    Raises:
        MaskwatchError: it asks for a table there is not.
    """

    def table(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        if name not in TABLES:
            raise MaskwatchError(f"README: table {name} is unknown; expected one of {', '.join(TABLES)}")
        return f"{begin}{TABLES[name]()}\n{end}"

    return TABLE.sub(table, text)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _range(values: Sequence[float], digits: int = 2) -> str:
    middle, low, high = spread(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _json(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def _lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (ROOT / name).read_text().splitlines()]
