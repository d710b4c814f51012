"""Tables of the models on pictures that no system was trained on, from the record of `python -m training strangers`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from benchmarks.report.readme import tables
from benchmarks.report.readme.tables import ROOT, markdown
from maskwatch.records.record import Record
from maskwatch.records.speed import CountedModel, Instructions
from maskwatch.records.strangers import FigureRow, ModelFile, Strangers, SystemFacts, TargetRow

RESULTS = "training/results"
WORDS = {  # the sources' folders
    "faces-wider": "everyday scenes (faces-wider)",
    "face-mask-ilc": "new streets (face-mask-ilc)",
    "face-mask-boxes": "old streets (face-mask-boxes)",
    "face-mask-types": "kinds of mask (face-mask-types)",
    "rooms-empty": "rooms without anybody (rooms-empty)",
    "parts of scenes": "parts of scenes without a face, enlarged",
    "portraits": "portraits (the study's)",
}
LOOKS = {
    "crops: grey": "grey crops",
    "crops: whole": "whole photographs, classifier alone",
    "crops: tight": "crops without a margin, classifier alone",
    "crops: face": "crops, classifier alone",
    "portraits": "whole pipeline",
    "close-ups": "faces from close",
}
FLOAT, AGAINST = ", float", " against "

Made = TypeVar("Made", bound=Record)


def record() -> Strangers | None:
    """The record of the test part, else of the validation part, else of a sample of it; None: there is no record."""
    for part_ in ("test", "validation", "validation-sample"):
        name = f"{RESULTS}/strangers-{part_}.json"
        if (ROOT / name).exists():
            return tables.read(Strangers, name)
    return None


def counted() -> Instructions | None:
    """The counted instructions; None: not counted yet."""
    name = f"{tables.RESULTS}/instructions.json"
    return tables.read(Instructions, name) if (ROOT / name).exists() else None


def from_record(read: Callable[[], Made | None], command: str) -> Callable[[Callable[[Made], str]], Callable[[], str]]:
    """Make a table from a record; without a record, the table says which command makes it."""

    def of(write_table: Callable[[Made], str]) -> Callable[[], str]:
        @functools.wraps(write_table)
        def table() -> str:
            made = read()
            return f"Not measured yet: `{command}`." if made is None else write_table(made)

        return table

    return of


of_strangers = from_record(lambda: record(), "make quality")  # a lambda, because a test replaces record()
of_counts = from_record(lambda: counted(), "python -m benchmarks instructions")


@of_strangers
def targets(made: Strangers) -> str:
    """Every figure that has a target or is reported, by system."""
    names = [system.name for system in made.systems if not system.name.endswith(FLOAT)]
    rows = {(*_key(row), row.system): row for row in made.rows}
    lines = []
    for target in made.targets:
        found = [rows.get((*_key(target), name)) for name in names]
        if any(row and row.value is not None for row in found):
            lines.append((_row(target), _bound(target), *(_cell(row, target) for row in found)))
    table = markdown((f"{part(made)}, faces from {made.min_side:g} px", "target", *names), lines)
    name = f"../{RESULTS}/strangers-{made.part}{'-sample' if made.most else ''}"
    return f"{table}\n\n[The record]({name}.json), [drawn]({name}.png)."


def part(made: Strangers) -> str:
    """The pictures that were judged, in words."""
    most = f", {made.most} pictures of a source at most" if made.most else ""
    return f"{made.part} part{most}"


def _key(row: FigureRow | TargetRow) -> tuple[str, str, str]:
    return row.about, row.source, row.measure


def _row(target: TargetRow) -> str:
    look = LOOKS.get(target.about, "")
    return f"{WORDS.get(target.source, target.source)}: {f'{look}, ' if look else ''}{target.measure}"


def _bound(target: TargetRow) -> str:
    if target.bound is None:
        return "–"
    sign = "≤" if target.most else "≥"
    others = "".join(f"; {name} {_number(bound, target.measure)}" for name, bound in target.of_system.items())
    return f"{sign} {_number(target.bound, target.measure)}{others}"


def _number(value: float, measure: str) -> str:
    """A share is shown in %; average precisions and faces an image are shown as they are."""
    return f"{100 * value:.1f} %" if _is_share(measure) else f"{value:.3f}"


def _is_share(measure: str) -> bool:
    return measure not in ("AP50", "false faces an image")


def _cell(row: FigureRow | None, target: TargetRow) -> str:
    """A figure with its interval and count; bold where it reaches the target."""
    if row is None or row.value is None or row.interval95 is None:
        return "–"
    low, high = (_number(end, row.measure).removesuffix(" %") for end in row.interval95)
    value = _number(row.value, row.measure)
    bound, most = target.of_system.get(row.system, target.bound), target.most
    kept = bound is not None and (row.value <= bound if most else row.value >= bound)
    count = f"{row.hits}/{row.n}" if row.hits is not None else f"{row.n} faces"
    return f"{f'**{value}**' if kept else value} ({low}–{high}), {count}"


@of_strangers
def quantized(made: Strangers) -> str:
    """Points that int8 loses against the float model on the same pictures."""
    rows = [
        (
            row.system.partition(AGAINST)[0],
            f"{WORDS.get(row.source, row.source)}: {_lost(row)}",
            f"{100 * row.value:+.2f} ({100 * row.interval95[0]:+.2f} to {100 * row.interval95[1]:+.2f})",
            row.n,
        )
        for row in made.rows
        if row.about.startswith("float") and row.value is not None and row.interval95 and row.n  # no row without labels
    ]
    head = ("bundles", "what", "points lost to int8 (95 %)", "faces or pictures")
    return markdown(head, rows or [("–", "no float model was given", "–", "–")])


def _lost(row: FigureRow) -> str:
    look = row.about.partition(": ")[2]
    return f"labels right, {look}" if look else "AP50"


@of_strangers
def learnt(made: Strangers) -> str:
    """The files of each system, and the sources whose other parts it was trained on."""
    return markdown(("what", "face finder", "mask classifier", "has learnt from"), map(_system, made.systems))


def _system(system: SystemFacts) -> Sequence[str]:
    face, mask = system.face, system.mask
    size = "" if face.input_size is None else f", {face.input_size} px"
    at = "" if system.threshold is None else f", faces from a score of {system.threshold:g}"
    return (
        system.name,
        f"{_file(face)}{size}{at}",
        _file(mask) if mask else ("its own" if system.kind in ("aizoo", "ultraface") else "–"),
        "other people's pictures"
        if system.kind not in ("bundles", "float")
        else ", ".join(system.learnt or ()) or "see above",
    )


def _file(file: ModelFile) -> str:
    made_for = "" if file.preprocess_version is None else f", made for pixels {file.preprocess_version}"
    return f"{file.bytes / 1e6:.2f} MB, `{file.sha256[:8]}`{made_for}"


@of_strangers
def sources(made: Strangers) -> str:
    """How many pictures and faces there are of each source."""
    rows = [(WORDS.get(name, name), each.pictures, each.faces) for name, each in made.sources.items()]
    return markdown((f"source, {part(made)}", "pictures", "annotated faces"), rows)


@of_strangers
def mistakes(made: Strangers) -> str:
    """How many of each kind of mistake every system makes in each source."""
    counts = {(row.source, row.system, row.measure): row for row in made.rows if row.about == "mistakes"}
    if not counts:
        return "Not counted yet: `make quality`."
    kinds = dict.fromkeys(kind for *_, kind in counts)
    found = {(row.source, row.system): row for row in made.rows if (row.about, row.measure) == ("faces", "recall")}
    lines = [
        (
            WORDS.get(source, source),
            system,
            f"{found[source, system].hits} of {found[source, system].n}",
            *(counts[source, system, kind].hits for kind in kinds),
        )
        for source, system in dict.fromkeys((source, system) for source, system, _ in counts)
    ]
    return markdown((f"source, {part(made)}", "finder", "found", *kinds), sorted(lines, key=lambda line: line[0]))


@of_strangers
def slices(made: Strangers) -> str:
    """Faces by their traits: share found, and share of found faces with the right label, by pair of bundles."""
    names = [system.name for system in made.systems if system.kind == "bundles"]
    rows = {(row.about, row.source, row.measure, row.system): row for row in made.rows}
    keys = dict.fromkeys((kind, name) for about, kind, name, system in rows if about == "found" and system in names)
    lines = [
        (
            f"{kind}: {name}",
            max(_count(rows.get(("found", kind, name, system))) for system in names),
            *(_share(rows.get((about, kind, name, system))) for about in ("found", "right") for system in names),
        )
        for kind, name in keys
    ]
    head = [f"{about}, {name}" for about in ("found", "label right") for name in names]
    return markdown(("faces that are", "faces", *head), lines)


def _count(row: FigureRow | None) -> int:
    return int(row.n) if row else 0


def _share(row: FigureRow | None) -> str:
    if row is None or row.value is None or row.interval95 is None:
        return "–"
    low, high = (f"{100 * end:.0f}" for end in row.interval95)
    return f"{100 * row.value:.1f} % ({low}–{high})"


@of_counts
def instructions(made: Instructions) -> str:
    """Instructions that finders and classifiers of every shape execute on a Pi."""
    lines = markdown(("one picture, one thread", "file", *made.boards), _counted(made.models, made.boards))
    return f"{lines}\n\n[Drawn](../benchmarks/results/instructions.png)."


def _counted(models: Iterable[CountedModel], boards: Sequence[str]) -> list[Sequence[str]]:
    """Million instructions by board."""
    return [
        (
            model.name,
            f"{model.bytes / 1e6:.2f} MB",
            *(f"{model.instructions[board][0] / 1e6:.1f} million" for board in boards),
        )
        for model in models
    ]
