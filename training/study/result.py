"""The end of a training of the study: its record, and what is printed about it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from maskwatch.records.run import Run
from maskwatch.vision import preprocess
from training.pictures import data, quick
from training.runs import checkpoints, run_folder
from training.study import parts
from training.study.options import Options
from training.study.variants import Variant


def record(
    variant: Variant,
    split: parts.Parts,
    options: Options,
    curves: checkpoints.Curves,
    chosen: int,
    temperature: float,
    bias: float,
) -> Run:
    """run.json, which convert and the comparison read."""
    accuracy = float(curves["val_accuracy"][chosen])
    print(
        f"{variant.key}: {len(curves['loss'])} epochs in {sum(curves['seconds']):.0f} s; epoch {chosen + 1} is kept, "
        f"{accuracy:.2%} of {len(split.check)} checked photographs right",
        flush=True,
    )
    return Run(
        name=variant.network,
        task="mask",
        labels=data.LABELS,
        input_size=options.size or variant.size,
        margin=preprocess.FACE_MARGIN,
        temperature=temperature,
        bias=bias,
        seed=parts.SPLIT_SEED,
        split_sha256=split.sha256,
        knobs={
            **asdict(options),
            "variant": variant.name,
            "kept_epoch": chosen + 1,
            "learnt": len(split.learn),
            "checked": len(split.check),
            "recipe": asdict(variant),
        },
        versions=run_folder.versions(),
        history=dict(curves),
        metrics={"checked": {"n": len(split.check), "accuracy": round(accuracy, 4)}},
    )


def say(run: Run, folder: Path) -> None:
    """The end of a training: its file, how good it is, and the next step."""
    model, checked = folder / "model.keras", run.metrics["checked"]
    print(f"made {model}: {run.name} at {run.input_size} px; {checked['accuracy']:.2%} of {checked['n']} right")
    if run.quick:
        print(quick.SAID)
    print(f"next: python -m training judge {folder} --data DATA -o RECORD.json", flush=True)
