"""One conversion: make every variant, judge it against its float self, and either bundles or the reasons why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import ValidationError

from convert import gates, graph, judge_face, judge_mask, judge_scene, layers, metadata, quantize, samples, variants
from convert.recipe import REFERENCE, SHIPPED, Recipe, Variant
from maskwatch import preprocess
from maskwatch.card import ModelCard
from maskwatch.classifier import bare_share
from maskwatch.complaint import complaint
from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.runtime import Model
from maskwatch.scale import Floats
from training import data, record
from training.progress import track
from training.record import Run

COMPARED = 8  # validation pictures on which the float .tflite is held against Keras itself
THREADS = 2
Maps = Callable[[Image], list[Floats]]
Judgement = judge_mask.MaskJudgement | judge_face.FaceJudgement  # a scene's is a face's


@dataclass(frozen=True, slots=True)
class Made:
    """One variant and what was found about it."""

    variant: Variant
    flatbuffer: bytes  # with its metadata
    facts: graph.Graph
    measures: Mapping[str, float]
    gates: tuple[gates.Gate, ...]
    layers: tuple[layers.LayerError, ...]  # against float32

    @property
    def failures(self) -> list[gates.Failure]:
        """The gates that do not hold."""
        return gates.check(self.variant, self.measures, self.gates)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came out. It is shipped only when no gate failed."""

    run: Run
    recipe: Recipe  # with the limit of every gate
    made: Mapping[Variant, Made]
    calibration: tuple[samples.Example, ...]
    validation: Judgement  # the gates go by it
    test: Judgement  # only told, nothing is chosen by it
    figures: Mapping[str, Mapping[Variant, dict[str, Any]]]  # of both parts: their intervals take a while
    unreadable: tuple[str, ...]

    @property
    def failures(self) -> list[gates.Failure]:
        """The gates that do not hold, of all variants."""
        return [failure for made in self.made.values() for failure in made.failures]

    @property
    def calibration_sha256(self) -> str:
        """Of the pixels of the sample, in its order."""
        return hashlib.sha256("".join(example.sha256 for example in self.calibration).encode()).hexdigest()

    def card(self, variant: Variant) -> ModelCard:
        """The model card that goes into the bundle of a variant."""
        return card(self.run).model_copy(
            update={
                "metrics": {
                    "training": self.run.metrics,
                    **{part: figures[variant] for part, figures in self.figures.items()},
                },
                "provenance": {
                    "seed": self.run.seed,
                    "split_sha256": self.run.split_sha256,
                    "variant": variant,
                    "back_end": self.recipe.back_end,
                    "keep_float": list(self.recipe.keep_float),
                    "calibration_n": len(self.calibration),
                    "calibration_seed": self.recipe.seed,
                    "calibration_sha256": self.calibration_sha256,
                    "versions": record.versions(),
                    **({"anchors": self.run.knobs["anchors"]} if "anchors" in self.run.knobs else {}),
                },
            }
        )


def convert(model: Path, folders: Sequence[Path], recipe: Recipe) -> Conversion:
    """Make the variants of a trained model and judge them on the held-out parts of its own data.

    Args:
        model: a .keras with its run.json beside it.
        folders: the data sets it was trained on.
        recipe: see Recipe.

    Raises:
        ModelError: the model or its record cannot be used.
        SourceError: the data cannot be used, or is not split as it was for the training.
    """
    network = quantize.load(model)
    run = record.read(model)
    _same_geometry(model, run, network)
    return prove(network, run, samples.gather(run, samples.recognise(folders)), recipe)


def prove(
    network: keras.Model, run: Run, shelf: samples.Shelf, recipe: Recipe, make: variants.Maker = variants.make
) -> Conversion:
    """The conversion of a network and pictures already in hand.

    Args:
        network: input (B, S, S, 3), 0–255.
        run: its record.
        shelf: the pictures.
        recipe: see Recipe.
        make: what makes the variants.
    """
    calibration = shelf.calibration(recipe.calibration, recipe.seed)
    images = [example.image for example in calibration]
    made = _described(make(network, images, recipe, run.task), run)
    models = {variant: Model(flatbuffer, THREADS, f"the {variant} .tflite").run for variant, flatbuffer in made.items()}
    pictures = list(track(shelf.read(shelf.validation), "Cutting", total=len(shelf.validation)))
    validation = judge(run, track(pictures, "Judging on validation"), models)
    test = judge(run, track(shelf.read(shelf.test), "Judging on the test part", len(shelf.test)), models)
    found = {variant: validation.measures(variant) for variant in made}
    found[REFERENCE]["conversion_error"] = conversion_error(
        network, models[REFERENCE], [example.image for example in pictures[:COMPARED]]
    )
    recipe = recipe.model_copy(update={"gates": {**gates.known(run.task), **recipe.gates}})
    return Conversion(
        run,
        recipe,
        {variant: _measured(variant, made, run, recipe, images, found[variant]) for variant in made},
        tuple(calibration),
        validation,
        test,
        {
            part: {variant: judgement.figures(variant) for variant in made}
            for part, judgement in (("validation", validation), ("test", test))
        },
        tuple(shelf.unreadable),
    )


