"""Plots show every peak, nothing in gaps, and cost the same at any length."""

from itertools import pairwise

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6 import QtGui
from pytestqt.qtbot import QtBot

from studio.data.stream import Chunk, Ring, Stream
from studio.ui.plots.cover import Cover
from studio.ui.plots.decisions import DecisionItem
from studio.ui.plots.envelope import EnvelopeItem, Pyramid
from studio.ui.plots.live import LivePlots
from studio.ui.plots.plot import PlotArea
from studio.ui.plots.sheet import Sheet
from studio.ui.plots.spectrogram import COLUMNS_PER_S, Stft
from studio.ui.plots.trace import Columns, Held, Playhead, Range, level, round_range
from studio.ui.theme import Theme
from tests.ui.fakes import ACC, DECISION, MIC


@pytest.mark.parametrize("n", [5, 31, 32, 1000, 70_001, 300_000])
def test_a_pyramid_gives_the_extremes_of_every_column(n: int) -> None:
    raw = np.random.default_rng(n).integers(-30000, 30000, (n, 2)).astype("<i2")
    pyramid = Pyramid(raw)
    for width in (3, 100):
        if n / width <= 2:
            continue
        edges = np.linspace(0, n, width + 1)
        low, high = pyramid.columns(edges, 1)
        size = pyramid.level(n / width)[0]
        assert size * 4 <= max(4, n / width)
        for k in range(width):
            a, b = int(edges[k]) // size * size, -(-int(np.ceil(edges[k + 1])) // size) * size
            piece = raw[int(edges[k]) : max(int(edges[k + 1]), int(edges[k]) + 1), 1]
            outer = raw[a:b, 1]
            assert outer.min() <= low[k] and high[k] <= outer.max()
            inner = piece[size:-size] if len(piece) > 2 * size else piece[:0]
            if len(inner):
                assert low[k] <= inner.min() and high[k] >= inner.max()


def test_a_pyramid_takes_a_twelfth_of_the_memory() -> None:
    raw = np.zeros((1 << 20, 1), "<i2")
    held = sum(low.nbytes + high.nbytes for _, low, high in Pyramid(raw).levels)
    assert held < raw.nbytes / 11


def test_one_peak_among_a_million_samples_is_drawn(qtbot: QtBot, look: Theme) -> None:
    raw = np.zeros((1_000_000, 1), "<i2")
    raw[654_321] = 30000
    picture = draw(qtbot, EnvelopeItem(Pyramid(raw), 0, 1000.0, 1 / 30000), 0, 1000)
    colored = colored_columns(picture, look.tokens.lanes[0], picture.height() // 3)
    assert len(colored) >= 1


def test_nothing_is_drawn_in_a_gap_and_all_around_it(qtbot: QtBot, look: Theme) -> None:
    raw = np.random.default_rng(0).integers(-9000, 9000, (100_000, 1)).astype("<i2")
    item = EnvelopeItem(Pyramid(raw), 0, 1000.0, 1 / 10000, gaps=((40_000, 20_000),))
    picture = draw(qtbot, item, 0, 100)
    used = colored_columns(picture, look.tokens.lanes[0], picture.height())
    left, right = min(used), max(used)
    middle = [x for x in used if 0.41 < (x - left) / (right - left) < 0.59]
    assert not middle and len(used) > 0.75 * (right - left)


def test_few_samples_are_a_line_that_a_gap_breaks(qtbot: QtBot, look: Theme) -> None:
    raw = np.zeros((20, 1), "<i2")
    item = EnvelopeItem(Pyramid(raw), 0, 1.0, gaps=((8, 4),))
    picture = draw(qtbot, item, 0, 19)
    used = sorted(colored_columns(picture, look.tokens.lanes[0], picture.height()))
    holes = [b - a for a, b in pairwise(used) if b - a > 1]
    assert len(holes) == 1 and holes[0] == pytest.approx((used[-1] - used[0]) * 5 / 19, abs=3)


def draw(qtbot: QtBot, item: EnvelopeItem, start: float, stop: float) -> QtGui.QImage:
    area = PlotArea()
    qtbot.addWidget(area)
    area.resize(700, 300)
    plot = area.add_plot()
    plot.addItem(item)
    plot.setXRange(start, stop, padding=0)
    plot.setYRange(-1, 1.5, padding=0)
    area.show()
    qtbot.waitExposed(area)
    return area.grab().toImage()


def colored_columns(picture: QtGui.QImage, color: str, rows: int) -> set[int]:
    """x of the pixels in `color` among the upper `rows`."""
    wanted = QtGui.QColor(color).rgb()
    return {x for x in range(picture.width()) for y in range(rows) if picture.pixel(x, y) == wanted}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 30)), min_size=1, max_size=20),
    st.floats(2.0, 40.0),
)
def test_columns_kept_over_packets_equal_columns_of_the_whole(packets: list[tuple[int, int]], per: float) -> None:
    stream = Stream("s", 1000.0, ("v",))
    ring, columns = Ring(stream, 20.0), Columns(5000, 1, per)
    rng, whole, at = np.random.default_rng(1), [], 0
    for n, lost in packets:
        whole.append(np.full(lost, np.nan, np.float32))
        whole.append(rng.normal(size=n).astype(np.float32))
        ring.append(Chunk(stream, at + lost, whole[-1][:, None]))
        at += lost + n
        columns.take(ring)
    first = packets[0][1]  # a ring begins with its first sample
    values = np.concatenate(whole)
    right = int((at - 1) / per)
    low, high = columns.upto(right, right + 1)
    which = (np.arange(at) / per).astype(np.int64)
    for k in range(right + 1):
        piece = values[first:][which[first:] == k]
        piece = piece[np.isfinite(piece)]
        if len(piece):
            assert low[k, 0] == piece.min() and high[k, 0] == piece.max()
        else:
            assert np.isnan(low[k, 0])


