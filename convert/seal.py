"""python -m convert.seal BUNDLE...: adds hashes of card and labels to bundles that were made without them.

The bytes of the model, the card and the labels stay the same.
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
    """Put SHA256SUMS into each of BUNDLES that does not have it."""
    for path in bundles:
        click.echo(f"{path}: {'sealed' if seal(path) else 'has its hashes already'}")


def seal(path: Path) -> bool:
    """Write a bundle with its hashes; returns False if it had them already.

    Raises:
        ModelError: it is not a bundle, or its flatbuffer does not fit its card.
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
