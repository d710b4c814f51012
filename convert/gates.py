"""The limits that a quantized model must keep before it is shipped. Pure functions: measures in, failures out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from convert.recipe import REFERENCE, SHIPPED, Variant


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit on one measure."""

    measure: str
    limit: float | None  # None: no limit
    unit: str
    mend: str
    at_least: bool = False  # the limit is a lower one, not an upper one

    def holds(self, value: float) -> bool:
        """Whether the value keeps the limit; NaN, for what could not be measured, never does."""
        if self.limit is None:
            return True
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Failure:
    """A gate that did not hold."""

    variant: Variant
    gate: Gate
    found: float
    mend: str

    def __str__(self) -> str:
        gate, unit = self.gate, self.gate.unit
        if math.isnan(self.found):
            return f"{self.variant}: {gate.measure} cannot be measured; {self.mend}"
        side = "at least" if gate.at_least else "at most"
        found = f"{self.variant}: {gate.measure} is {self.found:.4g} {unit}"
        return f"{found}, expected {side} {gate.limit:g} {unit}; {self.mend}"


RECALIBRATE = "calibrate on more pictures (--calibration), or leave the worst layers in float (--keep-float)"
# Only options that change the variant: pictures set no ranges of float16 and dynamic, and only int8 can have layers
# left in float.
RECALIBRATE_OTHERS: dict[Variant, str] = {
    "int16x8": "calibrate on more pictures (--calibration), or leave int16x8 out of --variants",
    "float16": "no option changes float16: leave it out of --variants",
    "dynamic": "no option changes dynamic: leave it out of --variants",
}

REFERENCE_GATES = (
    Gate("conversion_error", 0.01, "of an output", "report it: the converter changed the float model itself"),
)
GRAPH_GATES = (
    Gate(
        "input_mismatch",
        0,
        "wrong of type, scale, zero point",
        "the sample must span 0 to 255: give more pictures (--calibration)",
    ),
    Gate(
        "float_operators", 0, "operators", "replace the layer that has no int8 form, or allow it by name (--keep-float)"
    ),
)
MASK_GATES = (
    Gate("accuracy", 90.0, "%", "check that run.json names the labels in the order of the outputs", at_least=True),
    Gate("accuracy_drop", 0.3, "points", RECALIBRATE),
    Gate("recall_drop", 0.5, "points", RECALIBRATE),
    Gate("flips", 0.5, "%", RECALIBRATE),
)
FACE_GATES = (
    Gate("ap50", 30.0, "%", "check the order of the outputs and the threshold in run.json", at_least=True),
    Gate("ap50_drop", 1.0, "points", RECALIBRATE),
    Gate("kept_faces", 95.0, "%", RECALIBRATE, at_least=True),
)
# A rare class decides a third of the mean, and validation has only four of its faces that are large enough to judge:
# one of them is 8 points. The drop shows whether a class is lost; `kept_verdicts` is measured on all faces.
SCENE_GATES = (
    *FACE_GATES[:2],
    Gate("map50", 15.0, "%", "check the anchors and the order of the labels in run.json", at_least=True),
    Gate("map50_drop", 10.0, "points", RECALIBRATE),
    Gate("kept_verdicts", 95.0, "%", RECALIBRATE, at_least=True),
)
SMALLER = (
    "leave fewer layers in float (--keep-float); a network of few weights needs another limit (--gate size_ratio=…)"
)
# A quarter for the weights. The scales of all channels and the graph itself weigh more in a smaller network, so a
# finder of 0.3 MB has its own limit.
SIZE_GATES = {
    "mask": (Gate("size_ratio", 30.0, "% of float32", SMALLER),),
    "face": (Gate("size_ratio", 45.0, "% of float32", SMALLER),),
    "scene": (Gate("size_ratio", 30.0, "% of float32", SMALLER),),
}
QUALITY_GATES = {"mask": MASK_GATES, "face": FACE_GATES, "scene": SCENE_GATES}


def of(task: str, variant: Variant) -> tuple[Gate, ...]:
    """The default gates of a variant: only the shipped variant must be all integers, and small."""
    if variant == REFERENCE:
        return REFERENCE_GATES
    if variant == SHIPPED:
        return GRAPH_GATES + QUALITY_GATES[task] + SIZE_GATES[task]
    mend = RECALIBRATE_OTHERS[variant]
    return tuple(replace(gate, mend=mend) if gate.mend == RECALIBRATE else gate for gate in QUALITY_GATES[task])


def of_own(variant: Variant, judged: bool) -> tuple[Gate, ...]:
    """The gates of a model that others trained: it must be accurate itself, and has no limit on its size."""
    quality = QUALITY_GATES["mask"] if judged else ()
    if variant == REFERENCE:
        return REFERENCE_GATES + tuple(gate for gate in quality if gate.measure == "accuracy")
    return GRAPH_GATES + quality if variant == SHIPPED else quality


def known(task: str) -> dict[str, float]:
    """Every measure that a recipe may set a limit for, with the default limit."""
    every = (*of(task, REFERENCE), *of(task, SHIPPED))
    return {gate.measure: float(gate.limit) for gate in every}


def adjusted(gates: Iterable[Gate], limits: Mapping[str, float | None]) -> tuple[Gate, ...]:
    """The gates with some limits replaced."""
    return tuple(replace(gate, limit=limits.get(gate.measure, gate.limit)) for gate in gates)


def loosened(task: str, limits: Mapping[str, float | None]) -> dict[str, float | None]:
    """The limits that are looser than the default ones; None: no limit."""
    every = (*of(task, REFERENCE), *of(task, SHIPPED))
    return {
        gate.measure: limits[gate.measure] for gate in every if _is_less(gate, limits.get(gate.measure, gate.limit))
    }


def _is_less(gate: Gate, limit: float | None) -> bool:
    if limit is None or gate.limit is None:
        return limit is None
    return limit < gate.limit if gate.at_least else limit > gate.limit


def check(variant: Variant, measures: Mapping[str, float], gates: Iterable[Gate]) -> list[Failure]:
    """The gates that do not hold, in their order. The measures must contain every gate's measure."""
    return [
        Failure(variant, gate, measures[gate.measure], _mend(gate, measures))
        for gate in gates
        if not gate.holds(measures[gate.measure])
    ]


def _mend(gate: Gate, measures: Mapping[str, float]) -> str:
    """What may help against this failure."""
    found = measures[gate.measure]
    if math.isnan(found):
        lacks = "the validation part lacks pictures of a class, or the float model finds nothing there"
        return f"{lacks}: give more pictures, or ask for nothing (--gate {gate.measure}=off)"
    lost = measures.get(f"{gate.measure}_drop", math.nan)
    if gate.at_least and not math.isnan(lost) and not gate.holds(found + lost):
        return f"the float model itself has {found + lost:.4g} {gate.unit}: train it longer, or on more pictures"
    return gate.mend
