"""python -m training: train, evaluate, score, compare with peers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from maskwatch.errors import MaskwatchError, SourceError

Knobs = TypeVar("Knobs", bound=Any)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(path_type=Path)


@click.group()
def cli() -> None:
    """Models from photographs."""


@cli.group()
def train() -> None:
    """Train a network; its folder gets model.keras, run.json and the curves."""


@train.command("mobilenet_v2")
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@click.option("--scenes", type=FOLDER, help="Pascal VOC scenes whose faces are learnt too.")
@click.option("--weights", required=True, help="Keras weights file of the base without top, or 'imagenet'.")
@click.option("--out", type=NEW, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 224]")
@click.option("--alpha", type=float, help="Width of the base.  [default: 1.0]")
@click.option("--varied", type=int, help="Other looks of each face.  [default: 2]")
@click.option("--epochs", type=int, help="Of the head.  [default: 60]")
@click.option("--seed", type=int, help="[default: 0]")
def train_mobilenet_v2(root: Path, scenes: Path | None, weights: str, out: Path, **turned: Any) -> None:
    """The mask classifier: frozen ImageNet base, trained head."""
    from training import train_classifier

    train_classifier.train(root, scenes, _weights(weights), out, _knobs(train_classifier.Knobs(), turned))


@train.command("finder")
@click.option("--data", "boxes", type=FOLDER, required=True, help="Pascal VOC scenes: images/ and annotations/.")
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv, for collages.")
@click.option("--weights", required=True, help="Keras weights file of the trunk without top, or 'imagenet'.")
@click.option("--out", type=NEW, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 320]")
@click.option("--alpha", type=float, help="Width of the trunk.  [default: 0.35]")
@click.option("--steps", type=int, help="Batches of 16 scenes.  [default: 4000]")
@click.option("--seed", type=int, help="[default: 0]")
def train_finder(boxes: Path, portraits: Path | None, weights: str, out: Path, **turned: Any) -> None:
    """The face finder: single-shot, on a narrow MobileNetV2."""
    from training import train_finder

    train_finder.train(boxes, portraits, _weights(weights), out, _knobs(train_finder.Knobs(), turned))


def _weights(weights: str) -> str:
    """A weights file must exist before hours are spent."""
    if weights != "imagenet" and not Path(weights).is_file():
        raise SourceError(f"weights {weights}: no such file; expected a Keras .weights.h5 file or 'imagenet'")
    return weights


def _knobs(knobs: Knobs, turned: dict[str, Any]) -> Knobs:
    """The recipe's knobs with those the user turned."""
    return replace(knobs, **{name: value for name, value in turned.items() if value is not None})


@cli.command()
@click.argument("model", type=NEW)
@click.argument("root", metavar="DIR", type=FOLDER)
@click.option("--part", type=click.Choice(["all", "train", "validation", "test"]), default="all", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split, with --part.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.option("--plot", type=NEW, help="Also draw the confusion matrix into this PNG.")
def evaluate(model: Path, root: Path, part: str, seed: int, as_json: bool, plot: Path | None) -> None:
    """Judge MODEL (.keras or .tflite) on the whole images of DIR/with_mask and DIR/without_mask."""
    from training import crops, data, evaluate

    network = evaluate.open_network(model)
    if part == "all":
        samples = evaluate.folder(root)
    else:
        photos = getattr(data.load(root).split(seed), part)
        samples = [crops.Sample(photo.path, photo.label, None) for photo in photos]
    result = evaluate.evaluate(network, samples, f"Evaluating {model.name}")
    for line in result.unreadable:
        click.echo(line, err=True)
    if plot:
        from training import plots

        plots.confusion(result.confusion, data.LABELS, plot)
    click.echo(json.dumps(result.summary()) if as_json else evaluate.table(result))


@cli.command()
@click.argument("annotations", type=FOLDER)
@click.argument("predictions", type=FILE)
@click.option("--min-side", type=float, default=16.0, show_default=True, help="Smaller faces are ignored, pixels.")
@click.option("--threshold", type=float, default=0.0, show_default=True, help="Score for precision and recall.")
@click.option("--part", type=click.Choice(["all", "train", "validation", "test"]), default="all", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split, with --part.")
def score(annotations: Path, predictions: Path, min_side: float, threshold: float, part: str, seed: int) -> None:
    """Score the lines of `maskwatch detect --json` against Pascal VOC ANNOTATIONS; one JSON line."""
    from training import scorer, voc

    truths = scorer.truths(annotations, min_side)
    if part != "all":
        scenes = getattr(voc.split(voc.load(annotations.parent), seed), part)
        truths = {scene.path.stem: truths[scene.path.stem] for scene in scenes}
    click.echo(json.dumps(scorer.score(scorer.findings(predictions), truths, threshold, min_side)))


@cli.command()
@click.argument("kind", type=click.Choice(["yunet", "aizoo"]))
@click.argument("model", type=FILE)
@click.argument("images", type=FOLDER)
@click.option("--min-score", type=float, default=0.05, show_default=True)
def peer(kind: str, model: Path, images: Path, min_score: float) -> None:
    """Run somebody else's detector on a folder; prints the lines `maskwatch detect --json` would."""
    from training import data, peers

    finder = {"yunet": peers.yunet, "aizoo": peers.aizoo}[kind](model, min_score)
    for path in sorted(images.iterdir()):
        image = data.read_rgb(path)
        click.echo(json.dumps(peers.as_line(path.name, image, finder(image))))


def main(run: Callable[[], Any] = cli) -> None:
    """Expected failures are one line and an exit code."""
    try:
        run()
    except MaskwatchError as error:
        click.echo(f"training: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
