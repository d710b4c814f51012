"""Figures published elsewhere, to be shown beside ours and never among them: another network, another's stopwatch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outside:
    """One figure that was not measured here."""

    what: str
    variant: str
    board: str
    """As host.board begins on that board."""
    ms: float
    how: str


MOBILENET = "MobileNetV2 1.0, 224 px"
SSDLITE = "SSDLite MobileNetV2, 300 px"
XNNPACK = "XNNPACK, several threads"
FOUR = "TFLite, 4 threads"

FIGURES = (
    Outside(MOBILENET, "float32", "Raspberry Pi 3 Model B Plus", 79, XNNPACK),
    Outside(MOBILENET, "int8", "Raspberry Pi 3 Model B Plus", 30, XNNPACK),
    Outside(MOBILENET, "float32", "Raspberry Pi 4", 46, XNNPACK),
    Outside(MOBILENET, "int8", "Raspberry Pi 4", 17, XNNPACK),
    Outside(MOBILENET, "float32", "Raspberry Pi 5", 10.9, "ExecuTorch"),
    Outside(MOBILENET, "int8", "Raspberry Pi 5", 4.0, "ExecuTorch"),
    Outside(MOBILENET, "float32", "Raspberry Pi Zero 2 W", 147, "ncnn, 4 threads"),
    Outside(SSDLITE, "float32", "Raspberry Pi 3 Model B Plus", 199, FOUR),
    Outside(SSDLITE, "int8", "Raspberry Pi 3 Model B Plus", 122, FOUR),
    Outside(SSDLITE, "float32", "Raspberry Pi 4", 110, FOUR),
    Outside(SSDLITE, "int8", "Raspberry Pi 4", 57, FOUR),
)
