"""The commands that train: `python -m training train NETWORK`, left-out, left-out-finder, head-search, resize."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from training.options import FILE, FOLDER, NEW_FOLDER, fine_tuning, knob, knobs_and_way, need, recipe, way
from training.runs.knobs import AlexNet, FineTuning, PlainCnn
from training.study.commands import by_protocol, deep_cnn


@click.group()
def train() -> None:
    """Train a network; its folder gets model.keras, run.json and the curves.

    A folder that holds another training, finished or not, is refused without --force. An interrupted training continues
    when the same command is given again.
    """


WITHOUT = click.option(
    "--without", metavar="SOURCE", help="Leave out one source: the name of a folder of --scenes, pasted, or portraits."
)


@train.command("mobilenet_v2")
@by_protocol("mobilenet_v2")
@fine_tuning(FineTuning())
@WITHOUT
def train_mobilenet_v2(
    root: Path,
    scenes: tuple[Path, ...],
    weights: str | None,
    start: Path | None,
    out: Path,
    yunet: Path | None,
    **said: Any,
) -> None:
    """The mask classifier: an ImageNet MobileNetV2, fine-tuned, or one that continues from a bundle.

    Start it with --weights or --start. With --protocol honest or study: the study's M1 to M6, a head on a frozen base.
    Give the command again to continue an interrupted run.
    """
    need(weights, start)
    from training.classifier import recipes, train_classifier

    knobs, asked = knobs_and_way("mobilenet_v2", said)
    train_classifier.train(
        recipes.of_mobilenet_v2(weights, start), root, scenes, out, FineTuning(**knobs), yunet, asked
    )


@train.command("cnn")
@by_protocol("cnn")
@recipe(PlainCnn())
@knob("--depth", click.IntRange(1, 3), PlainCnn().depth, "Hidden convolutions.")
@WITHOUT
def train_cnn(root: Path, scenes: tuple[Path, ...], out: Path, yunet: Path | None, **said: Any) -> None:
    """A plain CNN like the study's, from random weights: on faces and scenes, with three classes.

    With --protocol honest or study: the study's plain CNN itself, on whole photographs of two classes. Give the command
    again to continue a run.
    """
    from training.classifier import recipes, train_classifier

    knobs, asked = knobs_and_way("cnn", said)
    train_classifier.train(recipes.CNN, root, scenes, out, PlainCnn(**knobs), yunet, asked)


@train.command("alexnet")
@by_protocol("alexnet")
@recipe(AlexNet())
@WITHOUT
def train_alexnet(root: Path, scenes: tuple[Path, ...], out: Path, yunet: Path | None, **said: Any) -> None:
    """An AlexNet with batch norm everywhere, from random weights: on faces and scenes, with three classes.

    With --protocol honest or study: the study's AlexNet with its 29,979,394 parameters, on whole photographs of two
    classes. Give the command again to continue a run.
    """
    from training.classifier import recipes, train_classifier

    knobs, asked = knobs_and_way("alexnet", said)
    train_classifier.train(recipes.ALEXNET, root, scenes, out, AlexNet(**knobs), yunet, asked)


train.add_command(deep_cnn)


@train.command("finder")
@click.option(
    "--data", "sources", type=FOLDER, required=True, multiple=True, help="Annotated scenes (Pascal VOC); repeatable."
)
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv, for collages.")
@click.option("--weights", help="Keras weights file of the trunk without top, or 'imagenet'.")
@click.option("--start", type=FILE, help="A finder to continue from, instead of --weights: a .keras, or a bundle.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 320]")
@click.option("--alpha", type=float, help="Width of the trunk.  [default: 0.35]")
@click.option("--steps", type=int, help="Batches of 16 scenes, a multiple of 250.  [default: 4000]")
@click.option("--again", type=int, help="Batches of the second phase; may be 0.  [default: 2500]")
@click.option(
    "--rounded",
    type=int,
    help="Batches of a last phase, rounded as in int8; may be 0; also with --start.  [default: 1000]",
)
@click.option(
    "--rate", type=float, help="Peak in the first phase; half in the second, a tenth in the last.  [default: 0.002]"
)
@click.option("--frozen", help="Freeze the trunk's layers up to this one, e.g. block_5_add.  [default: none]")
@click.option("--seed", type=int, help="[default: 0]")
@way
def train_finder(
    sources: tuple[Path, ...], portraits: Path | None, weights: str | None, start: Path | None, out: Path, **said: Any
) -> None:
    """The face finder: single-shot, on a narrow MobileNetV2. Start it with --weights or --start."""
    need(weights, start)
    from training.finder import train_finder

    knobs, asked = knobs_and_way("finder", said)
    train_finder.train(sources, portraits, weights, start, out, _detectors(train_finder.Knobs(), knobs), asked)


@train.command("yolov5s")
@click.option(
    "--data", "sources", type=FOLDER, required=True, multiple=True, help="Annotated scenes (Pascal VOC); repeatable."
)
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv: single faces, large ones too.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The run's folder.")
@click.option("--size", type=int, help="Input side, pixels.  [default: 320]")
@click.option("--width", type=float, help="Share of the channels of the family's largest.  [default: 0.5]")
@click.option("--steps", type=int, help="Batches, a multiple of 500.  [default: 8000]")
@click.option("--batch", type=click.IntRange(min=1), help="Scenes in a batch.  [default: 16]")
@click.option("--limit", type=click.IntRange(min=4), help="Train on so many pictures of each source, for a quick try.")
@click.option("--bfloat16", is_flag=True, default=None, help="Mixed precision: quicker on a Xeon with AMX.")
@click.option("--seed", type=int, help="[default: 0]")
@way
def train_yolov5s(sources: tuple[Path, ...], portraits: Path | None, out: Path, **said: Any) -> None:
    """YOLOv5s: faces and their classes at once, from random weights. Give the command again to continue a run."""
    from training.yolo import train_yolov5s

    knobs, asked = knobs_and_way("yolov5s", said)
    train_yolov5s.train(sources, portraits, out, _detectors(train_yolov5s.Knobs(), knobs), asked)


def _detectors(knobs: Any, said: dict[str, Any]) -> Any:
    """A detector's knobs with the user's values; the recipe needs Keras, which the command line must not load."""
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
    **said: Any,
) -> None:
    """Cross-validation by source: train without each source in turn, judge on its test part; writes OUT/left-out.jsonl.

    With --start: a row is only valid if the bundle was not trained on that row's source.
    """
    need(weights, start)
    from training.classifier import cross_validation as left_out
    from training.classifier import recipes

    recipe = recipes.of_mobilenet_v2(weights, start)
    knobs, asked = knobs_and_way("mobilenet_v2", said)
    for row in left_out.run(recipe, root, scenes, out, FineTuning(**knobs), yunet, asked):
        without, learnt = row["without"], row["learnt"]
        click.echo(
            f"without {row['left_out']}: {without['slice']}: {without['right']:.2%} of {without['n']} right, "
            f"{learnt['right']:.2%} had it been learnt"
        )


@click.command("left-out-finder")
@click.option("--data", "sources", type=FOLDER, required=True, multiple=True, help="Annotated scenes; all sources.")
@click.option("--of", "left_out", required=True, multiple=True, help="Leave out this source, a folder's name; repeat.")
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv, for collages.")
@click.option("--start", type=FILE, required=True, help="A finder that has not learnt them, a bundle or .keras.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The folder of the runs and of the record.")
@click.option("--again", type=int, help="Batches of 16 scenes, a multiple of 250.  [default: 2500]")
@click.option("--rate", type=float, help="Learning rate; half of it is the peak.  [default: 0.002]")
@click.option("--frozen", help="Freeze the trunk's layers up to this one, e.g. block_5_add.  [default: none]")
@way
def left_out_finder(
    sources: tuple[Path, ...], left_out: tuple[str, ...], portraits: Path | None, start: Path, out: Path, **said: Any
) -> None:
    """Cross-validation by source: train the face finder without a source, and judge it on that source.

    The source's training and validation parts are judged, its test part is not used. Prints the figures, and writes
    OUT/left-out-finder.json.
    """
    from training.finder import left_out_finder, train_finder

    knobs, asked = knobs_and_way("finder", said)
    made = _detectors(train_finder.Knobs(), knobs)
    for row in left_out_finder.run(sources, left_out, portraits, start, out, made, asked):
        click.echo(left_out_finder.line(row))


@click.command("head-search")
@click.argument("model", type=FILE)
@click.option("--data", "sources", type=FOLDER, required=True, multiple=True, help="Annotated scenes; repeatable.")
@click.option("--portraits", type=FOLDER, help="with_mask/, without_mask/ and faces.tsv, for collages.")
@click.option(
    "--yunet", type=FILE, help="YuNet's ONNX file, for trials with a teacher. Give it from the first command on."
)
@click.option(
    "--trial",
    "names",
    multiple=True,
    help="A trial's name; repeat.  [default: all; without --yunet, those without a teacher]",
)
@click.option(
    "--steps", type=int, help="Batches of 16 scenes that are stored; at 320 px, 400 take 3 GB.  [default: 400]"
)
@click.option("--again", type=int, help="Batches of each trial, a multiple of 250.  [default: 1500]")
@click.option("--rate", type=float, help="Peak learning rate.  [default: 0.002]")
@click.option("--seed", type=int, help="Of the scenes.  [default: 0]")
@click.option("--quick", is_flag=True, help="A few pictures, for minutes: to see whether every step works.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The folder of record, chart and checkpoints.")
def head_search(
    model: Path,
    sources: tuple[Path, ...],
    portraits: Path | None,
    yunet: Path | None,
    names: tuple[str, ...],
    out: Path,
    **said: Any,
) -> None:
    """Try changes of neck, heads, loss and labels on the trunk of the finder MODEL (.keras), each alone.

    Judges on the validation parts; writes OUT/head-search.json and head-search.png. Give the command again to
    continue, or with another --trial to add to the record.
    """
    from training.finder import head_search

    knobs, asked = knobs_and_way("head-search", {**said, "force": False})
    head_search.search(model, sources, portraits, yunet, names, out, _detectors(head_search.KNOBS, knobs), asked)


@click.command()
@click.argument("model", type=FILE)
@click.option("--size", type=int, required=True, help="Input side, pixels, a multiple of 32.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The folder of the resized finder.")
@click.option("--force", is_flag=True, help="Overwrite the model that --out holds.")
def resize(model: Path, size: int, out: Path, force: bool) -> None:
    """Write the face finder MODEL (.keras) with the same weights at another input side."""
    from training.finder import resize_finder

    resize_finder.resize(model, size, out, force)
    click.echo(f"made {out / 'model.keras'}: a finder at {size} px; judge it by `python -m convert`")


@click.command("choose-threshold")
@click.argument("model", type=FILE)
@click.option("--data", "sources", type=FOLDER, required=True, multiple=True, help="The scenes it was trained with.")
@click.option("--bundle", "made", type=FILE, help="Choose by the answers of this bundle, which was made from MODEL.")
def choose_threshold(model: Path, sources: tuple[Path, ...], made: Path | None) -> None:
    """Choose the score threshold of the face finder MODEL (.keras) anew, on validation; changes its run.json alone."""
    from training.finder import finder_scenes, finder_threshold
    from training.runs import run_folder

    before = run_folder.read(model)
    material = finder_scenes.gather(sources, None, before.seed)
    run = finder_threshold.choose_again(model, material.validation, material.sha256, made)
    figures = run.metrics["validation" if made is None else "validation, int8"]
    click.echo(
        f"{model}: threshold {run.score_threshold} (it was {before.score_threshold}); "
        f"recall {figures['recall']:.1%}, precision {figures['precision']:.1%} of {figures['faces']} faces"
    )


@click.command("find-faces")
@click.argument("root", metavar="DATA", type=FOLDER)
@click.option(
    "--finder",
    "finders",
    type=FILE,
    multiple=True,
    help="A bundle; repeat to join several.  [the package's, near and far]",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Leave out faces with a lower score.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing table.")
def find_faces(root: Path, finders: tuple[Path, ...], min_score: float, force: bool) -> None:
    """Find the faces in DATA/with_mask and DATA/without_mask, and write them to DATA/faces.tsv, which training reads.

    Also writes DATA/faces.png, a contact sheet with the boxes drawn in: check it before you train.
    """
    from maskwatch.vision import bundle
    from training.pictures import find_faces

    known = [path for far in (False, True) if (path := bundle.default_path("face", far)).is_file()]
    looked = find_faces.write(root, finders or known, min_score, force)
    for line in find_faces.lines(root, looked):
        click.echo(line)
