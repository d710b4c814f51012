"""What the user declares about a model that others trained. What is missing is tried on photographs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from maskwatch.errors import ConfigError
from maskwatch.flow import Label

# Names of the classes in tutorials and their folders; compared in lower case, without `_`, `-` and spaces.
NAMES = {
    Label.WITH_MASK: ("withmask", "mask", "masked", "maskon", "facemask"),
    Label.WITHOUT_MASK: ("withoutmask", "nomask", "unmasked", "without", "maskoff", "nofacemask", "bare"),
    Label.INCORRECT: ("maskwearedincorrect", "incorrectmask", "incorrect", "improper", "wrongmask", "maskwornwrong"),
}
VERDICTS = (Label.WITH_MASK, Label.WITHOUT_MASK)

Labels = tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the user said; None: not declared."""

    labels: Labels | None = None  # in the order of the outputs
    size: int | None = None  # side of the input, pixels
    margin: float | None = None  # of the face crop, see preprocess.face_square
    scaled: str | None = None  # one of pixels.SCALED
    channels: str | None = None  # one of pixels.CHANNELS


def labels(text: str) -> Labels:
    """`mask,no_mask` -> the device's own names, in that order.

    Raises:
        ConfigError: a name is unknown, or they are not the two verdicts, with or without the third class.
    """
    found = tuple(_label(name, text) for name in text.split(","))
    if sorted(found) not in (sorted(VERDICTS), sorted(Label)):
        raise ConfigError(
            f"--labels {text}: expected {','.join(VERDICTS)} in the model's order, perhaps a third, {Label.INCORRECT}"
        )
    return found


def _label(name: str, text: str) -> Label:
    key = "".join(letter for letter in name.lower() if letter not in "_- ")
    for label, names in NAMES.items():
        if key in names:
            return label
    raise ConfigError(f"--labels {text}: {name.strip()!r} is not a class; expected some of {', '.join(Label)}")


def orders(declared: Declared, outputs: int) -> list[Labels]:
    """Every possible order of the labels. One output counts as two labels: it is the probability of the second class.

    Raises:
        ConfigError: the number of given labels differs from the outputs', or labels are needed and were not given.
    """
    count = max(outputs, 2)
    if declared.labels is not None:
        if len(declared.labels) != count:
            given = ",".join(declared.labels)
            raise ConfigError(f"--labels {given}: {len(declared.labels)} labels, but the model has {outputs} outputs")
        return [declared.labels]
    if count > len(VERDICTS):
        raise ConfigError(
            "--labels: the model has 3 outputs, and photographs of 2 classes cannot show which is which; give it"
        )
    return list(itertools.permutations(VERDICTS))
