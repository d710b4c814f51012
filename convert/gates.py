"""What a quantised model must keep up to leave the workshop. Pure: measures in, failures out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from convert.recipe import REFERENCE, SHIPPED, Variant


@dataclass(frozen=True, slots=True)
class Gate:
    """One promise about one measure."""

    measure: str
    limit: float
    unit: str
    mend: str
    at_least: bool = False  # the limit is a floor, not a ceiling

    def holds(self, value: float) -> bool:
        """NaN never holds."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Failure:
    """A gate that did not hold."""

    variant: Variant
    gate: Gate
    found: float

    def __str__(self) -> str:
        side = "at least" if self.gate.at_least else "at most"
        gate, unit = self.gate, self.gate.unit
        found = f"{self.variant}: {gate.measure} is {self.found:.4g} {unit}"
        return f"{found}, expected {side} {gate.limit:g} {unit}; {gate.mend}"


RECALIBRATE = "calibrate on more pictures (--calibration), or leave the worst layers in float (--keep-float)"

REFERENCE_GATES = (
    Gate("conversion_error", 0.01, "of an output", "report it: the converter changed the float model itself"),
)
GRAPH_GATES = (
    Gate("input_mismatch", 0, "wrong of type, scale, zero point", "the sample must span 0 to 255: give more pictures"),
    Gate("float_operators", 0, "operators", "replace the layer that has no int8 form"),
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
# A rare class decides a third of the mean, and validation holds four of its faces that are large enough to judge: one
# of them is 8 points. The drop tells whether a class has gone; whether verdicts stand is asked of all of them.
SCENE_GATES = (
    *FACE_GATES[:2],
    Gate("map50", 15.0, "%", "check the anchors and the order of the labels in run.json", at_least=True),
    Gate("map50_drop", 10.0, "points", RECALIBRATE),
    Gate("kept_verdicts", 95.0, "%", RECALIBRATE, at_least=True),
)
# A quarter for the weights; scales of every channel and the graph itself weigh more the smaller the network is, so a
# finder of 0.3 MB has a limit of its own.
SIZE_GATES = {
    "mask": (Gate("size_ratio", 30.0, "% of float32", "fewer layers that stay unquantised"),),
    "face": (Gate("size_ratio", 45.0, "% of float32", "fewer layers that stay unquantised"),),
    "scene": (Gate("size_ratio", 30.0, "% of float32", "fewer layers that stay unquantised"),),
}
QUALITY_GATES = {"mask": MASK_GATES, "face": FACE_GATES, "scene": SCENE_GATES}


def of(task: str, variant: Variant) -> tuple[Gate, ...]:
    """The default gates of a variant: only what is shipped must be all integers, and small."""
    if variant == REFERENCE:
        return REFERENCE_GATES
    if variant == SHIPPED:
        return GRAPH_GATES + QUALITY_GATES[task] + SIZE_GATES[task]
    return QUALITY_GATES[task]


def known(task: str) -> dict[str, float]:
    """Every measure a recipe may set a limit for, with the default one."""
    every = (*of(task, REFERENCE), *of(task, SHIPPED))
    return {gate.measure: float(gate.limit) for gate in every}


def adjusted(gates: Iterable[Gate], limits: Mapping[str, float]) -> tuple[Gate, ...]:
    """The gates with some limits replaced."""
    return tuple(
        Gate(gate.measure, float(limits.get(gate.measure, gate.limit)), gate.unit, gate.mend, gate.at_least)
        for gate in gates
    )


def check(variant: Variant, measures: Mapping[str, float], gates: Iterable[Gate]) -> list[Failure]:
    """The gates that do not hold, in their order. Every gate's measure must be there."""
    return [Failure(variant, gate, measures[gate.measure]) for gate in gates if not gate.holds(measures[gate.measure])]
