"""Makes the record: false alarms an hour, missed bare people, delay of the alert. An interrupted run continues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from scipy.stats import chi2

from benchmarks import host, records
from benchmarks.behaviour.doorway import clip_watch, portraits, replay
from benchmarks.behaviour.doorway.count import Mistake, Moment, count, presence, seen
from benchmarks.behaviour.doorway.film import FPS, Clip, clips
from benchmarks.records import spread
from maskwatch import config
from maskwatch.camera.files import folder
from maskwatch.errors import ConfigError

SCHEMA = 1
CLIP = 120.0  # seconds
HOUR = 3600.0  # seconds
Row = dict[str, Any]  # of one clip, ready for JSON


@dataclass(frozen=True, slots=True)
class Material:
    """The photographs that clips are made from."""

    root: Path  # photographs
    listed: Path  # the list of those in the test part; see portraits.choose
    backgrounds: Path | None = None  # photographs without people
    seed: int = 0

    def clips(self, hours: float) -> list[Clip]:
        """The clips of this many hours; the last clip is complete.

        Raises:
            SourceError: see portraits.choose.
        """
        people = portraits.choose(self.listed, self.root)
        backgrounds = [path for _, path in folder.find([self.backgrounds]).pictures] if self.backgrounds else []
        return clips(max(1, round(hours * HOUR / CLIP)), CLIP, people, self.seed, backgrounds)

    def as_json(self) -> Row:
        backgrounds = [name for name, _ in folder.find([self.backgrounds]).pictures] if self.backgrounds else []
        return {
            "list_sha256": _sha256(self.listed),
            "seed": self.seed,
            "clip_s": CLIP,
            "frames_a_second": FPS,
            "backgrounds": backgrounds,
            "left_out": sorted(portraits.left_out()),
        }


def measure(material: Material, hours: float, work: Path) -> Iterator[tuple[int, Row]]:
    """After each clip, yield how many are done, and their record, ready for JSON.

    Args:
        material: see Material.
        hours: hours of clips, one after the other.
        work: folder that keeps the verdicts of every clip; another call with the same material continues from there.

    Raises:
        ConfigError: the folder contains clips of other material or models.
        MaskwatchError: a model, the list or a photograph cannot be used.
    """
    settings = config.load(config.default_path(), {})
    origin = {
        "material": material.as_json(),
        "models": records.bundle_hashes(),
    }
    _require_same_origin(work, origin)
    machine, models = host.facts(), clip_watch.opened(settings)
    cv2.setNumThreads(1)
    rows: list[Row] = []
    for clip in material.clips(hours):
        if not _verdicts(work, clip).exists():
            replay.save(clip_watch.watch(clip, models, settings).verdicts, _verdicts(work, clip))
        rows.append(judged(clip, settings, work))
        yield len(rows), summary(rows, origin, machine)


def judged(clip: Clip, settings: config.Settings, work: Path) -> Row:
    """The outcome of a clip whose verdicts are in the folder `work`."""
    verdicts = replay.load(_verdicts(work, clip))
    return _row(clip, replay.ways(clip.plan, verdicts, settings)) | {"faces": asdict(seen(clip.plan, verdicts))}


def replayed(clips: Sequence[Clip], settings: config.Settings, work: Path) -> Row:
    """The outcome with other settings, for the clips whose verdicts are in the folder `work`; see summary().

    Raises:
        ConfigError: the folder contains no verdicts.
    """
    rows = [judged(clip, settings, work) for clip in clips if _verdicts(work, clip).exists()]
    if not rows:
        raise ConfigError(f"folder {work}: no verdicts in it; run `benchmarks doorway` with it first")
    return summary(rows, {}, {})


def _verdicts(work: Path, clip: Clip) -> Path:
    return work / "verdicts" / f"{clip.number}.jsonl"


def _row(clip: Clip, watched: Mapping[str, Sequence[Moment]]) -> Row:
    names = [visit.portrait.name for visit in clip.plan.visits]

    def named(mistakes: Sequence[Mistake]) -> list[Row]:
        return [
            {"time": mistake.time, "photographs": [names[visit] for visit in mistake.visits]} for mistake in mistakes
        ]

    ways = {}
    for way, moments in watched.items():
        found = count(clip.plan, moments)
        ways[way] = {**asdict(found), "false": named(found.false), "missed": named(found.missed)}
    size = [clip.plan.eye.width, clip.plan.eye.height]
    return {
        "clip": clip.number,
        "pixels": size,
        "presence": asdict(presence(clip.plan, FPS)),
        "photographs": names,
        "ways": ways,
    }


def summary(rows: Sequence[Row], origin: Row, machine: Row) -> Row:
    """The sums over the clips."""
    present = {key: round(sum(row["presence"][key] for row in rows), 1) for key in rows[0]["presence"]}
    mistakes = [
        {"clip": row["clip"], "what": what, **mistake}
        for row in rows
        for what in ("false", "missed")
        for mistake in row["ways"][replay.DEVICE][what]
    ]
    names = [name for row in rows for name in row["photographs"]]
    return {
        "schema": SCHEMA,
        "kind": "doorway",
        "host": machine,
        **origin,
        "clips": len(rows),
        "presence": present,
        "faces": {key: sum(row["faces"][key] for row in rows) for key in rows[0]["faces"]},
        "photographs": {"different": len(set(names)), "most_often": max(map(names.count, set(names)), default=0)},
        "rows": [_way(way, [row["ways"][way] for row in rows], present) for way in rows[0]["ways"]],
        "mistakes": mistakes,
    }


def _way(way: str, counts: Sequence[Row], present: Row) -> Row:
    """The figures of one method, over all clips."""
    false, missed = (sum(len(count_[what]) for count_ in counts) for what in ("false", "missed"))
    delays = [delay for count_ in counts for delay in count_["delays"]]
    return {
        "watcher": way,
        "false": false,
        "a_masked_hour": rate(false, present["masked_only"]),
        "an_hour": rate(false, present["seconds"]),
        "due": sum(count_["due"] for count_ in counts),
        "missed": missed,
        "delay_s": [round(value, 2) for value in spread(delays)] if delays else None,
        "overdue_s": round(sum(count_["overdue"] for count_ in counts), 1),
    }


def rate(events: int, seconds: float) -> Row:
    """Events an hour with the exact 95 % interval of a Poisson count (Garwood 1936)."""
    hours = max(seconds, 1e-9) / HOUR
    low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    high = chi2.ppf(0.975, 2 * events + 2) / 2
    return {
        "value": round(events / hours, 3),
        "interval95": [round(float(low) / hours, 3), round(float(high) / hours, 3)],
    }


def _require_same_origin(work: Path, origin: Row) -> None:
    """Save the origin of the folder's verdicts; refuse a folder with another origin.

    Raises:
        ConfigError: the folder has another origin.
    """
    work.mkdir(parents=True, exist_ok=True)
    note = work / "about.json"
    if note.exists() and json.loads(note.read_text()) != origin:
        raise ConfigError(f"folder {work}: contains clips of other photographs, seed or models; give another folder")
    note.write_text(json.dumps(origin, indent=1) + "\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
