"""Figures published elsewhere, to be shown beside ours but never mixed with them: most are of other networks, and all
are measured with other tools."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure was published."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Outside:
    """One figure that was not measured here."""

    what: str
    variant: str
    board: str
    """The beginning of that board's host.board."""
    ms: float
    how: str
    source: Source


XNNPACK = Source("XNNPACK README, 8 Feb 2022", "https://github.com/google/XNNPACK/blob/HEAD/README.md")
ARM = Source(
    "Arm: ExecuTorch on Arm",
    "https://learn.arm.com/courses/executorch-on-arm/optimize-image-classification/evaluate-int8-mobilenetv2/bring-the-runtime-paths-into-one-view/",
)
NCNN = Source("ncnn benchmark README", "https://github.com/Tencent/ncnn/blob/HEAD/benchmark/README.md")
TSUKAMOTO = Source(
    "N. Tsukamoto, benchmarks",
    "https://github.com/NobuoTsukamoto/benchmarks/blob/HEAD/tensorflow/lite/tf1_detection_model_zoo/raspi.md",
)

MOBILENET = "MobileNetV2 1.0, 224 px"
SSDLITE = "SSDLite MobileNetV2, 300 px"
THREE, FOUR, FIVE, ZERO = "Raspberry Pi 3 Model B Plus", "Raspberry Pi 4", "Raspberry Pi 5", "Raspberry Pi Zero 2 W"
WITH_32 = "XNNPACK, several threads, 32-bit"
WITH_64 = "XNNPACK, several threads, 64-bit"
EXECUTORCH = "ExecuTorch with XNNPACK, median of 50"
TFLITE = "TFLite 2.5, 4 threads, 64-bit, mean of 350"  # only float32 uses XNNPACK

# XNNPACK's table has two columns for the Pi 4. The one with ARM64 is shown, because the device's system has 64 bits;
# the other says 41 and 20 ms. The README's edition of February 2020 said 44 ms.
FIGURES = (
    Outside(MOBILENET, "float32", THREE, 79, WITH_32, XNNPACK),
    Outside(MOBILENET, "int8", THREE, 30, WITH_32, XNNPACK),
    Outside(MOBILENET, "float32", FOUR, 46, WITH_64, XNNPACK),
    Outside(MOBILENET, "int8", FOUR, 17, WITH_64, XNNPACK),
    Outside(MOBILENET, "float32", FIVE, 10.88, EXECUTORCH, ARM),
    Outside(MOBILENET, "int8", FIVE, 3.98, EXECUTORCH, ARM),
    Outside(MOBILENET, "float32", ZERO, 147.39, "ncnn, 4 threads, mean of 8", NCNN),
    Outside(SSDLITE, "float32", THREE, 198.68, TFLITE, TSUKAMOTO),
    Outside(SSDLITE, "int8", THREE, 121.79, TFLITE, TSUKAMOTO),
    Outside(SSDLITE, "float32", FOUR, 109.60, TFLITE, TSUKAMOTO),
    Outside(SSDLITE, "int8", FOUR, 57.36, TFLITE, TSUKAMOTO),
)
