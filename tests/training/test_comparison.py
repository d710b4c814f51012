"""The comparison shows the records' figures (computed by hand here) and leaves quick tries out."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import measured
import pytest

pytest.importorskip("sklearn", reason="needs extra `train`")

from maskwatch.errors import SourceError
from maskwatch.records.speed import Run as BoardRun
from training import __main__ as program
from training.study import comparison, drawings, judged, measures, report, sections, variants
from training.study import rows as study_rows

TRUTH = "0000011111"
COMMITTED = Path(__file__).parents[2] / "training" / "results" / "comparison"


def scores(bare: list[float], photos: str = "same", masked: list[float] | None = None) -> judged.Scores:
    return judged.Scores(
        photos_sha256=photos, truth=TRUTH, masked=tuple(masked or [1 - each for each in bare]), bare=tuple(bare)
    )


def answering(text: str, sure: float = 0.9, photos: str = "same") -> judged.Scores:
    """Predictions from digits, one for each photograph."""
    return scores([sure if digit == "1" else 1 - sure for digit in text], photos)


def of(
    network: str = "alexnet", variant: str | None = None, test: judged.Scores | None = None, **more: Any
) -> judged.Record:
    """A record with one model."""
    test = test or answering(TRUTH)
    model = {"file": "model.keras", "bytes": 5_000_000, "sha256": "a" * 64, "parts": {"validation": test, "test": test}}
    known: dict[str, Any] = {
        "network": network,
        "variant": variant or network,
        "protocol": "honest",
        "seed": 0,
        "share": 1.0,
        "quick": False,
        "input_size": 32,
        "parameters": 10,
        "trainable": 10,
        "multiply_adds": 1_000_000,
        "seconds": 5.0,
        "epochs": 2,
        "kept_epoch": 1,
        "learnt": 100,
        "curves": {"loss": (1.0, 0.5), "val_loss": (1.0, 0.6), "accuracy": (0.5, 0.9), "val_accuracy": (0.5, 0.8)},
        "knobs": {},
        "versions": {},
        "times_judged": 1,
        "judged": {"float32": model},
    }
    return judged.Record.model_validate(known | more)


def test_the_measures_of_one_part_are_those_worked_out_by_hand() -> None:
    """One masked called bare, two bare called masked."""
    found = measures.of(answering("0000111100"))
    assert (found["n"], found["accuracy"]) == (10, pytest.approx(0.7))
    assert found["confusion"] == [[4, 1, 0], [2, 3, 0]]
    assert found["per_class"]["with_mask"] == pytest.approx({"precision": 4 / 6, "recall": 4 / 5, "f1": 8 / 11})
    assert found["per_class"]["without_mask"] == pytest.approx({"precision": 3 / 4, "recall": 3 / 5, "f1": 6 / 9})
    assert found["ece"] == pytest.approx(0.2)  # 90 % sure, 70 % right
    assert found["interval95"] == pytest.approx((0.3968, 0.8922), abs=1e-3)  # Wilson 1927
    assert found["covariance"][0][1] == pytest.approx(-found["covariance"][1][1])
    assert found["roc_auc"] == pytest.approx(0.7)


def test_a_detector_that_finds_no_face_has_no_answer() -> None:
    bare = [0.0] * 4 + [0.0] + [0.8] * 4 + [0.0]
    masked = [0.7] * 4 + [0.0] + [0.1] * 4 + [0.0]
    found = measures.of(scores(bare, masked=masked))
    assert found["confusion"] == [[4, 0, 1], [0, 4, 1]]
    assert found["accuracy"] == pytest.approx(0.8)
    assert found["covariance"][0][0] != pytest.approx(found["covariance"][1][1])


def test_mcnemars_test_counts_what_one_alone_has_right() -> None:
    best, other = answering(TRUTH), answering("0000011000")
    assert measures.mcnemar(best, other) == {"only_best_right": 3, "only_this_right": 0, "p": pytest.approx(0.25)}
    assert measures.mcnemar(best, answering(TRUTH, photos="others")) is None


def test_seeds_make_one_row_with_mean_and_spread_and_int8_is_below_its_float() -> None:
    rough = answering("0000111100")
    int8 = {"file": "a.tflite", "bytes": 1_000_000, "sha256": "b" * 64, "parts": {"test": rough}}
    first = of("cnn", "C1", rough)
    first = first.model_copy(update={"judged": {**first.judged, "int8": judged.Judged.model_validate(int8)}})
    rows = study_rows.table([of("cnn", "C1", seed=1), first, of("alexnet")], "test")
    assert [(row["title"], row["precision"]) for row in rows] == [
        ("AlexNet", "float32"),
        ("CNN C1", "float32"),
        ("CNN C1", "int8"),
    ]
    assert (rows[1]["seeds"], rows[1]["accuracies"]) == ([0, 1], pytest.approx([0.7, 1.0]))
    assert (rows[1]["mean"], rows[1]["spread"]) == (pytest.approx(0.85), pytest.approx(0.2121, abs=1e-4))
    assert rows[0]["best"]
    assert rows[2]["mcnemar"]["only_best_right"] == 3


def test_a_part_that_only_a_later_seed_was_judged_on_is_compared_with_that_seed() -> None:
    street = "street: parties"
    later = with_part(of("cnn", "C1", seed=1), street, answering("0000011000"))
    best = with_part(of("alexnet"), street, answering(TRUTH))
    rows = study_rows.table([of("cnn", "C1"), later, best], street)
    assert [(row["title"], row["seeds"]) for row in rows] == [("AlexNet", [0]), ("CNN C1", [1])]
    (tested,) = (row["mcnemar"] for row in rows if not row["best"])
    assert tested["only_best_right"] + tested["only_this_right"] == 3
    assert {row["title"]: row["mean"] for row in rows} == pytest.approx({"AlexNet": 1.0, "CNN C1": 0.7})


def with_part(record: judged.Record, part: str, found: judged.Scores) -> judged.Record:
    """The record with a part more, or other scores of it."""
    model = record.judged["float32"]
    model = model.model_copy(update={"parts": {**model.parts, part: found}})
    return record.model_copy(update={"judged": {"float32": model}})


def validated(record: judged.Record, text: str) -> judged.Record:
    """The record with other answers on the validation part."""
    return with_part(record, "validation", answering(text))


def test_the_best_network_is_chosen_on_validation_and_not_on_the_test_part() -> None:
    lucky = validated(of("cnn", "C2"), "0000111100")  # 10 of 10 on the test part
    better = validated(of("cnn", "C1", answering("0000011110")), TRUTH)  # 9
    transfer = validated(of("mobilenet_v2", "M1"), TRUTH)
    done = comparison.compare([lucky, better, transfer, validated(of("mobilenet_v2", "M9"), "0000111100")])
    rows = {row["title"]: row for row in done["protocols"]["honest"]}
    assert [title for title, row in rows.items() if row["best_of_kind"]] == ["MobileNetV2 M1", "CNN C1"]
    assert (rows["CNN C1"]["mean"], rows["CNN C1"]["validation"]) == (pytest.approx(0.9), 1.0)
    assert [title for title, row in rows.items() if row["best"]] == ["CNN C1"], "equal in everything: the first by name"
    assert "CNN C1 90.00%" in done["answer"][0]


def test_of_networks_that_are_equal_on_validation_the_one_with_the_least_log_loss_is_the_best() -> None:
    unsure = answering(TRUTH, sure=0.7)
    rows = study_rows.table([of("alexnet", test=unsure), of("cnn", "C1")], "test")
    assert [row["title"] for row in rows if row["best"]] == ["CNN C1"]
    losses = {row["title"]: row["validation_loss"] for row in rows}
    assert losses == pytest.approx({"AlexNet": -math.log(0.7), "CNN C1": -math.log(0.9)})


def test_without_validation_the_judged_part_chooses_and_a_try_is_chosen_last() -> None:
    rough = answering("0000111100")
    rows = study_rows.table([of("cnn", "C1", rough), of("cnn", "C2", quick=True)], "test")
    assert {row["title"]: row["best_of_kind"] for row in rows} == {"CNN C1": True, "CNN C2": False}
    model = of().judged["float32"].model_copy(update={"parts": {"test": rough}})
    other = of("alexnet").judged["float32"].model_copy(update={"parts": {"test": answering(TRUTH)}})
    rows = study_rows.table(
        [
            of("cnn", "C1").model_copy(update={"judged": {"float32": model}}),
            of().model_copy(update={"judged": {"float32": other}}),
        ],
        "test",
    )
    assert {row["title"]: row["best"] for row in rows} == {"AlexNet": True, "CNN C1": False}


def test_each_protocol_has_a_table_and_only_whole_shares_are_in_it() -> None:
    records = [of(), of(protocol="study"), of(share=0.5), of("mobilenet_v2", protocol="device")]
    done = comparison.compare(records)
    assert [row["title"] for row in done["protocols"]["honest"]] == ["AlexNet", "MobileNetV2, ours"]
    assert [row["title"] for row in done["protocols"]["study"]] == ["AlexNet"]
    assert [point["share"] for point in done["learning"]["AlexNet"]] == [0.5, 1.0]


def test_the_studys_figure_stands_beside_ours_with_a_reason() -> None:
    for variant in variants.ALL:
        assert variant.why.endswith(".")
        theirs = study_rows.published(of(variant.network, variant.name))
        assert theirs["why"] == variant.why
    assert study_rows.published(of("mobilenet_v2", "M2"))["accuracy"] == pytest.approx(0.9927)
    assert study_rows.published(of("yolov5s", protocol="device"))["accuracy"] is None


def test_latency_is_that_of_the_same_file_or_of_the_same_network_on_one_thread() -> None:
    def timed(model: str, **more: Any) -> dict[str, Any]:
        return measured.row(**{"variant": "float32", "model": model, "us": [[3900, 4100]], "sha256": "c" * 64, **more})

    def found(*rows: dict[str, Any]) -> list[dict[str, Any]]:
        board = BoardRun.model_validate(measured.record(*rows, board="Pi"))
        return study_rows.latency(of("cnn", "C1"), "float32", [board])

    assert found(timed("cnn-C1")) == [{"board": "Pi", "ms": 4.0}]
    assert found(timed("anything", sha256="a" * 64)) == [{"board": "Pi", "ms": 4.0}]
    assert found(timed("cnn-C2"), timed("cnn"), timed("cnn-C1", threads=2), timed("cnn-C1", variant="int8")) == []
    assert found(timed("cnn-C1", us=[[3000, 5000]])) == []  # it spreads too widely


def test_a_time_of_code_that_was_not_committed_is_not_used() -> None:
    row = measured.row(variant="float32", model="cnn-C1")
    boards = [BoardRun.model_validate(measured.record(row, commit=commit)) for commit in ("abc", "abc-dirty")]
    assert [len(study_rows.latency(of("cnn", "C1"), "float32", [board])) for board in boards] == [1, 0]


def on_a_pi(records: list[judged.Record], **ms: float) -> list[str]:
    """What the answer says of a Pi on which these networks were measured."""
    rows = [measured.row(variant="float32", model=name.replace("_V", "-"), ms=each) for name, each in ms.items()]
    board = BoardRun.model_validate(measured.record(*rows, board="Pi"))
    return [each for each in comparison.compare(records, [board])["answer"] if each.startswith("On Pi")]


def test_the_quickest_on_a_board_is_only_told_where_several_were_measured() -> None:
    records = [of("cnn", "C1"), of("mobilenet_v2", "M1")]
    assert on_a_pi(records, cnn_VC1=9.0) == []
    (said,) = on_a_pi(records, cnn_VC1=9.0, mobilenet_v2_VM1=3.0)
    assert said.startswith("On Pi, of the 2 files measured: MobileNetV2 M1 in float32 is the quickest")
    assert "3.0 ms a picture" in said


def test_the_network_for_a_board_is_chosen_on_validation_among_those_measured_there() -> None:
    wrong = TRUTH.translate(str.maketrans("01", "10"))
    lucky = validated(of("cnn", "C1"), wrong)  # all right on the test part, none on validation
    sound = validated(of("cnn", "C2", answering("0000111110")), TRUTH)
    absent = of("alexnet")  # better than both, and not measured on this board
    (said,) = on_a_pi([lucky, sound, absent], cnn_VC1=3.0, cnn_VC2=9.0)
    assert "2 files measured: CNN C2 in float32" in said
    assert "9.0 ms a picture" in said
    assert "80.00% of the held-out" in said


def test_in_the_learning_curve_a_seed_is_compared_with_itself() -> None:
    few = of("mobilenet_v2", "M4", test=answering("0000111110"), share=0.5, learnt=50)
    seeds = [of("mobilenet_v2", "M4", test=answering(said), seed=at) for at, said in enumerate((TRUTH, "0" * 10))]
    (points,) = comparison.learning([*seeds, few]).values()
    assert [point["mean"] for point in points] == [pytest.approx(0.9 - 0.1), 1.0]


def test_a_training_given_twice_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        judged.write(of(), tmp_path / f"{name}.json")
    with pytest.raises(SourceError, match="alexnet alexnet, honest, seed 0, share 1 is there twice"):
        report.write(sorted(tmp_path.glob("*.json")), tmp_path / "out")


def test_a_record_whose_scores_are_cut_off_is_named(tmp_path: Path) -> None:
    judged.write(of(), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    content["judged"]["float32"]["parts"]["test"]["bare"].pop()
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(SourceError, match=r"a\.json: .*10 classes, 10 scores of with_mask, 9 of without_mask"):
        judged.read(tmp_path / "a.json")


def test_the_command_prints_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, each in (("a", of("mobilenet_v2", "M4")), ("b", of(test=answering("0000111100")))):
        judged.write(each, tmp_path / f"{name}.json")
    program.cli(
        ["compare", *map(str, sorted(tmp_path.glob("*.json"))), "-o", str(tmp_path / "out")], standalone_mode=False
    )
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Transfer or scratch: MobileNetV2 M4 gets 100.00%")
    assert said[-1].startswith("wrote ")


def test_the_answer_counts_the_mistakes_of_the_seed_that_was_tested() -> None:
    """McNemar's test is of the first seed, so its mistakes stand beside it, and not the mean of all seeds."""
    first, second = of("mobilenet_v2", "M4"), of("mobilenet_v2", "M4", answering("0000111100"), seed=1)
    said = comparison.compare([first, second, of(test=answering("0000111110"))])["answer"][0]
    assert "M4 gets 100.00% of 10 held-out photographs right (on average over 2 seeds 85.00%), AlexNet 80.00%" in said
    assert "0 mistakes against 2 (McNemar's p 0.5, may be chance)." in said


