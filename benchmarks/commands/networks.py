"""Commands about networks: times of models, of candidates and of all combinations; counted instructions; changes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from benchmarks import records
from benchmarks.commands.options import FILE, FOLDER, named, results_option, save, say
from benchmarks.networks import compare, doubts, figures, models, run, runtimes
from maskwatch.errors import ConfigError
from maskwatch.vision import bundle


@click.command("models")
@click.argument("others", metavar="[NAME=FILE.tflite]…", nargs=-1)
@click.option("--reference", help="NAME of the model that the mask classifier is compared with.")
@click.option("--yunet", type=FILE, help="YuNet's ONNX file, compared with each face finder at the same input size.")
@click.option("--ultraface", type=FILE, help="UltraFace's ONNX file.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@results_option
def measure_models(
    others: tuple[str, ...],
    reference: str | None,
    yunet: Path | None,
    ultraface: Path | None,
    rounds: int,
    results: Path,
) -> None:
    """Time the shipped models and others, in turns on one thread; writes RESULTS/BOARD/models.json."""
    mask, face = bundle.default_path("mask"), bundle.default_path("face")
    runners = [models.finder("face finder", face), models.network("mask classifier", mask)]
    if (far := bundle.default_path("face", far=True)).is_file():
        runners.append(models.finder("face finder, far", far))
    against = {}
    if yunet:
        for finder in [runner for runner in runners if runner.kind == "finder"]:
            runners.append(models.yunet(yunet, finder.input_size))
            against[finder.name] = runners[-1].name
    runners += [models.network(*named(text)) for text in others]
    runners += [models.ultraface(ultraface)] if ultraface else []
    if reference:
        if reference not in [runner.name for runner in runners]:
            raise ConfigError(f"--reference {reference}: not among the models; add {reference}=FILE.tflite")
        against[runners[1].name] = reference
    save(models.measure(runners, against, rounds), results)


@click.command("search")
@click.option("--mask", "classifiers", metavar="NAME=BUNDLE", multiple=True, help="A mask classifier; repeat.")
@click.option("--face", "finders", metavar="NAME=BUNDLE", multiple=True, help="A face finder; repeat.")
@click.option("--data", "portraits", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@click.option("--scenes", type=FOLDER, required=True, multiple=True, help="Pascal VOC scenes; repeat for each source.")
@click.option("--rounds", type=click.IntRange(min=1), default=models.ROUNDS, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@click.option("--quick", is_flag=True, help="A few pictures and calls; writes search-quick.json, which no table reads.")
@results_option
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
    """Judge and time bundles that might be shipped; writes RESULTS/BOARD/search.json and search.png."""
    from benchmarks.networks import search  # needs extra `train`

    if not classifiers + finders:
        raise ConfigError("search: no candidate; give --mask NAME=BUNDLE or --face NAME=BUNDLE")
    material = search.Material(portraits, scenes, seed, quick)
    record = search.measure(dict(map(named, classifiers)), dict(map(named, finders)), material, rounds)
    save(record, results)
    search.draw(record, records.path(record, results).with_suffix(".png"))


@click.command("run")
@click.argument("others", metavar="[NAME/VARIANT=FILE]…", nargs=-1)
@click.option(
    "--runtime",
    "names",
    multiple=True,
    help="Only this runtime; repeat. If missing, it is installed into a separate environment.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    multiple=True,
    help="Number of threads; repeat.  [default: 1, 2, 4, up to the number of cores]",
)
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
    help="Seconds; a combination whose calls take longer in a round is left out, with a message.",
)
@click.option("--note", "notes", multiple=True, help="What a reader must know about the files; repeat.")
@results_option
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
    """Time models × variants × runtimes × threads, 5 × 40 calls each; writes RESULTS/BOARD/run.json."""
    subjects = [*(run.shipped() if shipped else ()), *map(run.subject, others)]
    wanted = [runtimes.named(name) for name in names] or list(runtimes.RUNTIMES)
    found = [runtimes.find(runtime, make=bool(names)) for runtime in wanted]
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


@click.command("instructions")
@click.argument("others", metavar="NAME=FILE.tflite…", nargs=-1)
@click.option("--shapes", type=FOLDER, help="Folder made by `python -m convert.shapes`.")
@click.option("--yunet", type=FILE, help="YuNet's ONNX file.")
@click.option("--root", type=FOLDER, required=True, help="An arm64 Debian 13 with Python.")
@click.option("--packages", type=FOLDER, required=True, help="aarch64 wheels of the runtime, numpy, OpenCV; unpacked.")
@results_option
def count_instructions(
    others: tuple[str, ...], shapes: Path | None, yunet: Path | None, root: Path, packages: Path, results: Path
) -> None:
    """Count models' instructions on a Pi 3, 4 and 5 in QEMU's user mode; prints them.

    Writes RESULTS/instructions.json and .png. Needs Debian 12's packages qemu-user and gcc; see docs/speed.md.
    """
    from benchmarks.instructions import chart, measure  # the chart needs extra `train`

    files = dict(map(named, others))
    files |= {path.stem: path for path in sorted(shapes.glob("*.tflite"))} if shapes else {}
    counted = [*measure.networks(files), *(measure.yunets(yunet) if yunet else [])]
    if not counted:
        raise ConfigError("instructions: nothing to count; give NAME=FILE.tflite, --shapes or --yunet")
    record = measure.measure(counted, root, packages, say)
    place = records.save_anywhere(record, results)
    chart.draw(record, place.with_suffix(".png"))
    for line in (*measure.lines(record), f"wrote {place}"):
        click.echo(line)


@click.command("compare")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option(
    "--least",
    "min_share",
    type=click.FloatRange(min=0),
    default=compare.MIN_SHARE,
    show_default=True,
    help="Smallest share that is reported.",
)
@click.option("--fail", is_flag=True, help="Exit with 1 when something got slower beyond noise.")
def show_changes(before: Path, after: Path, min_share: float, fail: bool) -> None:
    """Show what changed between two run.json of one board, beyond noise."""
    first, second = (records.load(place, run.KIND, run.SCHEMA) for place in (before, after))
    found = compare.changes(first, second, min_share)
    for line in compare.lines(first, second, found):
        click.echo(line)
    if fail and any(change.verdict == "slower" for change in found):
        sys.exit(1)
