"""A replayed recording is a board like any other, and what comes out is what went in, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from studio.data.motion import SCALE_G, motion, sound
from studio.data.recording import Recording, Writer, write
from studio.data.stream import Chunk, Stream
from studio.data.talk import Refused, Talk
from studio.data.wire import Type, Verb
from studio.errors import DataError, InputError, LinkError
from studio.sources import open_link
from studio.sources.acquire import Acquisition
from studio.sources.fault import FaultLink
from studio.sources.url import Address
from tests.data.board import until

ACCEL = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", SCALE_G, "accelerometer")
MIC = Stream("microphone", 16000.0, ("mono",), "", "i16", 2.0**-15, "microphone")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("original")
    return write(folder / "r", [(ACCEL, motion(20)[0]), (MIC, sound(20))])


def again(link, path: Path) -> tuple[Recording, Acquisition]:
    """Record what a link plays, to its end."""
    talk = Talk(link)
    writer = Writer(path, talk.hello().sensors)
    acquisition = Acquisition(talk, [writer.append])
    talk.request(Verb.START, {})
    acquisition.start()
    until(lambda: acquisition.state == "lost", 60)
    assert isinstance(acquisition.error, LinkError) and "the recording is over" in str(acquisition.error)
    return writer.close(), acquisition


def test_bit_for_bit(original: Recording, tmp_path: Path) -> None:
    found, acquisition = again(open_link(f"replay:{original.path}?speed=0"), tmp_path / "r")
    assert found.streams == original.streams and found.n_samples == original.n_samples and found.gaps == {}
    for stream in original.streams:
        assert np.array_equal(found.raw(stream.name), original.raw(stream.name))
        assert found.measured_rate_hz(stream.name) == pytest.approx(stream.rate_hz, rel=1e-5)
    assert acquisition.stats["bad_packets"] == 0


def test_gaps_stay_gaps(original: Recording, tmp_path: Path) -> None:
    writer, raw = Writer(tmp_path / "gappy", [ACCEL]), original.raw(ACCEL.name)
    for start, stop in ((0, 55), (58, 300), (900, 2000)):
        writer.append(Chunk(ACCEL, start, raw[start:stop]))
    gappy = writer.close()
    found, _ = again(open_link(f"replay:{gappy.path}?speed=0"), tmp_path / "r")
    assert found.gaps == gappy.gaps == {ACCEL.name: ((55, 3), (300, 600))}
    assert np.array_equal(found.raw(ACCEL.name), gappy.raw(ACCEL.name))


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_link_loses_exactly_what_it_says(original: Recording, tmp_path: Path, seed: int) -> None:
    faults = f"drop:0.05,duplicate:0.05,reorder:0.05,flip:0.002,seed:{seed}"
    link = FaultLink(open_link(f"replay:{original.path}?speed=0"), faults)
    found, acquisition = again(link, tmp_path / "r")
    assert min(link.counts[name] for name in ("drop", "duplicate", "reorder", "flip")) > 0
    for stream in original.streams:
        stats, raw = acquisition.stats["streams"][stream.name], original.raw(stream.name)
        lost = np.isnan(found.values(stream.name)[:, 0])
        assert lost.sum() == stats["lost"] > 0 and stats["received"] == (~lost).sum()
        end = acquisition.counts[original.streams.index(stream) + 1].end
        offset = len(raw[:end]) - len(lost)
        assert np.array_equal(found.raw(stream.name)[~lost], raw[offset : offset + len(lost)][~lost])
    assert (
        0 < acquisition.stats["bad_packets"] <= 2 * link.counts["flip"]
    )  # a flip may make a 0x00, and two frames of one


def test_true_pace_and_faster(original: Recording) -> None:
    """At speed 20 the second half of the recording cannot come before half a second; time comes from the device."""
    import time

    talk = Talk(open_link(f"replay:{original.path}?speed=20"))
    talk.hello()
    began = time.monotonic()
    talk.request(Verb.START, {1: [1]})
    seen = 0
    while seen < 1000:
        for packet in talk.pump():
            if packet.type == Type.SAMPLES:
                assert packet.channel == 1
                seen = packet.seq + packet.count
                assert time.monotonic() - began >= seen / 100 / 20 - 0.001
    talk.request(Verb.STOP)
    while talk.pump():
        pass


def test_loop_goes_round(original: Recording) -> None:
    talk, seen = Talk(open_link(f"replay:{original.path}?speed=0&loop=1")), {}
    talk.hello()
    talk.request(Verb.START, {1: [1]})
    while len(seen) < 4500:
        for p in talk.pump():
            if p.type == Type.SAMPLES:
                seen |= dict(enumerate(np.frombuffer(p.payload, "<i2").reshape(-1, 3)[:, 0].tolist(), p.seq))
    raw = original.raw(ACCEL.name)[:, 0]
    assert all(seen[i] == raw[i % 2000] for i in range(4500))


def test_it_answers_as_a_board_does(original: Recording) -> None:
    talk = Talk(open_link(f"replay:{original.path}"))
    assert talk.hello().board == "replay r"
    assert talk.request(Verb.PING, {1: [1, "x"]}) == [1, "x"] and talk.request(Verb.STATS)[0] == 0
    with pytest.raises(Refused, match="a recording cannot do that"):
        talk.request(Verb.BOOT)
    talk.close()
    with pytest.raises(LinkError):
        talk.pump()


def test_what_cannot_be_replayed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        open_link(f"replay:{tmp_path}/gone")
    with pytest.raises(DataError, match=r"no recording\.json"):
        open_link(f"replay:{tmp_path}")
    with pytest.raises(InputError, match="speed is 'x'"):
        write(tmp_path / "r", [(ACCEL, np.zeros((1, 3), "<i2"))])
        open_link(f"replay:{tmp_path}/r?speed=x")
    wide = Stream("radar", 10.0, tuple(map(str, range(600))), dtype="i16")
    write(tmp_path / "wide", [(wide, np.zeros((1, 600), "<i2"))])
    with pytest.raises(DataError, match="one sample is 1200 bytes"):
        open_link(f"replay:{tmp_path}/wide")


def test_address_is_what_links_take(original: Recording) -> None:
    from studio.sources.replay import ReplayLink

    link = ReplayLink(Address("replay:x", "replay", str(original.path)))
    assert link.url == "replay:x" and link.read() == b""