def test_the_answer_speaks_of_results_and_of_no_try() -> None:
    def answer(quick: bool) -> list[str]:
        best, scratch = of("mobilenet_v2", "M4"), of(test=answering("0000111100"))
        return comparison.compare([each.model_copy(update={"quick": quick}) for each in (best, scratch)])["answer"]

    assert answer(quick=True) == []
    (said,) = answer(quick=False)
    assert said.startswith("Transfer or scratch: MobileNetV2 M4 gets 100.00% of 10")
    assert "0 mistakes against 3 (McNemar's p 0.25, may be chance)." in said


def test_the_learning_curve_is_put_into_words() -> None:
    few = [of("mobilenet_v2", "M4", share=0.05, learnt=5), of("mobilenet_v2", "M4")]
    scratch = of("alexnet", test=answering("0000111100"))
    done = comparison.compare([*few, scratch, scratch.model_copy(update={"share": 0.05, "learnt": 5})])
    needs = "M4 needs 5% of the training part (5 photographs) to be as good as AlexNet with all of it"
    assert any(needs in each for each in done["answer"])


def test_both_rows_of_a_network_tell_the_time_and_interval_of_the_seed_that_has_an_int8_file() -> None:
    first = of("cnn", "C1", seconds=5.0)
    first = first.model_copy(update={"judged": first.judged | {"int8": first.judged["float32"]}})
    rows = study_rows.table([of("cnn", "C1", seed=1, seconds=9.0), first], "test")
    assert [(row["precision"], row["seconds"]) for row in rows] == [("float32", 5.0), ("int8", 5.0)]


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"epochs": 16, "recipe": {"epochs": [20, 40]}}, "16 of 60"),
        ({"epochs": None, "recipe": {"epochs": [60]}}, "16"),
        ({"epochs": 60, "recipe": {"epochs": [60]}}, "16"),  # it ended early
        ({"epochs": 10}, "16"),  # ours has no recipe of the study
    ],
)
def test_epochs_that_an_option_replaced_are_marked(knobs: dict[str, Any], said: str) -> None:
    table = sections.cost(study_rows.table([of(epochs=16, knobs=knobs)], "test"))
    assert table.rows[0][table.head.index("epochs")] == said


