"""Commands that count alerts at a filmed door and in scripted scenes, and CPU time with gate and frame-rate cap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from benchmarks import records
from benchmarks.commands.options import FILE, FOLDER, NEW_FOLDER, results_option, save
from maskwatch import config


@click.command("doorway")
@click.option("--data", "root", type=FOLDER, required=True, help="The photographs.")
@click.option("--list", "listed", type=FILE, required=True, help="Made by `python -m training list --part test`.")
@click.option("--backgrounds", type=FOLDER, help="Photographs without people, e.g. of your door; half the clips.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), default=2.0, show_default=True, help="Hours of clips."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--work", type=NEW_FOLDER, required=True, help="Folder of intermediate results; continues an earlier run."
)
@click.option("--replay", "tried", type=FILE, help="Apply this config to the verdicts stored in WORK; prints JSON.")
@results_option
def measure_doorway(
    root: Path,
    listed: Path,
    backgrounds: Path | None,
    hours: float,
    seed: int,
    work: Path,
    tried: Path | None,
    results: Path,
) -> None:
    """Count false alarms an hour on clips of people at a door, made from photographs no model was trained on.

    Writes RESULTS/BOARD/doorway.json after every clip, and samples.png and mistakes.png into WORK. An hour of
    clips takes about an hour. With the same WORK, an interrupted run continues.
    """
    from benchmarks.behaviour.doorway import contact_sheet, measure  # needs extra `train`

    material = measure.Material(root, listed, backgrounds, seed)
    clips = material.clips(hours)
    if tried:
        click.echo(json.dumps(measure.replayed(clips, config.load(tried), work)["rows"][0]))
        return
    work.mkdir(parents=True, exist_ok=True)
    contact_sheet.write(contact_sheet.samples(clips), work / "samples.png")
    record: dict[str, Any] = {}
    for done, record in measure.measure(material, hours, work):
        path = records.save(record, results)
        row = record["rows"][0]
        click.echo(f"{done}/{len(clips)} clips: {row['false']} false, {row['missed']} of {row['due']} missed")
    mistakes = [(clips[mistake["clip"]], mistake["time"]) for mistake in record["mistakes"]]
    if mistakes:
        contact_sheet.write(mistakes, work / "mistakes.png")
    click.echo(f"wrote {path}")


@click.command("scenarios")
@click.option(
    "--runs", type=click.IntRange(min=1), default=20, show_default=True, help="Runs of each scene, one a seed."
)
@results_option
def measure_scenarios(runs: int, results: Path) -> None:
    """Count alerts in scripted scenes, the same on every machine; writes RESULTS/scenarios.json."""
    from rich.console import Console  # needs extra `train`
    from rich.progress import track

    from benchmarks.behaviour.scenes import rehearsal, scenarios, scripts

    console, scenes = Console(stderr=True), scripts.SCRIPTS
    record = scenarios.measure(track(scenes, "watching", console=console, transient=True), range(runs))
    record["ways"] = rehearsal.measure(
        track(scenes, "saving", console=console, transient=True), range(min(runs, rehearsal.RUNS))
    )
    click.echo(f"wrote {records.save_anywhere(record, results)}")
    Console(width=max(Console().width, 120)).print(scenarios.table(record))


@click.command("power")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@results_option
def measure_power(rounds: int, results: Path) -> None:
    """Measure CPU seconds with and without motion gate and frame-rate cap; writes RESULTS/BOARD/power.json."""
    from benchmarks.behaviour.scenes import power

    save(power.measure(rounds), results)
