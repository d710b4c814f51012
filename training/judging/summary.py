"""Prints the end of a training: the model, its figures on the validation part, and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from maskwatch.records.run import Run
from training.judging import mistakes
from training.pictures import quick
from training.runs.course import duration

MEASURES = {"map50": "mAP50", "face_ap50": "AP50 of faces", "precision": "precision", "recall": "recall"}


def lines(out: Path, run: Run) -> Iterator[str]:
    """The summary of a training whose record is written."""
    took = sum(run.history.get("seconds", ()))
    yield f"made {out / 'model.keras'}: {run.name} at {run.input_size} px, trained for {duration(took)}"
    figures = run.metrics.get("validation", {})
    yield "on the validation part: " + (_classifier(figures) if run.task == "mask" else _detector(run, figures))
    if "mistakes" in figures:
        yield mistakes.line(mistakes.Mistakes(**figures["mistakes"]))
    if run.quick:
        yield quick.SAID
    yield f"next: python -m convert {out / 'model.keras'} --data DATA… -o {out / f'{run.task}.tflite'}"


def finished(out: Path, run: Run) -> Iterator[str]:
    """The summary of a finished training that was started again."""
    yield f"{out}: this training is finished already, nothing to do (--force trains it anew)"
    yield from lines(out, run)


def _classifier(figures: dict[str, Any]) -> str:
    if not figures:
        return "not judged"
    share = 100 * figures["right"] / max(1, figures["n"])
    mistakes = (
        f"{figures['masked_called_bare']} of {figures['masked']} masked called bare",
        f"{figures['bare_called_masked']} of {figures['bare']} bare called masked",
        f"{figures['worn_wrong_called_masked']} of {figures['worn_wrong']} masks worn wrong called masked",
    )
    return f"{figures['right']} of {figures['n']} faces right ({share:.1f} %); {', '.join(mistakes)}"


def _detector(run: Run, figures: dict[str, Any]) -> str:
    measures = [f"{words} {figures[name]:.3f}" for name, words in MEASURES.items() if name in figures]
    return f"{', '.join(measures) or 'not judged'}, at its threshold of {run.score_threshold:g}"


def say(lines: Iterable[str]) -> None:
    """Print each line at once, so that a log has it too."""
    for line in lines:
        print(line, flush=True)
