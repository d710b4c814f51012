"""A door opens for somebody masked, and for nobody else."""

from collections.abc import Sequence

import pytest
from defaults import rules
from hypothesis import example, given
from hypothesis import strategies as st

from maskwatch.flow import Box, Face, Label, Signal, Track, Verdict
from maskwatch.presence.admission import Admission
from maskwatch.presence.policy import Policy

RULES = rules(high=0.6, low=0.4, hold=1.0, clear=2.0, longest=0.0)
Story = list[tuple[float, list[float]]]


def people(opinions: Sequence[float], seen: float) -> list[Track]:
    face, verdict = Face(Box(0, 0, 9, 9), 1.0), Verdict(Label.WITH_MASK, 1.0)
    return [Track(place, face, verdict, bare, 0.0, seen) for place, bare in enumerate(opinions)]


def seconds(opinions: list[float], start: float, end: float) -> Story:
    return [(step / 10, opinions) for step in range(round(start * 10), round(end * 10))]


def shown(story: Story, policy: Policy | None = None) -> list[tuple[float, Signal]]:
    """When the signal changes, and to what."""
    policy, changes = policy or Policy(RULES), [(0.0, Signal.WATCHING)]
    for time, opinions in story:
        policy.update(people(opinions, time), time)
        if policy.signal is not changes[-1][1]:
            changes.append((time, policy.signal))
    return changes[1:]


M, W, A = Signal.MASKED, Signal.WATCHING, Signal.ALERT


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(seconds([], 0, 9), [], id="nobody"),
        pytest.param(seconds([0.1], 0, 5) + seconds([], 5, 9), [(1.0, M), (6.9, W)], id="comes and goes"),
        pytest.param(seconds([0.4], 0, 5), [], id="in doubt"),
        pytest.param(seconds([0.1, 0.5], 0, 5), [], id="one in doubt beside"),
        pytest.param(
            seconds([0.1], 0, 3) + seconds([0.1, 0.9], 3, 9), [(1.0, M), (3.0, W), (4.0, A)], id="bare beside"
        ),
        pytest.param(seconds([0.1], 0, 3) + seconds([0.1, 0.1], 3, 9), [(1.0, M)], id="another masked one comes"),
        pytest.param(seconds([0.9], 0, 3) + seconds([0.1], 3, 9), [(1.0, A), (4.9, M)], id="puts the mask on"),
        pytest.param(seconds([0.1], 0, 3) + seconds([0.9], 3, 5), [(1.0, M), (3.0, W), (4.0, A)], id="takes it off"),
    ],
)
def test_masked_is_shown_while_somebody_is_and_nobody_is_bare(
    story: Story, expected: list[tuple[float, Signal]]
) -> None:
    assert shown(story) == expected


def test_a_bare_one_whose_alert_is_spent_still_keeps_the_door_shut() -> None:
    policy = Policy(rules(hold=1.0, longest=3.0))
    assert shown(seconds([0.1, 0.9], 0, 20), policy)[-1] == (4.0, W)


def test_quiet_hours_silence_the_alert_and_leave_the_door_alone() -> None:
    policy, changes = Policy(RULES), []
    for time, opinions in seconds([0.1], 0, 3) + seconds([0.1, 0.9], 3, 6) + seconds([0.1], 6, 9):
        assert policy.update(people(opinions, time), time, quiet=True) is None
        if not changes or policy.signal is not changes[-1][1]:
            changes.append((time, policy.signal))
    assert changes == [(0.0, W), (1.0, M), (3.0, W), (6.0, M)]


def test_a_face_missed_in_one_frame_changes_nothing() -> None:
    policy = Policy(RULES)
    told = []
    for step in range(60):
        seen = step // 2 * 2 / 10  # every second frame misses the face
        policy.update(people([0.1], seen), step / 10)
        told.append(policy.signal)
    assert told.index(M) == pytest.approx(20, abs=2)  # frames: half of them count
    assert set(told[told.index(M) :]) == {M}


def test_somebody_who_waits_for_the_first_verdict_is_in_doubt() -> None:
    policy = Policy(RULES)
    for step in range(30):
        policy.update(people([0.1], step / 10), step / 10)
    assert policy.signal is M
    policy.update(people([0.1], 3.0), 3.0, unjudged=1)
    assert policy.signal is W


def test_after_a_trouble_masked_must_be_seen_anew() -> None:
    policy = Policy(RULES)
    shown(seconds([0.1], 0, 3), policy)
    policy.stop(3.0)
    assert policy.signal is W
    assert shown(seconds([0.1], 3, 6), policy) == [(4.0, M)]


OPINIONS = st.lists(st.floats(0, 1), max_size=3)


@given(st.lists(st.tuples(st.floats(0.01, 6), OPINIONS, st.integers(0, 1)), min_size=1, max_size=40))
@example([(1.0, [0.0], 0), (1.0, [0.0], 0), (2.0, [], 0), (0.01, [], 0)])  # a slow camera misses one face
def test_never_while_anybody_is_bare_or_in_doubt_nor_longer_than_clear_and_two_frames_without_somebody_masked(
    frames: list[tuple[float, list[float], int]],
) -> None:
    admission, time, masked, without = Admission(), 0.0, -1e9, 0
    for step, opinions, unjudged in frames:
        time += step
        seen = any(bare < 0.4 for bare in opinions)
        masked, without = (time, 0) if seen else (masked, without + 1)
        if admission.update(people(opinions, time), time, low=0.4, hold=1.0, clear=2.0, unjudged=unjudged):
            assert not unjudged
            assert all(bare < 0.4 for bare in opinions)
            assert time - masked < 2.0 or without < 2
