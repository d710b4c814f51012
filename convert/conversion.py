"""One conversion: make every variant, compare it with the float model, and give bundles or the reasons why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import ValidationError

from convert import ends, gates, graph, layers, metadata, quantize, samples, variants
from convert.judges import judge_face, judge_mask, judge_scene
from convert.recipe import REFERENCE, SHIPPED, Recipe, Variant
from maskwatch.config.complaint import complaint
from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from maskwatch.vision.classifier import bare_share
from maskwatch.vision.model_card import ModelCard
from maskwatch.vision.quantization import Floats
from maskwatch.vision.runtime import Model
from training.pictures import data, quick
from training.runs import run_folder
from training.runs.progress import track

COMPARED = 8  # validation pictures on which the float .tflite is compared with Keras
THREADS = 2
# Packages that decide the bytes of a bundle, beside the back end
DECIDING = ("keras", "tensorflow", "numpy", "opencv-python-headless")
Maps = Callable[[Image], list[Floats]]
Judgement = judge_mask.MaskJudgement | judge_face.FaceJudgement  # for a scene as for a face


@dataclass(frozen=True, slots=True)
class Made:
    """One variant and its measures."""

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
    """The result. A variant is shipped only if none of its gates failed, or if it is a quick try and marked so."""

    run: Run
    recipe: Recipe  # with the limit of every gate
    made: Mapping[Variant, Made]
    calibration: tuple[samples.Example, ...]
    validation: Judgement | None  # decides the gates; None: not judged
    test: Judgement | None  # only reported: it decides nothing
    figures: Mapping[str, Mapping[Variant, dict[str, Any]]]  # of both parts; kept, because the intervals take a while
    unreadable: tuple[str, ...]
    origin: str  # SHA-256 of the float model's file; empty without such a file

    @property
    def failures(self) -> list[gates.Failure]:
        """The gates that do not hold, of all variants."""
        return [failure for made in self.made.values() for failure in made.failures]

    @property
    def passed(self) -> tuple[Variant, ...]:
        """The shipped variants. There are none if float32 fails, because the others are judged against it."""
        if self.recipe.quick:
            return self.recipe.variants
        if self.made[REFERENCE].failures:
            return ()
        return tuple(variant for variant in self.recipe.variants if not self.made[variant].failures)

    def card(self, variant: Variant) -> ModelCard:
        """The model card that goes into the bundle of a variant."""
        figures = {part: figures[variant] for part, figures in self.figures.items()}
        return full_card(self.run, figures, provenance(self.run, self.recipe, variant, self.calibration, self.origin))


def full_card(run: Run, figures: Mapping[str, Any], origin: Mapping[str, Any]) -> ModelCard:
    """The card with the figures of each part of the data, and the model's provenance."""
    metrics = {"training": run.metrics, **figures}
    return card(run).model_copy(update={"metrics": metrics, "provenance": dict(origin)})


def provenance(
    run: Run, recipe: Recipe, variant: Variant, calibration: Sequence[samples.Example], origin: str
) -> dict[str, Any]:
    """Everything that decides the bytes of a variant: with the same values the same bytes result."""
    return {
        "seed": run.seed,
        "split_sha256": run.split_sha256,
        "float_sha256": origin,
        "variant": variant,
        "back_end": recipe.back_end,
        "keep_float": list(recipe.keep_float),
        "calibration_n": len(calibration),
        "calibration_seed": recipe.seed,
        "calibration_sha256": samples.sha256(calibration),
        "versions": run_folder.installed((*DECIDING, recipe.back_end)),
        **{name: run.knobs[name] for name in ("anchors", "own") if name in run.knobs},
        **caveats(run, recipe),
    }


def caveats(run: Run, recipe: Recipe) -> dict[str, Any]:
    """What ModelCard.caveats mentions. Keys that are not needed are left out, to keep the bytes of earlier cards."""
    weaker = gates.loosened(run.task, recipe.gates)
    return {
        **({"quick": True} if run.quick or recipe.quick else {}),
        **({"loosened": weaker} if weaker else {}),
    }


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
    network, run, shelf = opened(model, folders)
    if recipe.quick:
        shelf = shelf.few(quick.EACH)
    return prove(network, run, shelf, recipe, origin=sha256(model))


