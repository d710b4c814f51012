"""Alerts are compared with who was in view, on hand-made sequences and with the device's loop."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import doorway_people as people
import numpy as np
import pytest
from needed import BUNDLES

from benchmarks.__main__ import cli
from benchmarks.behaviour.doorway import clip_watch, contact_sheet, count, cutouts, film, lens, measure, replay, walks
from benchmarks.behaviour.doorway.count import Mistake, Moment
from benchmarks.behaviour.doorway.portraits import Portrait
from benchmarks.behaviour.doorway.walks import Eye, Plan, Sight, Visit
from benchmarks.report.readme import behaviour, tables
from maskwatch import config
from maskwatch.errors import ConfigError
from maskwatch.flow import Box, Face, Image, Label, Verdict

MASKED, BARE, ANOTHER = 0, 1, 2  # places in the plan
Spans = Sequence[tuple[float, float]]  # seconds, from and until
BOX = Box(100, 100, 160, 180)


def plan() -> Plan:
    """One masked and two bare people; the count uses only their labels."""
    labels = (Label.WITH_MASK, Label.WITHOUT_MASK, Label.WITHOUT_MASK)
    shown = [Portrait(Path(label), f"{label}/{number}", label, BOX) for number, label in enumerate(labels)]
    return Plan(Eye(640, 480, 60, 0.1), 20.0, tuple(Visit(each, 0.0, (), 0.0, 0) for each in shown))


def moments(
    seconds: float, on: Sequence[tuple[float, float]], **who: Sequence[tuple[float, float, float]]
) -> list[Moment]:
    """Ten frames a second. `on`: from, until; m, b, a: from, until, share of the face in view."""
    made = []
    for step in range(round(10 * seconds)):
        time = step / 10
        sights = [
            Sight("mba".index(name), BOX, share)
            for name, stays in who.items()
            for start, end, share in stays
            if start <= time < end
        ]
        made.append(Moment(time, sights, any(start <= time < end for start, end in on)))
    return made


@pytest.mark.parametrize(
    ("on", "who", "false"),
    [
        ([], {"m": [(1, 9, 1.0)]}, ()),
        ([(3, 5)], {"m": [(1, 9, 1.0)]}, (Mistake(3.0, (MASKED,)),)),
        ([(3, 5)], {}, (Mistake(3.0, ()),)),  # at nothing
        ([(0, 5)], {}, (Mistake(0.0, ()),)),
        ([(3, 4), (6, 7)], {"m": [(1, 9, 1.0)]}, (Mistake(3.0, (MASKED,)), Mistake(6.0, (MASKED,)))),
        ([(3, 5)], {"m": [(1, 9, 1.0)], "b": [(2, 9, 1.0)]}, ()),
        ([(3, 5)], {"m": [(1, 9, 1.0)], "b": [(2, 9, 0.05)]}, ()),  # a bit of somebody bare
        ([(3, 8)], {"m": [(4, 9, 1.0)], "b": [(1, 4, 1.0)]}, ()),  # goes on after
        ([(4, 8)], {"m": [(4, 9, 1.0)], "b": [(1, 4, 1.0)]}, (Mistake(4.0, (MASKED,)),)),  # begins after
    ],
)
def test_an_alert_is_false_when_it_begins_while_nobody_bare_is_in_view(
    on: list[tuple[float, float]], who: dict[str, list[tuple[float, float, float]]], false: tuple[Mistake, ...]
) -> None:
    assert count.count(plan(), moments(10, on, **who)).false == false


@pytest.mark.parametrize(
    ("on", "bare", "due", "missed", "delays"),
    [
        ([(2.3, 9)], [(1, 9, 1.0)], 1, (), (1.3,)),
        ([], [(1, 9, 1.0)], 1, (Mistake(1.0, (BARE,)),), ()),
        ([], [(1, 2.9, 1.0)], 0, (), ()),  # too short
        ([], [(1, 3.1, 1.0)], 1, (Mistake(1.0, (BARE,)),), ()),
        ([], [(1, 9, 0.7)], 0, (), ()),  # never whole
        ([], [(1, 2.5, 1.0), (2.5, 3, 0.2), (3, 4.5, 1.0)], 0, (), ()),  # never whole for long
        ([], [(1, 2.5, 1.0), (2.5, 3, 0.2), (3, 6, 1.0)], 1, (Mistake(1.0, (BARE,)),), ()),
        ([(4, 9)], [(1, 2, 0.5), (2, 9, 1.0)], 1, (), (2.0,)),  # from the first whole face on
        ([(1.5, 9)], [(1, 2, 0.5), (2, 9, 1.0)], 1, (), ()),  # on before it was whole: no delay to tell
        ([(0, 2)], [(1, 9, 1.0)], 1, (), ()),  # on already
        ([(9.2, 9.9)], [(1, 9, 1.0)], 1, (Mistake(1.0, (BARE,)),), ()),  # when gone
        ([(2, 3), (5, 6)], [(1, 9, 1.0)], 1, (), (1.0,)),  # the first one counts
    ],
)
def test_somebody_bare_is_due_an_alert_while_in_view(
    on: list[tuple[float, float]],
    bare: list[tuple[float, float, float]],
    due: int,
    missed: tuple[Mistake, ...],
    delays: tuple[float, ...],
) -> None:
    found = count.count(plan(), moments(10, on, b=bare))
    assert (found.due, found.missed, found.delays) == (due, missed, pytest.approx(delays))


def test_one_alert_may_answer_two_and_only_who_began_it_has_a_delay() -> None:
    found = count.count(plan(), moments(12, [(2.5, 11)], b=[(1, 6, 1.0)], a=[(5, 11, 1.0)]))
    assert (found.due, found.missed, found.delays) == (2, (), (pytest.approx(1.5),))


@pytest.mark.parametrize(
    ("on", "bare", "overdue"),
    [
        ([(2, 8)], [(1, 6, 1.0)], 0.0),  # `clear` is 2 s
        ([(2, 12)], [(1, 6, 1.0)], 3.0),
        ([(2, 12)], [(1, 6, 1.0), (11.95, 15, 0.3)], 3.0),
        ([(2, 8)], [], 3.0),
    ],
)
def test_an_alert_that_nobody_bare_keeps_up_is_overdue(
    on: list[tuple[float, float]], bare: list[tuple[float, float, float]], overdue: float
) -> None:
    assert count.count(plan(), moments(15, on, m=[(1, 15, 1.0)], b=bare)).overdue == pytest.approx(overdue, abs=0.15)


def test_time_with_masked_people_is_without_bare_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = moments(20, [], m=[(2, 4, 0.5), (4, 12, 1.0)], b=[(6, 7, 0.1), (10, 15, 1.0)])
    monkeypatch.setattr(Plan, "sights", lambda _, time: seen[round(10 * time)].sights)
    there = count.presence(plan(), 10.0)
    assert (there.masked_only, there.nobody) == pytest.approx((5.0, 7.0))
    assert (there.seconds, there.masked, there.bare) == (20.0, 1, 2)


FAR, BESIDE = Box(400, 100, 460, 180), Box(140, 100, 200, 180)  # away from BOX; overlaps it by a fifth


@pytest.mark.parametrize(
    ("share", "boxes", "bare", "expected"),
    [
        (1.0, [], False, count.Seen(1, 0, 0, 0)),
        (1.0, [BOX], False, count.Seen(1, 1, 0, 0)),
        (1.0, [BOX], True, count.Seen(1, 1, 1, 0)),
        (1.0, [FAR], True, count.Seen(1, 0, 0, 1)),
        (1.0, [BESIDE], True, count.Seen(1, 0, 0, 0)),  # badly placed, but on somebody
        (1.0, [BESIDE, BOX], False, count.Seen(1, 1, 0, 0)),
        (0.5, [BOX], True, count.Seen(0, 0, 0, 0)),  # not whole: neither found nor missed
    ],
)
def test_faces_and_verdicts_are_compared_with_who_is_in_view(
    share: float, boxes: list[Box], bare: bool, expected: count.Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "sights", lambda _, time: [Sight(MASKED, BOX, share)] if time < 1 else [])
    verdict = Verdict(Label.WITHOUT_MASK if bare else Label.WITH_MASK, 0.9)
    assert count.seen(plan(), [(0.0, [(Face(box, 0.9), verdict) for box in boxes])]) == expected
    assert count.seen(plan(), [(2.0, [(Face(BOX, 0.9), verdict)])]) == count.Seen(0, 0, 0, 1)


@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.390)]
)  # Garwood's table
def test_a_rate_has_the_exact_interval_of_poisson(events: int, low: float, high: float) -> None:
    found = measure.rate(events, 7200.0)
    assert found["value"] == pytest.approx(events / 2, abs=1e-3)
    assert found["interval95"] == pytest.approx([low / 2, high / 2], abs=1e-3)


# -- through the device's loop --------------------------------------------------------------------------------------


class ByColour:
    """Stands in for both models: finds the drawn blue and red faces and judges them by colour."""

    def find(self, image: Image) -> list[Face]:
        found = np.abs(image[..., 2].astype(int) - image[..., 0]) > 60
        pieces = cv2.connectedComponentsWithStats(found.astype(np.uint8))[2][1:]
        return [Face(Box(x, y, x + w, y + h), 0.9) for x, y, w, h, area in pieces.tolist() if area > 200]

    def crop(self, image: Image, face: Face) -> Image:
        return image[round(face.box.top) : round(face.box.bottom), round(face.box.left) : round(face.box.right)]

    def verdict(self, crop: Image) -> Verdict:
        red = crop[..., 0].astype(int).mean() > crop[..., 2].mean()
        return Verdict(Label.WITHOUT_MASK if red else Label.WITH_MASK, 0.99)


class Suspicious(ByColour):
    """A classifier that calls everybody bare."""

    def verdict(self, crop: Image) -> Verdict:  # noqa: ARG002
        return Verdict(Label.WITHOUT_MASK, 0.99)


class Wavering(ByColour):
    """A classifier whose score for bare varies a little with the pixels."""

    def verdict(self, crop: Image) -> Verdict:
        return Verdict(Label.WITHOUT_MASK, 0.6 + 0.35 * float(crop.sum() % 7 / 7))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the clips quick: small frames, a grey wall, a good camera, people cut out by colour, half of them bare."""
    monkeypatch.setattr(walks, "BARE", 0.5)
    monkeypatch.setattr(film, "SIZES", ((320, 240),))
    monkeypatch.setattr(film, "backdrop", lambda w, h, *_: np.full((h + 32, w + 32, 3), 128, np.uint8))
    good = lens.Lens(1, 0.01, 0, 0, 0.05, 0, 2, 0, 90, (lens.Drift((9.0,), (0.0,)),) * 5)
    monkeypatch.setattr(lens.Lens, "any", lambda *_: good)
    monkeypatch.setattr(cutouts, "silhouette", lambda photo, _: (photo[..., 1] < 200).astype(np.uint8))
    monkeypatch.setattr(measure, "CLIP", 20.0)
    monkeypatch.setattr(contact_sheet, "SAMPLES", 3)