def test_a_detectors_curves_show_the_precision_of_faces_too() -> None:
    curves = {"loss": (1.0, 0.5), "val_map50": (0.1, 0.7), "val_face_ap50": (0.2, 0.9)}
    done = comparison.compare([of(), of("yolov5s", protocol="device", curves=curves)])
    assert done["curves"]["YOLOv5s"]["val_face_ap50"] == (0.2, 0.9)
    drawn = drawings.of(done)["curves"]
    for said in ("YOLOv5s: AP50, checked", "faces", "AlexNet: accuracy"):
        assert f">{said}<" in drawn


def test_the_studys_own_protocol_has_costs_curves_and_the_studys_figures() -> None:
    done = comparison.compare([of(protocol="study"), of("cnn", "C1")])
    (found,) = (each for each in sections.of(done) if each.title == "The study's own protocol")
    assert sections.NO_INT8 in found.text
    assert [table.head[1] for table in found.tables] == ["file", "file", "study", "file"]
    (beside,) = (table for table in found.tables if table.head[1] == "study")
    assert beside.rows == (("AlexNet", "95.45 %", "100.00 %", "29,979,394", "10", variants.SAME_PROTOCOL),)
    assert f">{'AlexNet: accuracy'}<" in drawings.of(done)["study_curves"]


