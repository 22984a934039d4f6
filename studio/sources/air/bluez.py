"""A stand-in for bluetoothd on a private D-Bus: `org.bluez`, as much of it as bleak's BlueZ backend asks for.

A program of its own (`python -m studio.sources.air.bluez BUS ...`), so that it can be killed as the daemon can. It says
"ready", then takes one word a line on its stdin: drop, off, on, sent (answered with the bytes that the board sent and
the notifications that nobody took).
"""

import argparse
import asyncio
import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from bumble import att
from bumble.core import AdvertisingData
from bumble.device import Device as Host
from bumble.device import Peer
from bumble.link import LocalLink
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from studio.data.stream import Array, Stream
from studio.sources.air.radio import Peripheral, host
from studio.sources.devices import DEVICES

ADAPTER = "/org/bluez/hci0"
OBJECTS, PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
ADAPTER_1, DEVICE_1, SERVICE_1, CHARACTERISTIC_1, DESCRIPTOR_1 = (
    f"org.bluez.{name}1" for name in ("Adapter", "Device", "GattService", "GattCharacteristic", "GattDescriptor")
)
OWN_ADDRESS, BOARD_ADDRESS = "C0:00:00:00:00:01", "F0:F1:F2:F3:F4:F5"
CONNECT_S = 20.0
_REFUSALS = {
    0x02: ("NotPermitted", "Read not permitted"),
    0x03: ("NotPermitted", "Write not permitted"),
    0x06: ("NotSupported", "Operation is not supported"),
    0x08: ("NotAuthorized", "Operation Not Authorized"),
    0x0D: ("InvalidArguments", "Invalid Length"),
}
Answer = tuple[str, list[Any], list[int]] | None


