"""The user's choices for a training of the study."""

from __future__ import annotations

from dataclasses import dataclass

from training.study import features, parts


@dataclass(frozen=True, slots=True)
class Options:
    """The user's choices; everything else is in the variant."""

    protocol: parts.Protocol = "honest"
    seed: int = 0  # of the weights, the order and the augmentation; in the study's protocol also of the split
    epochs: int | None = None  # replaces those of the variant's last part; its earlier parts get at most as many
    size: int | None = None  # pixels, instead of the variant's
    share: float = 1.0  # of the training part, 0–1, for the learning curve
    limit: int | None = None  # the most photographs: a quick try, which the record says
    bfloat16: bool = False  # mixed precision: quicker for AlexNet on a Xeon with AMX, slower for small networks
    data_parallel: bool = False
    copies: int = features.COPIES  # of each photograph's features, for a frozen base
