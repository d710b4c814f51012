"""Says in words whether a quantized network is quicker than in float32 on a board, and where the time goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.networks import compare, figures

# `Fully Connected (NC, QS8, QC8W) GEMM` is (NC, F32) in float, `Mean (ND) Reduce` may be Reduce2.
TYPES = re.compile(r"\s*\([^)]*\)|\d+$")
SHOWN = 4  # kinds of kernel in a sentence


@dataclass(frozen=True, slots=True)
class Verdict:
    """int8's time / float32's, of one network on one runtime and number of threads."""

    change: compare.Change
    words: str
    floating: Mapping[str, float]  # kind of kernel -> ms; empty if not profiled
    quantized: Mapping[str, float]


def of(record: Mapping[str, Any], variant: str = "int8") -> list[Verdict]:
    """The verdict for every network measured in both."""
    rows = {figures.key(row): row for row in record["rows"] if "not_measured" not in row}
    pairs = [(row, rows.get((key[0], figures.FLOAT, *key[2:]))) for key, row in rows.items() if key[1] == variant]
    return [_verdict(floating, quantized, record["host"]) for quantized, floating in pairs if floating]


def _verdict(floating: Mapping[str, Any], quantized: Mapping[str, Any], machine: Mapping[str, Any]) -> Verdict:
    change = compare.change(figures.key(quantized), figures.rounds(floating), figures.rounds(quantized))
    spent = by_kind(floating), by_kind(quantized)
    words = [_ratio(change)]
    if change.verdict != "quicker":
        words += [_reason(quantized, machine), _where(*spent)]
    return Verdict(change, " ".join(each for each in words if each), *spent)


def _ratio(change: compare.Change) -> str:
    model, variant, runtime, threads = change.key
    outcomes = {"slower": "it is slower", "quicker": "it is quicker", "same": "no difference beyond noise"}
    return (
        f"{model} on {runtime}, {threads} thread{'s' * (threads > 1)}: {variant} takes {change.ratio:.2f} times "
        f"as long as float32 ({change.low:.2f}–{change.high:.2f}), {change.after:.2f} against {change.before:.2f} ms: "
        f"{outcomes[change.verdict]}."
    )


def _reason(quantized: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """What the record shows about the cause."""
    if quantized["delegate"] == "none":
        return "XNNPACK takes none of its operators there: they are run by the runtime's plain kernels."
    if not machine["int8_dot_products"]:
        return "This processor lists no instruction for int8 dot products."
    return ""


def _where(floating: Mapping[str, float], quantized: Mapping[str, float]) -> str:
    """The kinds of kernel that differ most."""
    if not (floating and quantized):
        return ""
    differences = {
        kind: quantized.get(kind, 0.0) - floating.get(kind, 0.0) for kind in floating.keys() | quantized.keys()
    }
    most = sorted(differences, key=lambda kind: -abs(differences[kind]))[:SHOWN]
    parts = [f"{kind} {quantized.get(kind, 0.0):.2f} ms (float32 {floating.get(kind, 0.0):.2f})" for kind in most]
    return f"By kernel: {', '.join(parts)}."


def by_kind(row: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds by kind of kernel, independent of the number type."""
    spent: dict[str, float] = {}
    for kind, ms in figures.kinds(row).items():
        name = TYPES.sub("", kind)
        spent[name] = spent.get(name, 0.0) + ms
    return spent
