"""How often each face is looked at: what a classifier could take for a cue of a class must be equally common in all.

Sources differ in sharpness, crop and light. Where one class came from one source alone, its look would give the class
away. So within a class every source that has it is drawn equally often, however many faces it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskwatch.flow import Label
from training import data
from training.crops import Sample
from training.knobs import Knobs

PASTED, PORTRAITS = "pasted", "portraits"  # the sources within --data; those of --scenes have their folders' names
Pool = tuple[float, list[Sample]]  # share of the looks, 0–1, and the samples to draw from evenly


def pools(samples: Sequence[Sample], knobs: Knobs) -> list[Pool]:
    """Portraits of --data in one pool; then a pool for each class of each source of scenes. The shares add up to 1."""
    portraits = [sample for sample in samples if not sample.source]
    shares = _of_classes({sample.label for sample in samples if sample.source}, knobs)
    found = [(1 - knobs.street, portraits)]
    for label, share in shares.items():
        by_source: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.source and sample.label == label:
                by_source.setdefault(sample.source, []).append(sample)
        found += [(knobs.street * share / len(by_source), pool) for pool in by_source.values()]
    found = [(share, pool) for share, pool in found if pool and share]
    total = sum(share for share, _ in found)
    return [(share / total, pool) for share, pool in found]


def _of_classes(labels: set[int], knobs: Knobs) -> dict[int, float]:
    """The share of each of these classes in the looks at faces of scenes."""
    wrong = data.CLASSES.index(Label.INCORRECT)
    others = sorted(labels - {wrong})
    if wrong not in labels:
        return dict.fromkeys(others, 1 / max(1, len(others)))
    if not others:
        return {wrong: 1.0}
    return {**dict.fromkeys(others, (1 - knobs.incorrect) / len(others)), wrong: knobs.incorrect}


def source(sample: Sample, pasted: frozenset[str]) -> str:
    """Which source a face is from; `pasted`: file names of portraits whose mask is a drawing."""
    return sample.source or (PASTED if sample.path.name in pasted else PORTRAITS)
