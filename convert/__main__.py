"""python -m convert MODEL.keras --data DIR -o OUT.tflite"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is first imported: its chatter is not ours

import click

from convert import gates, recipe
from convert.recipe import BACK_ENDS, REFERENCE, SHIPPED, VARIANTS, Recipe, Variant
from maskwatch import bundle, command
from maskwatch.errors import ConfigError

if TYPE_CHECKING:
    from convert.conversion import Conversion

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("model", type=NEW)
@click.option("--data", "folders", type=FOLDER, multiple=True, required=True, help="What it was trained on; repeat.")
@click.option("-o", "--out", type=NEW, required=True, help="The int8 bundle; the others and the recipe lie beside it.")
@click.option("--report", "reports", type=FOLDER, help="Folder of the report, if not that of OUT.")
@click.option("--recipe", "file", type=NEW, help="A recipe to make again; what is said besides goes before it.")
@click.option("--variants", help=f"Some of {','.join(VARIANTS)}; {SHIPPED} if nothing is said.")
@click.option("--back-end", type=click.Choice(BACK_ENDS), help=f"Of {SHIPPED}; {BACK_ENDS[0]} if nothing is said.")
@click.option("--keep-float", multiple=True, metavar="LAYER", help=f"Leave it in float in {SHIPPED}; repeat.")
@click.option("--calibration", type=click.IntRange(min=2), help="Pictures that set the ranges; 300 if nothing is said.")
@click.option("--seed", type=int, help="Of the choice of those pictures.")
@click.option("--gate", "limits", multiple=True, metavar="MEASURE=LIMIT", help="Another limit for a gate; repeat.")
def cli(
    model: Path,
    folders: tuple[Path, ...],
    out: Path,
    reports: Path | None,
    file: Path | None,
    variants: str | None,
    limits: tuple[str, ...],
    **said: Any,
) -> None:
    """Make variants of MODEL (.keras, with its run.json), judge each against its float self, write bundles and proof.

    A gate that fails: exit code 1, the report is written, no bundle is.
    """
    if not out.parent.is_dir():
        raise ConfigError(f"-o {out}: no folder {out.parent}; make it first")
    asked = _recipe(file, variants, dict(map(_limit, limits)), said)
    from convert.conversion import convert

    done = convert(model, folders, asked)
    report = _report(done, (reports or out.parent) / out.stem)
    click.echo(table(done))
    if done.failures:
        for failure in done.failures:
            click.echo(f"convert: gate failed: {failure}", err=True)
        click.echo(f"convert: no model written; the report is {report}", err=True)
        sys.exit(1)
    _ship(done, out)
    click.echo(f"the report is {report}")


def _recipe(file: Path | None, variants: str | None, limits: dict[str, float], said: dict[str, Any]) -> Recipe:
    """What the file says, and over it what the command line says."""
    known = recipe.read(file) if file else Recipe()
    given = {name: value for name, value in said.items() if value not in (None, ())}
    if variants is not None:
        given["variants"] = _variants(variants)
    return Recipe.model_validate({**known.model_dump(), **given, "gates": {**known.gates, **limits}})


def _variants(text: str) -> tuple[Variant, ...]:
    names = text.split(",")
    for name in names:
        if name not in VARIANTS:
            raise ConfigError(f"--variants {text}: no variant {name!r}; expected some of {', '.join(VARIANTS)}")
    return cast("tuple[Variant, ...]", tuple(names))


def _limit(text: str) -> tuple[str, float]:
    """`flips=0.5` -> ("flips", 0.5)."""
    name, _, value = text.partition("=")
    known = sorted({name for task in gates.QUALITY_GATES for name in gates.known(task)})
    if name not in known:
        raise ConfigError(f"--gate {text}: no gate {name!r}; expected one of {', '.join(known)}")
    try:
        return name, float(value)
    except ValueError as error:
        raise ConfigError(f"--gate {text}: {value!r} is no number; expected e.g. {name}=0.5") from error


def _report(done: Conversion, stem: Path) -> Path:
    """The report three times: as data, for a repository, for a browser. Returns the second."""
    from convert import page, proof

    report = proof.summary(done)
    _write(stem.with_name(f"{stem.name}.report.json"), proof.text(report))
    _write(stem.with_name(f"{stem.name}.report.html"), page.html(report))
    path = stem.with_name(f"{stem.name}.report.md")
    _write(path, page.markdown(report))
    return path


def _ship(done: Conversion, out: Path) -> None:
    """Every variant that was asked for, and the recipe they were made by."""
    for variant in done.recipe.variants:
        path = path_of(out, variant, done.recipe.variants)
        bundle.write(path, done.made[variant].flatbuffer, done.card(variant))
        click.echo(f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB)")
    path = out.with_suffix(".recipe.json")
    _write(path, recipe.text(done.recipe))
    click.echo(f"wrote {path}")


def path_of(out: Path, variant: Variant, variants: Sequence[Variant]) -> Path:
    """OUT is the int8 bundle, or the only one; the others have their variant in the name."""
    return out if variant == SHIPPED or len(variants) == 1 else out.with_suffix(f".{variant}{out.suffix}")


def table(conversion: Conversion) -> str:
    """Every gate, a line each, for people."""
    lines = [f"{'variant':<9}{'gate':<18}{'found':>10}  {'limit':<10}unit"]
    for variant, made in conversion.made.items():
        failed = {failure.gate.measure for failure in made.failures}
        for gate in made.gates:
            limit = f"{'>=' if gate.at_least else '<='} {gate.limit:g}"
            word = "FAIL" if gate.measure in failed else "ok"
            found = f"{made.measures[gate.measure]:>10.3f}"
            lines.append(f"{variant:<9}{gate.measure:<18}{found}  {limit:<10}{gate.unit}  {word}")
    lines += [
        f"{variant}: {len(conversion.validation.changes(variant))} verdicts changed on validation"
        for variant in conversion.made
        if variant != REFERENCE
    ]
    lines += [f"left out: {line}" for line in conversion.unreadable]
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert`."""
    command.run(cli, "python -m convert", arguments)


if __name__ == "__main__":
    main()
