"""The acquisition accounts for every sample: what it gives to its sinks and what it says it lost make up the whole."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.recording import Writer
from studio.data.stream import Chunk
from studio.data.talk import Talk
from studio.data.wire import Decoder, Packet, Type, Verb, encode, pack, unpack
from studio.errors import DataError, LinkError, ProtocolError
from studio.sources.acquire import BY_CLOCK, BY_COUNT, BY_HOST, Acquisition, Count, Joint, Meeting
from tests.data.board import ACCEL, ToyBoard, until

N = 10


def frame(seq: int, n: int = N, t_us: int | None = None) -> Packet:
    """Row i holds the low 15 bits of i in every channel."""
    rows = np.repeat((np.arange(seq, seq + n) & 0x7FFF)[:, None], 3, axis=1).astype("<i2")
    return Packet(
        Type.SAMPLES, 1, n, seq & 0xFFFFFFFF, seq * 10_000 + 5_000_000 if t_us is None else t_us, rows.tobytes()
    )


class Heard:
    """A sink that checks each row against its index."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []

    def __call__(self, chunk: Chunk) -> None:
        expected = np.arange(chunk.start, chunk.start + len(chunk.values)) & 0x7FFF
        assert np.array_equal(chunk.values[:, 1], expected)
        self.chunks.append(chunk)

    @property
    def indices(self) -> list[int]:
        return [i for c in self.chunks for i in range(c.start, c.start + len(c.values))]


def acquired(*packets: Packet | bytes) -> tuple[Heard, dict, Acquisition]:
    """What a board's packets become: sink, stats of the accelerometer, the acquisition."""
    board, heard = ToyBoard(), Heard()
    talk = Talk(board)
    talk.hello()
    acquisition = Acquisition(talk, [heard])
    board.say(*packets)
    acquisition.start()
    until(lambda: not board._out)
    board.close()
    until(lambda: acquisition.state == "lost")
    assert isinstance(acquisition.error, LinkError), acquisition.error
    return heard, acquisition.stats["streams"][ACCEL.name], acquisition


def test_nothing_lost() -> None:
    heard, stats, acquisition = acquired(*(frame(i * N) for i in range(100)))
    assert heard.indices == list(range(1000)) and stats["received"] == 1000
    assert (stats["lost"], stats["late"], stats["gaps"]) == (0, 0, [])
    assert stats["measured_rate_hz"] == pytest.approx(100.0)
    assert acquisition.stats["packets"] == 101 and acquisition.stats["bad_packets"] == 0
    assert all(c.device_us == 5_000_000 + c.start * 10_000 and c.host_ns > 0 for c in heard.chunks)


@given(st.integers(0, 10**6), st.integers(0, 2**32 - 1))
def test_exact_under_drops_duplicates_and_reordering(seed: int, origin: int) -> None:
    """Whatever luck does to the frames: heard and lost are apart, and together are everything up to the newest."""
    luck, frames = random.Random(seed), []
    for i in range(luck.randrange(1, 80)):
        frames += [] if luck.random() < 0.2 and i else [i] * luck.choice([1, 1, 1, 2, 3])
    for _ in range(luck.randrange(10)):
        i = luck.randrange(1, max(len(frames) - 1, 2))
        frames[i : i + 2] = reversed(frames[i : i + 2])
    count, heard = Count(ACCEL), set()
    for i in frames:
        start, known = count.place((origin + i * N) % 2**32, N, 1_000_000 + i * N * 10_000)
        new = set(range(start + known, start + N))
        assert not new & heard
        heard |= new
    lost = {i for start, n in count.gaps for i in range(start, start + n)}
    assert not heard & lost and heard | lost == set(range(origin, origin + (max(frames) + 1) * N))
    assert len(heard) == count.received and len(lost) == count.lost
    assert count.late == len(frames) * N - len(heard) and count.restarts == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_burst_is_accounted_for_as_single_packets_are(seed: int) -> None:
    """The same packets with losses, duplicates, other lengths and a restart: one by one, and all in one read."""
    luck, packets, at = random.Random(seed), [], 2**32 - 400
    for i in range(120):
        n = luck.choice([N, N, N, 4])
        packets += [frame(at, n)] * luck.choice([0, 1, 1, 1, 1, 2])
        packets += [Packet(Type.SAMPLES, 1, 2, 0, 0, b"short")] * (i == 40) + [Packet(Type.LOG, payload=b"x")] * (
            i == 60
        )
        at += n
    packets += [frame(i * N, t_us=99 * 10**9 + i) for i in range(30)]
    one: list[Chunk] = []
    all_: list[Chunk] = []
    alone, burst = Acquisition(greeted(ToyBoard()), [one.append]), Acquisition(greeted(ToyBoard()), [all_.append])
    for packet in packets:
        alone._take(packet, 7)
    burst._take_all(Decoder().bodies(b"".join(map(encode, packets))), 7)
    assert vars(burst.counts[1]) == vars(alone.counts[1]) and burst.malformed == alone.malformed == 1
    assert alone.counts[1].restarts == 1 and alone.counts[1].late and alone.counts[1].lost and len(all_) < len(one)
    assert rows(all_) == rows(one)
    stamped = {c.start: c.device_us for c in one}
    assert all(stamped[c.start] == c.device_us for c in all_)


