"""Ways to look at a stream: each fits what it says, tells the truth, and stands still when held."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6 import QtGui
from pytestqt.qtbot import QtBot

from studio.data.clock import Fit
from studio.data.stream import Chunk, Ring, Stream
from studio.sources.devices.acconeer import moving_target, radar_stream
from studio.ui.parts.numbers import clock_text, spaced
from studio.ui.parts.rows import LiveRows
from studio.ui.plots.marks import Shown
from studio.ui.plots.radar import Cube, RangeDoppler, RangeTime, cube_of
from studio.ui.plots.spectrogram import Loudness
from studio.ui.plots.spectrum import Spectrum, frequency_text
from studio.ui.plots.views import VIEWS
from studio.ui.theme import Theme
from tests.ui.fakes import ACC, DECISION, MIC

RADAR = radar_stream(8, 12, 20.0)
MANY = Stream("many", 1000.0, tuple(f"c{i}" for i in range(64)), "", "i16")


def ring_of(stream: Stream, raw: np.ndarray, seconds: float = 60.0) -> Ring:
    ring = Ring(stream, seconds)
    ring.append(Chunk(stream, 0, raw))
    return ring


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("stream", [ACC, MIC, RADAR, MANY], ids=lambda s: s.kind)
def test_every_view_that_fits_a_stream_draws_it(name: str, stream: Stream, qtbot: QtBot, look: Theme) -> None:
    view = VIEWS[name]
    if not view.fits(stream):
        assert (name in ("range_time", "range_doppler")) == (stream is not RADAR)
        return
    n = round(3 * stream.rate_hz)
    raw = (9000 * np.random.default_rng(0).standard_normal((n, len(stream.channels)))).astype("<i2")
    ring = ring_of(stream, raw)
    made = view.make(ring, 2.0)
    qtbot.addWidget(made)
    made.resize(500, 200)
    made.show()
    qtbot.waitExposed(made)
    blank = made.grab().toImage()
    for i in range(3):
        made.tick(ring, float(ring.end), i / 30)
    assert made.grab().toImage() != blank


def test_every_one_of_many_channels_is_seen(qtbot: QtBot, look: Theme) -> None:
    apart = np.tile(np.arange(64) * 500, (3000, 1)).astype("<i2")
    ring = ring_of(MANY, apart)
    view = VIEWS["wave"].make(ring, 2.0)
    qtbot.addWidget(view)
    view.resize(500, 700)
    view.show()
    qtbot.waitExposed(view)
    for i in range(2):
        view.tick(ring, float(ring.end), i / 30)
    picture = view.grab().toImage()
    lanes = {QtGui.QColor(c).rgb() for c in look.tokens.lanes}
    column = [picture.pixel(300, y) for y in range(700)]
    assert sum(a in lanes and b not in lanes for a, b in pairwise(column)) == 64


def test_each_sensor_has_a_view_at_first() -> None:
    for stream in (ACC, MIC, RADAR, MANY):
        assert any(v.fits(stream) and v.first(stream) for v in VIEWS.values()), stream.name


@settings(max_examples=40, deadline=None)
@given(st.floats(3.0, 47.0), st.floats(0.01, 5.0))
def test_a_sines_frequency_and_amplitude_are_read_to_a_part_of_a_bin(hz: float, amplitude: float) -> None:
    stream = Stream("s", 100.0, ("a", "b"), "g")
    t = np.arange(1000) / 100.0
    wave = np.stack([0.001 * np.sin(t), 1.0 + amplitude * np.sin(2 * np.pi * hz * t)], 1).astype(np.float32)
    ring, spectrum = ring_of(stream, wave), Spectrum(100.0, 2)
    assert spectrum.look(ring, 1000.0) and not spectrum.look(ring, 1000.5)
    found_hz, found, channel = spectrum.peak()
    assert found_hz == pytest.approx(hz, abs=0.15 * 100.0 / spectrum.length)
    assert found == pytest.approx(amplitude, rel=0.07) and channel == 1


def test_a_spectrum_is_averaged_and_waits_for_enough_samples() -> None:
    luck = np.random.default_rng(1)
    ring = ring_of(MIC, luck.normal(0, 3000, (16000 * 8, 1)).astype("<i2"))
    once, calm = Spectrum(16000.0, 1), Spectrum(16000.0, 1)
    assert not once.look(ring, 1000.0)
    once.look(ring, 16000.0 * 8)
    for at in range(16000, 16000 * 8 + 1, 2000):
        calm.look(ring, float(at))
    assert calm.power[5:-5].std() < 0.6 * once.power[5:-5].std()
    assert calm.power[5:-5].mean() == pytest.approx(once.power[5:-5].mean(), rel=0.1)
    assert (frequency_text(1234.5), frequency_text(50.26), frequency_text(1.5)) == ("1.234 kHz", "50.3 Hz", "1.50 Hz")


def test_the_shape_of_a_radar_frame_is_read_from_the_names() -> None:
    assert cube_of(RADAR) == Cube(8, 12, True) and cube_of(ACC) is None
    imported = Stream(
        "r", 20.0, tuple(f"{s}.{p}.{c}" for s in range(2) for p in range(3) for c in ("re", "im")), kind="radar"
    )
    assert cube_of(imported) == Cube(2, 3, True)
    assert cube_of(Stream("r", 20.0, ("a", "b", "c"), kind="radar")) == Cube(1, 3, False)
    values = np.arange(12, dtype=np.float32)[None]
    assert Cube(2, 3, True).frames(values)[0, 1, 0] == 6 + 7j


def test_range_over_time_follows_the_target() -> None:
    rows = moving_target(100)
    ring, maker = ring_of(RADAR, rows), RangeTime(RADAR)
    first, levels = maker.take(ring, 100)
    assert (first, levels.shape) == (0, (100, 12))
    power = np.square(np.abs(Cube(8, 12, True).frames(rows.astype(np.float32)))).mean(1)
    assert (levels.argmax(1) == power.argmax(1)).mean() > 0.95
    assert len(maker.take(ring, 100)[1]) == 0


def test_speed_moves_away_from_the_middle_row() -> None:
    turn = np.exp(2j * np.pi * 2 / 8 * np.arange(8))  # two bins of speed
    frame = np.zeros((8, 12), complex)
    frame[:, 7] = 3000 * turn
    frame[:, 2] = 3000
    raw = np.stack([frame.real, frame.imag], -1).reshape(1, -1).astype("<i2")
    doppler = RangeDoppler(RADAR)
    assert doppler.look(ring_of(RADAR, raw), 1.0) and not doppler.look(ring_of(RADAR, raw), 1.0)
    assert doppler.power[:, 7].argmax() == 4 + 2 and doppler.power[:, 2].argmax() == 4
    one_sweep = radar_stream(1, 12, 20.0)
    assert RangeDoppler(one_sweep).n_slow == 32


def test_noise_is_dark_and_what_stands_out_is_bright() -> None:
    luck, loudness = np.random.default_rng(0), Loudness()
    noise = luck.exponential(1e-6, (60, 100))
    for _ in range(10):
        levels = loudness.levels(noise, 60.0)
    noise[:, 40] = 0.1
    bright = loudness.levels(noise, 60.0)
    assert np.median(levels) < 90 and bright[:, 40].min() == 255


class TestRows:
    @pytest.fixture
    def rings(self) -> dict[str, Ring]:
        found = {s.name: Ring(s) for s in (ACC, MIC, DECISION)}
        found["accelerometer"].append(Chunk(ACC, 0, np.full((3000, 3), 4096, "<i2")))
        found["microphone"].append(Chunk(MIC, 0, np.full((480_000, 1), 3000, "<i2")))
        return found

    @pytest.fixture
    def rows(self, rings: dict[str, Ring], qtbot: QtBot, look: Theme) -> LiveRows:
        made = LiveRows()
        qtbot.addWidget(made)
        made.resize(800, 700)
        made.show()
        qtbot.waitExposed(made)
        made.show_rings(rings)
        views = [view for row in made.rows.values() for view in row.views.values()]
        qtbot.waitUntil(lambda: all(not view.viewport().visibleRegion().isEmpty() for view in views))
        made.tick()
        return made

    def test_a_row_per_sensor_with_the_views_of_its_kind(self, rows: LiveRows) -> None:
        assert {n: list(r.views) for n, r in rows.rows.items()} == {
            "accelerometer": ["wave"],
            "microphone": ["wave", "spectrogram"],
        }

    def test_held_pictures_stand_still_and_look_back_no_further_than_there_is(
        self, rows: LiveRows, rings: dict[str, Ring]
    ) -> None:
        rows.pause(True)
        wave = rows.rows["accelerometer"].views["wave"]
        rows.tick()
        before = wave.grab().toImage()
        rings["accelerometer"].append(Chunk(ACC, 3000, np.full((6000, 3), -4096, "<i2")))
        rows.tick()
        assert wave.grab().toImage() == before
        assert rows.reach_s == pytest.approx(20.0, abs=0.1)
        rows.look_back(1000.0)
        assert rows.back_s == rows.reach_s
        rows.look_back(-5.0)
        assert rows.back_s == 0.0
        rows.pause(False)
        rows.tick()
        assert rows.rows["accelerometer"].held is None and wave.grab().toImage() != before

    def test_what_is_scrolled_out_of_sight_is_not_drawn(self, rows: LiveRows, monkeypatch: pytest.MonkeyPatch) -> None:
        wave = rows.rows["accelerometer"].views["wave"]
        drawn: list[float] = []
        monkeypatch.setattr(wave, "tick", lambda *args: drawn.append(args[1]))
        rows.tick()
        assert len(drawn) == 1
        wave.hide()
        rows.tick()
        assert len(drawn) == 1

    def test_pulling_the_picture_to_the_right_stops_it_and_looks_back(self, rows: LiveRows) -> None:
        rows.drag(-1.0)
        assert not rows.paused
        rows.drag(2.5)
        assert rows.paused and rows.back_s == pytest.approx(2.5)

    def test_a_held_sample_stands_where_it_should(self, rows: LiveRows) -> None:
        rows.hold_at("accelerometer", 2500.0, 0.25)
        rows.tick()
        (shown,) = rows.rows["microphone"].views["wave"].marks.marks
        assert shown == Shown(pytest.approx(-7.5), pytest.approx(-7.5), "trigger")

    def test_time_shown_changes_everywhere(self, rows: LiveRows) -> None:
        rows.rows["microphone"].views["wave"].box.wheeled.emit(1)
        assert rows.seconds == 20.0
        for row in rows.rows.values():
            for view in row.views.values():
                assert view.plot.vb.viewRange()[0] == [-20.0, 0.0]

    def test_chosen_views_are_remembered_and_the_last_one_stays(
        self, rows: LiveRows, rings: dict[str, Ring], qtbot: QtBot
    ) -> None:
        row = rows.rows["microphone"]
        row.chips["spectrum"].click()
        row.chips["wave"].click()
        assert list(row.views) == ["spectrogram", "spectrum"]
        row.chips["spectrogram"].click()
        row.chips["spectrum"].click()
        assert list(row.views) == ["spectrum"] and row.chips["spectrum"].isChecked()
        again = LiveRows()
        qtbot.addWidget(again)
        again.show_rings(rings)
        assert list(again.rows["microphone"].views) == ["spectrum"]


def test_words_of_numbers() -> None:
    fit = Fit(0.0, 0.0, -40.0, 3.2, 1.0, 500, 60.0)
    assert clock_text(None) == ("–", "") and clock_text(fit) == ("+40 ± 3 ppm", "")
    assert clock_text(replace(fit, ppm=-900.0)) == ("+901 ± 3 ppm", "warn")
    assert clock_text(replace(fit, ppm_error=900.0)) == ("–", "")  # too early to tell
    assert spaced(1234567) == "1\u202f234\u202f567"
