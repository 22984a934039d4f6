"""Images of real boards on an emulated core with modelled registers: start, stream, take an image, answer as here."""

from collections.abc import Callable

import pytest

from studio.data.talk import Talk
from studio.data.wire import Type, Verb
from studio.firmware.board import boards
from studio.firmware.flash import flash
from studio.firmware.verify import verify
from studio.firmware.virtual import emulator_installed, flash_with
from studio.progress import finish
from tests.firmware.firmwares import graph, image, raw_windows
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.rp2040 import Rp2040
from tests.firmware.silicon.sensors import Lsm6dsl, Lsm9ds1, Lsm303agr, Slave
from tests.firmware.silicon.stm32l4 import Stm32l4

pytestmark = pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")

CHIPS: dict[str, tuple[Callable[..., Silicon], Callable[[], Slave]]] = {
    "b-l475e-iot01a": (Stm32l4, Lsm6dsl),
    "microbit-v2": (Nrf52, Lsm303agr),
    "xiao-nrf52840-sense": (Nrf52, Lsm6dsl),
    "nano-33-ble-sense-rev1": (Nrf52, Lsm9ds1),
    "pico": (Rp2040, Lsm6dsl),
}


@pytest.fixture(params=CHIPS)
def silicon(request: pytest.FixtureRequest) -> Silicon:
    """A board as shipped: boot loader and streaming firmware."""
    board = boards()[request.param]
    chip, sensor = CHIPS[request.param]
    return chip(board, flash_with(board, image(board.id).bin.read_bytes()), (sensor(),))


def awake(silicon: Silicon) -> Talk:
    """A link to a board that has started."""
    talk = Talk(silicon)
    talk.hello()
    return talk


def test_it_starts_and_says_who_it_is(silicon: Silicon) -> None:
    hello = Talk(silicon).hello()
    assert (hello.board, hello.mode, hello.clock_hz) == (silicon.board.id, "app", silicon.board.clock_hz)
    assert silicon.core_hz() == silicon.board.clock_hz
    assert silicon.baud() == pytest.approx(silicon.board.baud, rel=0.01)
    assert not silicon.wrongs


def test_its_sensor_streams_without_a_hole(silicon: Silicon) -> None:
    talk = awake(silicon)
    talk.request(Verb.START)
    rows = []
    while len(rows) < 200:
        for packet in talk.pump():
            if packet.type == Type.SAMPLES:
                assert packet.seq == len(rows)
                rows += [packet.payload[i : i + 6] for i in range(0, len(packet.payload), 6)]
    x = [int.from_bytes(r[:2], "little") for r in rows]
    assert x == list(range(x[0], x[0] + len(x)))
    assert rows[0][2:] == b"\xfe\xff\x00\x10"
    assert max(s.rate_hz() for s in silicon.sensors.values()) == silicon.board.streams[0].rate_hz
    assert not silicon.wrongs


def test_it_takes_a_model_over_its_link_and_answers_as_this_computer(silicon: Silicon) -> None:
    stream = silicon.board.streams[0]
    talk = awake(silicon)
    done = finish(flash(talk, image(silicon.board.id, "cnn", stream).bin))
    assert done["verified"]
    windows = raw_windows(3)
    assert finish(verify(talk, graph("cnn"), stream, windows))["equal"] == 3
    assert not silicon.wrongs


def test_every_real_board_is_modelled() -> None:
    assert {b.id for b in boards().values() if not b.virtual} == set(CHIPS)
