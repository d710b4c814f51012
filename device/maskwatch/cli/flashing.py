"""`maskwatch flash`, on a workstation."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from maskwatch.errors import FlashError

NEEDS = "maskwatch flash runs on a workstation, with extra `flash`: pip install 'maskwatch[flash]'"
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("unit_file", type=FILE, required=False)
@click.option("--image", type=FILE, help="Raspberry Pi OS Lite, 64 bit: .img or .img.xz.")
@click.option("--sha256", help="Expected of the image's file, or of the image in it.")
@click.option("-o", "--out", type=FILE, help="The unit's image, a new file.")
@click.option("--system", type=click.Choice(["trixie", "bookworm"]), help="In place of what the image says.")
@click.option("--wheels", type=FILE, help="A folder in which the unit's packages are kept.")
@click.option("--python", help="An interpreter of the unit's version, for its .pyc files.")
def flash(
    unit_file: Path | None,
    image: Path | None,
    sha256: str | None,
    out: Path | None,
    system: str | None,
    wheels: Path | None,
    python: str | None,
) -> None:
    """Make a unit's image from a Raspberry Pi OS image and a unit file (docs/install.md has an example)."""
    try:
        from maskwatch.flash import job, shown
        from maskwatch.flash import unit_file as units
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("maskwatch"):
            raise
        raise FlashError(f"{error.name} is not installed; {NEEDS}") from error

    if unit_file is None or image is None or out is None:
        raise click.UsageError("expected UNIT_FILE, --image and -o.")
    unit = units.read(unit_file)
    told = shown.Shown(sys.stderr)
    with job.Job(job.Base(image, sha256, system, wheels, python), told) as work:
        found = work.write(unit, out)
    click.echo(f"{out}: {unit.host}, {found.name}, ready to be written to a card")
