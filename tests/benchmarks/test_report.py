"""The page equals the records: it compares int8 with float, draws the spread and marks published figures."""

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from measured import profile, record, row
from proofs import classifier, finder, proof, share

from benchmarks import records
from benchmarks.report import accuracy, published, verdict
from benchmarks.report.readme import speed, tables
from maskwatch.errors import MaskwatchError

pytest.importorskip("matplotlib", reason="needs extra `train`")
pytest.importorskip("jinja2", reason="needs extra `train`")

from benchmarks.__main__ import cli
from benchmarks.report import charts, pages

ROOT = Path(__file__).parents[2]
BOARD = "raspberry-pi-5-model-b-rev-1-0"
FLOAT = profile(("Fully Connected (NC, F32) GEMM", 1, 6000.0), ("Convolution (NHWC, F32) DWConv", 2, 3000.0))
INT8 = profile(
    ("QUANTIZE", 0, 50.0),
    ("Fully Connected (NC, QS8, QC8W) GEMM", 1, 7500.0),
    ("Convolution (NHWC, QC8) DWConv", 2, 3500.0),
)


def both(float32: float, int8: float, **host: Any) -> dict[str, Any]:
    return record(
        row("float32", float32, seed=1, profile=FLOAT),
        row("int8", int8, seed=2, profile=INT8),
        row(model="face"),
        **host,
    )


def proven(measure: str = "accuracy", **values: float) -> dict[str, Any]:
    """convert's report: variant -> accuracy, or AP50 of street scenes, in per cent."""
    if measure == "accuracy":
        return proof("mask", {variant: classifier(value) for variant, value in values.items()})
    # The figure above a finder's views is of all pictures, portraits among them: it is not the one to read.
    views = {variant: {"portrait": share(99.0), "frame": share(value)} for variant, value in values.items()}
    return proof("face", {variant: finder(each) for variant, each in views.items()})


def test_of_a_finder_trained_on_several_sources_the_old_street_scenes_count(tmp_path: Path) -> None:
    """The study's YOLOv5s was judged on the same street scenes, so that the figures can be compared."""
    views = {
        name: share(value, value - 2, value + 1)
        for name, value in (("faces-wider", 80.0), ("face-mask-boxes", 94.0), ("portrait", 99.0))
    }
    (tmp_path / "face.report.json").write_text(json.dumps(proof("face", {"int8": finder(views, ap50=90.0)})))
    found = accuracy.read(tmp_path / "face.report.json")["int8"]
    assert (found.measure, found.value, found.low, found.high) == ("ap50", 0.94, 0.92, 0.95)


def test_a_finder_that_was_judged_on_no_street_scenes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "face.report.json").write_text(json.dumps(proof("face", {"int8": finder({"portrait": share(99.0)})})))
    with pytest.raises(MaskwatchError, match="no AP50 of street scenes"):
        accuracy.read(tmp_path / "face.report.json")


def measured_crowds(board: str, daemon_ms: dict[int, float]) -> dict[str, Any]:
    """pipeline.json of a board: faces in view -> milliseconds a frame."""
    return {
        "schema": 1,
        "kind": "pipeline",
        "host": {**record()["host"], "board": board},
        "models": {},
        "threads": {},
        "frame_pixels": [640, 480],
        "fps": 15.0,
        "warm_up_frames": 60,
        "turn_frames": 30,
        "crowds": [
            {"faces": count, "memory_mb": {}, "turns": {"daemon_ms": [ms] * 3}} for count, ms in daemon_ms.items()
        ],
        "latency": {"settings": {}, "frames": {}, "alerts": 0, "lost_edges": 0, "ms": {}},
    }


