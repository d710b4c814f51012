"""Tables of the models' quality, from the records of training, convert and the search for what to ship."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.records import spread
from benchmarks.report.readme import tables
from benchmarks.report.readme.tables import ROOT, ends, markdown
from maskwatch.records import comparison
from maskwatch.records.comparison import Comparison, Row
from maskwatch.records.proof import SUFFIX, Figures, MaskFigures, Proof
from maskwatch.records.quality import Evaluated, LeftOut, PortraitScores, SceneScores, Slices
from maskwatch.records.speed import Models, Quality, TimedModel

TRAINING = "training/results"

SLICES = ("all", "class", "source", "worn wrong", "grey", "grey, worn wrong", "mask", "size", "focus")


def test_images() -> str:
    """Float and int8 on the held-out part of the study's set."""
    rows = []
    for record in tables.read_lines(Evaluated, f"{TRAINING}/mask-test.jsonl"):
        with_mask, without_mask = (record.per_class[label] for label in ("with_mask", "without_mask"))
        rows.append(
            (
                record.model,
                record.n,
                f"{100 * record.accuracy:.2f} %",
                f"{100 * with_mask.recall:.2f} %",
                f"{100 * without_mask.recall:.2f} %",
                f"{with_mask.f1:.4f}",
                f"{without_mask.f1:.4f}",
                " / ".join(" ".join(map(str, row)) for row in record.confusion),
            )
        )
    head = "model|images|accuracy|recall masked|recall bare|F1 masked|F1 bare|confusion (masked / bare)"
    return markdown(head.split("|"), rows)


def scenes() -> str:
    """Detectors on annotated street scenes."""
    rows = [
        (
            row.detector,
            row.part,
            f"{row.min_side:.0f} px",
            row.faces,
            f"{row.face_ap50:.3f} {ends(row.face_ap50_interval95)}",
            f"{row.precision:.3f} {ends(row.precision_interval95)}",
            f"{row.recall:.3f} {ends(row.recall_interval95)} at {row.threshold:g}",
            *_labels(row),
        )
        for row in tables.read_lines(SceneScores, f"{TRAINING}/scenes.jsonl")
    ]
    head = "detector|scenes|faces from|faces|AP50|precision|recall|labels right|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def _labels(row: SceneScores) -> tuple[str, str, str]:
    """Labels right, bare called masked, masked called bare; dashes for a detector without labels."""
    if row.label_accuracy is None or row.label_interval95 is None:
        return "–", "–", "–"
    right = f"{100 * row.label_accuracy:.1f} % {ends(row.label_interval95, 100)}"
    return right, row.bare_called_masked, row.masked_called_bare


def portraits() -> str:
    """Finder and classifier together on the study's photographs: the largest face's label."""
    rows = [
        (
            row.models,
            row.portraits,
            row.images,
            f"{100 * row.accuracy:.2f} % {ends(row.interval95, 100)}",
            row.no_face,
            row.bare_called_masked,
            row.masked_called_bare,
        )
        for row in tables.read_lines(PortraitScores, f"{TRAINING}/portraits.jsonl")
    ]
    head = "models|portraits|images|right|no face found|bare called masked|masked called bare"
    return markdown(head.split("|"), rows)


def slices() -> str:
    """The shipped classifier on the test part, by the most important slices, beside the first classifier."""
    first = {
        (row.kind, row.slice): f"{100 * row.right:.1f} %"
        for row in tables.read(Slices, f"{TRAINING}/slices-first.json").slices
    }
    rows = [
        (
            "all" if row.kind == "all" else f"{row.kind}: {row.slice.replace('mask_weared_', 'worn ')}",
            row.n,
            first.get((row.kind, row.slice), "–"),
            f"{100 * row.right:.1f} % {ends(row.interval95, 100)}",
            row.bare_called_masked,
            row.masked_called_bare,
        )
        for row in tables.read(Slices, f"{TRAINING}/slices.json").slices
        if row.kind in SLICES
    ]
    head = ("slice", "faces", "first model", "right", "bare called masked", "masked called bare")
    return markdown(head, rows)


def conversion() -> str:
    """Every variant of both shipped models."""
    return _variants(("mask", "face"))


def study() -> str:
    """Every variant of the study's networks."""
    found = (ROOT / "convert" / "results").glob(f"study/*{SUFFIX}")
    return _variants([f"study/{path.name.removesuffix(SUFFIX)}" for path in sorted(found)])


