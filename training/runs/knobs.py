"""The numbers of the classifiers' recipes, each with its reason. Without Keras, because the command line reads them.

The fields' names are also keys of run.json and of checkpoints' fingerprints: a finished run with other names would look
like a different training.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knobs:
    """The numbers that every network's recipe has."""

    size: int  # pixels, side of the input
    epochs: int  # of the phase with all layers
    looks: int  # augmented views in an epoch
    rate: float  # peak learning rate, after a warm-up; then cosine to zero
    plain: float  # share of the views that are not augmented, in the phase that has such
    street: float = 0.5  # share of the views that are faces of scenes; the rest are portraits of --data
    # Share of those that are masks worn wrong; with a tenth, half of them went unnoticed in strangers' pictures
    incorrect: float = 0.3
    warmup: int = 100  # steps of a phase
    decay: float = 1e-4
    smoothing: float = 0.05  # of the labels, because some photographs are in the wrong class
    ema: float = 0.998  # weight averaging over about 500 steps
    batch: int = 64
    without: str | None = None  # a source (see train_classifier.sources) to leave out, and to test on as unknown
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FineTuning(Knobs):
    """The recipe of MobileNetV2, which starts with ImageNet's weights."""

    size: int = 128  # most faces are smaller; it takes a third of the time of the study's 224
    epochs: int = 16
    looks: int = 8000  # about as many as there are faces
    rate: float = 3e-4  # the head alone is trained at 1e-3, the last phase at a quarter of this
    plain: float = 0.6  # in the last phase
    alpha: float = 1.0  # width of the base: 0.35 takes a third of the time, and had more mistakes on validation
    settling: int = 6  # epochs of the last phase, at a smaller rate, most views not augmented
    frozen: str = "block_5_add"  # layers up to this one keep ImageNet's weights: saves half of a step's time


@dataclass(frozen=True, slots=True)
class PlainCnn(Knobs):
    """The recipe of the plain CNN, from random weights."""

    size: int = 128  # the same as the MobileNetV2 that it is compared with
    epochs: int = 6  # the study's trainings had 5 to 15
    looks: int = 5000
    rate: float = 1e-3  # Adam's default; there are no weights to spoil
    plain: float = 0.5  # in its only phase, which must end with views as the device sees them
    depth: int = 3  # hidden convolutions; the study had 1 to 3


@dataclass(frozen=True, slots=True)
class AlexNet(Knobs):
    """The recipe of AlexNet, from random weights."""

    size: int = 227  # the network's own: 55 strides of 4 pixels, and a kernel of 11
    epochs: int = 5
    looks: int = 4000  # two busy CPU cores did five a second, two cores of a Xeon with AVX-512 twenty-nine
    rate: float = 1e-3  # as large because of batch norm
    plain: float = 0.5  # as in PlainCnn
    batch: int = 32  # with so few views, small steps use them better


@dataclass(frozen=True, slots=True)
class Way:
    """How a training is run, beside its knobs."""

    force: bool = False  # delete what the folder holds
    quick: bool = False  # use a few pictures, for minutes, see training.pictures.quick


USUAL = Way()