def test_a_playhead_moves_smoothly_and_never_past_the_newest_sample() -> None:
    head, seen = Playhead(100.0), []
    for frame in range(600):
        now_s = frame / 30
        end = int(now_s * 100) // 20 * 20  # packets of 20 samples, five a second
        seen.append((head.advance(end, now_s), end))
    at = np.array(seen)
    steps = np.diff(at[150:, 0])
    assert (at[:, 0] <= at[:, 1] + 1e-9).all()
    assert steps.min() >= 0 and steps.max() < 10
    assert np.mean(np.abs(steps - 100 / 30)) < 1.5


def test_a_playhead_jumps_when_the_stream_does() -> None:
    head = Playhead(100.0)
    head.advance(10, 0.0)
    assert head.advance(100_000, 0.03) == pytest.approx(100_000)


def test_a_range_grows_at_once_and_shrinks_late_and_smoothly() -> None:
    fitted = Range()
    assert fitted.fit(-1.0, 1.0, 0.0) and fitted.low <= -1.0 and fitted.high >= 1.0
    assert not fitted.fit(-0.9, 0.9, 0.1)
    assert fitted.fit(-5.0, 1.0, 0.2) and fitted.low <= -5.0
    assert not fitted.fit(-0.1, 0.1, 1.0) and not fitted.fit(-0.1, 0.1, 2.0)
    spans = [fitted.high - fitted.low]
    for i in range(100):
        if not fitted.fit(-0.1, 0.1, 3.5 + i / 30):
            break
        spans.append(fitted.high - fitted.low)
    assert 8 < len(spans) < 60 and all(0.8 * a < b < a for a, b in pairwise(spans))
    assert (fitted.low, fitted.high) == round_range(-0.1, 0.1)
    assert not fitted.fit(float("nan"), 1.0, 9.0)


@given(st.lists(st.tuples(st.floats(-100, 0), st.floats(0.01, 100)), min_size=1, max_size=50))
def test_a_range_always_holds_its_data(seen: list[tuple[float, float]]) -> None:
    fitted = Range()
    for i, (low, high) in enumerate(seen):
        fitted.fit(low, high, i * 0.7)
        assert fitted.low <= low and high <= fitted.high


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_round_range_holds_its_data(low: float, span: float) -> None:
    a, b = round_range(low, low + span)
    assert a < b and a <= low and low + span <= b


def test_a_tone_lands_in_its_row_and_columns_come_once() -> None:
    ring, stft = Ring(MIC), Stft(MIC.rate_hz)
    t = np.arange(16000) / 16000
    tone = (8000 * np.sin(2 * np.pi * 3000 * t)).astype("<i2")[:, None]
    found, at = [], 0
    for i in range(0, len(tone), 320):
        ring.append(Chunk(MIC, i, tone[i : i + 320]))
        first, levels = stft.take(ring, 600)
        assert first == at
        at += len(levels)
        found.append(levels)
    picture = np.concatenate(found)
    assert picture.shape[0] == (16000 - stft.length) // stft.hop + 1
    assert abs(picture.shape[0] - COLUMNS_PER_S) < 3
    rows = picture[5:-5].argmax(1) * 16000 / stft.length
    assert np.abs(rows - 3000).max() <= 16000 / stft.length


