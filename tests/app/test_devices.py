"""The list of devices: all views of one board are one entry, and what comes or goes is seen at the next look."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio.app import devices
from studio.app.actions.lists import sources
from studio.app.devices import Device, DeviceList, Eyes
from studio.errors import LinkError
from studio.firmware.probes import Probe
from studio.sources.drives import Drive
from studio.sources.ports import Port
from tests.data.board import until

MICROBIT = Port("/dev/ttyACM0", "DAPLink", 0x0D28, 0x0204, "9904360200052820", "1-2")
OTHER = Port("/dev/ttyACM1", "DAPLink", 0x0D28, 0x0204, "9904360211112222", "1-3")
UNKNOWN = Port("COM9", "A board", 0x1234, 0x5678)


class Bench:
    """What is plugged in."""

    def __init__(self, **there: Any) -> None:
        self.ports: list[Port] = []
        self.drives: list[Drive] = []
        self.probes: list[Probe] = []
        self.ble: list[Port] = []
        self.network: list[Port] = []
        self.virtual: list[Any] = []
        self.n_probed = 0
        vars(self).update(there)

    def eyes(self) -> Eyes:
        ear = SimpleNamespace(hear=lambda seconds: tuple(self.network), close=lambda: None)
        return Eyes(
            lambda: list(self.ports),
            lambda: list(self.drives),
            self._probed,
            lambda seconds: list(self.ble),
            lambda asked: ear,  # type: ignore[arg-type, return-value]
            lambda: list(self.virtual),
        )

    def _probed(self) -> list[Probe]:
        found = list(self.probes)
        self.n_probed += 1
        return found


def seen(**there: Any) -> tuple[Device, ...]:
    """What a list says of what is plugged in, Bluetooth included."""
    found = DeviceList(Bench(**there).eyes())
    found.look(0.01)
    found.scan_ble(0.0)
    until(lambda: not found.scanning)
    return found.devices()


def kinds(device: Device) -> list[str]:
    return [way.kind for way in device.urls]


def test_four_views_of_one_board_are_one_entry() -> None:
    (device,) = seen(
        ports=[MICROBIT],
        drives=[Drive(Path("/media/MICROBIT"), "", "", "1-2")],
        probes=[Probe("9904360200052820", "DAPLink CMSIS-DAP")],
        ble=[Port("ble:C0:00:00:00:28:20", "micro:bit-2820")],
    )
    assert kinds(device) == ["serial", "ble", "drive", "probe"]
    assert device.url == "/dev/ttyACM0" and device.board_id == "microbit-v2" and "micro:bit" in device.title
    assert device.subtitle == "/dev/ttyACM0 · Bluetooth · drive MICROBIT · debug probe"
    assert device.key == "number 9904360200052820"


def test_two_boards_of_a_kind_stay_two() -> None:
    drive = Drive(Path("/media/MICROBIT1"), serial="9904360211112222")
    first, second = seen(ports=[MICROBIT, OTHER], drives=[drive])
    assert kinds(first) == ["serial"] and kinds(second) == ["serial", "drive"] and first.key != second.key


def test_a_drive_that_tells_nothing_joins_the_one_board_it_fits() -> None:
    drive = Drive(Path("/media/RPI-RP2"), "RPI-RP2")
    pico = Port("COM4", "Pico", 0x2E8A, 0x000C, "E6614C775B2A3C21")
    assert kinds(seen(ports=[pico, UNKNOWN], drives=[drive])[0]) == ["serial", "drive"]
    both = seen(ports=[pico, Port("COM5", "Pico", 0x2E8A, 0x000C, "E6614C775B2A3C22")], drives=[drive])
    assert [kinds(d) for d in both] == [["serial"], ["serial"], ["drive"]]
    assert both[2].url == "" and both[2].board_id == "pico" and both[0].url == "COM4"


def test_what_one_view_leaves_open_another_may_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A debugger's USB numbers may be those of several boards; the drive says which it is."""
    kinds = {("2E8A", "000C"): frozenset({"pico", "pico-2"})}
    monkeypatch.setattr(devices, "_by_usb", lambda vid, pid: kinds[f"{vid:04X}", f"{pid:04X}"])
    pico = Port("COM4", "Pico", 0x2E8A, 0x000C, "E6614C775B2A3C21")
    assert [d.board_id for d in seen(ports=[pico])] == [""]
    assert [d.board_id for d in seen(ports=[pico], drives=[Drive(Path("/media/RPI-RP2"), "RPI-RP2")])] == ["pico"]


def test_a_board_on_the_net_and_a_bluetooth_board_on_their_own() -> None:
    there = seen(
        network=[Port("socket://192.168.0.9:4000?protocol=tensor-streaming", "DEEPCRAFT board", serial="ab" * 16)],
        ble=[Port("ble:AA:BB:CC:00:11:22", "Far board")],
        virtual=[SimpleNamespace(id="host", title="This computer")],
    )
    assert [(d.kind, d.title) for d in there][:2] == [("network", "DEEPCRAFT board"), ("ble", "Far board")]
    assert there[0].subtitle == "192.168.0.9:4000" and there[2].url == "virtual:host"


def test_an_address_of_bluetooth_may_be_the_serial_number() -> None:
    port = Port("COM3", "Board", 1, 2, "C00000112233")
    assert [kinds(d) for d in seen(ports=[port], ble=[Port("ble:C0:00:00:11:22:33", "x")])] == [["serial", "ble"]]


@pytest.mark.parametrize("careless", ["", "0", "000000000000"])
def test_a_careless_serial_number_joins_nothing(careless: str) -> None:
    ports = [Port("COM1", "a", 1, 2, careless), Port("COM2", "b", 3, 4, careless)]
    assert [d.key for d in seen(ports=ports)] == ["COM1", "COM2"]


def test_what_is_plugged_in_and_out_is_seen() -> None:
    bench = Bench(ports=[UNKNOWN])
    found = DeviceList(bench.eyes(), look_s=0.01)
    assert found.devices() == ()
    found.start()
    try:
        until(lambda: [d.url for d in found.devices()] == ["COM9"] and bench.n_probed == 1)
        version = found.version
        bench.probes = [Probe(MICROBIT.serial, "DAPLink")]  # first: a look that sees the port then sees it too
        bench.ports = [MICROBIT]
        until(lambda: [kinds(d) for d in found.devices()] == [["serial", "probe"]])
        n_probed = bench.n_probed
        bench.probes, bench.ports = [], []
        until(lambda: found.devices() == ())
        assert found.version > version and bench.n_probed <= n_probed + 1  # not at every look
    finally:
        found.stop()
    bench.ports = [OTHER]
    assert found.devices() == ()


def test_bluetooth_that_is_off_says_so_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(seconds: float) -> list[Port]:
        raise LinkError("Bluetooth", "is off", "Switch it on.")

    bench = Bench(ports=[MICROBIT])
    eyes = bench.eyes()
    found = DeviceList(Eyes(eyes.ports, eyes.drives, eyes.probes, off, eyes.ear, eyes.virtual))
    found.look(0.0)
    found.scan_ble()
    until(lambda: not found.scanning)
    assert isinstance(found.scan_error, LinkError) and len(found.devices()) == 1


def test_the_command_line_lists_the_same() -> None:
    bench = Bench(ports=[MICROBIT], drives=[Drive(Path("/media/MICROBIT"), location="1-2")])
    (found,) = sources(0.0, DeviceList(bench.eyes()))["sources"]
    assert found["url"] == "/dev/ttyACM0" and found["kind"] == "serial" and found["board"] == "microbit-v2"
    assert [w["kind"] for w in found["ways"]] == ["serial", "drive"]
