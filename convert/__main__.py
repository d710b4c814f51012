"""python -m convert MODEL.keras --data DIR -o OUT.tflite"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from convert import gates, recipe
from convert.recipe import BACK_ENDS, REFERENCE, SHIPPED, VARIANTS, Recipe, Variant
from maskwatch.cli import command
from maskwatch.errors import ConfigError, ModelError
from training.runs import memory

if TYPE_CHECKING:
    from convert.conversion import Conversion

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW = click.Path(path_type=Path, dir_okay=False)
QUICK_CALIBRATION = 40  # pictures, with --quick
OFF = "off"  # this limit removes the gate


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "folders",
    type=FOLDER,
    multiple=True,
    help="Folder of the data that it was trained on; repeat for several.",
)
@click.option(
    "-o", "--out", type=NEW, required=True, help="The int8 bundle; other variants and the recipe are written beside it."
)
@click.option("--report", "reports", type=FOLDER, help="Folder of the report.  [default: the folder of OUT]")
@click.option("--recipe", "file", type=NEW, help="Use this recipe again; other options override it.")
@click.option("--variants", help=f"Some of {','.join(VARIANTS)}; {SHIPPED} by default.")
@click.option("--back-end", type=click.Choice(BACK_ENDS), help=f"Converter for {SHIPPED}; {BACK_ENDS[0]} by default.")
@click.option("--keep-float", multiple=True, metavar="LAYER", help=f"Keep this layer in float in {SHIPPED}; repeat.")
@click.option("--calibration", type=click.IntRange(min=2), help="Pictures that set the ranges; 300 by default.")
@click.option("--seed", type=int, help="Seed for the choice of the calibration pictures.")
@click.option(
    "--gate",
    "limits",
    multiple=True,
    metavar="MEASURE=LIMIT",
    help="Change the limit of a gate, or switch the gate off; repeat.",
)
@click.option("--quick", is_flag=True, help="A few pictures; bundles are written even if gates fail, and are marked.")
@click.option("--task", type=click.Choice(("mask", "face")), help="For a model that others trained, without run.json.")
@click.option("--labels", help="Its classes in the order of its outputs, e.g. with_mask,without_mask.")
@click.option(
    "--size", type=click.IntRange(min=8, max=2048), help="Side of its input, pixels, if the file does not give it."
)
@click.option(
    "--margin", type=click.FloatRange(0, 1), help="Margin around the faces it was trained on, as a share of their side."
)
@click.option("--pixels", help="Scaling of its input: 0..255, 0..1, -1..1, caffe or torch (Keras' names).")
@click.option("--channels", type=click.Choice(("rgb", "bgr", "grey")), help="Their order; OpenCV's is bgr.")
def cli(
    model: Path,
    folders: tuple[Path, ...],
    out: Path,
    reports: Path | None,
    file: Path | None,
    variants: str | None,
    limits: tuple[str, ...],
    task: str | None,
    labels: str | None,
    size: int | None,
    margin: float | None,
    pixels: str | None,
    channels: str | None,
    **options: Any,
) -> None:
    """Make variants of MODEL (.keras, with its run.json), compare each with the float model, write bundles and proof.

    With --task mask, MODEL is a .keras, .h5 or .tflite that others trained. If --labels, --pixels or --channels is
    missing, every possibility is tried on the photographs of --data (with_mask/ and without_mask/). Without --data the
    model is packed, but not judged.

    If a gate fails, the exit code is 1, the report is written, and the bundle of that variant is not. An older bundle
    that is not overwritten is renamed to NAME.earlier.tflite. Loosened gates, and --quick in training or here, are
    mentioned in the report, in the bundle's card and by `maskwatch check`.
    """
    if not out.parent.is_dir():
        raise ConfigError(f"-o {out}: there is no folder {out.parent}; create it first")
    chosen_recipe = _recipe(file, variants, dict(map(_limit, limits)), options)
    of_others = {"labels": labels, "size": size, "margin": margin, "scaled": pixels, "channels": channels}
    _require_consistent(model, folders, task, of_others)
    from convert import files

    chosen = file is not None or variants is not None
    done = _foreign(model, folders, chosen_recipe, of_others, chosen) if task else _ours(model, folders, chosen_recipe)
    for line in small(done):
        click.echo(f"convert: {line}", err=True)
    report = files.report(done, (reports or out.parent) / out.stem)
    click.echo(table(done))
    for failure in done.failures:
        click.echo(f"convert: gate failed: {failure}", err=True)
    for old, new in files.set_aside(done, out):
        click.echo(f"convert: {old}, of an earlier conversion, was renamed to {new.name}", err=True)
    for path in files.ship(done, out):
        click.echo(f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB)")
    for caveat in done.card(REFERENCE).caveats:
        click.echo(f"marked: {caveat}")
    click.echo(f"the report is {report}")
    if set(done.recipe.variants) - set(done.passed):
        withheld = [variant for variant in done.recipe.variants if variant not in done.passed]
        click.echo(f"convert: not written: {', '.join(withheld)}", err=True)
        sys.exit(1)


def _require_consistent(model: Path, folders: Sequence[Path], task: str | None, of_others: Mapping[str, Any]) -> None:
    """Refuse a call that fits neither a model of ours nor one of others."""
    record = model.parent / "run.json"
    if task is None:
        if given := [name for name, value in of_others.items() if value is not None]:
            raise ConfigError(
                f"--{given[0].replace('scaled', 'pixels')}: only for a model of others; give --task mask too"
            )
        if model.is_file() and not record.is_file():
            raise ModelError(f"model {model}: no run.json beside it; a model of others needs --task mask, see --help")
        if not folders:
            raise ConfigError(
                "--data: expected the data that the model was trained on; it is optional only with --task mask"
            )
        return
    if task == "face":
        finders = "only those of `python -m training train finder` are packed; see [face] engine for YuNet"
        raise ConfigError(f"--task face: the outputs of other finders differ; {finders}")
    if record.is_file():
        raise ConfigError(
            f"--task: {record} describes the model already; leave out --task, or move MODEL to another folder"
        )


def _ours(model: Path, folders: Sequence[Path], chosen_recipe: Recipe) -> Conversion:
    from convert.conversion import convert

    return convert(model, folders, chosen_recipe)


def _foreign(
    model: Path, folders: Sequence[Path], chosen_recipe: Recipe, of_others: Mapping[str, Any], chosen: bool
) -> Conversion:
    from convert.foreign import declared, pixels
    from convert.foreign.convert_foreign import convert_foreign

    scaled, labels = of_others["scaled"], of_others["labels"]
    if scaled not in (None, *pixels.SCALED):
        raise ConfigError(f"--pixels {scaled}: expected one of {', '.join(pixels.SCALED)}")
    given = declared.Declared(**{**of_others, "labels": declared.labels(labels) if labels else None})
    return convert_foreign(model, given, folders, chosen_recipe, lambda line: click.echo(f"{model}: {line}"), chosen)


def _recipe(
    file: Path | None, variants: str | None, limits: dict[str, float | None], options: dict[str, Any]
) -> Recipe:
    """The recipe of the file, overridden by the command line."""
    known = recipe.read(file) if file else Recipe()
    # 0 counts as given
    given = {name: value for name, value in options.items() if value not in (None, ()) and value is not False}
    if given.get("quick") and "calibration" not in given:
        given["calibration"] = QUICK_CALIBRATION
    if variants is not None:
        given["variants"] = _variants(variants)
    return Recipe.model_validate({**known.model_dump(), **given, "gates": {**known.gates, **limits}})


def _variants(text: str) -> tuple[Variant, ...]:
    names = text.split(",")
    for name in names:
        if name not in VARIANTS:
            raise ConfigError(f"--variants {text}: no variant {name!r}; expected some of {', '.join(VARIANTS)}")
    return cast("tuple[Variant, ...]", tuple(names))


def _limit(text: str) -> tuple[str, float | None]:
    """`flips=0.5` -> ("flips", 0.5); `flips=off` -> ("flips", None)."""
    name, _, value = text.partition("=")
    known = sorted({name for task in gates.QUALITY_GATES for name in gates.default_limits(task)})
    if name not in known:
        raise ConfigError(f"--gate {text}: no gate {name!r}; expected one of {', '.join(known)}")
    try:
        return name, None if value == OFF else _finite(value)
    except ValueError as error:
        raise ConfigError(
            f"--gate {text}: {value!r} is not a number; expected e.g. {name}=0.5 or {name}={OFF}"
        ) from error


def _finite(text: str) -> float:
    """A finite number. NaN would fail every gate, and infinity would pass every gate."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def small(conversion: Conversion) -> Iterator[str]:
    """A line for each part that is so small that its figures mean little."""
    from training.pictures import sizes

    for part, judgement in (("validation", conversion.validation), ("test", conversion.test)):
        for name, count in (judgement.counts() if judgement else {}).items():
            if count < sizes.LEAST_CHECKED:
                yield f"{count} of {name} in the {part} part: fewer than {sizes.LEAST_CHECKED} give no reliable figure"


def table(conversion: Conversion) -> str:
    """Every gate, a line each, for people."""
    lines = [f"{'variant':<9}{'gate':<18}{'found':>10}  {'limit':<10}unit"]
    for variant, made in conversion.made.items():
        failed = {failure.gate.measure for failure in made.failures}
        for gate in made.gates:
            limit = OFF if gate.limit is None else f"{'>=' if gate.at_least else '<='} {gate.limit:g}"
            word = "FAIL" if gate.measure in failed else "ok"
            found = f"{made.measures[gate.measure]:>10.3f}"
            lines.append(f"{variant:<9}{gate.measure:<18}{found}  {limit:<10}{gate.unit}  {word}")
    if conversion.validation is None:
        lines.append("not judged: without photographs (--data) its accuracy cannot be measured")
    else:
        lines += [
            f"{variant}: {len(conversion.validation.changes(variant))} verdicts changed on validation"
            for variant in conversion.made
            if variant != REFERENCE
        ]
    lines += [f"left out: {line}" for line in conversion.unreadable]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert`."""
    command.run(cli, "python -m convert", arguments, extra="train")


if __name__ == "__main__":
    memory.keep_freed_memory()
    main()