def test_a_cell_of_the_street_table_tells_its_seeds() -> None:
    seeds = [of("cnn", "C1"), of("cnn", "C1", seed=1)]
    seeds = [with_part(each, "crops", answering(said)) for each, said in zip(seeds, (TRUTH, "0" * 10), strict=True)]
    table = sections.across(comparison.elsewhere(seeds))
    assert table.rows[0][2].startswith("75.00 % (2) 72.25–100.00")


def test_the_report_is_made_from_records_alone_and_loads_nothing(tmp_path: Path) -> None:
    quick = of("cnn", "C1", answering("0000111100"), quick=True)
    for number, each in enumerate([of(), quick, of(share=0.5, learnt=50), of(protocol="study")]):
        judged.write(each, tmp_path / f"{number}.json")
    paths = sorted(tmp_path.glob("*.json"))
    written = report.write(paths, tmp_path / "out")
    page, text = ((tmp_path / "out" / f"comparison.{kind}").read_text() for kind in ("html", "md"))
    assert {path.suffix for path in written} == {".html", ".md", ".json", ".svg"}
    assert "<svg" in page
    assert not [each for each in ("<script", "<link", "src=", "@import", "url(http") if each in page]
    for said in ("CNN C1 (try)", "Honest protocol", "The study's own protocol", "95.45 %", "29,979,394"):
        assert said in text
    before = {path.name: path.read_bytes() for path in written}
    report.write(paths[::-1], tmp_path / "out")  # in any order
    assert {path.name: path.read_bytes() for path in written} == before


