"""Commands that measure the daemon: its start, its frames, its latency, its memory."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.commands.options import results_option, save, say
from benchmarks.daemon import latency, pipeline, soak, startup


@click.command("device")
@results_option
def measure_device(results: Path) -> None:
    """Measure first verdict, memory, and the stages of a frame; writes RESULTS/BOARD/device.json."""
    save(startup.measure(), results)


@click.command("pipeline")
@click.option("--seconds", type=click.FloatRange(min=0), default=pipeline.SECONDS, show_default=True)
@click.option("--alerts", type=click.IntRange(1, latency.MOST), default=pipeline.ALERTS, show_default=True)
@results_option
def measure_pipeline(seconds: float, alerts: int, results: Path) -> None:
    """Measure the daemon against its bare models, SECONDS for each of 0 to 10 faces in view, then the latency of ALERTS
    from capture to pin; writes RESULTS/BOARD/pipeline.json."""
    save(pipeline.measure(seconds, alerts, say), results)


@click.command("soak")
@click.option("--minutes", type=click.FloatRange(min=0.5), default=soak.MINUTES, show_default=True)
@results_option
def measure_endurance(minutes: float, results: Path) -> None:
    """Run the daemon on a looped clip: memory, lost alerts, latency; writes RESULTS/BOARD/soak.json."""
    save(soak.measure(minutes, say), results)
