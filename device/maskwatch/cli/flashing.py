"""`maskwatch flash`, on a workstation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskwatch.errors import FlashError

if TYPE_CHECKING:
    from maskwatch.flash.job import Job
    from maskwatch.flash.terminal import Terminal
    from maskwatch.flash.unit_file import Unit

NEEDS = "maskwatch flash runs on a workstation, with extra `flash`: pip install 'maskwatch[flash]'"
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("unit_file", type=FILE, required=False)
@click.option("--image", type=FILE, help="Raspberry Pi OS Lite, 64 bit: .img or .img.xz.")
@click.option("--sha256", help="Expected SHA-256 of the image's file, or of the uncompressed image.")
@click.option("-o", "--out", type=FILE, help="Write the unit's image to this file; with --many, to this folder.")
@click.option("--device", help="Write to this card, e.g. /dev/sdb; everything on it is lost.")
@click.option("--many", type=FILE, help="A CSV file with a row for each unit, and a column for each key that differs.")
@click.option("--sheet", type=FILE, help="Write an HTML page to print: name, address and QR code of each unit.")
@click.option(
    "--bundle", type=FILE, help="Only write a bundle of the packages, for `maskwatch update`; needs --system."
)
@click.option(
    "--system",
    type=click.Choice(["trixie", "bookworm"]),
    help="The system in the image.  [default: found by its files]",
)
@click.option("--wheels", type=FILE, help="Folder that keeps the downloaded packages.")
@click.option("--python", help="A Python of the unit's version, which makes its .pyc files.")
def flash(
    unit_file: Path | None,
    out: Path | None,
    device: str | None,
    many: Path | None,
    sheet: Path | None,
    bundle: Path | None,
    **of_base: Any,
) -> None:
    """Make a unit's image or card from a Raspberry Pi OS image and a unit file (docs/install.md has an example)."""
    terminal, work = _started(of_base, bundle)
    from maskwatch.flash import image

    _require_inputs_kept(
        (unit_file, many, of_base["image"]), {"-o": None if many else out, "--sheet": sheet, "--bundle": bundle}
    )

    with work:
        if bundle is not None:
            _bundle(work, of_base["system"], bundle)
            return
        if unit_file is None or of_base["image"] is None or (out is None) == (device is None):
            raise click.UsageError(
                "expected UNIT_FILE, --image, and one of -o and --device.", click.get_current_context()
            )
        units = _units(unit_file, many)
        if sheet is not None:
            image.require_folder(sheet)
        if many and out is not None:
            _folder(out)
        if device is not None and many is None:  # with --many, the first card may be inserted later
            _require_card(device)
        for number, unit in enumerate(units):
            if device is None:
                assert out is not None
                path = out / f"{unit.host}.img" if many else out
                system = work.write(unit, path)
                click.echo(f"{path}: {unit.host}, {system.name}, ready to be written to a card")
            else:
                system = _write_card(work, terminal, unit, device, len(units) - number)
        if sheet is not None:
            from maskwatch.flash.labels import page

            with image.new_file(sheet) as file:
                file.write(page(units, system.name).encode())
            click.echo(f"{sheet}: labels to print")


def _started(of_base: dict[str, Any], bundle: Path | None) -> tuple[Terminal, Job]:
    try:
        from maskwatch.flash import job
        from maskwatch.flash.terminal import Terminal
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("maskwatch"):
            raise
        raise FlashError(f"{error.name} is not installed; {NEEDS}") from error
    if bundle is not None:
        of_base["image"] = of_base["image"] or Path()
    terminal = Terminal(sys.stderr)
    return terminal, job.Job(job.Base(**of_base), terminal)


def _units(unit_file: Path, table: Path | None) -> list[Unit]:
    from maskwatch.flash import unit_file as files
    from maskwatch.flash import unit_table

    return [files.read(unit_file)] if table is None else unit_table.units(unit_file, table)


def _require_inputs_kept(inputs: tuple[Path | None, ...], outputs: dict[str, Path | None]) -> None:
    """Refuse to replace a file that is read."""
    for option, out in outputs.items():
        for given in inputs:
            if out is not None and given is not None and out.is_file() and given.exists() and out.samefile(given):
                raise FlashError(f"{option} {out}: would replace a file that is read; give another name")


def _require_card(device: str) -> None:
    """Check the card before its image is made, which takes minutes. Its size is checked afterwards."""
    from maskwatch.flash import card, disk

    card_disk = disk.find(device)
    disk.require_card(card_disk, 0)
    card.require_writable(card.raw(card_disk.path))


def _folder(out: Path) -> None:
    """Make the folder for the images, unless it is there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlashError(f"{out}: expected a folder for the images ({error.strerror})") from None


def _bundle(work: Job, system: str | None, out: Path) -> None:
    from maskwatch.flash import image
    from maskwatch.flash.system import SYSTEMS

    if system is None:
        raise click.UsageError("--bundle: expected --system too: trixie or bookworm.", click.get_current_context())
    image.require_folder(out)
    made = work.write_bundle(SYSTEMS[system], out)
    click.echo(f"{out}: {made}; on the unit: sudo maskwatch update {out.name}")


def _write_card(work: Job, terminal: Terminal, unit: Unit, device: str, left: int) -> Any:
    """Make the image, ask, write, read back. Ctrl-C says what state the card is in."""
    from maskwatch.flash import card, disk

    if left > 0 and sys.stdin.isatty():
        click.echo(f"{unit.host}: insert its card ({left} left)")
    with work.temporary(unit) as (image, system):
        card_disk = disk.find(device)
        disk.require_card(card_disk, image.stat().st_size)
        click.echo(f"{unit.host} will be written to {card_disk}; everything on it will be lost")
        if click.prompt(f"Type {card_disk.name} to continue", default="", show_default=False).strip() != card_disk.name:
            raise FlashError(f"{card_disk.path}: {card.State.UNTOUCHED.value}")
        target = card.Card(card.raw(card_disk.path))
        try:
            with terminal.bar(f"{unit.host}: writing") as on_progress:
                target.write(image, on_progress)
            with terminal.bar(f"{unit.host}: reading back") as on_progress:
                target.check(image, on_progress)
        finally:
            click.echo(f"{card_disk.path}: {target.state.value}")
    return system