def _described(made: Mapping[Variant, bytes], run: Run) -> dict[Variant, bytes]:
    """The models with their metadata inside."""
    shapes = {variant: graph.inspect(flatbuffer).output_shapes for variant, flatbuffer in made.items()}
    return {variant: metadata.insert(flatbuffer, card(run), shapes[variant]) for variant, flatbuffer in made.items()}


def _measured(
    variant: Variant,
    made: Mapping[Variant, bytes],
    run: Run,
    recipe: Recipe,
    images: Sequence[Image],
    found: Mapping[str, float],
) -> Made:
    """A variant with what the gates ask for and the errors of its layers."""
    flatbuffer, reference = made[variant], made[REFERENCE]
    facts = graph.inspect(flatbuffer)
    measures = {
        "size": len(flatbuffer) / 1e6,
        "size_ratio": 100 * len(flatbuffer) / len(reference),
        "input_mismatch": 0.0 if facts.eats_camera_bytes else 1.0,
        "float_operators": float(len(facts.unasked(recipe.keep_float if variant == SHIPPED else ()))),
        **found,
    }
    errors = layers.errors(reference, flatbuffer, images[: layers.PICTURES]) if variant != REFERENCE else []
    limits = gates.adjusted(gates.of(run.task, variant), recipe.gates)
    return Made(variant, flatbuffer, facts, measures, limits, tuple(errors))


def judge(run: Run, pictures: Iterable[samples.Example], models: Mapping[Variant, Maps]) -> Judgement:
    """Every variant on one part of the data."""
    if run.task == "mask":
        bare = {variant: _bare(run, model) for variant, model in models.items()}
        return judge_mask.judge(pictures, bare, tuple(map(str, data.LABELS)))
    threshold = card(run).score_threshold or 0.5
    if run.task == "scene":
        return judge_scene.judge(pictures, models, threshold, run.labels, np.array(run.knobs["anchors"], np.float32))
    return judge_face.judge(pictures, models, threshold)


def _bare(run: Run, model: Maps) -> judge_mask.Bare:
    """How surely a face counts as bare, as the device reckons it."""
    return lambda image: float(bare_share(model(image)[0][0], run.labels, run.temperature, run.bias))


def card(run: Run) -> ModelCard:
    """What the run says of the model; figures and hashes come later.

    Raises:
        ModelError: something in it is out of the card's bounds.
    """
    try:
        return ModelCard(
            name=run.name,
            task=run.task,
            labels=run.labels,
            input_size=run.input_size,
            preprocess_version=run.preprocess_version,
            margin=run.margin,
            score_threshold=run.score_threshold,
            temperature=run.temperature,
            bias=run.bias,
            sha256="",
        )
    except ValidationError as error:
        raise ModelError(f"run {run.name}: not for a model card: {complaint(error, ModelCard).text}") from error


def conversion_error(network: keras.Model, converted: Maps, images: list[Image]) -> float:
    """Largest difference between an output of Keras and the float32 .tflite, whatever the order of outputs."""
    worst = 0.0
    for image in images:
        answers = network(image[None].astype(np.float32), training=False)
        wanted = answers if isinstance(answers, list | tuple) else [answers]
        by_shape = {tuple(found.shape): found for found in converted(image)}
        for answer in map(np.asarray, wanted):
            worst = max(worst, float(np.abs(by_shape[answer.shape] - answer).max()))
    return worst


def _same_geometry(path: Path, run: Run, network: keras.Model) -> None:
    """The record and the model must speak of the same pixels as the device will cut."""
    if run.preprocess_version != preprocess.VERSION:
        raise ModelError(
            f"model {path}: trained on crops of preprocess version {run.preprocess_version}, "
            f"this maskwatch has {preprocess.VERSION}; train it again"
        )
    expected = (None, run.input_size, run.input_size, 3)
    if network.input_shape != expected:
        raise ModelError(f"model {path}: takes {network.input_shape}, its run.json says {expected}; train it again")
