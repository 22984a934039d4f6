"""The controllers' drivers: whole images on an emulated core, a modelled controller, and the same model of a host."""

import struct
from collections.abc import Callable

import pytest

from studio.data.talk import Talk
from studio.data.wire import Verb
from studio.firmware.board import boards
from studio.firmware.virtual import emulator_installed, flash_with
from tests.firmware.firmwares import image
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.rp2040 import Rp2040, Rp2350
from tests.firmware.silicon.sensors import Lsm6dsl
from tests.firmware.silicon.usb_port import Port
from tests.firmware.usb.host import CONFIGURATION, DEVICE, Stalled

pytestmark = pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")

CHIPS: dict[str, Callable[..., Silicon]] = {"xiao-nrf52840-sense": Nrf52, "pico": Rp2040, "pico-2": Rp2350}


def made(board_id: str) -> Silicon:
    board = boards()[board_id]
    return CHIPS[board_id](board, flash_with(board, image(board.id).bin.read_bytes()), (Lsm6dsl(),))


@pytest.fixture(params=CHIPS)
def silicon(request: pytest.FixtureRequest) -> Silicon:
    """A board as shipped, with its firmware running and known to the computer."""
    chip = made(request.param)
    Talk(chip).hello()
    return chip


def port_of(silicon: Silicon) -> Port:
    assert silicon.port is not None and silicon.port.ready
    return silicon.port


def test_the_computer_sees_one_device_that_names_its_board(silicon: Silicon) -> None:
    port = port_of(silicon)
    assert port.seen == 1  # the boot loader, which only hands over, does not show itself
    device = port.host.descriptor(DEVICE, length=18)
    vendor, product = struct.unpack_from("<HH", device, 8)
    assert f"{vendor:04X}:{product:04X}" == silicon.board.usb_device in silicon.board.usb
    assert port.host.text(2) == silicon.board.title and port.host.text(3) == silicon.board.id
    assert len(port.host.descriptor(CONFIGURATION)) == 67
    assert not silicon.wrongs


def test_refusals_and_halts_leave_it_whole(silicon: Silicon) -> None:
    host = port_of(silicon).host
    for kind, request, value in ((0x80, 6, 0x0600), (0x00, 9, 3), (0xC0, 9, 9)):
        with pytest.raises(Stalled):
            host.control(kind, request, value, 0, 8 if kind & 0x80 else 0)
    for endpoint, token in ((0x82, host.try_in), (0x02, lambda: host.try_out(b"\0"))):
        host.control(2, 3, 0, endpoint)
        assert host.control(0x82, 0, 0, endpoint, 2) == b"\1\0"
        with pytest.raises(Stalled):
            token()
        host.clear_halt(endpoint)
    assert Talk(silicon).hello().board == silicon.board.id
    assert not silicon.wrongs


def test_a_reset_in_the_middle_starts_anew(silicon: Silicon) -> None:
    port = port_of(silicon)
    talk = Talk(silicon)
    talk.request(Verb.START)
    port.plug.setup(struct.pack("<BBHHH", 0x80, 6, CONFIGURATION << 8, 0, 67))
    silicon.step()
    port.plug.token_in(0, 1)
    port.ready = False  # the computer enumerates again
    assert talk.hello().board == silicon.board.id and port.seen == 2
    assert not silicon.wrongs


def test_suspended_it_is_silent_and_comes_back(silicon: Silicon) -> None:
    port = port_of(silicon)
    talk = Talk(silicon)
    talk.request(Verb.START)
    port.plug.suspend(True)
    for _ in range(400):
        silicon.step()
    port.plug.suspend(False)
    silicon.step()
    assert talk.hello().board == silicon.board.id
    talk.request(Verb.STOP)
    assert not silicon.wrongs


def test_a_closed_port_holds_nothing_up(silicon: Silicon) -> None:
    """Streaming with nobody listening: the sensor is read all the same; who opens the port finds the board well."""
    port = port_of(silicon)
    talk = Talk(silicon)
    talk.request(Verb.START)
    port.host.line(dtr=False)
    for _ in range(400):
        silicon.step()
    port.host.open()
    assert talk.hello().mode == "app" and not silicon.wrongs


def test_a_touch_leads_to_the_loader_and_another_to_the_makers(silicon: Silicon) -> None:
    port = port_of(silicon)
    for mode in ("boot", "maker"):
        port.host.open(1200)
        port.host.line(dtr=False)
        for _ in range(60):
            silicon.step()
        if mode == "boot":
            talk = Talk(silicon)
            assert talk.hello().mode == "boot" and port.seen == 2
    assert silicon.in_makers_loader()
    assert not silicon.wrongs


def test_a_cable_that_comes_later_and_goes() -> None:
    """Only nRF52840 knows its cable."""
    silicon = made("xiao-nrf52840-sense")
    assert isinstance(silicon, Nrf52) and silicon.port
    silicon.usbd.vbus = False
    for _ in range(30):
        silicon.step()
    assert not silicon.port.plug.attached() and silicon.words.get(0x40027500, 0) == 0
    silicon.usbd.vbus = True
    assert Talk(silicon).hello().mode == "app"
    silicon.usbd.vbus = False
    for _ in range(30):
        silicon.step()
    assert not silicon.port.look()
    silicon.usbd.vbus = True
    assert Talk(silicon).hello().mode == "app" and silicon.port.seen == 2
    assert not silicon.wrongs


@pytest.mark.parametrize(
    ("address", "value", "complaint"),
    [(0x4006ED14, 0, "locked"), (0x40027C1C, 0x82, "199"), (0x40027504, 1, "before it is ready")],
)
def test_the_model_of_the_controller_complains(address: int, value: int, complaint: str) -> None:
    """What the errata and the manual ask for, left out."""
    silicon = made("xiao-nrf52840-sense")
    silicon._writer(0)(address, value)
    if complaint == "199":
        silicon._writer(0)(0x40027050, 1)
    assert any(complaint in wrong for wrong in silicon.wrongs)
