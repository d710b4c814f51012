"""--quick: a training on a few pictures, for minutes, to see whether every step works. Its model is not for use.

Options that the user gives are kept. The record, the model's card and `maskwatch check` all say that it was quick.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from training.pictures import data, voc

Item = TypeVar("Item")
PARTS = ("train", "validation", "test")
EACH = 24  # samples of each class of each source
PICTURES = 40  # scenes of each part of each source
SAID = "made with --quick or --limit from a few pictures: it only shows that every step works, and is not for use"
# The options that --quick changes, by network; the rest of the recipe stays.
KNOBS: dict[str, dict[str, Any]] = {
    "mobilenet_v2": {"epochs": 1, "settling": 1, "looks": 256},
    "cnn": {"epochs": 1, "looks": 640},
    "alexnet": {"epochs": 1, "looks": 128},
    "finder": {"steps": 20, "again": 10, "rounded": 10, "steps_per_epoch": 10, "warmup": 4},
    "head-search": {"steps": 4, "again": 10, "steps_per_epoch": 10, "warmup": 4},
    "yolov5s": {"steps": 10, "steps_per_epoch": 10, "warmup": 2},
}


def few(items: Sequence[Item], count: int, group: Callable[[Item], Hashable] = lambda _: None) -> list[Item]:
    """At most `count` items of each group, spread evenly over their order, which is kept."""
    places: dict[Hashable, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(group(item), []).append(place)
    kept = [
        own[number * len(own) // min(count, len(own))]
        for own in places.values()
        for number in range(min(count, len(own)))
    ]
    return [items[place] for place in sorted(kept)]


def of_scenes(split: voc.Split, count: int) -> voc.Split:
    """A few scenes of each part."""
    parts = {name: tuple(few(getattr(split, name), count)) for name in PARTS}
    return replace(split, **parts)


def of_photos(split: data.Split, count: int) -> data.Split:
    """A few photographs of each part, of both classes."""
    parts = {name: tuple(few(getattr(split, name), count, lambda photo: photo.label)) for name in PARTS}
    return replace(split, **parts)
