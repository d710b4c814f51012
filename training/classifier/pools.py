"""How often each face is shown in training, so that nothing but the mask distinguishes the classes.

Sources differ in sharpness, crop and light. If one class came from one source only, the source's style would reveal the
class. So within a class, every source that has it is drawn equally often, however many faces it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskwatch.flow import Label
from training.augment.crops import Sample
from training.pictures import data
from training.runs.knobs import Knobs

PASTED, PORTRAITS = "pasted", "portraits"  # the sources within --data; sources of --scenes have their folders' names
Pool = tuple[float, list[Sample]]  # share of the views, 0–1, and the samples that are drawn from with equal chances


def pools(samples: Sequence[Sample], knobs: Knobs) -> list[Pool]:
    """One pool of the portraits of --data, and one for each class of each source of scenes. Shares add up to 1."""
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
    """The share of each of these classes in the views of scenes' faces."""
    wrong = data.CLASSES.index(Label.INCORRECT)
    others = sorted(labels - {wrong})
    if wrong not in labels:
        return dict.fromkeys(others, 1 / max(1, len(others)))
    if not others:
        return {wrong: 1.0}
    return {**dict.fromkeys(others, (1 - knobs.incorrect) / len(others)), wrong: knobs.incorrect}


def source(sample: Sample, pasted: frozenset[str]) -> str:
    """The source of a face; `pasted`: file names of portraits with a drawn mask."""
    return sample.source or (PASTED if sample.path.name in pasted else PORTRAITS)
