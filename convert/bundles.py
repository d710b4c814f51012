"""python -m convert.bundles --data DIR...: makes the shipped bundles again from the float models that are kept.

A bundle's card has the hash of the float model it was made from. From that same model the same bytes must result: it is
quantized again, and its figures come from the committed report. Any other float model is a new release: it is judged as
by `python -m convert`, and its bundle, recipe and report replace the old ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convert import recipe
from convert.recipe import REFERENCE, SHIPPED, VARIANTS, Recipe
from maskwatch.cli import command
from maskwatch.errors import ModelError
from maskwatch.records.proof import Proof
from maskwatch.system import whole_file
from maskwatch.vision import bundle
from training.pictures import quick
from training.runs import memory

if TYPE_CHECKING:
    from maskwatch.vision.bundle import Bundle

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW = click.Path(path_type=Path)
TASKS = ("face", "mask")
FAR = "face-far"  # the finder at a larger input; made only if its float model is kept
FIRST = {FAR: (REFERENCE, SHIPPED)}  # variants of a first release; the others would take hours at 512 px
LONGEST = 60  # characters of a value in a message
REPORT_REMEDY = "check it out again, or judge again with --new"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one shipped model."""

    task: str
    kept: Path  # the float model, with run.json beside it
    shipped: Path
    report: Path  # its JSON file
    work: Path  # folder for all variants of a new release, and for a bundle that differs


@click.command()
@click.option("--data", "folders", type=FOLDER, multiple=True, required=True, help="What they were trained on; repeat.")
@click.option("--kept", type=FOLDER, default="training/models", show_default=True, help="TASK/model.keras, run.json.")
@click.option("--out", type=FOLDER, default="device/maskwatch/models", show_default=True, help="Of the bundles.")
@click.option("--reports", type=FOLDER, default="convert/results", show_default=True, help="Of the reports.")
@click.option("--work", type=NEW, default="runs/bundles", show_default=True, help="All variants.")
@click.option("--task", "tasks", type=click.Choice((*TASKS, FAR)), multiple=True, help="This one; repeat.  [all kept]")
@click.option("--new", is_flag=True, help="Judge again and replace, even if the float model is the shipped bundle's.")
def cli(
    folders: tuple[Path, ...], kept: Path, out: Path, reports: Path, work: Path, tasks: tuple[str, ...], new: bool
) -> None:
    """Make the shipped bundles from the float models in KEPT, and compare them with, or replace, the shipped ones.

    If a bundle differs or a gate fails, the exit code is 1, and no shipped file is changed.
    """
    places = [
        Place(task, kept / task / "model.keras", out / f"{task}.tflite", reports / f"{task}.report.json", work)
        for task in tasks or (*TASKS, *[FAR] * (kept / FAR).is_dir())
    ]
    for place in places:
        if not place.kept.is_file():
            raise ModelError(f"model {place.kept}: no such file; copy model.keras and run.json of its training there")
    work.mkdir(parents=True, exist_ok=True)
    good = [release(place, folders) if new or not _is_of(place) else same(place, folders) for place in places]
    if not all(good):
        sys.exit(1)


def _is_of(place: Place) -> bool:
    """Whether the shipped bundle was made from the float model that is kept."""
    from convert.conversion import sha256

    return place.shipped.is_file() and _read(place).card.provenance.get("float_sha256") == sha256(place.kept)


def _read(place: Place) -> Bundle:
    return bundle.read(place.shipped, "mask" if place.task == "mask" else "face", any_pixels=True)


def release(place: Place, folders: Sequence[Path]) -> bool:
    """Judge a new float model, and ship it if every gate holds. Returns whether it was shipped."""
    from convert import files
    from convert.__main__ import table
    from convert.conversion import convert

    click.echo(f"{place.task}: a new float model, {place.kept}")
    known = files.recipe_of(place.shipped)
    first = Recipe(variants=FIRST.get(place.task, VARIANTS))
    done = convert(place.kept, folders, recipe.read(known) if known.is_file() else first)
    click.echo(table(done))
    if done.run.quick or done.recipe.quick:
        raise ModelError(f"model {place.kept}: {quick.SAID}; nothing is shipped")
    if done.failures:
        path = files.report(done, place.work / place.task)
        for failure in done.failures:
            click.echo(f"convert.bundles: {place.task}: gate failed: {failure}", err=True)
        click.echo(f"convert.bundles: {place.task}: nothing is shipped; the report is {path}", err=True)
        return False
    out = place.work / place.shipped.name
    files.ship(done, out)
    for made, shipped in ((out, place.shipped), (files.recipe_of(out), known)):
        whole_file.write(shipped, made.read_bytes())
    files.report(done, place.report.with_name(place.task))
    _note_sums(place.shipped)
    click.echo(f"{place.task}: {place.shipped} is written, its SHA-256 {_sha256(place.shipped)}")
    return True


