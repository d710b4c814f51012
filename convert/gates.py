"""What a quantised model must keep up to leave the workshop. Pure: measures in, failures out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


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

    gate: Gate
    found: float

    def __str__(self) -> str:
        side = "at least" if self.gate.at_least else "at most"
        gate, unit = self.gate, self.gate.unit
        return f"{gate.measure} is {self.found:.4g} {unit}, expected {side} {gate.limit:g} {unit}; {gate.mend}"


RECALIBRATE = "calibrate on more pictures (--calibration) or train longer"

GRAPH_GATES = (
    Gate("conversion_error", 0.01, "of an output", "report it: the converter changed the float model itself"),
    Gate("input_mismatch", 0, "wrong of type, scale, zero point", "the sample must span 0 to 255: give more pictures"),
    Gate("float_operators", 0, "operators", "replace the layer that has no int8 form"),
)
MASK_GATES = (
    Gate("accuracy", 90.0, "%", "check that run.json names the labels in the order of the outputs", at_least=True),
    Gate("accuracy_drop", 0.5, "points", RECALIBRATE),
    Gate("recall_drop", 1.0, "points", RECALIBRATE),
    Gate("flips", 1.0, "%", RECALIBRATE),
    # A quarter for the weights; scales of every channel and the graph itself weigh more the smaller the network is.
    Gate("size_ratio", 40.0, "% of float32", "fewer layers that stay unquantised"),
)
FACE_GATES = (
    Gate("ap50", 30.0, "%", "check the order of the outputs and the threshold in run.json", at_least=True),
    Gate("ap50_drop", 1.0, "points", RECALIBRATE),
    Gate("kept_faces", 95.0, "%", RECALIBRATE, at_least=True),
    Gate("size", 1.5, "MB", "a narrower network"),
)
GATES = {"mask": GRAPH_GATES + MASK_GATES, "face": GRAPH_GATES + FACE_GATES}


def adjusted(gates: Iterable[Gate], limits: Mapping[str, float]) -> tuple[Gate, ...]:
    """The gates with some limits replaced."""
    return tuple(
        Gate(gate.measure, limits.get(gate.measure, gate.limit), gate.unit, gate.mend, gate.at_least) for gate in gates
    )


def check(measures: Mapping[str, float], gates: Iterable[Gate]) -> list[Failure]:
    """The gates that do not hold, in their order. Every gate's measure must be there."""
    return [Failure(gate, measures[gate.measure]) for gate in gates if not gate.holds(measures[gate.measure])]
