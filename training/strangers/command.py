"""`python -m training strangers`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from maskwatch.errors import ConfigError
from training.options import FOLDER, NEW
from training.options import scenes as scenes_option

RESULTS = Path(__file__).parents[1] / "results"


@click.command()
@click.option("--ours", "bundles", metavar="NAME=FACE,MASK", multiple=True, required=True, help="Two bundles; repeat.")
@click.option(
    "--float", "floats", metavar="NAME=FACE,MASK", multiple=True, help="The .keras files that NAME was converted from."
)
@click.option(
    "--peers", type=FOLDER, help="Folder of other people's detectors; YuNet is also used for the pose of faces."
)
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@scenes_option("Pascal VOC scenes; repeat for each source. One without any face counts false faces.", required=True)
@click.option("--part", type=click.Choice(["validation", "test"]), required=True, help="Part of the split.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@click.option("--min-side", type=float, default=24.0, show_default=True, help="Ignore smaller faces, pixels.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    help="Use at most this many pictures of a source, drawn at random; the record is named sample.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--out", type=NEW, default=RESULTS, show_default="training/results", help="Folder of record and picture.")
@click.option("--run", type=NEW, default=Path("runs/strangers"), show_default=True, help="Folder of the sheets.")
def strangers(
    bundles: tuple[str, ...],
    floats: tuple[str, ...],
    peers: Path | None,
    root: Path,
    scenes: tuple[Path, ...],
    part: str,
    seed: int,
    min_side: float,
    most: int | None,
    workers: int | None,
    out: Path,
    run: Path,
) -> None:
    """Judge bundles, and other people's detectors, on pictures no system was trained on: every row of the table in
    docs/quality.md, with counts and intervals.

    Writes OUT/strangers-PART.json and .png, and into RUN contact sheets of the weakest slices.
    """
    from training.strangers import judge, systems

    subjects = [systems.ours(text, "bundles") for text in bundles]
    named = [subject.name for subject in subjects]
    for text in floats:
        subject = systems.ours(text, "float")
        if subject.name not in named:
            raise ConfigError(
                f"--float {text}: no --ours of the name {subject.name}; expected one of {', '.join(named)}"
            )
        subjects.append(replace(subject, name=subject.name + judge.FLOAT))
    others = systems.others(peers) if peers else []
    yunet = next((subject.face for subject in others if subject.kind == "yunet"), None)
    workers = workers or len(os.sched_getaffinity(0))
    request = judge.Request(root, scenes, part, [*subjects, *others], yunet, seed, min_side, most, workers)
    judge.write(request, out, run, click.echo)
