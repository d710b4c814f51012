"""Reasons not to trust a run's figures, in words: the board throttled, the machine was busy, values spread widely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.networks import figures

# vcgencmd get_throttled, Raspberry Pi documentation: bits 0–3 are the current state, bits 16–19 the same since the
# start.
THROTTLED = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}
SINCE_START = 16
BUSY_LOAD = 0.5  # mean number of busy processes in the minute before
OTHERS = 0.05  # share of the processors' time used by other processes
STOLEN = 0.02
SLOW_CLOCK = 0.9  # share of the maximum clock
WIDE, WORTHLESS = 0.25, 1.0  # p10 to p90 as a share of the median
DRIFT = 1.15  # slowest round over the quickest


def of(record: Mapping[str, Any]) -> list[str]:
    """A sentence for each doubt."""
    return [*throttling(record), *conditions(record), *others(record), *spread(record)]


def worthless(record: Mapping[str, Any]) -> str:
    """Why none of the figures should be shown; "" if they may be shown."""
    found = figures.measured(record).values()
    wide = sum(figure.spread > WIDE for figure in found)
    if 2 * wide <= len(found):
        return ""
    return f"{wide} of {len(found)} figures spread by more than {WIDE:.0%} of the median"


def rank(record: Mapping[str, Any]) -> tuple[bool, float]:
    """A key for sorting, the most trustworthy first: was code uncommitted, and the share of widely spread values."""
    found = figures.measured(record).values()
    wide = sum(figure.spread > WIDE for figure in found) / max(1, len(found))
    return str(record["host"]["commit"]).endswith("-dirty"), wide


def throttling(record: Mapping[str, Any]) -> list[str]:
    """What the firmware reports about a Pi's supply and heat."""
    before, after = (record[when]["throttled"] or 0 for when in ("before", "after"))
    now = [name for bit, name in THROTTLED.items() if (before | after) >> bit & 1]
    came = [name for bit, name in THROTTLED.items() if (after & ~before) >> (bit + SINCE_START) & 1]
    earlier = [name for bit, name in THROTTLED.items() if before >> (bit + SINCE_START) & 1]
    reasons = []
    if during := list(dict.fromkeys([*now, *came])):
        reasons.append(
            f"the board throttled ({', '.join(during)}): these figures are not its speed; "
            "use better cooling or a stronger power supply"
        )
    elif earlier:
        reasons.append(f"the board throttled some time before ({', '.join(earlier)}), not while measuring")
    return reasons


def conditions(record: Mapping[str, Any]) -> list[str]:
    """Doubts from governor, clock, and the load before the run."""
    machine, after = record["host"], record["after"]
    reasons = []
    if machine["governor"] not in (None, "performance"):
        reasons.append(
            f"governor {machine['governor']}: the clock moves; "
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        )
    if after["clock_mhz"] and machine["clock_max_mhz"] and after["clock_mhz"] < SLOW_CLOCK * machine["clock_max_mhz"]:
        reasons.append(f"clock {after['clock_mhz']:.0f} MHz at the end, of {machine['clock_max_mhz']:.0f}")
    if machine["load"] > BUSY_LOAD:
        reasons.append(f"load {machine['load']} before the start: something else ran; these figures are too high")
    if machine["virtual"]:
        reasons.append("a virtual machine: its cores are shared with guests that are not seen from here")
    return reasons


def others(record: Mapping[str, Any]) -> list[str]:
    """Doubts from other processes' share of the processors, and other guests'."""
    spent = {name: record["after"]["cpu_s"][name] - value for name, value in record["before"]["cpu_s"].items()}
    total = sum(spent.values())
    if total <= 0:
        return []
    own = record["after"]["own_s"] - record["before"]["own_s"]
    foreign, stolen = max(spent["busy"] - own, 0.0) / total, spent["stolen"] / total
    reasons = []
    if foreign > OTHERS:
        reasons.append(
            f"other processes took {100 * foreign:.0f} % of the processors meanwhile: measure on a quiet machine"
        )
    if stolen > STOLEN:
        reasons.append(f"the hypervisor took {100 * stolen:.0f} % of the processors for other guests meanwhile")
    return reasons


def spread(record: Mapping[str, Any]) -> list[str]:
    """Doubts from combinations whose values spread widely."""
    reasons = []
    found = figures.measured(record).values()
    for combinations, problem in (
        ([figure for figure in found if figure.spread > WORTHLESS], "worthless, p10 to p90 is more than the median"),
        ([figure for figure in found if WIDE < figure.spread <= WORTHLESS], f"wide, p10 to p90 over {WIDE:.0%}"),
        ([figure for figure in found if figure.drift > DRIFT], f"rounds disagree by over {DRIFT - 1:.0%}"),
    ):
        if combinations:
            names = ", ".join(figures.name(figure.key) for figure in combinations[:3])
            more = f" and {len(combinations) - 3} more" if len(combinations) > 3 else ""
            reasons.append(f"{len(combinations)} of {len(found)} {problem}: {names}{more}")
    return reasons
