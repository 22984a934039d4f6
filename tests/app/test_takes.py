"""Marks of a running recording lie in it where the samples are, and a voice is found or said to be missing."""

import sys
from pathlib import Path

import pytest

from studio.app.takes import Mark, Moment, Take, moved
from studio.app.voice import VOICES, Voice
from studio.data.labels import Segment

RATES = {"acc": 100.0, "mic": 16000.0}


class Device:
    """A clock that the test turns; the recording began at second 3 of it."""

    now_s = 5.0

    def moment(self) -> Moment:
        return {name: self.now_s * rate for name, rate in RATES.items()}

    @staticmethod
    def place(moment: Moment) -> float | None:
        return moment["acc"] / 100.0 - 3.0 if "acc" in moment else None


def test_held_keys_paint_touched_ones_do_not_and_points_stand_inside() -> None:
    device = Device()
    take = Take(device.moment)
    take.press("wave")
    device.now_s = 5.5
    take.press("wave")
    take.point("marker")
    assert take.held == (Mark("wave", {"acc": 500.0, "mic": 80000.0}),)
    device.now_s = 6.0
    take.release("wave")
    take.release("wave")
    take.press("idle")
    take.release("idle")
    found = take.labels(Device.place, 10.0).segments
    assert found == (Segment(2.0, 3.0, "wave"), Segment(2.5, 2.5, "marker"))


def test_a_label_for_the_whole_gives_way_and_nothing_reaches_past_the_end() -> None:
    device = Device()
    take = Take(device.moment)
    device.now_s = 2.0
    take.press("wave")
    device.now_s = 4.0
    take.release_all()
    take.paint("jump", {"acc": 550.0}, {"acc": 900.0})
    take.paint("lost", {}, {})
    found = take.labels(Device.place, 5.0, whole="idle").segments
    assert found == (Segment(0.0, 1.0, "wave"), Segment(1.0, 2.5, "idle"), Segment(2.5, 5.0, "jump"))


def test_a_moment_moves_by_each_streams_rate() -> None:
    assert moved({"acc": 100.0, "mic": 0.0, "x": 1.0}, -0.5, RATES) == {"acc": 50.0, "mic": -8000.0}


def test_without_a_voice_it_says_so_and_stays_quiet() -> None:
    voice = Voice(lambda name: None)
    assert "no voice" in voice.words
    voice.say("now: wave")
    voice.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="a shell script stands in for the voice")
def test_a_voice_gets_the_words_and_a_broken_one_becomes_silence(tmp_path: Path) -> None:
    said, program = tmp_path / "said", tmp_path / "espeak"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {said}\n')
    program.chmod(0o755)
    voice = Voice(lambda name: str(program) if name == "espeak" else None)
    voice.say("-x; rm $HOME")
    assert voice._speaking is not None
    voice._speaking.wait(10)
    assert said.read_text() == "--|-x; rm $HOME|" and "espeak" in voice.words
    program.write_text("no program")
    voice.say("again")
    assert "no voice" in voice.words


def test_every_voice_says_how_it_takes_its_words() -> None:
    assert all("{}" in arguments or name == "powershell" for name, arguments in VOICES.items())