@pytest.mark.parametrize("content", ["{", "[]", '{"kind": "soak"}'])
def test_what_is_no_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SourceError, match=r"x\.json"):
        report.write([tmp_path / "x.json"], tmp_path / "out")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    judged.write(of(), tmp_path / "a.json")
    assert judged.read(tmp_path / "a.json") == of()
    (tmp_path / "a.json").write_text(json.dumps({"schema_name": judged.SCHEMA}))
    with pytest.raises(SourceError, match=r"a\.json: network: Field required; judge the model again"):
        judged.read(tmp_path / "a.json")


@pytest.mark.skipif(not (COMMITTED / "comparison.json").exists(), reason="no comparison is committed yet")
def test_the_committed_report_is_what_the_committed_records_say(tmp_path: Path) -> None:
    boards = (COMMITTED.parents[2] / "benchmarks" / "results").glob("*/run.json")
    report.write([*(COMMITTED / "records").glob("*.json"), *boards], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in COMMITTED.iterdir() if path.is_file()}
    for name in ("comparison.md", "comparison.json", "comparison.html"):
        made, committed = (without_plots((folder / name).read_text()) for folder in (tmp_path, COMMITTED))
        assert made == committed, f"{name}: see docs/study.md"


def without_plots(page: str) -> str:
    """Another version of Matplotlib draws the same plots with other bytes."""
    return re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
