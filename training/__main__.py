"""python -m training: train, evaluate, score, compare with peers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskwatch.cli import command
from maskwatch.errors import ConfigError
from maskwatch.records.quality import Evaluated, PortraitScores, SceneScores
from maskwatch.system import whole_file
from training.commands.train_commands import (
    choose_threshold,
    find_faces,
    head_search,
    left_out,
    left_out_finder,
    resize,
    train,
)
from training.options import FILE, FOLDER, NEW, NEW_FOLDER, PART
from training.options import scenes as scenes_option
from training.runs import memory
from training.strangers.command import strangers
from training.study.commands import compare, judge

if TYPE_CHECKING:
    from training.judging.detections import Findings


@click.group()
def cli() -> None:
    """Train and judge models on photographs."""


for command_of_training in (
    train,
    find_faces,
    judge,
    compare,
    left_out,
    left_out_finder,
    head_search,
    resize,
    choose_threshold,
    strangers,
):
    cli.add_command(command_of_training)


@cli.command()
@click.argument("model", type=NEW)
@click.argument("root", metavar="DIR", type=FOLDER)
@click.option("--part", type=PART, default="all", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split, with --part.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.option("--plot", type=NEW, help="Also draw the confusion matrix into this PNG.")
def evaluate(model: Path, root: Path, part: str, seed: int, as_json: bool, plot: Path | None) -> None:
    """Judge MODEL (.keras or .tflite) on the whole images of DIR/with_mask and DIR/without_mask."""
    from training.augment import crops
    from training.judging import evaluate
    from training.pictures import data

    network = evaluate.open_network(model)
    damaged: tuple[str, ...] = ()
    if part == "all":
        samples = evaluate.folder(root)
    else:
        dataset = data.load(root)
        damaged = dataset.unreadable
        samples = [crops.Sample(photo.path, photo.label, None) for photo in getattr(dataset.split(seed), part)]
    result = evaluate.evaluate(network, samples, f"Evaluating {model.name}")
    result = replace(result, unreadable=damaged + result.unreadable)
    for line in result.unreadable[len(damaged) :]:
        click.echo(line, err=True)
    if plot:
        from training.judging import plots

        plots.confusion(result.confusion, data.LABELS, plot)
    record = Evaluated(model=model.name, part=part, **result.summary())
    click.echo(record.line() if as_json else evaluate.table(result))


@cli.command()
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/, without_mask/ and faces.tsv.")
@scenes_option("Pascal VOC scenes whose faces are shown too; repeat for each source.")
@click.option("--yunet", type=FILE, help="YuNet's ONNX file: masks put on bare faces follow the head's turn.")
@click.option("--out", type=NEW_FOLDER, required=True, help="Folder of the sheets.")
@click.option("--size", type=int, default=128, show_default=True, help="Input side, pixels.")
@click.option("--seed", type=int, default=0, show_default=True)
def looks(root: Path, scenes: tuple[Path, ...], yunet: Path | None, out: Path, size: int, seed: int) -> None:
    """Draw contact sheets of the training views: every drawing, masks cut out of photographs and moved to other faces,
    every effect, and views as often as they are drawn in training; with --scenes also what the finder learns from."""
    from training.classifier import gallery

    written = gallery.write(root, scenes, out, size, seed, yunet)
    if scenes:
        from training.finder import scene_sheet
        from training.networks.finder import STRIDES

        written.append(scene_sheet.write(scenes, root, out, 2 * size // max(STRIDES) * max(STRIDES), seed))
    click.echo(f"wrote {', '.join(written[:-1])} and {written[-1]} into {out}")


@cli.command("list")
@click.argument("root", metavar="DIR", type=FOLDER)
@click.option("--part", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@click.option("--out", type=NEW, required=True, help="Write this file of tab-separated values.")
def list_part(root: Path, part: str, seed: int, out: Path) -> None:
    """List the photographs of a part of DIR, with class, near-duplicates and best face; for `benchmarks doorway`."""
    from training.pictures import listing

    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file.beside(out) as temporary, temporary.open("w") as stream:
        count = listing.write(root, part, seed, stream)
    click.echo(f"wrote {count} photographs into {out}")


@cli.command("splits")
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@scenes_option("Pascal VOC scenes; repeat for each source.", required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Write this .json file.")
def write_splits(root: Path, scenes: tuple[Path, ...], out: Path) -> None:
    """Write how every data set is split into training, validation and test part, with a hash of each."""
    from training.pictures import splits

    found = splits.record(root, scenes)
    whole_file.write(out, json.dumps(found, indent=1) + "\n")
    for name, parts in {**found["photographs"], **found["scenes"]}.items():
        click.echo(f"{name}: {parts['train']} to learn from, {parts['validation']} validation, {parts['test']} test")
    click.echo(f"wrote {out}")


@cli.command()
@click.argument("model", type=NEW)
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@scenes_option("Pascal VOC scenes whose faces are judged too; repeat for each source.")
@click.option("--part", type=PART, default="validation", show_default=True)
@click.option("--out", type=NEW_FOLDER, required=True, help="Folder for the figures and pictures.")
@click.option(
    "--people",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Recommend a threshold with at most one false alarm in this many masked people.",
)
@click.option("--yunet", type=FILE, help="YuNet's ONNX file: needed for slices by the turn of the face.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
def slices(
    model: Path,
    root: Path,
    scenes: tuple[Path, ...],
    part: str,
    out: Path,
    people: int,
    yunet: Path | None,
    seed: int,
) -> None:
    """Show where MODEL is weak: by source, size, focus, light, mask and turn; how many masks worn wrong it flags; the
    same faces without colour; whether its confidence is right; its mistakes.

    Writes slices.json, mistakes.png, grey.png (mistakes without colour), worst.png, reliability.png and thresholds.png
    into the folder --out.
    """
    from training.judging import slices_report

    slices_report.write(slices_report.Subject(model, root, scenes, part, seed, yunet), people, out, click.echo)


@cli.command()
@click.argument("model", type=FILE)
@scenes_option("Pascal VOC scenes whose faces are looked for; repeat for each source.", required=True)
@click.option("--out", type=NEW, help="The record.  [default: beside MODEL, face.reach.json for face.tflite]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
def reach(model: Path, scenes: tuple[Path, ...], out: Path | None, seed: int) -> None:
    """Measure how small a face the finder MODEL finds: recall by face size on validation scenes shown at many sizes.

    `maskwatch check` reads the record beside a model, and computes from it how far away faces are found.
    """
    from maskwatch.vision import recall
    from training.judging import reach

    path = out or recall.beside(model)
    reach.write(reach.measure(model, scenes, seed), path)
    click.echo(f"wrote {path}")


@cli.command()
@click.argument("root", metavar="DIR", type=FOLDER)
@click.argument("detectors", metavar="NAME=FILE@THRESHOLD…", nargs=-1, required=True)
@click.option("--min-side", "min_sides", type=float, multiple=True, help="Ignore smaller faces, pixels.  [16]")
@click.option("--part", "parts", type=PART, multiple=True, help="Part of the split; repeat.  [all]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
def score(
    root: Path, detectors: tuple[str, ...], min_sides: tuple[float, ...], parts: tuple[str, ...], seed: int
) -> None:
    """Score detectors on the annotated scenes of DIR (images/, annotations/), a JSON line for each combination.

    FILE holds the lines of `maskwatch detect --json`; precision, recall and labels are counted at THRESHOLD.
    """
    from training.judging import detections, scorer
    from training.judging.detections import MIN_SIDE
    from training.pictures import voc

    split = voc.split(voc.load(root), seed)
    for name, findings, threshold in [_detector(text) for text in detectors]:
        for part in parts or ("all",):
            scenes = voc.part(split, part)
            for min_side in min_sides or (MIN_SIDE,):
                truths = {scene.path.stem: detections.as_truths(scene.faces, min_side) for scene in scenes}
                figures = scorer.score(findings, truths, threshold, min_side)
                click.echo(SceneScores(detector=name, part=part, **figures).line())


@cli.command("score-portraits")
@click.argument("root", metavar="DIR", type=FOLDER)
@click.argument("found", metavar="FILE", type=FILE)
@click.option("--part", "parts", type=PART, multiple=True, help="Part of the split; repeat.  [all]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
def score_portraits(root: Path, found: Path, parts: tuple[str, ...], seed: int) -> None:
    """Score the whole pipeline on the portraits of DIR/with_mask and DIR/without_mask: each one's largest face.

    FILE holds the lines of `maskwatch detect DIR --json`. Prints a JSON line for each part, and, with
    DIR/synthetic.txt, also for its real and its pasted masks.
    """
    from training.judging import detections, scorer
    from training.pictures import data

    dataset, pasted = data.load(root), data.pasted(root)
    findings = detections.of_portraits(found, root, [photo.path for photo in dataset.photos])
    for part in parts or ("all",):
        photos = dataset.photos if part == "all" else getattr(dataset.split(seed), part)
        kinds = {
            "all": photos,
            "pasted masks": [photo for photo in photos if photo.path.name in pasted],
            "the rest": [photo for photo in photos if photo.path.name not in pasted],
        }
        for kind, chosen in kinds.items():
            if chosen and (kind == "all" or pasted):
                figures = scorer.score_portraits(findings, {photo.path: data.LABELS[photo.label] for photo in chosen})
                click.echo(PortraitScores(part=part, portraits=kind, **figures).line())


def _detector(text: str) -> tuple[str, Findings, float]:
    """`ours=ours.jsonl@0.4` -> name, findings, threshold."""
    from training.judging import detections

    name, equals, rest = text.partition("=")
    file, at, threshold = rest.rpartition("@")
    try:
        if not (equals and at):
            raise ValueError
        return name, detections.findings(Path(file)), float(threshold)
    except ValueError as error:
        raise ConfigError(f"detector {text}: expected NAME=FILE@THRESHOLD, e.g. ours=found.jsonl@0.4") from error


@cli.command()
@click.argument("kind", type=click.Choice(["yunet", "aizoo"]))
@click.argument("model", type=FILE)
@click.argument("images", type=FOLDER)
@click.option("--min-score", type=float, default=0.05, show_default=True)
def peer(kind: str, model: Path, images: Path, min_score: float) -> None:
    """Run a detector of others on a folder; prints lines like those of `maskwatch detect --json`."""
    from maskwatch.camera.files import folder, pictures
    from training.judging import peers
    from training.pictures import data

    finder = {"yunet": peers.yunet, "aizoo": peers.aizoo}[kind](model, min_score)
    found = folder.find([images]).pictures
    good = data.readable(path for _, path in found)
    for name, path in found:
        if path in good:
            image = pictures.read(path)
            click.echo(json.dumps(peers.as_line(name, image, finder(image))))


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m training`."""
    command.run(cli, "python -m training", arguments, extra="train")


if __name__ == "__main__":
    memory.keep_freed_memory()
    main()
