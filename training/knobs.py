"""What one may turn in the classifiers' recipes, each with its reason. Free of Keras: the command line reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knobs:
    """What every network's recipe has."""

    size: int  # pixels, side of the input
    epochs: int  # at the small rate
    looks: int  # an epoch
    rate: float  # peak, after a warm-up; cosine to zero
    plain: float  # share of the looks that are as the device takes them, in the stage that has such
    street: float = 0.5  # share of the looks that are faces of scenes; the rest are portraits of --data
    incorrect: float = 0.3  # share of those that are masks worn wrong: with a tenth, half of strangers' went unseen
    warmup: int = 100  # steps of a stage
    decay: float = 1e-4
    smoothing: float = 0.05  # of the labels: some photographs are in the wrong class
    ema: float = 0.998  # weight averaging over about 500 steps
    batch: int = 64
    without: str | None = None  # a source (train_classifier.sources) is left out, to be tested on as a stranger
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FineTuning(Knobs):
    """Of the MobileNetV2 that starts with ImageNet's weights."""

    size: int = 128  # most faces are smaller; a third of the time of the study's 224
    epochs: int = 16
    looks: int = 8000  # about as many as there are faces
    rate: float = 3e-4  # the head alone learns at 1e-3, settling is at a quarter
    plain: float = 0.6  # of settling
    alpha: float = 1.0  # width of the base: 0.35 takes a third of the time, and was not shown to be worse
    settling: int = 6  # epochs at a smaller rate, most looks as the device takes them
    frozen: str = "block_5_add"  # layers up to this one keep ImageNet's edges and parts: half the time of a step


@dataclass(frozen=True, slots=True)
class PlainCnn(Knobs):
    """Of the plain CNN, from random weights."""

    size: int = 128  # as the MobileNetV2 it is compared with
    epochs: int = 6  # the study's went on for 5 to 15
    looks: int = 5000
    rate: float = 1e-3  # Adam's own; there is nothing to spoil
    plain: float = 0.5  # of all: one stage, which must end with looks as the device takes them
    depth: int = 3  # hidden convolutions; the study's had 1 to 3


@dataclass(frozen=True, slots=True)
class AlexNet(Knobs):
    """Of AlexNet, from random weights."""

    size: int = 227  # its own: 55 strides of 4 pixels, and a kernel of 11
    epochs: int = 5
    looks: int = 4000  # two busy CPU cores took five a second, two of a Xeon with AVX-512 twenty-nine
    rate: float = 1e-3  # batch norm bears it
    plain: float = 0.5  # as in PlainCnn
    batch: int = 32  # so few looks are worth more in small steps
