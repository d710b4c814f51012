"""The files of a conversion: bundles, the recipe that made them, and the report. Each file is replaced at once or not
at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convert import page, proof, recipe
from convert.conversion import Conversion
from convert.recipe import SHIPPED, VARIANTS, Variant
from maskwatch.records.proof import Proof
from maskwatch.system import whole_file
from maskwatch.vision import bundle


def report(done: Conversion, stem: Path) -> Path:
    """Write the report three times: JSON, Markdown for a repository, HTML for a browser. Returns the Markdown file."""
    found = Proof.model_validate(proof.summary(done)).as_json()
    path = report_of(stem, "md")
    for kind, text in (("json", proof.text(found)), ("html", page.html(found)), ("md", page.markdown(found))):
        write(report_of(stem, kind), text)
    return path


def report_of(stem: Path, kind: str) -> Path:
    """The path of a report: `runs/mask`, `md` -> `runs/mask.report.md`."""
    return stem.with_name(f"{stem.name}.report.{kind}")


def ship(done: Conversion, out: Path) -> list[Path]:
    """Write every variant that passed, and the recipe that made them. Returns what was written."""
    written = [path_of(out, variant, done.recipe.variants) for variant in done.passed]
    for variant, path in zip(done.passed, written, strict=True):
        bundle.write(path, done.made[variant].flatbuffer, done.card(variant))
    write(recipe_of(out), recipe.text(done.recipe))
    return [*written, recipe_of(out)]


def set_aside(done: Conversion, out: Path) -> list[tuple[Path, Path]]:
    """Rename bundles of an earlier conversion that this one does not overwrite, because the new report is not about
    them. Returns their old and new paths.
    """
    written = {path_of(out, variant, done.recipe.variants) for variant in done.passed}
    known = {out, *(out.with_suffix(f".{variant}{out.suffix}") for variant in VARIANTS)}
    moved = [(path, path.with_suffix(f".earlier{path.suffix}")) for path in sorted(known - written) if path.exists()]
    for path, aside in moved:
        path.replace(aside)
    return moved


def recipe_of(out: Path) -> Path:
    """The path of a bundle's recipe."""
    return out.with_suffix(".recipe.json")


def path_of(out: Path, variant: Variant, variants: Sequence[Variant]) -> Path:
    """OUT for the int8 bundle or an only one; other variants have their name in the file name."""
    return out if variant == SHIPPED or len(variants) == 1 else out.with_suffix(f".{variant}{out.suffix}")


def write(path: Path, text: str) -> None:
    """Write a text file."""
    whole_file.write(path, text)
