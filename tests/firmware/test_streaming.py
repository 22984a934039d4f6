"""Samples on their way out: exact numbers, exact times, and honest accounts of what is lost."""

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from studio.data.stream import Array, Stream
from studio.data.talk import Refused, Talk
from studio.data.wire import Packet, Status, Type, Verb, parse_stats
from studio.errors import LinkError
from studio.firmware.board import boards
from studio.firmware.flash import flash
from studio.firmware.virtual import SensorFile, SocketToBoard, VirtualBoard
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, BOARDS, graph, image


def sensors(folder: Path, board_id: str = "cortex-m4f") -> tuple[tuple[SensorFile, ...], list[Array]]:
    """The board's own sensors playing noise; files shorter than what is read, so that they loop."""
    rng = np.random.default_rng(3)
    files, rows = [], []
    for stream in boards()[board_id].streams:
        path = folder / f"{stream.name}.raw"
        rows.append(rng.integers(-32768, 32768, (997, len(stream.channels))).astype("<i2"))
        path.write_bytes(rows[-1].tobytes())
        files.append(SensorFile(stream, path))
    return tuple(files), rows


def gathered(talk: Talk, rows_wanted: int, channel: int = 1) -> list[Packet]:
    """SAMPLES until so many rows of `channel` are there."""
    found: list[Packet] = []
    deadline = time.monotonic() + 30
    while sum(p.count for p in found if p.channel == channel) < rows_wanted and time.monotonic() < deadline:
        found += [p for p in talk.pump() if p.type == Type.SAMPLES]
    return found


def values(packet: Packet, columns: int) -> Array:
    return np.frombuffer(packet.payload, "<i2").reshape(packet.count, columns)


@pytest.mark.parametrize("board_id", BOARDS)
def test_every_sample_comes_once_with_its_number_and_time(start: Started, tmp_path: Path, board_id: str) -> None:
    files, rows = sensors(tmp_path, board_id)
    with start(board_id, files) as talk:
        rates = {i: s.rate_hz for i, s in talk.hello().channels.items()}
        talk.request(Verb.START)
        packets = gathered(talk, 20_000)
        talk.request(Verb.STOP)
        assert {p.channel for p in packets} == {0, 1}
        for channel, truth in enumerate(rows):
            mine = [p for p in packets if p.channel == channel]
            begins = np.cumsum([0, *(p.count for p in mine)])[:-1]
            assert [p.seq for p in mine] == list(begins)
            got = np.concatenate([values(p, truth.shape[1]) for p in mine])
            assert np.array_equal(got, truth[np.arange(len(got)) % len(truth)])
            due = mine[0].t_us + begins * 1e6 / rates[channel]
            assert np.abs(np.array([p.t_us for p in mine]) - due).max() <= 1
        stats = parse_stats(talk.request(Verb.STATS))
        assert set(stats.dropped.values()) == {0} and stats.bad_frames == 0


def test_the_clock_of_a_true_pace_board_is_ours(start: Started, tmp_path: Path) -> None:
    """Asked for a tenth of the truth only: this computer may be busy."""
    files, _ = sensors(tmp_path)
    with start("cortex-m4f", files, speed=1.0) as talk:
        talk.request(Verb.START, {1: [1]})
        began = time.monotonic()
        packets = gathered(talk, 8_000)
        assert time.monotonic() - began > 0.05
        assert packets[-1].t_us - packets[0].t_us > 300_000


def test_start_names_streams_and_begins_at_zero_each_time(start: Started, tmp_path: Path) -> None:
    files, _ = sensors(tmp_path)
    with start("host", files) as talk:
        for wanted in ([0], [1], [0, 1]):
            talk.request(Verb.START, {1: wanted})
            packets = gathered(talk, 600, wanted[0])
            talk.request(Verb.STOP)
            assert {p.channel for p in packets} == set(wanted)
            assert all(next(p for p in packets if p.channel == c).seq == 0 for c in wanted)
            while [p for p in talk.pump() if p.type == Type.SAMPLES]:
                pass
        with pytest.raises(Refused) as e:
            talk.request(Verb.START, {1: [9]})
        assert e.value.status == Status.BAD_ARGUMENTS