def made(folder: Path, proofs: dict[str, dict[str, Any]]) -> Path:
    """Run the command on folder/results with these proofs; returns the page."""
    arguments = []
    for network, each in proofs.items():
        (folder / f"{network}.report.json").write_text(json.dumps(each))
        arguments += ["--proof", f"{network}={folder / network}.report.json"]
    out = folder / "page"
    cli(["report", "--results", str(folder / "results"), "--out", str(out), *arguments], standalone_mode=False)
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a board where int8 is slower, with the proofs' and the pipeline's figures."""
    tmp_path = tmp_path_factory.mktemp("report")
    noted = {**both(10.0, 12.0, int8_dot_products=[], virtual=True), "notes": ["The float32 files are <untrained>."]}
    place = records.save(noted, tmp_path / "results")
    pipeline = measured_crowds(record()["host"]["board"], {count: 5.0 + 4 * count for count in (0, 1, 5)})
    (place.parent / "pipeline.json").write_text(json.dumps(pipeline))
    return made(tmp_path, {"mask": proven(float32=99.0, int8=98.0), "face": proven("ap50", int8=97.0)})


def pictures(page: Path) -> set[str]:
    """What index.html and report.md show, the same in both."""
    shown = set(re.findall(r'src="([^"]+)"', (page / "index.html").read_text()))
    assert shown == set(re.findall(r"\]\(([^)]+\.svg)\)", (page / "report.md").read_text()))
    return shown


def test_every_picture_is_there_and_shown(page: Path) -> None:
    assert pictures(page) == {
        f"{BOARD}-mask-bars.svg",
        f"{BOARD}-face-bars.svg",
        f"{BOARD}-mask-ai-edge-litert-1-kernels.svg",
        f"{BOARD}-accuracy.svg",
        f"{BOARD}-ap50.svg",
        f"{BOARD}-faces.svg",
        "outside.svg",
    }
    assert pictures(page) == {each.name for each in page.glob("*.svg")}


def test_what_a_reader_must_know_of_the_files_stands_before_the_doubts(page: Path) -> None:
    notes = (("index.html", "are &lt;untrained&gt;.", 'class="doubt"'), ("report.md", "are <untrained>.", "\n> "))
    for name, note, doubt in notes:
        text = (page / name).read_text()
        assert 0 < text.index(note) < text.index(doubt)


def test_many_networks_runtimes_and_threads_are_all_told_and_drawn(tmp_path: Path) -> None:
    networks = ("mask", "face", "mobilenet_v2_224", "cnn", "alexnet", "yolov5s")
    rows = [
        row(variant, ms, network, threads, runtime=runtime)
        for network in networks
        for variant, ms in (("float32", 900.0), ("int16x8", 4000.0), ("int8", 0.5))
        for threads in (1, 2)
        for runtime in ("ai-edge-litert", "tflite-runtime")
    ]
    gone = {**row(model="only_tried"), "not_measured": "no operator"}
    del gone["us"]
    records.save(record(*rows, gone), tmp_path / "results")
    proofs = {
        name: proven(float32=99.0, int16x8=99.0, int8=98.0) for name in networks if name not in ("face", "yolov5s")
    }
    page = made(tmp_path, {**proofs, "yolov5s": proven("ap50", float32=80.0, int8=70.0)})
    for name in pictures(page):
        assert ET.parse(page / name).getroot().tag.endswith("svg")  # noqa: S314 (our own drawing)
    for text in ((page / each).read_text() for each in pages.PAGES):
        for network in (*networks, "only_tried"):
            assert re.search(rf"(<h3.*>|### ){network}\b", text)
        for network in networks:
            for threads in ("1 thread", "2 threads"):
                assert f"{network} on tflite-runtime, {threads}: int8 takes 0.00 times as long as float32" in text
        assert "int8 on ai-edge-litert, threads: 1: no operator" in text


@pytest.mark.parametrize("name", pages.PAGES)
def test_int8_that_is_slower_is_told_in_words_with_where_the_time_goes(page: Path, name: str) -> None:
    text = (page / name).read_text()
    assert re.search(r"mask on ai-edge-litert, 1 thread: int8 takes 1\.(19|20|21) times as long as float32", text)
    assert "it is slower. This processor lists no instruction for int8 dot products." in text
    assert "By kernel: Fully Connected GEMM 7.50 ms (float32 6.00), Convolution DWConv 3.50 ms (float32 3.00)" in text


@pytest.mark.parametrize("name", pages.PAGES)
def test_what_others_published_is_marked_as_not_measured_here(page: Path, name: str) -> None:
    before, mark, after = (page / name).read_text().partition("Beside what others published")
    assert mark
    assert "not measured here" in after.lower()
    assert "ms (published)" in after
    for each in published.FIGURES:
        line = next(line for line in after.splitlines() if each.board in line and str(each.ms) in line)
        assert each.source.address in line
        assert each.what not in before


def test_faces_are_told_with_frames_a_second(page: Path) -> None:
    assert "| 5 | 25.00 (25.00–25.00) | 40.0 |" in (page / "report.md").read_text()


def test_doubts_stand_on_the_page(tmp_path: Path) -> None:
    records.save(both(10.0, 5.0, governor="ondemand"), tmp_path / "results")
    pages.write(tmp_path / "results", tmp_path, {})
    assert '<p class="doubt">governor ondemand' in (tmp_path / "index.html").read_text()
    assert "> governor ondemand" in (tmp_path / "report.md").read_text()


def test_a_board_without_proof_or_pipeline_has_a_page_all_the_same(tmp_path: Path) -> None:
    records.save(record(row(), {**row("int16x8"), "us": [[10]]}), tmp_path / "results")
    gone = {key: value for key, value in row("dynamic").items() if key != "us"} | {"not_measured": "no <operator>"}
    records.save(record(row(), gone, board="Zero"), tmp_path / "results")
    pages.write(tmp_path / "results", tmp_path, {})
    text = (tmp_path / "index.html").read_text()
    assert text.count("<h2") == 3  # two boards and the others: never one table for both
    assert "no &lt;operator&gt;" in text


def test_a_proof_of_what_was_not_measured_is_refused(tmp_path: Path) -> None:
    records.save(both(10.0, 5.0), tmp_path / "results")
    with pytest.raises(MaskwatchError, match=r"^report: proof of cnn, which was not measured; expected face, mask$"):
        made(tmp_path, {"cnn": proven(int8=98.0)})


def test_a_judged_network_that_was_not_measured_is_left_out_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.save(both(10.0, 5.0), tmp_path / "results")
    page = made(tmp_path, {"mask": proven(float32=98.0, int8=97.5), "cnn": proven(int8=91.25)})
    assert "left out: cnn, judged and not measured" in capsys.readouterr().out
    text = (page / "report.md").read_text()
    assert "97.5" in text
    assert "91.25" not in text


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskwatchError, match=r"no run\.json under .* make one with `python -m benchmarks run`"):
        pages.write(tmp_path, tmp_path, {})


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "benchmarks.report.pages")
    with pytest.raises(MaskwatchError, match=r"^report: jinja2 is not installed; pip install -e '\.\[report\]'$"):
        import benchmarks.report.pages  # noqa: F401


# -- the verdict ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("int8", "outcome", "reasoned"),
    [(5.0, "it is quicker", False), (10.05, "no difference beyond noise", True), (15.0, "it is slower", True)],
)
def test_the_verdict_says_what_the_interval_says(int8: float, outcome: str, reasoned: bool) -> None:
    (found,) = verdict.of(both(10.0, int8))
    assert outcome in found.words
    assert ("By kernel" in found.words) == reasoned
    assert "no instruction" not in found.words  # a Pi 5 lists one


def test_a_network_that_is_not_delegated_is_told_as_the_reason() -> None:
    (found,) = verdict.of(record(row("float32", 10), row("int8", 60, delegate="none")))
    assert "XNNPACK takes none of its operators there" in found.words


# -- the proof's figures and the front ------------------------------------------------------------------------------


def test_the_front_is_what_nothing_beats_in_both() -> None:
    points = [(10.0, 0.99), (5.0, 0.98), (7.0, 0.97), (20.0, 0.99), (5.0, 0.90)]
    assert charts.front(points) == [(5.0, 0.98), (10.0, 0.99)]


@pytest.mark.parametrize(("measure", "pictures"), [("accuracy", 100), ("ap50", 50)])
def test_the_proofs_test_part_is_read_as_shares(tmp_path: Path, measure: str, pictures: int) -> None:
    path = tmp_path / "mask.report.json"
    path.write_text(json.dumps(proven(measure, int8=98.0)))
    assert accuracy.read(path) == {"int8": accuracy.Accuracy(measure, 0.98, 0.97, 0.985, pictures)}


@pytest.mark.parametrize(("network", "measure"), [("mask", "accuracy"), ("face", "ap50")])
def test_the_committed_proofs_are_read(network: str, measure: str) -> None:
    found = accuracy.read(ROOT / "convert" / "results" / f"{network}.report.json")
    assert {each.measure for each in found.values()} == {measure}
    assert all(each.low <= each.value <= each.high <= 1 for each in found.values())


def test_a_folder_without_proofs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskwatchError, match=r"no NAME\.report\.json in it"):
        cli(["report", "--proof", str(tmp_path), "--out", str(tmp_path / "page")], standalone_mode=False)
    assert not list(tmp_path.iterdir())


def test_the_committed_page_is_that_of_the_committed_records(tmp_path: Path) -> None:
    proofs = [f"--proof={ROOT / 'convert' / 'results' / folder}" for folder in (".", "study")]
    cli(["report", "--out", str(tmp_path), *proofs], standalone_mode=False)
    kept = ROOT / "docs" / "measured"
    stale = "docs/measured is stale: make it anew with the last command of the table in docs/speed.md"
    assert {each.name for each in kept.iterdir()} == {each.name for each in tmp_path.iterdir()}, stale
    for name in pages.PAGES:
        assert (kept / name).read_text() == (tmp_path / name).read_text(), stale


@pytest.mark.parametrize("name", pages.PAGES)
def test_finders_and_classifiers_are_not_judged_in_one_table(page: Path, name: str) -> None:
    heading = r"(?:<h3>|### )(?:Accuracy|AP50 of street scenes) against latency"
    _, classifiers, finders = re.split(heading, (page / name).read_text())
    cell = r"(?:\| |<td>)"
    for own, other, part in (("mask.*99", "face.*97", classifiers), ("face.*97", "mask.*99", finders)):
        assert re.search(cell + own, part)
        assert not re.search(cell + other, part)


def test_what_nothing_beats_is_marked(page: Path) -> None:
    text = (page / "report.md").read_text()
    assert re.search(r"\| mask \| float32 \| .* \| yes \|", text)
    assert re.search(r"\| mask \| int8 \| .* \|  \|", text)  # slower and less accurate


@pytest.mark.parametrize(
    "content", [None, "{", "{}", "3", '{"parts": {"test": {"figures": {"int8": {"average_precision": 1}}}}}']
)
def test_a_proof_of_another_kind_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "proof.report.json"
    if content:
        path.write_text(content)
    with pytest.raises(MaskwatchError, match=r"expected a NAME\.report\.json, made by"):
        accuracy.read(path)


def test_another_boards_pipeline_is_refused(tmp_path: Path) -> None:
    place = records.save(record(), tmp_path / "results")
    (place.parent / "pipeline.json").write_text(json.dumps(measured_crowds("Zero", {})))
    with pytest.raises(MaskwatchError, match="measured on Zero, expected Raspberry Pi 5"):
        pages.write(tmp_path / "results", tmp_path, {})


# -- the README's table ---------------------------------------------------------------------------------------------


def test_the_table_has_a_column_for_each_runtime_with_spread_and_ratio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    steady, half = {"us": [[10_000] * 9 + [12_000]]}, {"us": [[5_000] * 10]}
    other = {**half, "runtime": "onnxruntime", "version": "1.27.0"}
    rows = [row("int8", **half), row("int8", threads=4, **half), row("float32", **steady), row("float32", **other)]
    records.save(record(*rows), tmp_path / "benchmarks" / "results")
    assert speed.quantized().splitlines() == [
        "| Raspberry Pi 5 Model B Rev 1.0 | variant | ai-edge-litert 2.3.0 | onnxruntime 1.27.0 |",
        "| --- | --- | --- | --- |",
        "| mask | float32 | 10.00 (10.00–10.20) ms | 5.00 (5.00–5.00) ms |",
        "| mask | int8 | 5.00 (5.00–5.00) ms, 0.50 × | – |",
    ]
