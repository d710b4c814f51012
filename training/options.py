"""Options that several commands of `python -m training` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from maskwatch.errors import SourceError
from training.pictures import quick
from training.runs.knobs import FineTuning, Knobs, Way

Command = TypeVar("Command", bound=Callable[..., Any])
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(path_type=Path)  # a file or a folder
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
PART = click.Choice(["all", "train", "validation", "test"])


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def scenes(help_text: str, required: bool = False) -> Callable[[Command], Command]:
    """The option for folders of annotated scenes, one a source."""
    return click.option("--scenes", type=FOLDER, multiple=True, required=required, help=help_text)


def way(command: Command) -> Command:
    """Options about how a training is run, beside its knobs."""
    return _options(
        click.option("--force", is_flag=True, help="Delete the training that --out holds, finished or not."),
        click.option("--quick", is_flag=True, help="A few pictures, for minutes: to see whether every step works."),
    )(command)


def knobs_and_way(network: str, given: dict[str, Any]) -> tuple[dict[str, Any], Way]:
    """The knobs of a command, and how its training is run; --quick changes the knobs that the user did not give."""
    asked = Way(given.pop("force"), given.pop("quick"))
    source = click.get_current_context().get_parameter_source
    left = {name for name in given if source(name) is not ParameterSource.COMMANDLINE}
    small = {name: value for name, value in quick.KNOBS[network].items() if name in left or name not in given}
    return {**given, **(small if asked.quick else {})}, asked


def recipe(knobs: Knobs) -> Callable[[Command], Command]:
    """The options of every classifier's recipe, with one network's defaults."""
    return _options(
        click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs."),
        scenes("Pascal VOC scenes whose faces are learnt too; repeat for each source."),
        click.option("--out", type=NEW_FOLDER, required=True, help="The run's folder."),
        knob("--size", int, knobs.size, "Input side, pixels."),
        knob(
            "--epochs", click.IntRange(min=1), knobs.epochs, "Epochs of the longest phase; the other phases are added."
        ),
        knob("--looks", click.IntRange(min=1), knobs.looks, "Augmented views of faces in an epoch."),
        knob("--rate", float, knobs.rate, "Peak learning rate."),
        knob(
            "--incorrect",
            click.FloatRange(0, 1),
            knobs.incorrect,
            "Share of wrongly worn masks in the views of scenes.",
        ),
        click.option("--yunet", type=FILE, help="YuNet's ONNX file: masks put on bare faces follow the head's turn."),
        knob("--seed", int, knobs.seed, "Seed of the split, the views and random weights."),
        way,
    )


def fine_tuning(knobs: FineTuning) -> Callable[[Command], Command]:
    """The options of a recipe that starts with existing weights."""
    return _options(
        recipe(knobs),
        click.option("--weights", help="Keras weights file of the base without top, or 'imagenet'."),
        click.option(
            "--start",
            type=FILE,
            help="A mask model (.keras) or bundle to continue from, instead of --weights: no head phases.",
        ),
        knob("--alpha", float, knobs.alpha, "Width of the base."),
        knob("--settling", click.IntRange(min=1), knobs.settling, "Epochs of the last phase."),
        knob("--frozen", str, knobs.frozen, "Layers of the base up to this one are frozen."),
    )


def knob(name: str, kind: Any, default: Any, help_text: str) -> Callable[[Command], Command]:
    """One option that shows its default in the help."""
    return click.option(name, type=kind, default=default, show_default=True, help=help_text)


def need(weights: str | None, start: Path | None = None) -> None:
    """Check that one of the two is given, and that a weights file exists, before the slow import of Keras."""
    if (weights is None) == (start is None):
        raise click.UsageError("Give either --weights or --start.")
    if weights is not None and weights != "imagenet" and not Path(weights).is_file():
        raise SourceError(f"weights {weights}: no such file; expected a Keras .weights.h5 file or 'imagenet'")
