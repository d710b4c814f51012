"""Commands that write documents from records: the page with pictures, and the tables in README and docs."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks import records
from benchmarks.commands.options import FOLDER, NEW_FOLDER, RESULTS, named
from benchmarks.report import readme


@click.command("report")
@click.option(
    "--proof",
    "proofs",
    metavar="NAME=FILE|FOLDER",
    multiple=True,
    help="convert's report.json of the network NAME, or a folder of NAME.report.json; repeat.",
)
@click.option("--results", type=FOLDER, default=RESULTS, show_default="here")
@click.option("--out", type=NEW_FOLDER, default=Path("runs/report"), show_default=True)
def make_report(proofs: tuple[str, ...], results: Path, out: Path) -> None:
    """Show every board's run.json as a page with pictures: index.html and report.md."""
    from benchmarks.report import accuracy, pages  # needs extra `train`

    judged = {
        (name, variant): found
        for text in proofs
        for name, file in (accuracy.proofs(Path(text)) if Path(text).is_dir() else [named(text)])
        for variant, found in accuracy.read(file).items()
    }
    written, left_out = pages.write(results, out, judged)
    for network in left_out:
        click.echo(f"left out: {network}, judged and not measured; time it by `benchmarks run {network}/int8=FILE`")
    for page in written:
        click.echo(f"wrote {page}")


@click.command("readme")
def refresh_readme() -> None:
    """Write the tables in README and docs from the committed records."""
    for document in readme.DOCUMENTS:
        before = document.read_text()
        after = readme.refreshed(before)
        if after != before:
            records.write(after, document)
        click.echo(f"{document.name}: {len(readme.TABLE.findall(after))} tables")
