"""The proof as data: the figures of every variant, every changed verdict, every layer's error."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from convert import gates as rules
from convert import layers, samples
from convert.conversion import Conversion, Judgement, Made, caveats
from convert.recipe import REFERENCE, SHIPPED, Variant

LIST = re.compile(r"\[[\s\d.,eE+-]*\]")  # a list of numbers
OBJECT = re.compile(r"\{[^{}]*\}")  # an object without objects inside
LONGEST = 200  # characters; a longer object is not put on one line


def summary(conversion: Conversion) -> dict[str, Any]:
    """Everything measured, every gate, every changed verdict, and the calibration sample, as records.proof.Proof."""
    return {
        "model": conversion.run.name,
        "task": conversion.run.task,
        "shipped": not conversion.failures,
        "withheld": [variant for variant in conversion.recipe.variants if variant not in conversion.passed],
        **caveats(conversion.run, conversion.recipe),
        "judged": conversion.run.knobs.get("own", {}).get("judged", "on photographs that it has not learnt from"),
        "recipe": conversion.recipe.model_dump(mode="json"),
        "card": conversion.card(REFERENCE).model_dump(mode="json", exclude={"metrics", "sha256", "provenance"}),
        "variants": {variant: _variant(made) for variant, made in conversion.made.items()},
        "gates": [gate for made in conversion.made.values() for gate in _gates(made, conversion.run.task)],
        "parts": {
            name: part(judgement, conversion.figures[name])
            for name, judgement in (("validation", conversion.validation), ("test", conversion.test))
            if judgement
        },
        "calibration": {
            "n": len(conversion.calibration),
            "seed": conversion.recipe.seed,
            "sha256": samples.sha256(conversion.calibration),
            "pictures": [f"{each.name} {each.view} {each.sha256[:16]}" for each in conversion.calibration],
        },
        "versions": conversion.card(REFERENCE).provenance["versions"],
        "unreadable": list(conversion.unreadable),
    }


def _variant(made: Made) -> dict[str, Any]:
    return {
        "bytes": len(made.flatbuffer),
        "sha256": hashlib.sha256(made.flatbuffer).hexdigest(),
        "size_ratio": round(made.measures["size_ratio"], 2),
        "input": {
            "type": made.facts.input_type,
            "scale": made.facts.input_scale,
            "zero_point": made.facts.input_zero_point,
        },
        "operators": dict(made.facts.operators),
        "in_float": len(made.facts.in_float),
        "left_in_float": [each.operator for each in made.facts.in_float] if made.variant == SHIPPED else [],
        "layers": [
            {"layer": layer.name, "operator": layer.operator, "sqnr_db": layer.sqnr_db, "cosine": layer.cosine}
            for layer in made.layers
        ],
        "worst_layers": [layer.name for layer in layers.worst(made.layers)],
    }


def _gates(made: Made, task: str) -> list[dict[str, Any]]:
    usual = rules.default_limits(task)
    failed = {failure.gate.measure for failure in made.failures}
    return [
        {
            "variant": made.variant,
            "measure": gate.measure,
            "at_least" if gate.at_least else "at_most": gate.limit,
            "unit": gate.unit,
            **({"usual": usual[gate.measure]} if gate.limit != usual[gate.measure] else {}),
            "found": _number(made.measures[gate.measure]),
            "holds": gate.measure not in failed,
        }
        for gate in made.gates
    ]


def part(judgement: Judgement, figures: Mapping[Variant, dict[str, Any]]) -> dict[str, Any]:
    """One part of the data: figures of every variant, changed verdicts, and curves."""
    return {
        "figures": dict(figures),
        "changed_verdicts": {variant: judgement.changes(variant) for variant in figures if variant != REFERENCE},
        "curves": {variant: judgement.curve(variant) for variant in figures},
    }


def _number(value: float) -> float | None:
    """The number, or None for NaN, which JSON does not have."""
    return None if math.isnan(value) else round(value, 4)


def text(report: dict[str, Any]) -> str:
    """JSON that people can read and compare line by line: a list of numbers, or a short object, is one line."""
    lines = json.dumps(_without_nan(report), indent=1, ensure_ascii=False, allow_nan=False)
    return OBJECT.sub(_one_line, LIST.sub(_joined, lines)) + "\n"


def _one_line(found: re.Match[str]) -> str:
    line = _joined(found)
    return line if len(line) <= LONGEST else found.group()


def _joined(found: re.Match[str]) -> str:
    """Join the lines; a text in JSON has no line break, so only indentation is removed."""
    return re.sub(r"\n\s*", " ", found.group())


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
