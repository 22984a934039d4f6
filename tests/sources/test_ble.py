"""The Bluetooth link against a stand-in for bleak: framing, disconnects and words. No radio was used."""

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from cobs import cobs

from studio.data.talk import Talk
from studio.data.wire import HEADER, Packet, Type, Verb, decode, encode
from studio.errors import LinkError
from studio.sources import open_link
from studio.sources.acquire import Acquisition
from studio.sources.ble import FROM_BOARD, SENSIML_DATA, SENSIML_OFFER, SERVICE, TO_BOARD
from studio.sources.devices.nordic import wrapped
from studio.sources.devices.sensiml import packet
from studio.sources.identify import converse
from tests.data.board import HELLO, reply, until

DEVICE = SimpleNamespace(address="AA:BB:CC:00:11:22", name="Toy board")


class Client:
    """What BleakClient offers to the link; its far end is a board that answers everything."""

    last: Any = None
    known: tuple[str, ...] = (TO_BOARD, FROM_BOARD)
    services = SimpleNamespace(
        get_characteristic=lambda uuid: (
            SimpleNamespace(max_write_without_response_size=244, uuid=uuid) if uuid in Client.known else None
        )
    )

    def __init__(self, device: Any, disconnected_callback: Any) -> None:
        self.device, self.dropped, self.writes = device, disconnected_callback, []
        self.options: Any = None
        Client.last = self

    async def connect(self) -> None:
        await asyncio.sleep(0)

    async def disconnect(self) -> None:
        self.dropped(self)

    async def start_notify(self, uuid: str, heard: Any, **options: Any) -> None:
        assert uuid == FROM_BOARD
        self.notify, self.options = heard, options

    async def write_gatt_char(self, uuid: str, body: bytes, response: bool) -> None:
        assert uuid == TO_BOARD and response is False
        self.writes.append(body)
        packet = decode(cobs.encode(body))
        hello = packet.type == Type.HELLO
        answer = Packet(Type.HELLO, payload=HELLO.encode()) if hello else reply(packet.seq, "done")
        self.notify(None, bytearray(cobs.decode(encode(answer)[:-1])))


class Scanner:
    """What BleakScanner offers: one device, by its name or address."""

    there = True

    @staticmethod
    async def find_device_by_filter(fits: Any, timeout: float) -> Any:
        return DEVICE if Scanner.there and fits(DEVICE, SimpleNamespace(local_name=None)) else None

    @staticmethod
    async def discover(seconds: float, return_adv: bool, service_uuids: list[str]) -> dict[str, Any]:
        assert return_adv and service_uuids == [SERVICE]
        far = SimpleNamespace(address="FF", name=None)
        told = SimpleNamespace(rssi=-80, local_name="Far"), SimpleNamespace(rssi=-40, local_name=None)
        return {"FF": (far, told[0]), DEVICE.address: (DEVICE, told[1])}


@pytest.fixture(autouse=True)
def bleak(monkeypatch: pytest.MonkeyPatch) -> None:
    Scanner.there = True
    monkeypatch.setitem(sys.modules, "bleak", SimpleNamespace(BleakClient=Client, BleakScanner=Scanner))


@pytest.mark.parametrize("place", ["Toy board", "toy BOARD", "AA:BB:CC:00:11:22"])
def test_a_conversation(place: str) -> None:
    link = open_link(f"ble:{place}")
    talk = Talk(link)
    assert talk.hello() == HELLO and talk.request(Verb.PING) == "done"
    assert Client.last.options == {"bluez": {"use_start_notify": False}}
    assert all(len(body) >= HEADER.size and body[0] in (Type.HELLO, Type.COMMAND) for body in Client.last.writes)
    assert link.read() == b""
    talk.close()
    with pytest.raises(LinkError, match="disconnected"):
        link.read()


def test_what_came_before_a_drop_is_still_read() -> None:
    link = open_link("ble:Toy board")
    log = encode(Packet(Type.LOG, payload=b"last words"))
    Client.last.notify(None, bytearray(cobs.decode(log[:-1])))
    Client.last.dropped(Client.last)
    assert link.read() == log
    for _ in range(2):
        with pytest.raises(LinkError, match="the board disconnected"):
            link.read()


def test_nothing_in_range_and_frames_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    link = open_link("ble:Toy board")
    with pytest.raises(LinkError, match="does not fit into a write of 244"):
        link.write(encode(Packet(Type.INJECT, payload=bytes(300))))
    with pytest.raises(LinkError, match="no such board is in range"):
        open_link("ble:Another")


def test_bluetooth_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def off(*args: Any, **options: Any) -> None:
        raise RuntimeError("Bluetooth is turned off")

    monkeypatch.setattr(Scanner, "find_device_by_filter", off)
    with pytest.raises(LinkError, match=r"Bluetooth is turned off. Switch Bluetooth on"):
        open_link("ble:Toy board")


def test_scan_names_the_nearest_first() -> None:
    from studio.sources.ports import ble_devices

    assert [(p.url, p.title) for p in ble_devices(0.1)] == [("ble:AA:BB:CC:00:11:22", "Toy board"), ("ble:FF", "Far")]


class Forwarder(Client):
    """A board with Nordic's data forwarder on the same service: its own framing, deaf to ours."""

    async def start_notify(self, uuid: str, heard: Any, **options: Any) -> None:
        heard(
            None, bytearray(wrapped("si", {"sid": 1, "hz": 50, "ch": 1, "ch_n": ["t"], "st": 1, "dr": 0, "name": "n"}))
        )
        for seq in range(3):
            frame = wrapped("sd", {"seq": seq, "ts": seq * 20, "val": [float(seq)]})
            heard(None, bytearray(frame[:9]))  # split where the connection's packets end
            heard(None, bytearray(frame[9:]))

    async def write_gatt_char(self, uuid: str, body: bytes, response: bool) -> None:
        self.writes.append(body)


def test_nordics_forwarder_is_understood_on_the_same_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["bleak"], "BleakClient", Forwarder)
    link = open_link("ble:Toy board")
    talk = converse(link, {})
    assert talk.hello().board == "n" and talk.hello().streams[0].stream.channels == ("t",)
    link.write(b"a text of theirs, longer than a piece")
    assert b"".join(Client.last.writes).endswith(b"a text of theirs, longer than a piece")


class Sensiml(Client):
    """A board with SensiML's service."""

    known = (SENSIML_OFFER, SENSIML_DATA)

    async def read_gatt_char(self, uuid: str) -> bytes:
        assert uuid == SENSIML_OFFER
        places = {"x": 0, "y": 1}
        return json.dumps(
            {"sample_rate": 50, "version": 2, "samples_per_packet": 2, "column_location": places}
        ).encode()

    async def start_notify(self, uuid: str, heard: Any, **options: Any) -> None:
        assert uuid == SENSIML_DATA
        for seq in (0, 1, 3):
            heard(None, bytearray(packet(0, seq, bytes(8))))

    async def stop_notify(self, uuid: str) -> None:
        self.writes.append(b"stopped")


def test_sensiml_has_a_service_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["bleak"], "BleakClient", Sensiml)
    monkeypatch.setattr(Client, "known", Sensiml.known)
    talk = converse(open_link("ble:Toy board"), {})
    assert talk.hello().streams[0].stream.channels == ("x", "y")
    acquisition = Acquisition(talk, [])
    acquisition.start()
    talk.request(Verb.START)
    until(lambda: acquisition.counts[1].received == 6)
    acquisition.stop()
    assert acquisition.counts[1].gaps == [(4, 2)]
    talk.request(Verb.STOP)
    assert Client.last.writes[-1] == b"stopped"
