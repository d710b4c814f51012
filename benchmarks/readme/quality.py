"""Tables of how right the models are, from training's and convert's records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.readme.tables import ROOT, ends, markdown, of_boards, read_json, read_lines
from benchmarks.records import spread

SLICES = ("all", "class", "source", "worn wrong", "grey", "grey, worn wrong", "mask", "size", "focus")


def test_images() -> str:
    """Float and int8 on the held-out part of the study's set."""
    rows = []
    for record in read_lines("training/results/mask-test.jsonl"):
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
            f"{row['face_ap50']:.3f} {ends(row['face_ap50_interval95'])}",
            f"{row['precision']:.3f} {ends(row['precision_interval95'])}",
            f"{row['recall']:.3f} {ends(row['recall_interval95'])} at {row['threshold']:g}",
            *_labels(row),
        )
        for row in read_lines("training/results/scenes.jsonl")
    ]
    head = "detector|scenes|faces from|faces|AP50|precision|recall|labels right|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def _labels(row: dict[str, Any]) -> tuple[str, str, str]:
    """Of a detector that gives any."""
    if row["label_accuracy"] is None:
        return "–", "–", "–"
    right = f"{100 * row['label_accuracy']:.1f} % {ends(row['label_interval95'], 100)}"
    return right, row["bare_called_masked"], row["masked_called_bare"]


def portraits() -> str:
    """The whole pipeline on the study's photographs: the largest face's label."""
    rows = [
        (
            row["models"],
            row["portraits"],
            row["images"],
            f"{100 * row['accuracy']:.2f} % {ends(row['interval95'], 100)}",
            row["no_face"],
            row["bare_called_masked"],
            row["masked_called_bare"],
        )
        for row in read_lines("training/results/portraits.jsonl")
    ]
    head = "models|portraits|images|right|no face found|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def slices() -> str:
    """The shipped classifier on the test part, by the slices that tell most, beside the first; the records hold all."""
    first = {
        (row["kind"], row["slice"]): f"{100 * row['right']:.1f} %"
        for row in read_json("training/results/slices-first.json")["slices"]
    }
    rows = [
        (
            "all" if row["kind"] == "all" else f"{row['kind']}: {row['slice'].replace('mask_weared_', 'worn ')}",
            row["n"],
            first.get((row["kind"], row["slice"]), "–"),
            f"{100 * row['right']:.1f} % {ends(row['interval95'], 100)}",
            row["bare_called_masked"],
            row["masked_called_bare"],
        )
        for row in read_json("training/results/slices.json")["slices"]
        if row["kind"] in SLICES
    ]
    head = ("slice", "faces", "first model", "right", "bare called masked", "masked called bare")
    return markdown(head, rows)


def conversion() -> str:
    """Every variant of both shipped models."""
    return _variants(("mask", "face"))


def study() -> str:
    """Every variant of the study's networks."""
    found = (ROOT / "convert" / "results").glob("study/*.report.json")
    return _variants([f"study/{path.name.removesuffix('.report.json')}" for path in sorted(found)])


def _variants(names: Iterable[str]) -> str:
    """A row each: its size, its quality on both parts, and the verdicts that are not float's."""
    rows = []
    for name in names:
        report = read_json(f"convert/results/{name}.report.json")
        for variant, file in report["variants"].items():
            parts = [part["figures"][variant] for part in report["parts"].values()]
            failed = sum(not gate["holds"] for gate in report["gates"] if gate["variant"] == variant)
            rows.append(
                (
                    f"{Path(name).name}, {variant}",
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


def search() -> str:
    """What was tried for the shipped models: quality on both held-out parts against time, by board."""
    done = []
    for kind, title in (("network", "mask classifier"), ("finder", "face finder")):
        rows, measures = [], []
        for record in of_boards("search"):
            for model in _candidates(record, kind):
                validation, test = model["quality"]["validation"], model["quality"]["test"]
                measures = list(test)
                found = [
                    f"{_percent(validation[each])}; {_percent(test[each])} {ends(test[each]['interval95'], 100)}"
                    for each in measures
                ]
                rows.append((model["name"], f"{spread(model['ms'])[0]:.2f}", f"{model['bytes'] / 1e6:.2f}", *found))
        done.append(markdown((title, "ms", "MB", *measures), rows))
    return "\n\n".join(done)


def _candidates(record: dict[str, Any], kind: str) -> list[Any]:
    """The rows of a kind, quickest first."""
    rows = [model for model in record["models"] if model["kind"] == kind]
    return sorted(rows, key=lambda model: spread(model["ms"])[0])


def _percent(found: dict[str, Any]) -> str:
    return f"{100 * found['value']:.1f} %"


def left_out() -> str:
    """What a classifier makes of a source it never learnt from, beside one that did; the test part."""
    rows = []
    for record in read_lines("training/results/left-out.jsonl"):
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
                        f"{100 * each['right']:.1f} % {ends(each['interval95'], 100)}",
                        each["bare_called_masked"],
                        each["masked_called_bare"],
                    )
                ),
            )
        )
    head = "left out|judged on|faces|right|bare called masked|masked called bare|had it learnt: right|bare|masked"
    return markdown(head.split("|"), rows)
