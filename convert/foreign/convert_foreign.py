"""Converts a model that others trained, without a run.json: judged like ours if there are photographs, and packed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert import conversion, samples, variants
from convert.conversion import Conversion
from convert.foreign import declared, keras_ends, keras_file, pixels, possibilities, tflite_ends
from convert.foreign.declared import Declared, Labels
from convert.foreign.pixels import Pixels
from convert.foreign.source import Source
from convert.recipe import REFERENCE, Recipe, Variant
from convert.samples import Shelf
from maskwatch.errors import ConfigError, ModelError, SourceError
from maskwatch.flow import Image
from maskwatch.records.run import Run
from maskwatch.vision import bundle, preprocess
from maskwatch.vision.foreign.trial import attempt
from maskwatch.vision.model_card import NOT_JUDGED
from maskwatch.vision.quantization import Floats
from training.judging import calibration
from training.pictures import data

SEED = 0  # of the split: which photographs it was trained on is not known
CALIBRATED = ("int8", "int16x8")  # variants that need photographs
THREADS = 2


@dataclass(frozen=True, slots=True)
class Opened:
    """A model from its file, and how its variants are made when its pixels are known."""

    source: Source
    make: Callable[[Pixels], variants.Maker]
    is_keras: bool


def convert_foreign(
    path: Path,
    given: Declared,
    folders: Sequence[Path],
    recipe: Recipe,
    print_line: Callable[[str], object],
    chosen: bool = False,
) -> Conversion:
    """The conversion of a mask model that others trained.

    Args:
        path: .keras, .h5 or .tflite.
        given: what the user declares about it.
        folders: photographs to judge it on; without any it is not judged.
        recipe: see Recipe. If the user chose no variants, a .tflite is not quantized, and so does a Keras model without
            photographs.
        print_line: prints a line about what was found.
        chosen: whether the user chose the recipe's variants.

    Raises:
        ConfigError: the user must declare something.
        ModelError: the model cannot be used, or no possibility fits.
        SourceError: a folder cannot be used.
    """
    opened = _open(path, given.size)
    recipe = _recipe(recipe, opened.is_keras, bool(folders), chosen)
    shelf, split = _shelf(opened.source, given, folders)
    way, labels = _meaning(opened.source, given, shelf, path, print_line)
    run = _run(path, opened.source, way, labels, given.margin, split, judged=bool(folders))
    if folders:
        run = _fitted(run, opened.source, way, shelf)
        print_line(f"fitted on validation photographs: temperature {run.temperature:.3g}, bias {run.bias:.3g}")
    make = _tried(opened.make(way), run, path)
    return conversion.prove(_asked(opened.source, way), run, shelf, recipe, make, conversion.sha256(path), own=True)


def _open(path: Path, size: int | None) -> Opened:
    if keras_file.kind_of(path) == ".tflite":
        flatbuffer = tflite_ends.load(path)
        try:
            found = tflite_ends.source(flatbuffer, path, size)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ModelError(f"model {path}: damaged ({type(error).__name__}); download or copy it again") from error
        return Opened(found, lambda way: lambda *_: {REFERENCE: tflite_ends.folded(flatbuffer, found, way)}, False)
    model = keras_file.load(path)
    found = keras_ends.source(model, path, size)

    def make(way: Pixels) -> variants.Maker:
        network = keras_ends.network(model, found, way)
        return lambda _, images, recipe, task: variants.make(network, images, recipe, task)

    return Opened(found, make, True)


def _recipe(recipe: Recipe, is_keras: bool, judged: bool, chosen: bool) -> Recipe:
    """The recipe with the variants that can be made.

    Raises:
        ConfigError: a chosen variant cannot be made.
    """
    if not chosen and not (is_keras and judged):
        return recipe.model_copy(update={"variants": (REFERENCE,)})
    for variant in recipe.variants:
        if not is_keras and variant != REFERENCE:
            raise ConfigError(
                f"--variants {variant}: a .tflite is packed without changes; give the .keras or .h5 it came from"
            )
        if not judged and variant in CALIBRATED:
            raise ConfigError(f"--variants {variant}: photographs set its ranges; give --data, or leave {variant} out")
    return recipe


def _shelf(found: Source, given: Declared, folders: Sequence[Path]) -> tuple[Shelf, str]:
    """The photographs, and the hash of their split.

    Raises:
        SourceError: there are no folders of the two classes.
    """
    if not folders:
        return Shelf([], [], []), ""
    known = samples.recognise(folders)
    if known.portraits is None:
        raise SourceError("data: a mask model is judged on portraits; --data a folder of with_mask/ and without_mask/")
    split = data.load(known.portraits).split(SEED).sha256
    run = _run(Path("own"), found, Pixels("0..255", "rgb"), declared.VERDICTS, given.margin, split, judged=True)
    return samples.gather(run, known), split


def _meaning(
    found: Source, given: Declared, shelf: Shelf, path: Path, print_line: Callable[[str], object]
) -> tuple[Pixels, Labels]:
    """The meaning of its pixels and outputs: as declared by the user, as in the file, or as found with photographs.

    Raises:
        ConfigError: without photographs the user must declare it.
        ModelError: no possibility fits.
    """
    scaled = given.scaled or found.scaled
    if given.scaled and found.scaled not in (None, given.scaled):
        raise ConfigError(f"--pixels {given.scaled}: the integer input of model {path} is made for {found.scaled}")
    ways, orders = pixels.ways(scaled, given.channels, found.depth), declared.orders(given, found.outputs)
    if len(ways) == len(orders) == 1:
        return ways[0], orders[0]
    if not shelf.validation:
        need = [("--pixels", scaled), ("--channels", given.channels or found.depth == 1), ("--labels", given.labels)]
        missing = " and ".join(name for name, known in need if not known)
        raise ConfigError(f"model {path}: without photographs (--data) nothing can be tried; give {missing}")
    photographs = possibilities.sample(shelf)
    tried = possibilities.choose(found, ways, orders, photographs)
    best = possibilities.require_fit(tried, len(photographs), str(path))
    print_line(
        f"of {len(tried)} possibilities this one fits: {best} ({best.right:.1%} of {len(photographs)} photographs)"
    )
    for other in possibilities.alike(tried, str(path)):
        print_line(f"these photographs do not rule out: {other} ({other.right:.1%}); give it if you know it")
    return best.pixels, best.labels


def _run(
    path: Path, found: Source, way: Pixels, labels: Labels, margin: float | None, split: str, *, judged: bool
) -> Run:
    """A record with everything that is known."""
    return Run(
        name=re.sub(r"[^!-~]+", "-", path.stem).strip("-")[:100] or "own",
        task="mask",
        labels=labels,
        input_size=found.size,
        margin=preprocess.FACE_MARGIN if margin is None else margin,
        temperature=found.temperature,
        seed=SEED,
        split_sha256=split,
        knobs={
            "own": {
                "pixels": way.scaled,
                "channels": way.channels,
                "judged": "on photographs that it may have learnt from" if judged else NOT_JUDGED,
            }
        },
        versions={},
        history={},
    )


def _fitted(run: Run, found: Source, way: Pixels, shelf: Shelf) -> Run:
    """The record with temperature and bias fitted on validation photographs."""
    examples = list(shelf.read(shelf.validation))
    answers = np.array([found.answer(example.image, way) for example in examples], np.float32)
    columns = [run.labels.index(str(label)) for label in data.CLASSES[: len(run.labels)]]
    temperature, bias = calibration.fit(answers[:, columns], np.array([example.label for example in examples]))
    return run.model_copy(update={"temperature": temperature, "bias": bias})


def _asked(found: Source, way: Pixels) -> Callable[..., Floats]:
    """The model as its author would call it, to compare the conversion with: (1, S, S, 3) 0–255 -> (1, L)."""
    return lambda images, **_: np.stack([found.answer(np.asarray(image, np.uint8), way) for image in images])


def _tried(make: variants.Maker, run: Run, path: Path) -> variants.Maker:
    """Makes the variants, and tries each in a separate process, because a bad file can crash a runtime."""

    def made(network: Any, images: Sequence[Image], recipe: Recipe, task: str) -> Mapping[Variant, bytes]:
        found = make(network, images, recipe, task)
        for flatbuffer in found.values():
            attempt("mask", bundle.pack(flatbuffer, conversion.card(run)), path, THREADS)
        return found

    return made