def same(place: Place, folders: Sequence[Path]) -> bool:
    """Make the shipped bundle again from its own float model. Returns whether the same bytes resulted."""
    made = again(place, folders)
    shipped = place.shipped.read_bytes()
    noted = _sums(place.shipped).get(place.shipped.name)
    if noted != _sha256(place.shipped):
        found = f"its SHA-256 is not the one that {place.shipped.with_name(bundle.SUMS_FILE)} states"
        click.echo(f"convert.bundles: {place.task}: {place.shipped}: {found}", err=True)
        return False
    if made == shipped:
        click.echo(f"{place.task}: the same {len(made)} bytes as {place.shipped}, SHA-256 {noted}")
        return True
    path = place.work / place.shipped.name
    whole_file.write(path, made)
    for difference in differences(shipped, made, place.shipped):
        click.echo(f"convert.bundles: {place.task}: differs from {place.shipped}: {difference}", err=True)
    click.echo(f"convert.bundles: {place.task}: {place.shipped} stays; what was made is {path}", err=True)
    return False


def again(place: Place, folders: Sequence[Path]) -> bytes:
    """The bundle that results from the float model, the recipe and the committed report."""
    from convert import conversion, files, variants

    asked = recipe.read(files.recipe_of(place.shipped))
    network, run, shelf = conversion.opened(place.kept, folders)
    calibration = shelf.calibration(asked.calibration, asked.seed)
    images = [example.image for example in calibration]
    only = asked.model_copy(update={"variants": (SHIPPED,)})
    made = conversion.described(variants.make(network, images, only, run.task), run)
    origin = conversion.provenance(run, asked, SHIPPED, calibration, conversion.sha256(place.kept))
    return bundle.pack(made[SHIPPED], conversion.full_card(run, _figures(place.report), origin))


def _figures(report: Path) -> dict[str, Any]:
    """The shipped bundle's figures by part of the data, from its committed report.

    Raises:
        ModelError: there is no such report, or it has no figures of the shipped variant.
    """
    parts = Proof.read(report, REPORT_REMEDY, ModelError).as_json()["parts"]
    try:
        return {name: part["figures"][SHIPPED] for name, part in parts.items()}
    except KeyError as error:
        raise ModelError(f"report {report}: no figures of {SHIPPED}; {REPORT_REMEDY}") from error


def differences(shipped: bytes, made: bytes, path: Path) -> Iterator[str]:
    """The differences between two bundles, a line each."""
    old, new = (bundle.unpack(each, path) for each in (shipped, made))
    if old.flatbuffer != new.flatbuffer:
        sizes = f"{len(old.flatbuffer)} bytes, made {len(new.flatbuffer)}"
        yield f"the model itself: shipped {sizes}"
    before, after = (dict(_flat(bundle.card_of(each, path).model_dump(mode="json"))) for each in (old, new))
    for name in sorted({*before, *after} - {"sha256"}):
        if before.get(name) != after.get(name):
            yield f"card, {name}: shipped {_short(before.get(name))}, made {_short(after.get(name))}"


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` -> ("a.b", 1)."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _sums(shipped: Path) -> dict[str, str]:
    """File name -> SHA-256, of the folder's SHA256SUMS."""
    file = shipped.with_name(bundle.SUMS_FILE)
    lines = file.read_text(encoding="ascii").splitlines() if file.is_file() else []
    return {name.strip(): value for value, _, name in (line.partition("  ") for line in lines)}


def _note_sums(shipped: Path) -> None:
    """Write the hash of a bundle into SHA256SUMS of its folder."""
    sums = {**_sums(shipped), shipped.name: _sha256(shipped)}
    text = "".join(f"{value}  {name}\n" for name, value in sorted(sums.items()))
    whole_file.write(shipped.with_name(bundle.SUMS_FILE), text)


def _sha256(path: Path) -> str:
    from convert.conversion import sha256

    return sha256(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert.bundles`."""
    command.run(cli, "python -m convert.bundles", arguments, extra="train")


if __name__ == "__main__":
    memory.keep_freed_memory()
    main()
