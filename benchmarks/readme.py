"""The README's tables, made from the committed records: python -m benchmarks readme.

A table stands between `<!-- table NAME -->` and `<!-- end -->`; a test fails when it is not what its record says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.device import spread
from maskwatch.errors import MaskwatchError

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
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
            f"{row['face_ap50']:.3f}",
            f"{row['precision']:.3f} / {row['recall']:.3f} at {row['threshold']:g}",
            "–" if row["label_accuracy"] is None else f"{100 * row['label_accuracy']:.1f} %",
            row["bare_called_masked"] if row["label_accuracy"] is not None else "–",
            row["masked_called_bare"] if row["label_accuracy"] is not None else "–",
        )
        for row in _lines("training/results/scenes.jsonl")
    ]
    head = "detector|scenes|faces from|faces|AP50|precision / recall|labels right|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def conversion() -> str:
    """What quantizing cost each shipped model, on validation pictures."""
    rows = []
    for task in ("mask", "face"):
        report = _json(f"device/maskwatch/models/{task}.report.json")
        for gate in report["gates"]:
            limit = f"≥ {gate['at_least']:g}" if "at_least" in gate else f"≤ {gate['at_most']:g}"
            rows.append((task, gate["measure"].replace("_", " "), f"{gate['found']:.3g} {gate['unit']}", limit))
    return markdown(("bundle", "gate", "found", "limit"), rows)


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


TABLES: dict[str, Callable[[], str]] = {
    "test_images": test_images,
    "scenes": scenes,
    "conversion": conversion,
    "starts": starts,
    "frame": frame,
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