def models(judge: ByColour | None = None) -> clip_watch.Models:
    return clip_watch.Models(ByColour(), judge or ByColour())


WAY = [(0.0, -1.2, 1.2), (3.0, 0.0, 1.2), (6.0, 1.2, 1.2)]  # across the picture of a small camera in six seconds


@pytest.mark.usefixtures("small")
def test_whoever_is_bare_is_alerted_and_nobody_else(tmp_path: Path) -> None:
    masked, bare = people.crowd(tmp_path, each=1)
    visits = [Visit(who, 7.0 * place, WAY, 0.0, 0) for place, who in enumerate((masked, bare, masked))]
    clip = film.Clip(0, 0, Plan(Eye(320, 240, 50, 0.1), 20.0, tuple(visits)))
    found = count.count(clip.plan, clip_watch.watch(clip, models(), config.Settings()).moments)
    assert (found.due, found.false, found.missed, found.overdue) == (1, (), (), 0.0)
    assert found.delays == (pytest.approx(1.1, abs=0.2),)  # `hold`, and a frame


@pytest.mark.usefixtures("small")
def test_every_frame_is_judged_in_every_way(tmp_path: Path) -> None:
    (clip,) = film.clips(1, 20.0, people.crowd(tmp_path), seed=3)
    ways = replay.ways(clip.plan, clip_watch.watch(clip, models(), config.Settings()).verdicts, config.Settings())
    assert list(ways) == ["maskwatch", "single frames", "hold", "hold, voting", "hold, tracking"]
    times = [step / film.FPS for step in range(200)]
    assert all([moment.time for moment in seen] == pytest.approx(times) for seen in ways.values())
    assert all(
        [list(moment.sights) for moment in seen] == [clip.plan.sights(t) for t in times] for seen in ways.values()
    )