def test_stop_sends_what_is_gathered_and_then_nothing(start: Started, tmp_path: Path) -> None:
    """The slow stream ends where the fast one does, not at its last full frame."""
    files, _ = sensors(tmp_path)
    for rows in (600, 1700, 3000):
        with start("host", files) as talk:
            talk.request(Verb.START)
            packets = gathered(talk, rows)
            talk.request(Verb.STOP)
            packets += [p for p in talk.pump() if p.type == Type.SAMPLES]
            slow, fast = (sum(p.count for p in packets if p.channel == c) for c in (0, 1))
            assert abs(slow - fast / 160) <= 1
            assert talk.pump() == []


@pytest.mark.parametrize("board_id", ["host", "cortex-m4f"])
def test_a_host_that_does_not_read_costs_old_frames_and_the_board_says_how_many(tmp_path: Path, board_id: str) -> None:
    """Back-pressure: whole frames go, oldest first; what arrives plus what STATS counts is every sample there was."""
    files, rows = sensors(tmp_path, board_id)
    with VirtualBoard(board_id, files, tmp_path / "flash", speed=40.0) as board:
        talk = Talk(SocketToBoard(board.url))
        talk.request(Verb.START)
        time.sleep(2.5)  # 80 s of microphone: far more than fits into all buffers on the way
        talk.request(Verb.STOP, timeout_s=10.0)
        stats = parse_stats(talk.request(Verb.STATS))
        packets = [p for p in talk.pump() if p.type == Type.SAMPLES]
        talk.close()
    sound = [p for p in packets if p.channel == 1]
    arrived = sum(p.count for p in sound)
    assert stats.dropped[1] > 10_000
    assert arrived + stats.dropped[1] == sound[-1].seq + sound[-1].count
    for p in sound:
        assert np.array_equal(values(p, 1), rows[1][np.arange(p.seq, p.seq + p.count) % len(rows[1])])


def test_a_sensor_too_fast_for_the_core_leaves_holes_of_known_size(tmp_path: Path) -> None:
    """Overruns: what is read carries its true number, and what is missing is counted to the sample."""
    fast = Stream("fast", 50_000.0, tuple(map(str, range(64))), dtype="i32")
    rows = np.arange(64 * 3_001, dtype="<i4").reshape(-1, 64)
    (tmp_path / "fast.raw").write_bytes(rows.tobytes())
    plugged = (SensorFile(fast, tmp_path / "fast.raw"),)
    with VirtualBoard("cortex-m0plus", plugged, tmp_path / "flash", speed=0) as board:
        talk = Talk(SocketToBoard(board.url))
        talk.request(Verb.START)
        packets = gathered(talk, 4_000, 0)
        talk.request(Verb.STOP, timeout_s=5.0)
        stats = parse_stats(talk.request(Verb.STATS, timeout_s=5.0))
        packets += [p for p in talk.pump() if p.type == Type.SAMPLES]
        talk.close()
    holes = [b.seq - a.seq - a.count for a, b in pairwise(packets)]
    assert min(holes) == 0 < max(holes)
    assert sum(p.count for p in packets) + stats.dropped[0] == packets[-1].seq + packets[-1].count
    for p in packets:
        got = np.frombuffer(p.payload, "<i4").reshape(-1, 64)
        assert np.array_equal(got, rows[np.arange(p.seq, p.seq + p.count) % len(rows)])


def test_stats_come_every_second_of_the_board(start: Started, tmp_path: Path) -> None:
    files, _ = sensors(tmp_path)
    with start("host", files) as talk:
        talk.request(Verb.START, {1: [0]})
        uptimes: list[int] = []
        while len(uptimes) < 4:
            uptimes += [parse_stats(p.payload).uptime_us for p in talk.pump() if p.type == Type.STATS]
        assert all(900_000 < b - a < 1_200_000 for a, b in pairwise(uptimes))


@pytest.mark.parametrize("board_id", ["host", "cortex-m4f"])
def test_damage_on_the_way_in_is_counted(start: Started, board_id: str) -> None:
    with start(board_id) as talk:
        talk.link.write(b"\x05garbage\x00" + b"x" * 3000 + b"\x00")
        assert talk.request(Verb.PING, {1: {"any": [1, None, b"x"]}}) == {"any": [1, None, b"x"]}
        assert parse_stats(talk.request(Verb.STATS)).bad_frames == 2


