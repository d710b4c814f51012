"""python -m benchmarks: measure this machine, refresh the tables in README and docs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchmarks import records
from benchmarks.daemon import latency, pipeline, soak
from benchmarks.daemon import startup as device
from benchmarks.networks import compare, doubts, figures, models, run, runtimes
from benchmarks.report import readme, told
from maskwatch import config
from maskwatch.cli import command
from maskwatch.errors import ConfigError
from maskwatch.vision import bundle

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
@click.option("--yunet", type=FILE, help="YuNet's ONNX file, held against each face finder at the same input size.")
@click.option("--ultraface", type=FILE, help="UltraFace's ONNX file.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_models(
    others: tuple[str, ...],
    reference: str | None,
    yunet: Path | None,
    ultraface: Path | None,
    rounds: int,
    results: Path,
) -> None:
    """The shipped models and others in turns on one thread; writes RESULTS/BOARD/models.json."""
    mask, face = bundle.default_path("mask"), bundle.default_path("face")
    runners = [models.finder("face finder", face), models.network("mask classifier", mask)]
    if (far := bundle.default_path("face", far=True)).is_file():
        runners.append(models.finder("face finder, far", far))
    against = {}
    if yunet:
        for each in [runner for runner in runners if runner.kind == "finder"]:
            runners.append(models.yunet(yunet, each.input_size))
            against[each.name] = runners[-1].name
    runners += [models.network(*_named(text)) for text in others]
    runners += [models.ultraface(ultraface)] if ultraface else []
    if reference:
        if reference not in [runner.name for runner in runners]:
            raise ConfigError(f"--reference {reference}: not among the models; add {reference}=FILE.tflite")
        against[runners[1].name] = reference
    _save(models.measure(runners, against, rounds), results)


@cli.command("search")
@click.option("--mask", "classifiers", metavar="NAME=BUNDLE", multiple=True, help="A mask classifier; repeat.")
@click.option("--face", "finders", metavar="NAME=BUNDLE", multiple=True, help="A face finder; repeat.")
@click.option("--data", "portraits", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@click.option("--scenes", type=FOLDER, required=True, multiple=True, help="Pascal VOC scenes; repeat for each source.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split.")
@click.option("--quick", is_flag=True, help="A few pictures and calls; writes search-quick.json, which no table reads.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_candidates(
    classifiers: tuple[str, ...],
    finders: tuple[str, ...],
    portraits: Path,
    scenes: tuple[Path, ...],
    rounds: int,
    seed: int,
    quick: bool,
    results: Path,
) -> None:
    """Bundles that might be shipped: quality against time; writes RESULTS/BOARD/search.json and search.png."""
    from benchmarks.networks import search  # needs extra `train`

    if not classifiers + finders:
        raise ConfigError("search: no candidate; give --mask NAME=BUNDLE or --face NAME=BUNDLE")
    material = search.Material(portraits, scenes, seed, quick)
    record = search.measure(dict(map(_named, classifiers)), dict(map(_named, finders)), material, rounds)
    _save(record, results)
    search.draw(record, records.path(record, results).with_suffix(".png"))


@cli.command("pipeline")
@click.option("--seconds", type=click.FloatRange(min=0), default=pipeline.SECONDS, show_default=True)
@click.option("--alerts", type=click.IntRange(1, latency.MOST), default=pipeline.ALERTS, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_pipeline(seconds: float, alerts: int, results: Path) -> None:
    """The whole daemon beside its bare models, SECONDS for each of 0 to 10 faces in view, then ALERTS from capture to
    pin; writes RESULTS/BOARD/pipeline.json."""
    _save(pipeline.measure(seconds, alerts, _tell), results)


@cli.command("soak")
@click.option("--minutes", type=click.FloatRange(min=0.5), default=soak.MINUTES, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_endurance(minutes: float, results: Path) -> None:
    """The daemon on a looped clip: memory, lost alerts, latency; writes RESULTS/BOARD/soak.json."""
    _save(soak.measure(minutes, _tell), results)


def _tell(text: str) -> None:
    click.echo(text, err=True)


@cli.command("doorway")
@click.option("--data", "root", type=FOLDER, required=True, help="The photographs.")
@click.option("--list", "listed", type=FILE, required=True, help="Of `python -m training list --part test`.")
@click.option("--backgrounds", type=FOLDER, help="Photographs without people, e.g. of your door; half the clips.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), default=2.0, show_default=True, help="Of clips.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to go on from.")
@click.option("--replay", "tried", type=FILE, help="A config, held against the verdicts that WORK keeps; prints JSON.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
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
    """False alarms an hour on clips of people at a door, cut from photographs no model has seen.

    Writes RESULTS/BOARD/doorway.json after every clip, and samples.png and mistakes.png into WORK. About an hour of
    computing for an hour of clips; given again with the same WORK, it goes on where it was.
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
        device = record["rows"][0]
        click.echo(f"{done}/{len(clips)} clips: {device['false']} false, {device['missed']} of {device['due']} missed")
    wrong = [(clips[each["clip"]], each["time"]) for each in record["mistakes"]]
    if wrong:
        contact_sheet.write(wrong, work / "mistakes.png")
    click.echo(f"wrote {path}")


