"""python -m convert MODEL.keras --data DIR -o OUT.tflite"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is first imported: its chatter is not ours

import click

from convert import gates
from maskwatch import bundle, command
from maskwatch.errors import ConfigError

if TYPE_CHECKING:
    from convert.conversion import Conversion

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("model", type=NEW)
@click.option("--data", "folders", type=FOLDER, multiple=True, required=True, help="What it was trained on; repeat.")
@click.option("-o", "--out", type=NEW, required=True, help="The bundle; its report is written beside it.")
@click.option("--calibration", type=click.IntRange(min=2), default=300, show_default=True, help="Pictures.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice of those pictures.")
@click.option("--gate", "limits", multiple=True, metavar="MEASURE=LIMIT", help="Another limit for a gate; repeat.")
def cli(
    model: Path, folders: tuple[Path, ...], out: Path, calibration: int, seed: int, limits: tuple[str, ...]
) -> None:
    """Quantize MODEL (.keras, with its run.json) to int8, judge it against its float self, write the bundle.

    A gate that fails: exit code 1, the report is written, the bundle is not.
    """
    recipe_limits = dict(_limit(text) for text in limits)
    if not out.parent.is_dir():
        raise ConfigError(f"-o {out}: no folder {out.parent}; make it first")
    from convert.conversion import Recipe, convert, summary

    done = convert(model, folders, Recipe(calibration, seed, recipe_limits))
    report = out.with_suffix(".report.json")
    _write(report, json.dumps(summary(done), indent=1) + "\n")
    click.echo(table(done))
    if done.failures:
        for failure in done.failures:
            click.echo(f"convert: gate failed: {failure}", err=True)
        click.echo(f"convert: no model written; the report is {report}", err=True)
        sys.exit(1)
    bundle.write(out, done.flatbuffer, done.card())
    click.echo(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB) and {report}")


def _limit(text: str) -> tuple[str, float]:
    """`flips=0.5` -> ("flips", 0.5)."""
    name, _, value = text.partition("=")
    known = sorted({gate.measure for task in gates.GATES.values() for gate in task})
    if name not in known:
        raise ConfigError(f"--gate {text}: no gate {name!r}; expected one of {', '.join(known)}")
    try:
        return name, float(value)
    except ValueError as error:
        raise ConfigError(f"--gate {text}: {value!r} is no number; expected e.g. {name}=0.5") from error


def table(conversion: Conversion) -> str:
    """Every gate, a line each, for people."""
    failed = {failure.gate.measure for failure in conversion.failures}
    lines = [f"{'gate':<18}{'found':>10}  {'limit':<10}unit"]
    for gate in conversion.gates:
        limit = f"{'>=' if gate.at_least else '<='} {gate.limit:g}"
        word = "FAIL" if gate.measure in failed else "ok"
        lines.append(f"{gate.measure:<18}{conversion.measures[gate.measure]:>10.3f}  {limit:<10}{gate.unit}  {word}")
    changed = conversion.judgement.listed()
    lines.append(f"{len(changed)} verdicts changed; each is in the report")
    lines += [f"left out: {line}" for line in conversion.unreadable]
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m convert`."""
    command.run(cli, "python -m convert", arguments)


if __name__ == "__main__":
    main()
