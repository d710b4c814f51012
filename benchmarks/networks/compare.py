"""What changed between two runs on one board, beyond noise.

Calls of one round are similar, but rounds differ. So the interval comes from rounds drawn with replacement, and from
calls drawn with replacement within them (a two-stage bootstrap). A bad minute of one run is then not reported as a
change. There are many combinations, so the level is strict, and a change must also exceed a minimum share.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.networks import doubts, figures
from maskwatch.errors import MaskwatchError

DRAWS = 1000
LEVEL = 0.01  # probability that one combination is reported by chance
MIN_SHARE = 0.03  # share of the earlier time
CONDITIONS = ("board", "machine", "bits", "os", "kernel", "cores", "governor", "clock_max_mhz", "commit")


@dataclass(frozen=True, slots=True)
class Change:
    """Median time after / before, with its interval."""

    key: figures.Key
    before: float  # ms
    after: float
    ratio: float
    low: float
    high: float
    min_share: float

    @property
    def verdict(self) -> str:
        """slower, quicker or same."""
        if self.low > 1 + self.min_share:
            return "slower"
        return "quicker" if self.high < 1 / (1 + self.min_share) else "same"


def changes(before: Mapping[str, Any], after: Mapping[str, Any], min_share: float = MIN_SHARE) -> list[Change]:
    """The change of every combination that both runs have, in the order of the first.

    Raises:
        MaskwatchError: the runs are of two boards, or have no combination in common.
    """
    boards = [record["host"]["board"] for record in (before, after)]
    if boards[0] != boards[1]:
        raise MaskwatchError(
            f"compare: one run is of {boards[0]}, the other of {boards[1]}; expected two runs of one board"
        )
    first, second = (
        {figures.key(row): row for row in record["rows"] if "not_measured" not in row} for record in (before, after)
    )
    common = [key for key in first if key in second]
    if not common:
        raise MaskwatchError("compare: no combination of model, variant, runtime and threads is in both runs")
    return [change(key, figures.rounds(first[key]), figures.rounds(second[key]), min_share) for key in common]


def change(
    key: figures.Key, before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], min_share: float = MIN_SHARE
) -> Change:
    """The change of one combination, from its milliseconds by round."""
    random = np.random.default_rng(0)  # fixed, so that the same records give the same answer
    ratios = _drawn(after, random) / _drawn(before, random)
    low, high = np.percentile(ratios, (100 * LEVEL / 2, 100 * (1 - LEVEL / 2)))
    medians = [float(np.median(list(itertools.chain(*by_round)))) for by_round in (before, after)]
    return Change(key, medians[0], medians[1], medians[1] / medians[0], float(low), float(high), min_share)


def _drawn(by_round: Sequence[Sequence[float]], random: np.random.Generator) -> NDArray[np.float64]:
    """(DRAWS,) medians, each of rounds drawn with replacement, and calls within them drawn with replacement."""
    count, longest = len(by_round), max(map(len, by_round))
    padded = np.array([[*calls_of_round, *[np.nan] * (longest - len(calls_of_round))] for calls_of_round in by_round])
    chosen = random.integers(0, count, (DRAWS, count))
    lengths = np.array([len(calls_of_round) for calls_of_round in by_round])[chosen]
    calls = (random.random((DRAWS, count, longest)) * lengths[..., None]).astype(int)
    medians: NDArray[np.float64] = np.median(padded[chosen[..., None], calls], axis=(1, 2))
    return medians


def lines(before: Mapping[str, Any], after: Mapping[str, Any], found: Sequence[Change]) -> Iterator[str]:
    """The comparison as lines. Other differences between the runs come first, because they may explain a change."""
    yield from (f"differs: {line}" for line in circumstances(before, after))
    for which, record in (("before", before), ("after", after)):
        yield from (f"{which}: {doubt}" for doubt in doubts.of(record))
    for change_ in found:
        yield (
            f"{change_.verdict:8}{change_.before:9.2f} -> {change_.after:9.2f} ms  "
            f"×{change_.ratio:.3f} ({change_.low:.3f}–{change_.high:.3f})  {figures.name(change_.key)}"
        )
    yield from (f"alone: {line}" for line in alone(before, after))


def circumstances(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Other differences between the runs: of the machine, the runtimes and the files."""
    for name in CONDITIONS:
        values = [record["host"][name] for record in (before, after)]
        if values[0] != values[1]:
            yield f"{name}: {values[0]} before, {values[1]} after"
    first, second = ({figures.key(row): row for row in record["rows"]} for record in (before, after))
    for key in first.keys() & second.keys():
        for name in ("version", "delegate", "sha256"):
            values = [rows[key].get(name) for rows in (first, second)]
            if values[0] != values[1]:
                yield f"{name} of {key[0]}/{key[1]} on {key[2]}: {_short(values[0])} before, {_short(values[1])} after"


def alone(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Combinations that only one run has, a line for each network and variant."""
    first, second = (figures.measured(record).keys() for record in (before, after))
    for keys, where in ((first - second, "only before"), (second - first, "only after")):
        for (model, variant), of_network in itertools.groupby(sorted(keys), lambda key: key[:2]):
            threads: dict[str, list[str]] = {}
            for _, _, runtime, count in of_network:
                threads.setdefault(runtime, []).append(str(count))
            ways = "; ".join(f"{runtime}, threads {', '.join(counts)}" for runtime, counts in threads.items())
            yield f"{model}/{variant} {where}: on {ways}"


def _short(value: object) -> str:
    return str(value)[:12]