@cli.command("scenarios")
@click.option("--runs", type=click.IntRange(min=1), default=20, show_default=True, help="Of each scene, by seed.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_scenarios(runs: int, results: Path) -> None:
    """What alerts tell in scripted scenes, the same on every machine; writes RESULTS/scenarios.json."""
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


@cli.command("power")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_power(rounds: int, results: Path) -> None:
    """CPU seconds with and without motion gate and frame-rate cap; writes RESULTS/BOARD/power.json."""
    from benchmarks.behaviour.scenes import power

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
    saved = records.save(record, results)  # first: what took half an hour is not lost to a table that cannot be drawn
    for line in told.lines(record):
        click.echo(line)
    click.echo(f"wrote {saved}")


@cli.command("run")
@click.argument("others", metavar="[NAME/VARIANT=FILE]…", nargs=-1)
@click.option(
    "--runtime", "names", multiple=True, help="Only this; repeat. Put into a separate environment if missing."
)
@click.option("--threads", type=click.IntRange(min=1), multiple=True, help="Repeat.  [default: 1, 2, 4 as cores allow]")
@click.option(
    "--shipped/--no-shipped", default=True, show_default=True, help="The mask and face bundles of the package."
)
@click.option("--quick", "plan", flag_value="quick", help="2 × 20 calls: to see whether it works.")
@click.option("--full", "plan", flag_value="full", help="8 × 128 calls, as many as MLPerf's SingleStream asks for.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0, min_open=True),
    default=run.PATIENCE,
    show_default=True,
    help="Seconds; a combination whose calls take longer in a round is left out, and says so.",
)
@click.option("--note", "notes", multiple=True, help="What a reader must know of the files; repeat.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_all(
    others: tuple[str, ...],
    names: tuple[str, ...],
    threads: tuple[int, ...],
    shipped: bool,
    plan: str | None,
    patience: float,
    notes: tuple[str, ...],
    results: Path,
) -> None:
    """Models × variants × runtimes × threads, 5 × 40 calls each; writes RESULTS/BOARD/run.json."""
    subjects = [*(run.shipped() if shipped else ()), *map(run.subject, others)]
    wanted = [runtimes.named(name) for name in names] or list(runtimes.RUNTIMES)
    found = [runtimes.find(each, make=bool(names)) for each in wanted]
    cells = run.cells(subjects, found, sorted(set(threads)) or run.usual_threads())
    if not cells:
        raise ConfigError("run: nothing to measure; give NAME/VARIANT=FILE, or a --runtime that runs such files")
    chosen = replace({"quick": run.QUICK, "full": run.FULL}.get(plan or "", run.USUAL), patience=patience)
    with click.progressbar(
        length=run.children(cells, chosen), label=f"{len(cells)} combinations", file=sys.stderr
    ) as bar:
        record = {**run.measure(cells, chosen, lambda _: bar.update(1)), "notes": list(notes)}
    for line in (*figures.lines(record), *(f"benchmarks: {doubt}" for doubt in doubts.of(record))):
        click.echo(line)
    click.echo(f"wrote {records.save(record, results)}")


@cli.command("instructions")
@click.argument("others", metavar="NAME=FILE.tflite…", nargs=-1)
@click.option("--shapes", type=FOLDER, help="Of `python -m convert.shapes`.")
@click.option("--yunet", type=FILE, help="YuNet's ONNX file.")
@click.option("--root", type=FOLDER, required=True, help="An arm64 Debian 13 with Python.")
@click.option("--packages", type=FOLDER, required=True, help="aarch64 wheels of the runtime, numpy, OpenCV; unpacked.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def count_instructions(
    others: tuple[str, ...], shapes: Path | None, yunet: Path | None, root: Path, packages: Path, results: Path
) -> None:
    """What models execute on a Pi 3, 4 and 5, counted in QEMU's user mode; writes RESULTS/instructions.json and .png.

    Needs Debian 12's packages qemu-user and gcc; see docs/speed.md.
    """
    from benchmarks.instructions import chart, measure  # the chart needs extra `train`

    files = dict(map(_named, others))
    files |= {path.stem: path for path in sorted(shapes.glob("*.tflite"))} if shapes else {}
    models = [*measure.networks(files), *(measure.yunets(yunet) if yunet else [])]
    if not models:
        raise ConfigError("instructions: nothing to count; give NAME=FILE.tflite, --shapes or --yunet")
    record = measure.measure(models, root, packages, _tell)
    place = records.save_anywhere(record, results)
    chart.draw(record, place.with_suffix(".png"))
    click.echo(f"wrote {place}")


@cli.command("compare")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option(
    "--least", type=click.FloatRange(min=0), default=compare.LEAST, show_default=True, help="Share to speak of."
)
@click.option("--fail", is_flag=True, help="Exit with 1 when something got slower beyond noise.")
def tell_changes(before: Path, after: Path, least: float, fail: bool) -> None:
    """What changed between two run.json of one board, beyond noise."""
    one, other = (records.load(place, run.KIND, run.SCHEMA) for place in (before, after))
    found = compare.changes(one, other, least)
    for line in compare.lines(one, other, found):
        click.echo(line)
    if fail and any(change.verdict == "slower" for change in found):
        sys.exit(1)


@cli.command("report")
@click.option(
    "--proof",
    "proofs",
    metavar="NAME=FILE|FOLDER",
    multiple=True,
    help="convert's report.json of the network NAME, or a folder of NAME.report.json; repeat.",
)
@click.option("--results", type=FOLDER, default=RESULTS, show_default="here")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/report"), show_default=True)
def make_report(proofs: tuple[str, ...], results: Path, out: Path) -> None:
    """Every board's run.json as a page with pictures: index.html and report.md."""
    from benchmarks.report import accuracy, pages  # needs extra `train`

    judged = {
        (name, variant): found
        for text in proofs
        for name, file in (accuracy.proofs(Path(text)) if Path(text).is_dir() else [_named(text)])
        for variant, found in accuracy.read(file).items()
    }
    for page in pages.write(results, out, judged):
        click.echo(f"wrote {page}")


@cli.command("readme")
def refresh_readme() -> None:
    """Make the tables in README and docs anew from the committed records."""
    for document in readme.DOCUMENTS:
        before = document.read_text()
        after = readme.refreshed(before)
        if after != before:
            records.write(after, document)
        click.echo(f"{document.name}: {len(readme.TABLE.findall(after))} tables")


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m benchmarks`."""
    command.run(cli, "python -m benchmarks", arguments, extra="train")


if __name__ == "__main__":
    main()
