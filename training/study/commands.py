"""The study's part of the command line: --protocol for the commands that train, `judge` and `compare`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from maskwatch.errors import ConfigError
from training.options import FILE, FOLDER, NEW_FOLDER, scenes, way
from training.runs.knobs import Way
from training.study import variants

Command = TypeVar("Command", bound=Callable[..., Any])
DEVICE = "device"
# Options that only the study's protocols have
STUDY_ONLY = {"protocol", "variant", "share", "limit", "bfloat16", "data_parallel"}
# Options of both kinds of training
SHARED = {"root", "out", "size", "epochs", "seed", "weights", "force", "quick"}
QUICK = {"limit": 64, "epochs": 2}


def by_protocol(network: str, default: str = DEVICE) -> Callable[[Command], Command]:
    """Add the study's protocols to a command: `--protocol honest` or `study`; without them, it trains as before."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**values: Any) -> Any:
            protocol = values["protocol"] or (default if values["variant"] is None else "honest")
            if protocol != DEVICE:
                return _study(network, protocol, values)
            _refuse(STUDY_ONLY - {"protocol"}, "belongs to --protocol honest and study")
            return command(**{name: value for name, value in values.items() if name not in STUDY_ONLY})

        protocols = [DEVICE, "honest", "study"] if default == DEVICE else ["honest", "study"]
        return _options(run, network, protocols, default)  # type: ignore[return-value]

    return decorate


def _options(run: Callable[..., Any], network: str, protocols: list[str], default: str) -> Callable[..., Any]:
    names = [variant.name for variant in variants.of(network)]
    protocol_help = (
        f"{default} by default{', honest with --variant' * (default == DEVICE)}. honest: whole photographs, the epoch "
        "chosen on validation, the test part left alone. study: 80/20 at random, the best epoch on the 20."
    )
    for option in (
        click.option("--data-parallel", is_flag=True, help="All devices, on KERAS_BACKEND=jax; docs/study.md."),
        click.option("--bfloat16", is_flag=True, help="Mixed precision: quicker for AlexNet on a Xeon with AMX."),
        click.option(
            "--limit", type=click.IntRange(min=4), help="Train on this number of photographs, for a quick try."
        ),
        click.option(
            "--share",
            type=click.FloatRange(0, 100, min_open=True),
            default=100,
            help="Train on this percentage of the photographs.",
        ),
        click.option(
            "--variant", type=click.Choice(names), help="Variant of the study's training; by default the last."
        ),
        click.option("--protocol", type=click.Choice(protocols), help=protocol_help),
    ):
        run = option(run)
    return run


def _refuse(names: set[str], why: str) -> None:
    """Refuse options that have no meaning here, if the user gave them."""
    context = click.get_current_context()
    for name in sorted(names & context.params.keys()):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise ConfigError(f"--{name.replace('_', '-')}: {why}; expected without it")


def _study(network: str, protocol: Any, values: dict[str, Any]) -> None:
    """Train a variant. Options that the user does not give keep the variant's values."""
    _refuse(values.keys() - STUDY_ONLY - SHARED, f"has no meaning with --protocol {protocol}")
    choices = variants.of(network)
    variant = next((choice for choice in choices if choice.name == values["variant"]), choices[-1])
    if variant.frozen and not values.get("weights"):
        raise ConfigError(f"--weights: {variant.key} needs ImageNet's weights; give a file of them, or 'imagenet'")
    source = click.get_current_context().get_parameter_source
    overrides = {name: values[name] for name in ("epochs", "size") if source(name) is ParameterSource.COMMANDLINE}
    if values["quick"]:
        overrides = {**QUICK, **overrides}
    if values["limit"]:
        overrides["limit"] = values["limit"]
    from training.study import train

    options = train.Options(
        protocol=protocol,
        seed=values["seed"],
        share=values["share"] / 100,
        bfloat16=values["bfloat16"],
        data_parallel=values["data_parallel"],
        **overrides,
    )
    mode = Way(values["force"], values["quick"])
    train.train(variant, values.get("weights"), values["root"], values["out"], options, mode)


@click.command("deep_cnn")
@by_protocol("deep_cnn", "honest")
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The run's folder.")
@click.option("--size", type=click.IntRange(min=16), help="Input side, pixels.  [default: 128]")
@click.option("--epochs", type=click.IntRange(min=1), help="At most.  [default: 80]")
@click.option("--seed", type=int, default=0, show_default=True)
@way
def deep_cnn(**values: Any) -> None:
    """The study's custom network of 128 layers, from random weights. Give the command again to continue a run."""


@click.command()
@click.argument("run", metavar="RUN", type=FOLDER)
@click.option("--data", "root", type=FOLDER, required=True, help="with_mask/ and without_mask/ photographs.")
@scenes("Pascal VOC scenes whose faces are judged too; repeat for each source.")
@click.option("--int8", type=FILE, help="The run's int8 bundle, of `python -m convert`.")
@click.option("--again", is_flag=True, help="Judge even if the test part was judged before; the record says so.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Write the record to this .json file.",
)
def judge(run: Path, root: Path, scenes: tuple[Path, ...], int8: Path | None, again: bool, out: Path) -> None:
    """Judge the training in the folder RUN on the photographs that it has not seen; for `compare`.

    This step uses the test part, so choose everything on the validation part before. It refuses a second time.
    """
    if not out.parent.is_dir():
        raise ConfigError(f"-o {out}: no folder {out.parent}; make it first")
    from training.study import judge

    done = judge.judge(judge.Subject(run, int8, root, scenes), out, again)
    for name, judged in done.judged.items():
        for part, scores in judged.parts.items():
            right = (scores.classes().argmax(axis=1) == scores.truths()).mean()
            click.echo(f"{done.network} {done.variant}, {name}, {part}: {right:.2%} of {len(scores.truth)} right")
    click.echo(f"wrote {out}")


@click.command()
@click.argument("records", metavar="RECORDS…", nargs=-1, required=True, type=FILE)
@click.option("-o", "--out", type=NEW_FOLDER, required=True, help="Folder of the report.")
def compare(records: tuple[Path, ...], out: Path) -> None:
    """Compare the networks: writes comparison.md, .html and .json from RECORDS.

    RECORDS are files of `python -m training judge`, and of `python -m benchmarks run` for the time on a board.
    """
    from training.study import report

    written = report.write(records, out)
    for sentence in json.loads(written[0].read_text())["answer"]:
        click.echo(sentence)
    for path in written:
        click.echo(f"wrote {path}")
