"""The playhead, by a clock that the test turns."""

import pytest
from pytestqt.qtbot import QtBot

from studio.ui.media.playhead import Playhead


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def head(qtbot: QtBot, clock: Clock) -> Playhead:
    made = Playhead(clock)
    made.open(10.0)
    return made


def test_plays_by_the_clock(head: Playhead, clock: Clock) -> None:
    seen: list[float] = []
    head.moved.connect(seen.append)
    head.seek(2.0)
    head.play()
    clock.now += 1.5
    assert head.now_s == pytest.approx(3.5)
    assert head.time_s == 2.0  # until it looks
    head.tick()
    assert head.time_s == pytest.approx(3.5)
    head.pause()
    clock.now += 5
    head.tick()
    assert seen == pytest.approx([2.0, 3.5])


@pytest.mark.parametrize(("asked", "got"), [(0.25, 0.25), (4.0, 4.0), (0.01, 0.25), (9.0, 4.0)])
def test_speed_is_kept_in_range(head: Playhead, clock: Clock, asked: float, got: float) -> None:
    head.set_speed(asked)
    assert head.speed == got
    head.play()
    clock.now += 2
    head.tick()
    assert head.time_s == pytest.approx(2 * got)


def test_speed_changed_while_playing_keeps_the_place(head: Playhead, clock: Clock) -> None:
    head.play()
    clock.now += 2
    head.set_speed(0.5)
    clock.now += 2
    head.tick()
    assert head.time_s == pytest.approx(3.0)


def test_faster_and_slower_go_through_the_speeds(head: Playhead) -> None:
    head.faster()
    assert head.speed == 1.5
    head.faster(-2)
    assert head.speed == 0.5
    head.faster(-9)
    assert head.speed == 0.25


def test_stops_at_the_end_and_begins_again(head: Playhead, clock: Clock) -> None:
    head.seek(9.0)
    head.play()
    clock.now += 3
    assert head.now_s == 10.0
    head.tick()
    assert (head.time_s, head.playing) == (10.0, False)
    head.toggle()
    assert (head.time_s, head.playing) == (0.0, True)


def test_a_jump_while_playing_goes_on_from_there(head: Playhead, clock: Clock) -> None:
    head.play()
    clock.now += 1
    head.seek(5.0)
    clock.now += 1
    head.tick()
    assert head.time_s == pytest.approx(6.0)


def test_loops_a_stretch(head: Playhead, clock: Clock) -> None:
    head.set_loop((4.0, 3.0))
    assert head.loop_s == (3.0, 4.0)
    head.seek(3.5)
    head.play()
    clock.now += 0.6
    assert head.ahead_s(0) == pytest.approx(3.1)
    assert head.ahead_s(1.2) == pytest.approx(3.3)
    head.tick()
    assert (head.time_s, head.playing) == (pytest.approx(3.1), True)  # no moment is left out
    clock.now += 0.25
    head.tick()
    assert head.time_s == pytest.approx(3.35)
    head.set_loop((5.0, 5.0))
    assert head.loop_s is None


def test_a_place_after_the_loop_plays_to_the_end(head: Playhead, clock: Clock) -> None:
    head.set_loop((3.0, 4.0))
    head.seek(6.0)
    head.play()
    clock.now += 1
    head.tick()
    assert head.time_s == pytest.approx(7.0)


def test_looks_ahead_to_the_end(head: Playhead) -> None:
    head.seek(9.0)
    head.set_speed(0.5)
    head.play()
    assert head.ahead_s(1.0) == pytest.approx(9.5)
    assert head.ahead_s(2.0) is None


def test_counts_jumps_but_not_its_loop(head: Playhead, clock: Clock) -> None:
    head.set_loop((1.0, 2.0))
    head.seek(1.5)
    before = head.jumps
    head.play()
    clock.now += 1
    head.tick()
    assert head.jumps == before
    head.seek(1.0)
    assert head.jumps == before + 1


def test_ticks_whether_it_plays_or_not(head: Playhead) -> None:
    said: list[int] = []
    head.ticked.connect(lambda: said.append(1))
    head.tick()
    head.play()
    head.tick()
    assert len(said) == 2


def test_a_step_stands_still(head: Playhead, clock: Clock) -> None:
    head.play()
    clock.now += 1
    head.step(0.04)
    clock.now += 1
    head.tick()
    assert (head.time_s, head.playing) == (pytest.approx(1.04), False)
    head.step(-3)
    assert head.time_s == 0.0


def test_says_what_changed_once(head: Playhead) -> None:
    said: list[int] = []
    head.changed.connect(lambda: said.append(1))
    head.play()
    head.play()
    head.set_speed(2.0)
    head.set_speed(2.0)
    head.pause()
    head.pause()
    assert len(said) == 3


def test_another_recording_begins_at_its_start(head: Playhead) -> None:
    head.set_loop((1.0, 2.0))
    head.play()
    head.open(3.0)
    assert (head.time_s, head.playing, head.end_s, head.loop_s) == (0.0, False, 3.0, None)


def test_nothing_to_play(qtbot: QtBot) -> None:
    head = Playhead()
    head.play()
    head.tick()
    assert (head.playing, head.time_s) == (False, 0.0)