class Refusal(Exception):
    """A D-Bus error to answer with."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name, self.text = name, text


class Daemon:
    """`org.bluez` with one adapter, on `bus`; `central` is its host stack."""

    def __init__(self, bus: MessageBus, central: Host) -> None:
        self._bus, self._central = bus, central
        adapter = {
            "Address": Variant("s", OWN_ADDRESS),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "virtual"),
            "Alias": Variant("s", "virtual"),
            "Powered": Variant("b", True),
            "Discovering": Variant("b", False),
            "Roles": Variant("as", ["central", "peripheral"]),
            "UUIDs": Variant("as", []),
        }
        self._objects: dict[str, dict[str, dict[str, Variant]]] = {ADAPTER: {ADAPTER_1: adapter}}
        self._addresses: dict[str, Any] = {}
        self._connections: dict[str, Any] = {}
        self._remote: dict[str, Any] = {}  # characteristic or descriptor by its path
        self._listening: dict[str, tuple[Callable[[bytes], None], socket.socket | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.untaken = 0
        bus.add_message_handler(self._asked)
        central.on("advertisement", self._advertised)

    def power(self, on: bool) -> None:
        """Switch the adapter."""
        self._change(ADAPTER, ADAPTER_1, Powered=Variant("b", on))

    # D-Bus

    def _say(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        kind = MessageType.SIGNAL
        said = Message(path=path, interface=interface, member=member, message_type=kind, signature=signature, body=body)
        self._bus.send(said)

    def _add(self, path: str, interface: str, **properties: Variant) -> None:
        self._objects[path] = {interface: properties}
        self._say("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, self._objects[path]])

    def _remove(self, path: str) -> None:
        self._say("/", OBJECTS, "InterfacesRemoved", "oas", [path, list(self._objects.pop(path))])

    def _change(self, path: str, interface: str, **properties: Variant) -> None:
        if path in self._objects:
            self._objects[path][interface].update(properties)
            self._say(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, properties, []])

    def _asked(self, m: Message) -> bool | None:
        known = (OBJECTS, PROPERTIES, ADAPTER_1, DEVICE_1, CHARACTERISTIC_1, DESCRIPTOR_1)
        if m.message_type != MessageType.METHOD_CALL or m.interface not in known:
            return None
        self._do(self._serve(m))
        return True

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, m: Message) -> None:
        try:
            signature, body, fds = await self._answer(m) or ("", [], [])
            self._bus.send(Message.new_method_return(m, signature, body, fds))
            for fd in fds:
                asyncio.get_running_loop().call_later(1, os.close, fd)
        except Refusal as e:
            self._bus.send(Message.new_error(m, e.name, e.text))
        except att.ATT_Error as e:
            name, text = _REFUSALS.get(
                e.error_code, ("Failed", f"Operation failed with ATT error: {e.error_code:#04x}")
            )
            self._bus.send(Message.new_error(m, f"org.bluez.Error.{name}", text))
        except Exception as e:  # what bumble raises when a connection breaks
            self._bus.send(Message.new_error(m, "org.bluez.Error.Failed", repr(e)))

    async def _answer(self, m: Message) -> Answer:
        of = (m.interface or "").rpartition(".")[2]
        method = getattr(self, f"_{of}_{m.member}", None)
        if method is None:
            raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", str(m.member))
        if m.interface not in (OBJECTS, PROPERTIES) and m.path not in self._objects:
            raise Refusal("org.freedesktop.DBus.Error.UnknownObject", str(m.path))
        found: Answer = await method(m)
        return found

    async def _ObjectManager_GetManagedObjects(self, m: Message) -> Answer:
        return "a{oa{sa{sv}}}", [self._objects], []

    async def _Properties_GetAll(self, m: Message) -> Answer:
        return "a{sv}", [self._objects[m.path or ""].get(m.body[0], {})], []

    async def _Properties_Get(self, m: Message) -> Answer:
        return "v", [self._objects[m.path or ""][m.body[0]][m.body[1]]], []

    # The adapter

    async def _Adapter1_SetDiscoveryFilter(self, m: Message) -> Answer:
        return None

    async def _Adapter1_StartDiscovery(self, m: Message) -> Answer:
        await self._central.start_scanning(active=True, filter_duplicates=False)
        self._change(ADAPTER, ADAPTER_1, Discovering=Variant("b", True))
        return None

    async def _Adapter1_StopDiscovery(self, m: Message) -> Answer:
        await self._central.stop_scanning()
        self._change(ADAPTER, ADAPTER_1, Discovering=Variant("b", False))
        return None

    async def _Adapter1_RemoveDevice(self, m: Message) -> Answer:
        self._remove(m.body[0])
        self._addresses.pop(m.body[0], None)
        return None

    def _advertised(self, heard: Any) -> None:
        address = str(heard.address).partition("/")[0]
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        offered = heard.data.get(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) or []
        seen = {"RSSI": Variant("n", heard.rssi), "UUIDs": Variant("as", [_uuid(u) for u in offered])}
        if path in self._addresses:
            self._change(path, DEVICE_1, **seen)
            return
        self._addresses[path] = heard.address
        name = heard.data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or ""
        no = {key: Variant("b", False) for key in ("Paired", "Trusted", "Connected", "ServicesResolved")}
        told = {"Address": Variant("s", address), "AddressType": Variant("s", "random"), "Name": Variant("s", name)}
        told |= {"Alias": Variant("s", name or address.replace(":", "-")), "Adapter": Variant("o", ADAPTER)}
        self._add(path, DEVICE_1, **no, **told, **seen)

    # A device

    async def _Device1_Connect(self, m: Message) -> Answer:
        path = m.path or ""
        try:
            connection = await asyncio.wait_for(self._central.connect(self._addresses[path]), CONNECT_S)
        except Exception as e:
            raise Refusal("org.bluez.Error.Failed", "le-connection-abort-by-remote") from e
        self._connections[path] = connection
        connection.on("disconnection", lambda reason: self._gone(path))
        self._change(path, DEVICE_1, Connected=Variant("b", True))
        self._do(self._discover(path, Peer(connection)))
        return None

    async def _Device1_Disconnect(self, m: Message) -> Answer:
        if connection := self._connections.get(m.path or ""):
            await connection.disconnect()
        return None

    async def _discover(self, path: str, peer: Peer) -> None:
        await peer.request_mtu(517)
        await peer.discover_services()
        for service in peer.services:
            at = f"{path}/service{service.handle:04x}"
            told = {"UUID": Variant("s", _uuid(service.uuid)), "Device": Variant("o", path)}
            self._add(at, SERVICE_1, **told, Primary=Variant("b", True))
            for characteristic in await service.discover_characteristics():
                await self._characteristic(at, characteristic, peer.gatt_client.mtu)
        self._change(path, DEVICE_1, ServicesResolved=Variant("b", True))

    async def _characteristic(self, service: str, c: Any, mtu: int) -> None:
        path = f"{service}/char{c.handle:04x}"
        self._remote[path] = c
        flags = [p.name.lower().replace("_", "-") for p in type(c.properties) if c.properties & p]
        told = {"UUID": Variant("s", _uuid(c.uuid)), "Service": Variant("o", service), "Flags": Variant("as", flags)}
        told |= {"MTU": Variant("q", mtu), "Notifying": Variant("b", False), "Value": Variant("ay", b"")}
        if "notify" in flags or "indicate" in flags:
            told["NotifyAcquired"] = Variant("b", False)
        self._add(path, CHARACTERISTIC_1, **told)
        for d in await c.discover_descriptors():
            at = f"{path}/desc{d.handle:04x}"
            self._remote[at] = d
            said = {"UUID": Variant("s", _uuid(d.type)), "Characteristic": Variant("o", path)}
            self._add(at, DESCRIPTOR_1, **said, Value=Variant("ay", b""))

    def _gone(self, path: str) -> None:
        self._connections.pop(path, None)
        for at in [p for p in self._listening if p.startswith(path)]:
            _, pipe = self._listening.pop(at)
            if pipe is not None:
                pipe.close()
        self._change(path, DEVICE_1, ServicesResolved=Variant("b", False), Connected=Variant("b", False))
        for at in sorted((p for p in self._objects if p.startswith(f"{path}/")), reverse=True):
            self._remote.pop(at, None)
            self._remove(at)

    # GATT

    async def _GattCharacteristic1_ReadValue(self, m: Message) -> Answer:
        return "ay", [bytes(await self._remote[m.path or ""].read_value())], []

    async def _GattCharacteristic1_WriteValue(self, m: Message) -> Answer:
        kind = m.body[1].get("type")
        answered = not (kind and kind.value == "command")
        await self._remote[m.path or ""].write_value(bytes(m.body[0]), with_response=answered)
        return None

    async def _GattCharacteristic1_StartNotify(self, m: Message) -> Answer:
        path = m.path or ""

        def heard(value: bytes) -> None:
            told = [CHARACTERISTIC_1, {"Value": Variant("ay", bytes(value))}, []]
            self._say(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", told)

        await self._listen(path, heard, None)
        self._change(path, CHARACTERISTIC_1, Notifying=Variant("b", True))
        return None

    async def _GattCharacteristic1_StopNotify(self, m: Message) -> Answer:
        heard, _ = self._listening.pop(m.path or "")
        await self._remote[m.path or ""].unsubscribe(heard)
        self._change(m.path or "", CHARACTERISTIC_1, Notifying=Variant("b", False))
        return None

    async def _GattCharacteristic1_AcquireNotify(self, m: Message) -> Answer:
        path = m.path or ""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)

        def heard(value: bytes) -> None:
            try:
                ours.send(bytes(value))
            except BlockingIOError:
                self.untaken += 1
            except OSError:  # the listener went away
                pass

        await self._listen(path, heard, ours)
        asyncio.get_running_loop().add_reader(ours, lambda: self._hung_up(path, ours))
        self._change(path, CHARACTERISTIC_1, NotifyAcquired=Variant("b", True))
        return "hq", [0, self._objects[path][CHARACTERISTIC_1]["MTU"].value], [theirs.detach()]

    async def _GattCharacteristic1_AcquireWrite(self, m: Message) -> Answer:
        """Asked for by who wants to know the MTU; writes go on as before."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.close()
        return "hq", [0, self._objects[m.path or ""][CHARACTERISTIC_1]["MTU"].value], [theirs.detach()]

    def _hung_up(self, path: str, pipe: socket.socket) -> None:
        """The listener closed its end: that is how it unsubscribes."""
        asyncio.get_running_loop().remove_reader(pipe)
        if self._listening.get(path, (None, None))[1] is pipe:
            heard, _ = self._listening.pop(path)
            self._do(self._stop(path, heard))
        pipe.close()

    async def _stop(self, path: str, heard: Callable[[bytes], None]) -> None:
        with contextlib.suppress(Exception):  # the connection may be gone
            await self._remote[path].unsubscribe(heard)
            self._change(path, CHARACTERISTIC_1, NotifyAcquired=Variant("b", False))

    async def _listen(self, path: str, heard: Callable[[bytes], None], pipe: socket.socket | None) -> None:
        self._listening[path] = heard, pipe
        await self._remote[path].subscribe(heard)


