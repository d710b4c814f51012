"""The commands that train: `python -m training train NETWORK`, left-out, resize."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from training.knobs import AlexNet, FineTuning, PlainCnn
from training.options import FILE, FOLDER, NEW, fine_tuning, knob, need, recipe


@click.group()
def train() -> None:
    """Train a network; its folder gets model.keras, run.json and the curves."""


WITHOUT = click.option(
    "--without", metavar="SOURCE", help="Leave one out: a folder of --scenes by its name, pasted or portraits."
)


@train.command("mobilenet_v2")
@fine_tuning(FineTuning())
@WITHOUT
def train_mobilenet_v2(
    root: Path,
    scenes: tuple[Path, ...],
    weights: str | None,
    start: Path | None,
    out: Path,
    yunet: Path | None,
    **turned: Any,
) -> None:
    """The mask classifier: an ImageNet MobileNetV2, fine-tuned, or one that goes on from a bundle.

    Start it with --weights or --start. An interrupted run goes on where it was.
    """
    need(weights, start)
    from training import recipes, train_classifier

    knobs = FineTuning(**turned)
    train_classifier.train(recipes.of_mobilenet_v2(weights, start), root, scenes, out, knobs, yunet)


@train.command("cnn")
@recipe(PlainCnn())
@knob("--depth", click.IntRange(1, 3), PlainCnn().depth, "Hidden convolutions.")
@WITHOUT
def train_cnn(root: Path, scenes: tuple[Path, ...], out: Path, yunet: Path | None, **turned: Any) -> None:
    """The study's plain CNN, from random weights, to compare with. An interrupted run goes on where it was."""
    from training import recipes, train_classifier

    train_classifier.train(recipes.CNN, root, scenes, out, PlainCnn(**turned), yunet)


@train.command("alexnet")
@recipe(AlexNet())
@WITHOUT
def train_alexnet(root: Path, scenes: tuple[Path, ...], out: Path, yunet: Path | None, **turned: Any) -> None:
    """The study's AlexNet, from random weights, to compare with. An interrupted run goes on where it was."""
    from training import recipes, train_classifier

    train_classifier.train(recipes.ALEXNET, root, scenes, out, AlexNet(**turned), yunet)


@train.command("finder")
@click.option(
    "--data", "sources", type=FOLDER, required=True, multiple=True, help="Annotated scenes (Pascal VOC); repeatable."
)
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv, for collages.")
@click.option("--weights", help="Keras weights file of the trunk without top, or 'imagenet'.")
@click.option("--start", type=FILE, help="A finder to go on from, a bundle or .keras, in place of --weights.")
@click.option("--out", type=NEW, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 320]")
@click.option("--alpha", type=float, help="Width of the trunk.  [default: 0.35]")
@click.option("--steps", type=int, help="Batches of 16 scenes, a multiple of 250.  [default: 4000]")
@click.option("--again", type=int, help="Batches of the second descent; may be 0.  [default: 2500]")
@click.option("--rate", type=float, help="Peak of the first descent; half of it in the second.  [default: 0.002]")
@click.option("--seed", type=int, help="[default: 0]")
def train_finder(
    sources: tuple[Path, ...], portraits: Path | None, weights: str | None, start: Path | None, out: Path, **turned: Any
) -> None:
    """The face finder: single-shot, on a narrow MobileNetV2. Start it with --weights or --start."""
    need(weights, start)
    from training import train_finder

    train_finder.train(sources, portraits, weights, start, out, _turned(train_finder.Knobs(), turned))


@train.command("yolov5s")
@click.option("--data", "boxes", type=FOLDER, required=True, help="Pascal VOC scenes: images/ and annotations/.")
@click.option("--out", type=NEW, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 320]")
@click.option("--width", type=float, help="Share of the channels of the family's largest.  [default: 0.5]")
@click.option("--steps", type=int, help="Batches of 16 scenes, a multiple of 50.  [default: 2000]")
@click.option("--seed", type=int, help="[default: 0]")
def train_yolov5s(boxes: Path, out: Path, **turned: Any) -> None:
    """YOLOv5s: faces and what they wear in one go, from random weights. An interrupted run goes on where it was."""
    from training import train_yolov5s

    train_yolov5s.train(boxes, out, _turned(train_yolov5s.Knobs(), turned))


def _turned(knobs: Any, said: dict[str, Any]) -> Any:
    """A detector's knobs, with those that the user named; its recipe needs Keras, which the command line does not."""
    return replace(knobs, **{name: value for name, value in said.items() if value is not None})


@click.command("left-out")
@fine_tuning(FineTuning())
def left_out(
    root: Path,
    scenes: tuple[Path, ...],
    weights: str | None,
    start: Path | None,
    out: Path,
    yunet: Path | None,
    **turned: Any,
) -> None:
    """Cross-validation by source: train without each source in turn, judge on its test part; OUT/left-out.jsonl.

    With --start, the bundle must not have learnt from the source whose row is read.
    """
    need(weights, start)
    from training import left_out, recipes

    recipe = recipes.of_mobilenet_v2(weights, start)
    for row in left_out.run(recipe, root, scenes, out, FineTuning(**turned), yunet):
        without, learnt = row["without"], row["learnt"]
        click.echo(
            f"without {row['left_out']}: {without['slice']}: {without['right']:.2%} of {without['n']} right, "
            f"{learnt['right']:.2%} had it been learnt"
        )


@click.command()
@click.argument("model", type=FILE)
@click.option("--size", type=int, required=True, help="Input side, pixels, a multiple of 32.")
@click.option("--out", type=NEW, required=True, help="The folder of the resized finder.")
def resize(model: Path, size: int, out: Path) -> None:
    """The face finder MODEL (.keras) at another input side, with the same weights."""
    from training import train_finder

    train_finder.resize(model, size, out)