@pytest.mark.usefixtures("small")
def test_the_settings_decide(tmp_path: Path) -> None:
    (bare,) = (person for person in people.crowd(tmp_path, each=1) if person.bare)
    clip = film.Clip(0, 0, Plan(Eye(320, 240, 50, 0.1), 6.0, (Visit(bare, 0.0, WAY, 0.0, 0),)))
    settings = config.Settings()
    patient = settings.model_copy(update={"alert": settings.alert.model_copy(update={"hold": 100.0})})
    assert any(moment.on for moment in clip_watch.watch(clip, models(), settings).moments)
    assert not any(moment.on for moment in clip_watch.watch(clip, models(), patient).moments)


@pytest.mark.usefixtures("small")
def test_kept_verdicts_replayed_are_what_the_device_made_of_them(tmp_path: Path) -> None:
    (clip,) = film.clips(1, 20.0, people.crowd(tmp_path), seed=4)
    watched = clip_watch.watch(clip, models(Wavering()), config.Settings())
    replay.save(watched.verdicts, tmp_path / "verdicts" / "0.jsonl")
    kept = replay.load(tmp_path / "verdicts" / "0.jsonl")
    assert replay.ways(clip.plan, kept, config.Settings())[replay.DEVICE] == watched.moments
    assert {moment.on for moment in watched.moments} == {False, True}
    sure = config.Settings().model_copy(update={"alert": config.AlertSettings(high=0.9)})
    assert not any(moment.on for moment in replay.ways(clip.plan, kept, sure)[replay.DEVICE])


