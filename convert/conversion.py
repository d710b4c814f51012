"""One conversion: quantize, judge, and either a bundle or the reasons why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from convert import gates, graph, judge_face, judge_mask, metadata, quantize, samples
from maskwatch import preprocess
from maskwatch.bundle import ModelCard
from maskwatch.classifier import bare_share
from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.runtime import Floats, Model
from training import data, record
from training.progress import track
from training.record import Run

COMPARED = 8  # validation pictures on which the float .tflite is held against Keras itself
THREADS = 2
Maps = Callable[[Image], list[Floats]]
Judgement = judge_mask.MaskJudgement | judge_face.FaceJudgement


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a conversion is asked to do."""

    calibration: int = 300  # pictures
    seed: int = 0  # of the choice of those pictures
    limits: Mapping[str, float] | None = None  # gates with another limit


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came out. It is shipped only when no gate failed."""

    run: Run
    recipe: Recipe
    flatbuffer: bytes  # int8, with its metadata
    float_bytes: int
    facts: graph.Graph
    calibration: tuple[samples.Example, ...]
    judgement: Judgement  # on validation: the gates go by it
    held_out: Judgement  # on the test part: only told, nothing is chosen by it
    measures: Mapping[str, float]
    gates: tuple[gates.Gate, ...]
    unreadable: tuple[str, ...]

    @property
    def failures(self) -> list[gates.Failure]:
        """The gates that do not hold."""
        return gates.check(self.measures, self.gates)

    @property
    def calibration_sha256(self) -> str:
        """Of the pixels of the sample, in its order."""
        return hashlib.sha256("".join(example.sha256 for example in self.calibration).encode()).hexdigest()

    def card(self) -> ModelCard:
        """The model card that goes into the bundle."""
        return card(self.run).model_copy(
            update={
                "metrics": {
                    "training": self.run.metrics,
                    "validation": self.judgement.metrics(),
                    "test": self.held_out.metrics(),
                },
                "provenance": {
                    "seed": self.run.seed,
                    "split_sha256": self.run.split_sha256,
                    "calibration_n": len(self.calibration),
                    "calibration_seed": self.recipe.seed,
                    "calibration_sha256": self.calibration_sha256,
                    "versions": record.versions(),
                },
            }
        )


def convert(model: Path, folders: Sequence[Path], recipe: Recipe) -> Conversion:
    """Quantize the model and judge it on the validation split of its own data.

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
    shelf = samples.gather(run, samples.recognise(folders))
    calibration = shelf.calibration(recipe.calibration, recipe.seed)
    float32 = quantize.to_float32(network)
    int8 = quantize.to_int8(network, [example.image for example in calibration])
    facts = graph.inspect(int8)
    int8 = metadata.insert(int8, card(run), facts.output_shapes)

    before, after = _runner(float32, "the float32 .tflite"), _runner(int8, "the int8 .tflite")
    validation = list(track(shelf.read(shelf.validation), "Cutting", total=len(shelf.validation)))
    judgement = _judge(run, track(validation, "Judging on validation"), before, after)
    held_out = _judge(run, track(shelf.read(shelf.test), "Judging on the test part", len(shelf.test)), before, after)
    measures = {
        "conversion_error": conversion_error(network, before, [example.image for example in validation[:COMPARED]]),
        "input_mismatch": 0.0 if facts.eats_camera_bytes else 1.0,
        "float_operators": float(len(facts.float_operators)),
        "size": len(int8) / 1e6,
        "size_ratio": 100 * len(int8) / len(float32),
        **judgement.measures(),
    }
    return Conversion(
        run,
        recipe,
        int8,
        len(float32),
        facts,
        tuple(calibration),
        judgement,
        held_out,
        measures,
        gates.adjusted(gates.GATES[run.task], recipe.limits or {}),
        tuple(shelf.unreadable),
    )


def _judge(run: Run, pictures: Iterable[samples.Example], before: Maps, after: Maps) -> Judgement:
    """Float against int8 on one part of the data."""
    if run.task == "mask":
        return judge_mask.judge(
            pictures,
            _first(before),
            _first(after),
            tuple(data.LABELS),
            lambda logits: bare_share(logits, run.labels, run.temperature, run.bias),
        )
    return judge_face.judge(pictures, before, after, card(run).score_threshold or 0.5)


def card(run: Run) -> ModelCard:
    """What the run says of the model; figures and hashes come later."""
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


def conversion_error(network: keras.Model, converted: Callable[[Image], list[Floats]], images: list[Image]) -> float:
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


def _runner(flatbuffer: bytes, origin: str) -> Callable[[Image], list[Floats]]:
    return Model(flatbuffer, THREADS, origin).run


def _first(runner: Callable[[Image], list[Floats]]) -> judge_mask.Logits:
    """A classifier's one output, of the one picture."""
    return lambda image: runner(image)[0][0]


def summary(conversion: Conversion) -> dict[str, Any]:
    """The report as data: everything measured, every gate, every changed verdict, the calibration sample."""
    failed = {failure.gate.measure for failure in conversion.failures}
    return {
        "model": conversion.run.name,
        "task": conversion.run.task,
        "shipped": not failed,
        "bytes": {"float32": conversion.float_bytes, "int8": len(conversion.flatbuffer)},
        "measures": {name: round(value, 4) for name, value in conversion.measures.items()},
        "gates": [
            {
                "measure": gate.measure,
                "at_least" if gate.at_least else "at_most": gate.limit,
                "unit": gate.unit,
                "found": round(conversion.measures[gate.measure], 4),
                "holds": gate.measure not in failed,
            }
            for gate in conversion.gates
        ],
        "validation": conversion.judgement.metrics(),
        "test": conversion.held_out.metrics(),
        "changed_verdicts": conversion.judgement.listed(),
        "input": {
            "type": conversion.facts.input_type,
            "scale": conversion.facts.input_scale,
            "zero_point": conversion.facts.input_zero_point,
        },
        "float_operators": list(conversion.facts.float_operators),
        "card": conversion.card().model_dump(mode="json", exclude={"metrics", "sha256"}),
        "calibration": {
            "n": len(conversion.calibration),
            "seed": conversion.recipe.seed,
            "sha256": conversion.calibration_sha256,
            "pictures": [
                {"image": example.name, "view": example.view, "label": example.label, "sha256": example.sha256[:16]}
                for example in conversion.calibration
            ],
        },
        "unreadable": list(conversion.unreadable),
    }