def opened(model: Path, folders: Sequence[Path]) -> tuple[keras.Model, Run, samples.Shelf]:
    """A trained model, its record and its pictures. Raises as convert() does."""
    network = quantize.load(model)
    run = run_folder.read(model)
    _same_geometry(model, run, network)
    return network, run, samples.gather(run, samples.recognise(folders))


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prove(
    network: Callable[..., Any],
    run: Run,
    shelf: samples.Shelf,
    recipe: Recipe,
    make: variants.Maker = variants.make,
    origin: str = "",
    own: bool = False,
) -> Conversion:
    """Convert a network with pictures that are already loaded.

    Args:
        network: input (B, S, S, 3), 0–255.
        run: its record.
        shelf: the pictures.
        recipe: see Recipe.
        make: makes the variants.
        origin: see Conversion.
        own: whether others trained it; without pictures it is then not judged.
    """
    judged = bool(shelf.validation) or not own
    calibration = shelf.calibration(recipe.calibration, recipe.seed) if judged else []
    images = [example.image for example in calibration]
    made = described(make(network, images, recipe, run.task), run)
    models = {variant: Model(flatbuffer, THREADS, f"the {variant} .tflite").run for variant, flatbuffer in made.items()}
    validation = test = None
    found: dict[Variant, dict[str, float]] = {variant: {} for variant in made}
    compared = _noise(run.input_size)
    if judged:
        pictures = list(track(shelf.read(shelf.validation), "Cutting", total=len(shelf.validation)))
        compared = [example.image for example in pictures[:COMPARED]]
        validation = judge(run, track(pictures, "Judging on validation"), models)
        test = judge(run, track(shelf.read(shelf.test), "Judging on the test part", len(shelf.test)), models)
        found = {variant: validation.measures(variant) for variant in made}
    found[REFERENCE]["conversion_error"] = conversion_error(network, models[REFERENCE], compared)
    recipe = recipe.model_copy(update={"gates": {**gates.default_limits(run.task), **recipe.gates}})
    limits = {
        variant: gates.foreign_model_gates(variant, judged) if own else gates.default_gates(run.task, variant)
        for variant in made
    }
    return Conversion(
        run,
        recipe,
        {
            variant: _measured(run.task, variant, made, limits[variant], recipe, images, found[variant])
            for variant in made
        },
        tuple(calibration),
        validation,
        test,
        {
            part: {variant: judgement.figures(variant) for variant in made}
            for part, judgement in (("validation", validation), ("test", test))
            if judgement
        },
        tuple(shelf.unreadable),
        origin,
    )


def described(made: Mapping[Variant, bytes], run: Run) -> dict[Variant, bytes]:
    """The models with TFLite metadata inside."""
    shapes = {variant: graph.inspect(flatbuffer).output_shapes for variant, flatbuffer in made.items()}
    return {variant: metadata.insert(flatbuffer, card(run), shapes[variant]) for variant, flatbuffer in made.items()}


def _measured(
    task: str,
    variant: Variant,
    made: Mapping[Variant, bytes],
    limits: Sequence[gates.Gate],
    recipe: Recipe,
    images: Sequence[Image],
    found: Mapping[str, float],
) -> Made:
    """A variant with the measures of its gates and the errors of its layers."""
    flatbuffer, reference = made[variant], made[REFERENCE]
    facts = graph.inspect(flatbuffer)
    measures = {
        "size": len(flatbuffer) / 1e6,
        "size_ratio": 100 * len(flatbuffer) / len(reference),
        "input_mismatch": 0.0 if facts.eats_camera_bytes else 1.0,
        "float_operators": float(len(facts.unasked(recipe.keep_float if variant == SHIPPED else ()))),
        **found,
    }
    shown = images[: layers.PICTURES]
    lowest = ends.LOWEST_LOGIT if task == "face" else -np.inf
    errors = layers.errors(reference, flatbuffer, shown, lowest) if variant != REFERENCE and shown else []
    return Made(variant, flatbuffer, facts, measures, gates.adjusted(limits, recipe.gates), tuple(errors))


def _noise(size: int) -> list[Image]:
    """(S, S, 3) pictures of random pixels."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size, size, 3), np.uint8) for _ in range(COMPARED)]


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
    """How surely a face counts as bare, as the device computes it."""
    return lambda image: float(bare_share(model(image)[0][0], run.labels, run.temperature, run.bias))


def card(run: Run) -> ModelCard:
    """The card with what the run says; figures and hashes are added later.

    Raises:
        ModelError: a value is outside the card's bounds.
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


def conversion_error(network: Callable[..., Any], converted: Maps, images: list[Image]) -> float:
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
    """Check that model and record are made for the pixels that the device cuts."""
    if run.preprocess_version != preprocess.VERSION:
        raise ModelError(
            f"model {path}: trained on crops of preprocess version {run.preprocess_version}, "
            f"this maskwatch has {preprocess.VERSION}; train it again"
        )
    expected = (None, run.input_size, run.input_size, 3)
    if network.input_shape != expected:
        raise ModelError(f"model {path}: takes {network.input_shape}, its run.json says {expected}; train it again")
