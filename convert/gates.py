"""The gates: limits on measures that a quantized model must pass before it is shipped.

Pure functions: they get the measures and return the failures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from convert.recipe import REFERENCE, SHIPPED, Variant


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit on one measure."""

    measure: str  # the key of the measure, e.g. "accuracy_drop"
    limit: float | None  # None: no limit
    unit: str
    advice: str  # what to do if the model does not pass
    at_least: bool = False  # True: the value must be at least the limit; False: at most

    def holds(self, value: float) -> bool:
        """Whether the value passes. NaN means that it could not be measured, and passes only without a limit."""
        if self.limit is None:
            return True
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Failure:
    """A gate that a variant did not pass."""

    variant: Variant
    gate: Gate
    found: float  # the measured value; NaN: it could not be measured
    advice: str  # what to do

    def __str__(self) -> str:
        gate, unit = self.gate, self.gate.unit
        if math.isnan(self.found):
            return f"{self.variant}: {gate.measure} cannot be measured; {self.advice}"
        side = "at least" if gate.at_least else "at most"
        found = f"{self.variant}: {gate.measure} is {self.found:.4g} {unit}"
        return f"{found}, expected {side} {gate.limit:g} {unit}; {self.advice}"


RECALIBRATE = "calibrate on more pictures (--calibration), or leave the worst layers in float (--keep-float)"
# The advice for the other variants instead of RECALIBRATE. It names only options that change the variant: calibration
# pictures have no effect on float16 and dynamic, and only int8 can keep layers in float.
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
# map50 is the mean of three classes. The validation part has only four large enough faces of the rarest class, so a
# single face changes the mean by 8 points. The limit of `map50_drop` is therefore wide: it only shows whether a class
# is lost. `kept_verdicts` is more exact, because it is measured on all faces.
SCENE_GATES = (
    *FACE_GATES[:2],
    Gate("map50", 15.0, "%", "check the anchors and the order of the labels in run.json", at_least=True),
    Gate("map50_drop", 10.0, "points", RECALIBRATE),
    Gate("kept_verdicts", 95.0, "%", RECALIBRATE, at_least=True),
)
SIZE_ADVICE = (
    "leave fewer layers in float (--keep-float); a network of few weights needs another limit (--gate size_ratio=…)"
)
# int8 weights take a quarter of the bytes of float32. The scales of the channels and the graph are added to that, and
# are a larger share of a small network. So the finder, which has 0.3 MB, has a higher limit.
SIZE_GATES = {
    "mask": (Gate("size_ratio", 30.0, "% of float32", SIZE_ADVICE),),
    "face": (Gate("size_ratio", 45.0, "% of float32", SIZE_ADVICE),),
    "scene": (Gate("size_ratio", 30.0, "% of float32", SIZE_ADVICE),),
}
QUALITY_GATES = {"mask": MASK_GATES, "face": FACE_GATES, "scene": SCENE_GATES}


def default_gates(task: str, variant: Variant) -> tuple[Gate, ...]:
    """The gates of one of our variants. Only the shipped variant must be small and compute with integers only."""
    if variant == REFERENCE:
        return REFERENCE_GATES
    if variant == SHIPPED:
        return GRAPH_GATES + QUALITY_GATES[task] + SIZE_GATES[task]
    advice = RECALIBRATE_OTHERS[variant]
    return tuple(replace(gate, advice=advice) if gate.advice == RECALIBRATE else gate for gate in QUALITY_GATES[task])


def foreign_model_gates(variant: Variant, judged: bool) -> tuple[Gate, ...]:
    """The gates of a mask model that the user brings. Its float model must be accurate too; its size has no limit.

    Args:
        variant: of the model.
        judged: whether there were photographs to judge it on; without them its quality has no gates.
    """
    quality = QUALITY_GATES["mask"] if judged else ()
    if variant == REFERENCE:
        return REFERENCE_GATES + tuple(gate for gate in quality if gate.measure == "accuracy")
    return GRAPH_GATES + quality if variant == SHIPPED else quality


def default_limits(task: str) -> dict[str, float]:
    """The default limit of each measure that a recipe may set another limit for."""
    every = (*default_gates(task, REFERENCE), *default_gates(task, SHIPPED))
    return {gate.measure: float(gate.limit) for gate in every}


def adjusted(gates: Iterable[Gate], limits: Mapping[str, float | None]) -> tuple[Gate, ...]:
    """The gates with other limits, by measure. A gate whose measure is missing in `limits` keeps its limit."""
    return tuple(replace(gate, limit=limits.get(gate.measure, gate.limit)) for gate in gates)


def loosened(task: str, limits: Mapping[str, float | None]) -> dict[str, float | None]:
    """Those of the limits that are easier to pass than the default ones; None: no limit."""
    every = (*default_gates(task, REFERENCE), *default_gates(task, SHIPPED))
    return {
        gate.measure: limits[gate.measure] for gate in every if _is_looser(gate, limits.get(gate.measure, gate.limit))
    }


def _is_looser(gate: Gate, limit: float | None) -> bool:
    if limit is None or gate.limit is None:
        return limit is None
    return limit < gate.limit if gate.at_least else limit > gate.limit


def check(variant: Variant, measures: Mapping[str, float], gates: Iterable[Gate]) -> list[Failure]:
    """The failures, in the order of the gates. The measures must contain every gate's measure."""
    return [
        Failure(variant, gate, measures[gate.measure], _advice(gate, measures))
        for gate in gates
        if not gate.holds(measures[gate.measure])
    ]


def _advice(gate: Gate, measures: Mapping[str, float]) -> str:
    """What to do about this failure. If the float model itself fails, other quantization does not help."""
    found = measures[gate.measure]
    if math.isnan(found):
        lacks = "the validation part lacks pictures of a class, or the float model finds nothing there"
        return f"{lacks}: give more pictures, or switch this gate off (--gate {gate.measure}=off)"
    in_float = found + measures.get(f"{gate.measure}_drop", math.nan)
    if gate.at_least and not math.isnan(in_float) and not gate.holds(in_float):
        return f"the float model itself has {in_float:.4g} {gate.unit}: train it longer, or on more pictures"
    return gate.advice