def test_what_the_firmware_does_not_know_is_refused_with_a_reason(start: Started) -> None:
    with start("host") as talk:
        for verb, arguments, status in (
            (99, {}, Status.UNKNOWN_VERB),
            (Verb.ERASE, {1: 0, 2: 4096}, Status.UNKNOWN_VERB),
            (Verb.SET, {1: "colour", 2: 1}, Status.BAD_ARGUMENTS),
            (Verb.SET, {1: "taps", 2: 7}, Status.BAD_ARGUMENTS),
            (Verb.SET, {1: "taps"}, Status.BAD_ARGUMENTS),
        ):
            with pytest.raises(Refused) as e:
                talk.request(verb, arguments)
            assert e.value.status == status and e.value.seen
        with pytest.raises(Refused, match="no model"):
            talk.hello()
            talk.inject(0, np.zeros((5, 3), "<i2"))


def test_the_model_answers_on_its_own_stream_while_its_sensor_plays(start: Started, tmp_path: Path) -> None:
    """Scores and decisions of the live sensor: the same as of the same samples here, timed at the window's end."""
    g = graph("forest")
    path, rows = tmp_path / "hand.raw", sensors(tmp_path)[1][0]
    path.write_bytes(rows.tobytes())
    with start("cortex-m4f", (SensorFile(ACCELEROMETER, path),)) as talk:
        finish(flash(talk, image("cortex-m4f", "forest").bin))
        talk.request(Verb.START, {1: [0, 2, 3]})
        packets = gathered(talk, 20, channel=3)
        talk.request(Verb.STOP)
    answers = [p for p in packets if p.channel == 3]
    scores = [p for p in packets if p.channel == 2]
    samples = [p for p in packets if p.channel == 0]
    n = min(len(answers), len(scores), 20)
    assert [p.seq for p in answers[:n]] == list(range(n))
    raw = rows[np.arange(g.length + n * g.stride) % len(rows)]
    expected = g.scores(g.windows(ACCELEROMETER.to_unit(raw)))[:n]
    got = np.array([np.frombuffer(p.payload, "<f4") for p in scores[:n]])
    assert np.array_equal(got.view("u4"), expected.view("u4"))
    assert [int(np.frombuffer(p.payload, "<i2")[0]) for p in answers[:n]] == list(g.decide(expected))
    begin = samples[0].t_us
    for k, p in enumerate(answers[:n]):
        last_sample = g.length - 1 + k * g.stride
        assert abs(p.t_us - begin - last_sample * 20_000) <= 2


def test_a_board_takes_the_sensors_that_are_plugged_in(tmp_path: Path) -> None:
    """Without a model in it, a virtual board streams whatever it is given, with that stream's own description."""
    imu = Stream("imu", 208.0, ("ax", "ay", "az", "gx"), "mixed", "f32", 1.0, "imu")
    rows = np.random.default_rng(0).normal(size=(333, 4)).astype("<f4")
    (tmp_path / "imu.raw").write_bytes(rows.tobytes())
    answers = SensorFile(Stream("scores", 1.0, ("a",), kind="scores"), tmp_path / "imu.raw")
    for plugged, expected in (((), 2), ((SensorFile(imu, tmp_path / "imu.raw"), answers), 1), ((), 2)):
        with VirtualBoard("host", plugged, tmp_path / "flash", speed=0) as board:
            talk = Talk(SocketToBoard(board.url))
            assert len(talk.hello().streams) == expected
            if plugged:
                assert talk.hello().sensors == (imu,)
                talk.request(Verb.START)
                packets = gathered(talk, 500, 0)
                got = np.frombuffer(b"".join(p.payload for p in packets), "<f4").reshape(-1, 4)
                assert np.array_equal(got, rows[np.arange(len(got)) % len(rows)])
            talk.close()


def test_one_flash_has_one_board(tmp_path: Path) -> None:
    flash_file = tmp_path / "flash"
    with VirtualBoard("host", flash=flash_file), pytest.raises(LinkError, match="in use"):
        VirtualBoard("host", flash=flash_file)
    VirtualBoard("host", flash=flash_file).close()


def test_the_program_ends_with_whoever_started_it(tmp_path: Path) -> None:
    board = VirtualBoard("host", flash=tmp_path / "flash")
    assert board._process.stdin is not None
    board._process.stdin.close()
    assert board._process.wait(10) == 0
