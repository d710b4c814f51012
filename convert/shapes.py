"""python -m convert.shapes FOLDER: networks of many shapes with random weights, quantized, to count their cost.

A network's instructions and file size depend on its shape alone, so no training is needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from maskwatch.cli import command

if TYPE_CHECKING:
    import keras

ALPHAS, CHANNELS, SIZES, STEMS = (0.2, 0.25, 0.35, 0.5), (24, 32, 40, 48), (256, 320, 384, 512, 640), (5, 8, 16)
NARROW, LARGER = ((0.2, 24), (0.25, 32)), (384,)
NOISE = 4  # pictures of noise that set the ranges


@dataclass(frozen=True, slots=True)
class Finder:
    """See training.networks.finder.build; the defaults are the shipped finder."""

    alpha: float = 0.35
    channels: int = 40
    size: int = 320  # pixels
    stem: int = 8

    @property
    def name(self) -> str:
        """The file's name, without the variant."""
        return f"finder {self.size} px, alpha {self.alpha:g}, neck {self.channels}, stem {self.stem}"

    def network(self) -> keras.Model:
        """The network with random weights."""
        from training.networks import finder

        return finder.build(self.size, self.alpha, self.channels, stem=self.stem)


@dataclass(frozen=True, slots=True)
class Classifier:
    """See training.networks.mobilenet_v2.build."""

    alpha: float
    size: int  # pixels

    @property
    def name(self) -> str:
        """The file's name, without the variant."""
        return f"classifier {self.size} px, alpha {self.alpha:g}"

    def network(self) -> keras.Model:
        """The network with random weights."""
        from training.networks import mobilenet_v2

        return mobilenet_v2.build(self.size, self.alpha, weights=None)


Shape = Finder | Classifier
CLASSIFIERS = (Classifier(1.0, 224), Classifier(1.0, 128), Classifier(0.5, 128), Classifier(0.35, 128))


def shapes() -> list[Shape]:
    """The shipped finder, finders that differ from it in one thing, narrow ones at a larger size; and classifiers."""
    shipped = Finder()
    found: list[Shape] = [shipped, *(replace(shipped, alpha=alpha) for alpha in ALPHAS)]
    found += [replace(shipped, channels=channels) for channels in CHANNELS]
    found += [replace(shipped, size=size) for size in SIZES]
    found += [replace(shipped, stem=stem) for stem in STEMS]
    found += [Finder(alpha, channels, size) for (alpha, channels), size in itertools.product(NARROW, LARGER)]
    return list(dict.fromkeys([*found, *CLASSIFIERS]))


def in_float_too(shape: Shape) -> bool:
    """Whether the float model is counted too: only for the shipped shapes at their sizes."""
    return (
        isinstance(shape, Finder) and replace(shape, size=Finder().size) == Finder() and shape.size in (320, 512, 640)
    )


def write(shape: Shape, folder: Path) -> list[Path]:
    """Write int8, and float32 if needed, as for shipped files. Existing files stay."""
    from convert import ends, packing, quantize

    floats = in_float_too(shape)
    places = [folder / f"{shape.name}, {variant}.tflite" for variant in ("int8", "float32")[: 1 + floats]]
    if all(place.exists() for place in places):
        return places
    import keras

    keras.utils.set_random_seed(0)
    model = shape.network()
    noise = np.random.default_rng(0).integers(0, 256, (NOISE, shape.size, shape.size, 3), np.uint8)
    int8 = quantize.to_int8(model, list(noise))
    made = [packing.packed(ends.unsigned(int8, output=isinstance(shape, Classifier)))]
    made += [quantize.to_float32(model)] if floats else []
    for place, content in zip(places, made, strict=True):
        place.write_bytes(content)
    return places


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def cli(folder: Path) -> None:
    """Write networks of every shape into FOLDER, for `python -m benchmarks instructions --shapes FOLDER`."""
    folder.mkdir(parents=True, exist_ok=True)
    for shape in shapes():
        for place in write(shape, folder):
            click.echo(place)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert.shapes`."""
    command.run(cli, "python -m convert.shapes", arguments)


if __name__ == "__main__":
    main()