def _variants(names: Iterable[str]) -> str:
    """A row for each variant: its size, its quality on both parts, and its changed verdicts."""
    rows = []
    for name in names:
        report = tables.read(Proof, f"convert/results/{name}{SUFFIX}")
        for variant, file in report.variants.items():
            parts = [part.figures[variant] for part in report.parts.values()]
            failed = sum(not gate.holds for gate in report.gates if gate.variant == variant)
            rows.append(
                (
                    f"{Path(name).name}, {variant}",
                    f"{file.bytes / 1e6:.2f} MB, {file.size_ratio:.1f} %",
                    *(_quality(part) for part in parts),
                    *(_changed(part) for part in parts),
                    f"{failed} fail" if failed else "hold",
                )
            )
    head = "model|file, of float32|validation|test|changed on validation|changed on test|gates"
    return markdown(head.split("|"), rows)


def _quality(figures: Figures) -> str:
    """Accuracy of a classifier, AP50 of a finder."""
    found = figures.quality
    low, high = found.interval95
    return f"{found.value:.2f} % ({low:.1f}–{high:.1f})"


def _changed(figures: Figures) -> str:
    """How many verdicts, or faces, differ from the float model's; a dash for the float model."""
    if isinstance(figures, MaskFigures):
        return "–" if figures.flips is None else f"{figures.flips} of {figures.n}"
    return "–" if figures.lost is None else f"{figures.lost} lost, {figures.gained} gained"


def search(found: Iterable[Models] | None = None) -> str:
    """Candidates for the shipped models, by board: time, and quality on both held-out parts."""
    records = list(tables.of_boards(Models, "search") if found is None else found)
    done = []
    for kind, title in (("network", "mask classifier"), ("finder", "face finder")):
        rows, measures = [], []
        for record in records:
            for model in _candidates(record, kind):
                validation, test = model.quality["validation"], model.quality["test"]
                measures = list(test)
                cells = [
                    f"{_percent(validation[each])}; {_percent(test[each])} {ends(test[each].interval95, 100)}"
                    for each in measures
                ]
                rows.append((model.name, f"{spread(model.ms)[0]:.2f}", f"{model.bytes / 1e6:.2f}", *cells))
        if rows:
            done.append(markdown((title, "ms", "MB", *measures), rows))
    return "\n\n".join(done)


def _candidates(record: Models, kind: str) -> list[TimedModel]:
    """The models of one kind, the quickest first."""
    rows = [model for model in record.models if model.kind == kind]
    return sorted(rows, key=lambda model: spread(model.ms)[0])


def _percent(found: Quality) -> str:
    return f"{100 * found.value:.1f} %"


def left_out() -> str:
    """A classifier on the test part of a source that it was not trained on, beside one that was."""
    rows = []
    for record in tables.read_lines(LeftOut, f"{TRAINING}/left-out.jsonl"):
        without, learnt = record.without, record.learnt
        rows.append(
            (
                record.left_out,
                f"{without.kind}: {without.slice}",
                without.n,
                *(
                    cell
                    for row in (without, learnt)
                    for cell in (
                        f"{100 * row.right:.1f} % {ends(row.interval95, 100)}",
                        row.bare_called_masked,
                        row.masked_called_bare,
                    )
                ),
            )
        )
    head = "left out|judged on|faces|right|bare called masked|masked called bare|had it learnt: right|bare|masked"
    return markdown(head.split("|"), rows)


COMPARISON = f"{TRAINING}/comparison/{comparison.FILE}"
NOT_YET = "No training of these is committed yet."


def networks() -> str:
    """The best of each kind of network by the honest protocol, float and int8, beside the study's figure.

    Both figures are the first seed's, because only that seed has an int8 file.
    """
    rows = []
    for found in _best_of_each_kind():
        best, int8 = found["float32"], found.get("int8")
        theirs = best.published.accuracy
        rows.append(
            (
                best.title,
                f"{_share(best.accuracy)} {ends(best.interval95, 100)}",
                _share(int8.accuracy) if int8 else "–",
                _share(theirs) if theirs else "–",
                f"{best.parameters:,}" if best.parameters else "–",
                f"{int8.bytes / 1e6:.2f} MB" if int8 else "–",
                best.n,
            )
        )
    head = "network|right|in int8|the study's figure|parameters|int8 file|photographs"
    return markdown(head.split("|"), rows) if rows else NOT_YET


def answer() -> str:
    """The comparison's answer to the study's question."""
    found = _comparison()
    return "\n".join(f"- {sentence}" for sentence in found.answer) if found and found.answer else NOT_YET


def _comparison() -> Comparison | None:
    return tables.read(Comparison, COMPARISON) if (ROOT / COMPARISON).exists() else None


def _best_of_each_kind() -> list[dict[str, Row]]:
    """Precision -> row, for the training of each network that validation chose. Quick tries are left out."""
    found = _comparison()
    by_title: dict[str, dict[str, Row]] = {}
    for row in found.protocols["honest"] if found else ():
        if row.best_of_kind and not row.quick:
            by_title.setdefault(row.title, {})[row.precision] = row
    return [kind for kind in by_title.values() if "float32" in kind]


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"