def rows(chunks: list[Chunk]) -> list[tuple[int, int]]:
    """(index, value) of every sample."""
    return [(c.start + i, int(v)) for c in chunks for i, v in enumerate(c.values[:, 1])]


def greeted(board: ToyBoard) -> Talk:
    talk = Talk(board)
    talk.hello()
    return talk


def test_the_index_goes_on_where_32_bits_end() -> None:
    start = 2**32 - 3 * N - 4
    heard, stats, _ = acquired(*(frame(start + i * N) for i in range(10) if i != 5))
    assert heard.indices == [i for i in range(start, start + 100) if not start + 50 <= i < start + 60]
    assert stats["gaps"] == [[start + 50, 10]]


def test_part_of_a_packet_may_be_known() -> None:
    heard, stats, _ = acquired(frame(0), frame(4), frame(14))
    assert heard.indices == list(range(24)) and stats["late"] == 6
    assert heard.chunks[1].device_us == frame(10).t_us


def test_a_device_that_counts_anew_goes_on_behind_the_old_samples() -> None:
    count = Count(ACCEL)
    for i in range(50):
        count.place(1000 + i * N, N, 60_000_000 + i * 100_000)
    start, known = count.place(0, N, 66_000_000)  # one second after the newest sample
    assert (start, known, count.restarts) == (1600, 0, 1) and count.gaps == [(1500, 100)]
    assert count.place(N, N, 66_100_000) == (1610, 0)
    rebooted, known = count.place(0, N, 40_000)  # its clock began anew as well
    assert (known, count.restarts) == (0, 2) and rebooted == 1620


def test_counting_anew_without_a_clock() -> None:
    count = Count(ACCEL)
    for i in range(50):
        count.place(1000 + i * N, N, 0)
    assert count.place(1480, N, 0) == (1480, N) and count.late == N
    assert count.place(0, N, 0) == (1500, 0) and count.restarts == 1 and count.lost == 0


S = 10**9