@pytest.fixture
def material(tmp_path: Path) -> measure.Material:
    return measure.Material(tmp_path, people.listed(tmp_path, people.crowd(tmp_path)), seed=6)


@BUNDLES
@pytest.mark.usefixtures("small")
def test_false_alarms_are_counted_and_named(
    material: measure.Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_watch, "opened", lambda _: models(Suspicious()))
    *_, (done, record) = measure.measure(material, 40 / 3600, tmp_path / "work")
    device = record["rows"][0]
    assert (done, record["clips"], record["presence"]["seconds"]) == (2, 2, 40.0)
    assert device["false"] == len([each for each in record["mistakes"] if each["what"] == "false"]) > 0
    faces = record["faces"]
    assert 0.8 * faces["whole"] < faces["found"] <= faces["whole"]
    assert 0 < faces["wrong"] < faces["found"]  # the masked ones
    assert all("with_mask/" in name for each in record["mistakes"] for name in each["photographs"])
    assert device["an_hour"]["value"] == pytest.approx(90 * device["false"])
    masked = record["presence"]["masked_only"] / 3600
    assert device["a_masked_hour"]["value"] == pytest.approx(device["false"] / masked, rel=0.01)
    assert json.loads(json.dumps(record)) == record


@BUNDLES
@pytest.mark.usefixtures("small")
def test_an_interrupted_measurement_goes_on_and_ends_the_same(
    material: measure.Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[int] = []

    def noted(clip: film.Clip, *others: Any) -> clip_watch.Watched:
        watched.append(clip.number)
        return once(clip, *others)

    once = clip_watch.watch
    monkeypatch.setattr(clip_watch, "opened", lambda _: models())
    monkeypatch.setattr(clip_watch, "watch", noted)
    *_, (_, whole) = measure.measure(material, 40 / 3600, tmp_path / "whole")
    first = next(measure.measure(material, 40 / 3600, tmp_path / "work"))
    again = list(measure.measure(material, 40 / 3600, tmp_path / "work"))
    assert watched == [0, 1, 0, 1]
    assert (first[0], again[-1][0]) == (1, 2)
    assert {**again[-1][1], "host": None} == {**whole, "host": None}


@BUNDLES
def test_a_folder_of_other_clips_is_refused(material: measure.Material, tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text('{"material": {}}')
    with pytest.raises(ConfigError, match="contains clips of other photographs, seed or models; give another folder"):
        next(measure.measure(material, 1.0, tmp_path))


@BUNDLES
@pytest.mark.usefixtures("small")
def test_the_command_writes_record_and_sheets(
    material: measure.Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "benchmarks" / "results"
    folders = ["--work", str(tmp_path / "work"), "--results", str(results)]
    given = ["doorway", "--data", str(material.root), "--list", str(material.listed), "--hours", "0.001", *folders]
    cli.main(given, standalone_mode=False)
    (written,) = results.glob("*/doorway.json")
    record = json.loads(written.read_text())
    assert (record["kind"], record["clips"], record["presence"]["seconds"]) == ("doorway", 1, 20.0)
    assert [row["watcher"] for row in record["rows"]] == list(replay.WAYS)
    assert cv2.imread(str(tmp_path / "work/samples.png")).shape[1] == 4 * 480
    cli.main([*given, "--replay", str(config.default_path())], standalone_mode=False)
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again == record["rows"][0]
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    assert behaviour.doorway().splitlines()[2].startswith("| maskwatch | ")
