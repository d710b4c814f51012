"""python -m benchmarks: measure this machine, refresh the README's tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import device, models, readme, records
from maskwatch import bundle, command
from maskwatch.errors import ConfigError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
RESULTS = Path(__file__).parent / "results"


@click.group()
def cli() -> None:
    """Figures with the machine they were measured on."""


@cli.command("device")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_device(results: Path) -> None:
    """First verdict, memory, and the stages of a frame; writes RESULTS/BOARD/device.json."""
    _save(device.measure(), results)


@cli.command("models")
@click.argument("others", metavar="[NAME=FILE.tflite]…", nargs=-1)
@click.option("--reference", help="NAME of the one the mask classifier is held against.")
@click.option("--yunet", type=FILE, help="YuNet's ONNX file, held against the face finder at the same input size.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_models(
    others: tuple[str, ...], reference: str | None, yunet: Path | None, rounds: int, results: Path
) -> None:
    """The shipped models and others in turns on one thread; writes RESULTS/BOARD/models.json."""
    mask, face = bundle.default_path("mask"), bundle.default_path("face")
    runners = [models.finder("face finder", face), models.network("mask classifier", mask)]
    against = {}
    if yunet:
        runners.append(models.yunet(yunet, runners[0].input_size))
        against[runners[0].name] = runners[-1].name
    runners += [models.network(*_named(text)) for text in others]
    if reference:
        if reference not in [runner.name for runner in runners]:
            raise ConfigError(f"--reference {reference}: not among the models; add {reference}=FILE.tflite")
        against[runners[1].name] = reference
    _save(models.measure(runners, against, rounds), results)


@cli.command("search")
@click.option("--mask", "classifiers", metavar="NAME=BUNDLE", multiple=True, help="A mask classifier; repeat.")
@click.option("--face", "finders", metavar="NAME=BUNDLE", multiple=True, help="A face finder; repeat.")
@click.option("--data", "portraits", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@click.option("--scenes", type=FOLDER, required=True, help="Pascal VOC scenes: images/ and annotations/.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_candidates(
    classifiers: tuple[str, ...],
    finders: tuple[str, ...],
    portraits: Path,
    scenes: Path,
    rounds: int,
    seed: int,
    results: Path,
) -> None:
    """Bundles that might be shipped: quality against time; writes RESULTS/BOARD/search.json and search.png."""
    from benchmarks import search  # needs extra `train`

    if not classifiers + finders:
        raise ConfigError("search: no candidate; give --mask NAME=BUNDLE or --face NAME=BUNDLE")
    material = search.Material(portraits, scenes, seed)
    record = search.measure(dict(map(_named, classifiers)), dict(map(_named, finders)), material, rounds)
    _save(record, results)
    search.draw(record, records.path(record, results).with_suffix(".png"))


@cli.command("scenarios")
@click.option("--runs", type=click.IntRange(min=1), default=20, show_default=True, help="Of each scene, by seed.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_scenarios(runs: int, results: Path) -> None:
    """What alerts tell in scripted scenes, the same on every machine; writes RESULTS/scenarios.json."""
    from rich.console import Console  # needs extra `train`
    from rich.progress import track

    from benchmarks import rehearsal, scenarios, scripts

    console, scenes = Console(stderr=True), scripts.SCRIPTS
    record = scenarios.measure(track(scenes, "watching", console=console, transient=True), range(runs))
    record["ways"] = rehearsal.measure(
        track(scenes, "saving", console=console, transient=True), range(min(runs, rehearsal.RUNS))
    )
    click.echo(f"wrote {records.save_anywhere(record, results)}")
    Console(width=max(Console().width, 120)).print(scenarios.table(record))


@cli.command("power")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_power(rounds: int, results: Path) -> None:
    """CPU seconds with and without motion gate and frame-rate cap; writes RESULTS/BOARD/power.json."""
    from benchmarks import power

    _save(power.measure(rounds), results)


def _named(text: str) -> tuple[str, Path]:
    """`study=runs/reference.tflite` -> name, file."""
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise ConfigError(f"model {text}: expected NAME=FILE.tflite")
    return name, Path(file)


def _save(record: dict[str, Any], results: Path) -> None:
    if record["host"]["load"] > 0.5:
        click.echo(
            f"benchmarks: load {record['host']['load']}: something else ran, these figures are too high", err=True
        )
    click.echo(f"wrote {records.save(record, results)}")


@cli.command("readme")
def refresh_readme() -> None:
    """Make the README's tables anew from the committed records."""
    text = readme.refreshed(readme.README.read_text())
    temporary = readme.README.with_name(".README.md")
    temporary.write_text(text)
    temporary.replace(readme.README)
    click.echo(f"{len(readme.TABLE.findall(text))} tables")


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m benchmarks`."""
    command.run(cli, "python -m benchmarks", arguments)


if __name__ == "__main__":
    main()