def lost_after(rows: int, host_ns: int) -> Count:
    """The account of a stream that was lost after so many rows, the last ones at `host_ns`."""
    count = Count(ACCEL)
    for i in range(rows // N):
        count.place(i * N, N, 5_000_000 + i * N * 10_000, host_ns)
    count.resume(Meeting())
    return count


def test_a_count_that_ran_on_is_believed() -> None:
    count = lost_after(1000, 100 * S)
    assert count.place(1600, N, 0, 106 * S + S // 2) == (1600, 0)  # half a second late
    assert count.joints == [Joint(1600, 600, BY_COUNT)] and count.gaps == [(1000, 600)] and count.restarts == 0
    assert count.place(1610, N, 0, 107 * S) == (1610, 0) and len(count.joints) == 1


def test_a_clock_that_ran_on_is_believed_and_the_new_count_followed() -> None:
    count = lost_after(1000, 100 * S)
    assert count.place(0, N, 5_000_000 + 1234 * 10_000, 102 * S + S // 3) == (1234, 0)
    assert count.joints == [Joint(1234, 234, BY_CLOCK)] and count.restarts == 1
    assert count.place(N, N, 5_000_000 + 1244 * 10_000, 103 * S) == (1244, 0) and count.lost == 234


def test_a_device_that_began_anew_is_placed_by_this_computers_clock() -> None:
    count = lost_after(1000, 100 * S)
    assert count.place(0, N, 3_000_000, 104 * S) == (1390, 0)  # its ten samples took a tenth of the four seconds
    assert count.joints == [Joint(1390, 390, BY_HOST)] and not count.joints[0].known
    assert count.place(N, N, 3_100_000, 105 * S) == (1400, 0) and count.restarts == 1
    assert count.measured_rate_hz == pytest.approx(100.0)


@pytest.mark.parametrize("seq", [0, 999, 5_000_000, 2**32 - 1])
def test_a_count_or_clock_that_cannot_be_is_not_believed(seq: int) -> None:
    count = lost_after(1000, 100 * S)
    count.place(seq, N, 5_000_000 + 900 * 10_000, 110 * S)
    assert [j.by for j in count.joints] == [BY_HOST] and count.gaps == [(1000, 990)]


def test_streams_of_one_device_come_back_together() -> None:
    fast = replace(ACCEL, name="fast", rate_hz=1000.0)
    slow, quick, meeting = Count(ACCEL), Count(fast), Meeting()
    for i in range(100):
        slow.place(i * N, N, 1_000_000 + i * 100_000, 100 * S)
        quick.place(i * 100, 100, 1_000_000 + i * 100_000, 100 * S)
    slow.resume(meeting), quick.resume(meeting)
    first, _ = slow.place(0, N, 2_000_000, 105 * S + S // 10)
    second, _ = quick.place(0, 100, 2_000_000, 105 * S + S // 5)  # a tenth of a second later on its way
    assert first == 1500 and second == 10 * first
    third, _ = quick.place(100, 100, 2_100_000, 106 * S)
    assert third == second + 100 and {j.by for c in (slow, quick) for j in c.joints} == {BY_HOST}


def test_a_leap_that_the_clock_denies_is_a_new_count() -> None:
    count = Count(ACCEL)
    count.place(0, N, 1_000_000)
    start, _ = count.place(2_000_000_000, N, 1_100_000)
    assert start == N and count.lost == 0 and count.restarts == 1
    true = Count(ACCEL)
    true.place(0, N, 1_000_000)
    assert true.place(100_000, N, 1_001_000_000)[0] == 100_000 and true.lost == 99_990


def test_what_makes_no_sense_is_counted_and_dropped() -> None:
    short = replace(frame(10), payload=b"12345")
    heard, stats, acquisition = acquired(
        frame(0), short, replace(frame(10), channel=77), replace(frame(10), count=0), b"\x07garbage\0", frame(10)
    )
    assert heard.indices == list(range(20)) and stats["lost"] == 0
    assert acquisition.stats["bad_packets"] == 4


def test_the_boards_own_losses_are_told() -> None:
    _, stats, _ = acquired(
        Packet(Type.STATS, payload=pack({0: 1, 1: {1: 30}, 2: 0, 3: 0})), Packet(Type.STATS, payload=b"?")
    )
    assert stats["dropped_by_board"] == 30


def test_states() -> None:
    board = ToyBoard()
    talk = Talk(board)
    with pytest.raises(ProtocolError, match="HELLO"):
        Acquisition(talk, [])
    talk.hello()
    acquisition = Acquisition(talk, [])
    assert acquisition.state == "idle"
    acquisition._patience_s = 0.1
    acquisition.start()
    assert acquisition.state == "streaming"
    until(lambda: acquisition.state == "stalled")
    until(lambda: any(p.type == Type.COMMAND and unpack(p.payload) == {0: Verb.PING} for p in board.asked))
    acquisition._patience_s = 60.0
    board.say(frame(0))
    until(lambda: acquisition.state == "streaming")
    acquisition.stop()
    assert acquisition.state == "stopped" and acquisition.error is None
    acquisition.stop()


def test_requests_while_it_runs() -> None:
    board, heard = ToyBoard(), Heard()
    talk = Talk(board)
    talk.hello()
    acquisition = Acquisition(talk, [heard])
    acquisition.start()
    for i in range(50):
        board.say(frame(i * N))
        assert talk.request(Verb.PING, {1: i}) == i
    until(lambda: len(heard.indices) == 500)
    acquisition.stop()


def test_a_sink_that_cannot_go_on_ends_it_with_its_words(tmp_path) -> None:
    board = ToyBoard()
    talk = Talk(board)
    talk.hello()
    writer = Writer(tmp_path / "r", [ACCEL])

    def full(chunk: Chunk) -> None:
        writer.append(chunk)
        if chunk.start >= 50:
            raise DataError("disk", "is full", "Free some space.")

    acquisition = Acquisition(talk, [full])
    acquisition.start()
    board.say(*(frame(i * N) for i in range(20)))
    until(lambda: acquisition.state == "lost")
    assert isinstance(acquisition.error, DataError) and writer.close().n_samples[ACCEL.name] == 60