def test_live_plots_show_every_sensor_and_a_spectrogram_for_sound(qtbot: QtBot, look: Theme) -> None:
    rings = {s.name: Ring(s) for s in (ACC, MIC, DECISION)}
    plots = LivePlots()
    qtbot.addWidget(plots)
    plots.resize(800, 600)
    plots.show()
    qtbot.waitExposed(plots)
    plots.show_rings(rings)
    assert len([i for i in plots.ci.items if isinstance(i, pg.PlotItem)]) == 3
    rings["accelerometer"].append(Chunk(ACC, 0, np.full((500, 3), 4096, "<i2")))
    rings["microphone"].append(Chunk(MIC, 0, np.full((8000, 1), 3000, "<i2")))
    blank = plots.grab().toImage()
    plots.tick()
    assert plots.grab().toImage() != blank
    assert plots.traces[0].range.high > 1.0


def test_decisions_stand_under_the_samples_they_speak_of() -> None:
    ring, head = Ring(DECISION), Playhead(100.0)
    ring.append(Chunk(DECISION, 0, np.array([[0], [0], [-1], [1]], "<i2")))
    item = DecisionItem(ring, 100, 50, 100.0, head, ["#f00", "#0f0"])
    head.at = 300.0  # answers 0..3 end at samples 100, 150, 200, 250
    item.tick()
    assert item.blocks() == [(-2.5, -1.5, 0), (-1.0, -0.5, 1)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_leaving_out_what_is_covered_changes_no_pixel(n_channels: int, seed: int) -> None:
    luck = np.random.default_rng(seed)
    tops = luck.integers(0, 20, (n_channels, 30)).astype(float)
    bottoms = tops + luck.integers(0, 12, tops.shape)
    tops[luck.random(tops.shape) < 0.2] = np.nan
    bottoms[np.isnan(tops)] = np.nan
    x, cover = np.arange(30.0), Cover(30)
    whole, parts = np.full((40, 30), -1), np.full((40, 30), -1)
    seen = [cover.seen(x, tops[c], bottoms[c]) for c in reversed(range(n_channels))]
    for c in range(n_channels):
        there = np.flatnonzero(np.isfinite(tops[c]))
        stretches = np.stack([x, tops[c], x, bottoms[c]], 1)[there]
        for picture, lines in ((whole, stretches), (parts, seen[-1 - c])):
            for x0, y0, _x1, y1 in lines.astype(int):
                picture[y0 : y1 + 1, x0] = c
    assert (whole == parts).all()


def test_loud_channels_over_each_other_cost_no_more_than_one() -> None:
    cover, x = Cover(1000), np.arange(1000.0)
    lengths = []
    for c in range(64):
        lines = cover.seen(x, np.full(1000, 10.0 + c % 3), np.full(1000, 500.0 - c % 2))
        lengths.append(float((lines[:, 3] - lines[:, 1]).sum()))
    assert sum(lengths[1:]) <= 3000 and lengths[0] == 490_000


def test_what_is_held_stays_while_the_ring_goes_on() -> None:
    ring = Ring(ACC, 2.0)
    ring.append(Chunk(ACC, 0, np.full((150, 3), 4096, "<i2")))
    held = Held(ring)
    ring.append(Chunk(ACC, 150, np.zeros((500, 3), "<i2")))
    start, values = held.since(100)
    assert (held.end, start, len(values)) == (150, 100, 50) and (values == 1).all()
    assert held.since(400)[1].size == 0


def test_streams_of_one_device_stand_level() -> None:
    heads = {20: Playhead(100.0), 320: Playhead(16000.0)}  # packets of 0.2 s and of 0.02 s
    apart = []
    for frame in range(900):
        now_s = frame / 30
        for n, head in heads.items():
            head.advance(int(now_s * head.rate_hz) // n * n, now_s)
        level(heads.values())
        apart.append(heads[20].at / 100 - heads[320].at / 16000)
    assert np.abs(apart[600:]).mean() < 0.012


def test_a_picture_painted_lying_down_is_the_same_standing(qtbot: QtBot, look: Theme) -> None:
    luck = np.random.default_rng(3)
    lines = np.zeros((60, 4))
    lines[:, 0] = lines[:, 2] = np.arange(60) + 0.5
    lines[:, 1] = luck.uniform(-5, 30, 60)
    lines[:, 3] = lines[:, 1] + luck.uniform(0, 30, 60)
    picture = QtGui.QImage(80, 60, QtGui.QImage.Format.Format_RGB32)
    picture.fill(0)
    painter, sheet = QtGui.QPainter(picture), Sheet()
    sheet.begin(60, 40)
    sheet.stretches(lines, QtGui.QColor("#ff0000"))
    sheet.put(painter, 7.0, 11.0, 1.0)
    painter.end()
    for x in range(80):
        for y in range(60):
            line = lines[x - 7] if 0 <= x - 7 < 60 else None
            wanted = line is not None and 0 <= y - 11 < 40 and np.floor(line[1]) <= y - 11 <= np.floor(line[3])
            assert (picture.pixel(x, y) & 0xFFFFFF == 0xFF0000) == wanted, (x, y)
