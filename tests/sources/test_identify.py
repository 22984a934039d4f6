"""Who is there: found out by asking, within five seconds of simulated time and with no settings."""

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.errors import InputError, LinkError, ProtocolError
from studio.sources.clients import CLIENTS
from studio.sources.devices import DEVICES
from studio.sources.devices.acconeer import radar_stream
from studio.sources.devices.device import DeviceLink
from studio.sources.fault import FaultLink
from studio.sources.identify import TIMEOUT_S, converse, identify
from studio.sources.interpreter import Interpreter
from studio.sources.trial import Clock, Passing
from tests.data.board import ToyBoard

ACCEL = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
ASKABLE = [name for name in CLIENTS if name != "raw"]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces for slow devices go out at once: time is simulated here."""
    monkeypatch.setattr("studio.sources.interpreter.time.sleep", lambda seconds: None)


def device(name: str, clock: Clock, faults: str = "", stream: Stream = ACCEL) -> Passing:
    rows = np.arange(3000 * len(stream.channels)).reshape(-1, len(stream.channels)).astype("<i2")
    return Passing(FaultLink(DeviceLink(name, DEVICES[name](stream, rows), 1.0, clock.seconds), faults), clock)


@pytest.mark.parametrize("name", ASKABLE)
def test_each_is_known_within_five_seconds(name: str) -> None:
    clock = Clock()
    found, heard = identify(device(name, clock), any_baud=False, clock_ns=clock.ns)
    assert found.name == name and clock.now_s - 1000.0 <= TIMEOUT_S
    assert all(1000 * 10**9 <= ns <= clock.ns() for _, ns in heard)


@pytest.mark.parametrize("name", ASKABLE)
def test_each_describes_itself(name: str) -> None:
    clock = Clock()
    link = device(name, clock)
    found, heard = identify(link, any_baud=False, clock_ns=clock.ns)
    hello = Interpreter(link, found(), heard, clock.ns).hello()
    stream = hello.streams[0].stream
    assert len(stream.channels) == (192 if name == "acconeer" else 3)
    assert stream.rate_hz == pytest.approx(20.0 if name == "acconeer" else 100.0, rel=0.02)
    if name not in ("edge-impulse", "acconeer"):  # the forwarder tells no names
        assert stream.channels == ("x", "y", "z") or name == "imagimob"


AT_ANY = [("own", baud) for baud in CLIENTS["own"].bauds] + [("edge-impulse", b) for b in CLIENTS["edge-impulse"].bauds]
USUAL = [(name, client.bauds[0]) for name, client in CLIENTS.items() if name != "raw"]


@pytest.mark.parametrize(("name", "baud"), sorted({*AT_ANY, *USUAL}))
def test_the_baud_rate_is_found(name: str, baud: int) -> None:
    clock = Clock()
    found, _ = identify(device(name, clock, f"baud:{baud}"), clock_ns=clock.ns)
    assert found.name == name and clock.now_s - 1000.0 <= TIMEOUT_S


def test_a_board_that_starts_when_its_port_is_opened() -> None:
    clock = Clock()
    late = device("own", clock, "baud:921600")
    write = late.write
    late.write = lambda data: write(data) if clock.now_s > 1004.1 else None  # it is still asleep
    found, _ = identify(late, clock_ns=clock.ns)
    assert found.name == "own" and clock.now_s - 1000.0 <= TIMEOUT_S


def test_a_rate_that_nobody_uses_is_said() -> None:
    clock = Clock()
    with pytest.raises(ProtocolError, match=r"Check the baud rate"):
        identify(device("edge-impulse", clock, "baud:31250"), clock_ns=clock.ns)
    assert clock.now_s - 1000.0 <= TIMEOUT_S + 0.2


def test_slow_printers_get_the_time_they_need() -> None:
    clock, slow = Clock(), Stream("t", 2.0, ("a", "b"), "", "i16", 0.01)
    found, _ = identify(device("edge-impulse", clock, stream=slow), any_baud=False, clock_ns=clock.ns)
    assert found.name == "edge-impulse"


@pytest.mark.parametrize("name", ["edge-impulse", "numbers"])
def test_printers_that_chatter(name: str) -> None:
    clock = Clock()
    link = device(name, clock, "flood:30")
    found, heard = identify(link, any_baud=False, clock_ns=clock.ns)
    stream = Interpreter(link, found(), heard, clock.ns).hello().streams[0].stream
    assert found.name == name and stream.rate_hz == 100 and len(stream.channels) == 3


def test_silence_noise_and_unknown_names() -> None:
    clock = Clock()

    class Deaf:
        url, says = "deaf:", b""

        def read(self) -> bytes:
            clock.now_s += 0.05
            return self.says

        def write(self, data: bytes) -> None: ...

        def close(self) -> None: ...

    with pytest.raises(LinkError, match="nothing answered for 5 s"):
        identify(Deaf(), clock_ns=clock.ns)
    noise = Deaf()
    noise.says = bytes(range(128, 256))
    with pytest.raises(ProtocolError, match="no known protocol explains"):
        identify(noise, clock_ns=clock.ns)
    with pytest.raises(InputError, match="own, tensor-streaming"):
        converse(Deaf(), {"protocol": "morse"})
    with pytest.raises(InputError, match="layout"):
        converse(Deaf(), {"protocol": "raw"})


def test_our_own_board_is_spoken_to_as_ever() -> None:
    talk = converse(ToyBoard(), {})
    assert not isinstance(talk, Interpreter) and talk.hello().board == "toy"
    assert converse(ToyBoard(), {"protocol": "own"}).hello().board == "toy"


def test_a_forced_protocol_is_not_asked_for() -> None:
    clock = Clock()
    talk = converse(device("nordic", clock), {"protocol": "nordic"})
    assert isinstance(talk, Interpreter) and clock.now_s == 1000.0 and talk.client.name == "nordic"


def test_radar_options_reach_the_device() -> None:
    client = CLIENTS["acconeer"]({"points": "7", "rate": "5"})
    client.feed(b'{"status":"ok","system_info":{"ticks_per_second":1000}}\n', 0)
    assert b'"num_points":7' in client.take() and radar_stream(1, 1, 5.0).channels == ("s0p0re", "s0p0im")
