"""The proof for people, from the templates beside this file: Markdown, and HTML with plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from convert import drawings
from convert.recipe import REFERENCE, SHIPPED
from training.pictures import quick

TEMPLATES = Path(__file__).parent / "templates"
WORST = 10  # number of layers that are named


def markdown(report: dict[str, Any]) -> str:
    """The tables of the report."""
    return _environment(escaped=False).get_template("proof.md").render(_context(report))


def html(report: dict[str, Any]) -> str:
    """The same with plots, in one self-contained file."""
    shown = {"layers": Markup(drawings.layers(report["variants"]))}  # noqa: S704 (our own drawing)
    if report["parts"]:
        shown["drift"] = Markup(drawings.drift(report["parts"]["test"]))  # noqa: S704
        shown["curves"] = Markup(drawings.curves(report["parts"]["test"]))  # noqa: S704
    return _environment(escaped=True).get_template("proof.html").render(_context(report) | {"drawings": shown})


def _environment(escaped: bool) -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    environment = Environment(loader=loader, autoescape=escaped, **options)  # noqa: S701 (Markdown is not escaped)
    environment.filters |= {"share": share, "plain": plain, "limit": limit}
    return environment


def _context(report: dict[str, Any]) -> dict[str, Any]:
    variants = list(report["variants"])
    others = [variant for variant in variants if variant != REFERENCE]
    main = SHIPPED if SHIPPED in others else (others or [REFERENCE])[0]
    layers = sorted(report["variants"][main]["layers"], key=lambda layer: layer["sqnr_db"])[:WORST]
    operators = sorted({name for each in report["variants"].values() for name in each["operators"]})
    return {
        "report": report,
        "verdict": verdict(report),
        "variants": variants,
        "others": others,
        "main": main,
        "worst": layers,
        "operators": operators,
        "quality": _quality(report),
    }


def verdict(report: dict[str, Any]) -> str:
    """The first sentences: what was shipped, and caveats."""
    withheld, weaker = report.get("withheld", []), report.get("loosened", {})
    sentence = "With these limits, every gate holds." if weaker else "Every gate holds."
    if not report["shipped"]:
        sentence = "A gate failed: " + (f"not written: {', '.join(withheld)}." if withheld else "written anyway.")
    if weaker:
        named = ", ".join(
            f"{name.replace('_', ' ')} {'off' if at is None else plain(at)}" for name, at in weaker.items()
        )
        sentence = f"**Gates were loosened for it: {named}.** {sentence}"
    return f"{sentence} **{quick.SAID[0].upper()}{quick.SAID[1:]}.**" if report.get("quick") else sentence


def limit(gate: dict[str, Any]) -> str:
    """`≤ 20 (usually 0.5)`; `off` for no limit."""
    sign, value = ("≥", gate["at_least"]) if "at_least" in gate else ("≤", gate["at_most"])
    asked = "off" if value is None else f"{sign} {plain(value)}"
    return f"{asked} (usually {plain(gate['usual'])})" if "usual" in gate else asked


def _quality(report: dict[str, Any]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """For each part its rows of (measure, a cell for each variant)."""
    rows = {"mask": _mask_rows, "face": _face_rows, "scene": _scene_rows}[report["task"]]
    return [(name, rows(list(part["figures"].values()))) for name, part in report["parts"].items()]


def _mask_rows(figures: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    rows = [("accuracy", [share(each["accuracy"]) for each in figures])]
    for measure in ("recall", "f1"):
        rows += [
            (f"{measure.replace('f1', 'F1')} {label}", [share(each[measure][label]) for each in figures])
            for label in figures[0][measure]
        ]
    rows += [
        (f"accuracy, {view}", [share(each["by_view"][view]) for each in figures]) for view in figures[0]["by_view"]
    ]
    rows += [
        ("flipped verdicts", [_count(each, "flips") for each in figures]),
        ("agreement with float", [share(each["agreement"]) if "agreement" in each else "–" for each in figures]),
        ("accuracy lost, points", [share(each["drop"], "") if "drop" in each else "–" for each in figures]),
        ("only float right / only this one", [_only(each) for each in figures]),
    ]
    return rows + _drift_rows(figures)


def _face_rows(figures: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    rows = [
        ("AP50", [share(each["ap50"]) for each in figures]),
        (f"precision at {figures[0]['threshold']:g}", [share(each["precision"]) for each in figures]),
        (f"recall at {figures[0]['threshold']:g}", [share(each["recall"]) for each in figures]),
        ("F1", [share(each["f1"]) for each in figures]),
    ]
    views = figures[0]["by_view"]
    rows += [(f"AP50, {view}", [share(each["by_view"][view]["ap50"]) for each in figures]) for view in views]
    rows += [
        ("faces lost / gained", [f"{each['lost']} / {each['gained']}" if "lost" in each else "–" for each in figures]),
        ("agreement with float", [share(each["agreement"]) if "agreement" in each else "–" for each in figures]),
    ]
    return rows + _drift_rows(figures)


def _scene_rows(figures: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The rows of faces, and those of labels."""
    rows = [("mAP50 of the classes", [f"{each['map50']:.2f} %" for each in figures])]
    rows += [
        (f"AP50 {label} (n = {n})", [f"{each['class_ap50'][label]['value']:.2f} %" for each in figures])
        for label, n in ((label, found["n"]) for label, found in figures[0]["class_ap50"].items())
    ]
    rows += [
        (f"{measure} of verdicts", [share(each[f"verdict_{measure}"]) for each in figures])
        for measure in ("precision", "recall")
    ]
    rows += [("faces under another label", [str(each.get("relabelled", "–")) for each in figures])]
    return rows + _face_rows(figures)


def _drift_rows(figures: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    titles = (
        ("median_size", "score drift, median"),
        ("p99_size", "score drift, 99 %"),
        ("largest", "score drift, largest"),
    )
    return [
        (title, [f"{each['drift'][key]:.4f}" if "drift" in each else "–" for each in figures]) for key, title in titles
    ]


def _count(figures: dict[str, Any], key: str) -> str:
    return f"{figures[key]} of {figures['n']}" if key in figures else "–"


def _only(figures: dict[str, Any]) -> str:
    drop = figures.get("drop")
    return f"{drop['only_before_right']} / {drop['only_after_right']}" if drop else "–"


def share(found: dict[str, Any], unit: str = " %") -> str:
    """`99.17 % (98.64–99.49)`."""
    if found["value"] is None:
        return "–"
    low, high = found["interval95"]
    return f"{found['value']:.2f}{unit} ({low:.2f}–{high:.2f})"


def plain(value: Any) -> str:
    """A number in its shortest form; a dash for None."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
