"""python -m convert.seal BUNDLE...: hashes of card and labels, put into bundles that were made without.

The model's own bytes, its card and its labels stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from maskwatch.cli import command
from maskwatch.system import whole_file
from maskwatch.vision import bundle


@click.command()
@click.argument("bundles", type=click.Path(path_type=Path), nargs=-1, required=True)
def cli(bundles: tuple[Path, ...]) -> None:
    """Put SHA256SUMS into each of BUNDLES. One that has it already is not touched."""
    for path in bundles:
        click.echo(f"{path}: {'sealed' if seal(path) else 'has its hashes already'}")


def seal(path: Path) -> bool:
    """Write a bundle anew with its hashes; False where it has them.

    Raises:
        ModelError: it is no bundle, or its flatbuffer is not the one of its card.
    """
    contents = bundle.unpack(bundle.content(path), path)
    bundle.card_of(contents, path)
    if bundle.SUMS_FILE in contents.files:
        return False
    labels, card = contents.files[bundle.LABELS_FILE], contents.files[bundle.CARD_FILE]
    whole_file.write(path, bundle.seal(contents.flatbuffer, labels, card))
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert.seal`."""
    command.run(cli, "python -m convert.seal", arguments)


if __name__ == "__main__":
    main()
