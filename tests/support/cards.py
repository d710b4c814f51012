"""Model cards for tests."""

from maskwatch.flow import Label
from maskwatch.vision import preprocess
from maskwatch.vision.model_card import ModelCard, Task

VERDICTS = (Label.WITH_MASK, Label.WITHOUT_MASK)


def card(task: Task = "mask", **fields: object) -> ModelCard:
    known: dict[str, object] = {
        "name": "mobilenet_v2",
        "task": task,
        "labels": ("face",) if task == "face" else VERDICTS,
        "input_size": 224,
        "preprocess_version": preprocess.VERSION,
        "sha256": "",
        "metrics": {"accuracy": 0.99, "n": 1812},
    }
    return ModelCard.model_validate(known | fields)