def _uuid(uuid: Any) -> str:
    """As BlueZ writes it."""
    text = uuid.to_hex_str("-").lower()
    return f"0000{text}-0000-1000-8000-00805f9b34fb" if len(text) == 4 else str(text)


def rows(n_channels: int) -> Array:
    """Row i holds i in its first channel and numbers that follow from it in the others."""
    i = np.arange(1 << 15)
    return np.stack([(i * (2 * c + 1)) & 0x7FFF for c in range(n_channels)], 1).astype("<i2")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bus")
    parser.add_argument("--protocol", default="own", choices=tuple(DEVICES))
    parser.add_argument("--name", default="SB-F4F5")
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--peer", default="", help="module whose make(air, name, address) is the board instead")
    return parser.parse_args()


def _board(air: LocalLink, options: argparse.Namespace) -> Any:
    if options.peer:
        return importlib.import_module(options.peer).make(air, options.name, BOARD_ADDRESS)
    names = tuple(f"c{i}" for i in range(options.channels))
    stream = Stream("load", options.rate, names, "", "i16", 1.0, "sensor")
    return Peripheral(air, DEVICES[options.protocol](stream, rows(options.channels)), options.name, BOARD_ADDRESS)


async def _serve(options: argparse.Namespace) -> None:
    air = LocalLink()
    board = _board(air, options)
    await board.on()
    central = host(air, "host", OWN_ADDRESS)
    await central.power_on()
    bus = await MessageBus(bus_address=options.bus, negotiate_unix_fd=True).connect()
    daemon = Daemon(bus, central)
    await bus.request_name("org.bluez")
    print("ready", flush=True)
    await _obey(board, daemon)


async def _obey(board: Any, daemon: Daemon) -> None:
    """Words on stdin until it ends."""
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    while word := (await words.readline()).decode().strip():
        if word == "drop":
            await board.drop()
        elif word in ("on", "off"):
            daemon.power(word == "on")
        elif word == "sent":
            print(board.sent, daemon.untaken, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(_options()))
