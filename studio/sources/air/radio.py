"""A Bluetooth board in software: a simulated device behind the Nordic UART Service, or SensiML's own."""

import asyncio
import contextlib
import time
from typing import Any

from bumble import gatt, hci
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.data_types import CompleteListOf128BitServiceUUIDs, CompleteLocalName, Flags
from bumble.device import Device as Host
from bumble.device import DeviceConfiguration
from bumble.hci import Address
from bumble.link import LocalLink
from cobs import cobs

from studio.sources.ble import FROM_BOARD, SENSIML_DATA, SENSIML_OFFER, SERVICE, TO_BOARD
from studio.sources.devices.device import Device
from studio.sources.devices.own import OwnDevice
from studio.sources.devices.sensiml import SensimlV1Device

SENSIML_SERVICE = "16480000-0525-4ad5-b4fb-6dd83f49546b"
#: bumble's own default of 27 would cut each notification into ten.
ACL_BYTES, ACL_PACKETS = 251, 64
MTU = 247
ADVERTISING_MS = 20
TICK_S = 0.004
_READ, _WRITE = gatt.Characteristic.READABLE, gatt.Characteristic.WRITEABLE
_MAY = gatt.Characteristic.Properties


def controller(air: LocalLink, name: str) -> Controller:
    """A virtual controller on the virtual air."""
    made = Controller(name, link=air)
    made.le_acl_data_packet_length, made.total_num_le_acl_data_packets = ACL_BYTES, ACL_PACKETS
    return made


def host(air: LocalLink, name: str, address: str) -> Host:
    """A host stack on a controller of its own."""
    of = controller(air, name)
    interval = {"advertising_interval_min": ADVERTISING_MS, "advertising_interval_max": ADVERTISING_MS}
    return Host.from_config_with_hci(DeviceConfiguration(name=name, address=Address(address), **interval), of, of)


class Peripheral:
    """`device` on the air, called `name` (ten letters at most). It goes on sampling while nobody is connected."""

    def __init__(self, air: LocalLink, device: Device, name: str, address: str) -> None:
        self._device, self._name = device, name
        self._host = host(air, name, address)
        self._host.gatt_server.max_mtu = MTU
        self._own = isinstance(device, OwnDevice)
        self._sensiml = device if isinstance(device, SensimlV1Device) else None
        rows_bytes = device.stream.numpy_dtype.itemsize * len(device.stream.channels)
        device.per_frame = max(1, min(device.per_frame, (MTU - 3 - 20) // rows_bytes))
        if device.talks_at_once:
            device.begin(0.0)
        self._out = gatt.Characteristic(SENSIML_DATA if self._sensiml else FROM_BOARD, _MAY.NOTIFY, _READ, b"")
        self._out.on(self._out.EVENT_SUBSCRIPTION, lambda connection, notify, indicate: self._subscribed(notify))
        self._host.add_services([self._service()])
        self._connection: Any = None
        self._began_s = time.monotonic()
        self.sent = 0
        self._host.on("connection", self._connected)

    def _service(self) -> gatt.Service:
        if self._sensiml:
            offer = gatt.CharacteristicValue(read=lambda _: self._sensiml.offer())
            return gatt.Service(
                SENSIML_SERVICE, [gatt.Characteristic(SENSIML_OFFER, _MAY.READ, _READ, offer), self._out]
            )
        heard = gatt.CharacteristicValue(write=lambda _, data: self._hear(bytes(data)))
        into = gatt.Characteristic(TO_BOARD, _MAY.WRITE | _MAY.WRITE_WITHOUT_RESPONSE, _WRITE, heard)
        return gatt.Service(SERVICE, [into, self._out])

    async def on(self) -> None:
        """Switch on: advertise, and sample."""
        await self._host.power_on()
        offered = SENSIML_SERVICE if self._sensiml else SERVICE
        flags = AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
        told = [Flags(flags), CompleteListOf128BitServiceUUIDs([UUID(offered)]), CompleteLocalName(self._name)]
        self._host.advertising_data = bytes(AdvertisingData(told))  # 31 bytes: the air repeats it as the scan response
        await self._host.start_advertising(auto_restart=False)
        self._pump = asyncio.create_task(self._stream())

    async def drop(self) -> None:
        """The radio link breaks."""
        if self._connection is not None:
            await self._connection.disconnect(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)

    def _connected(self, connection: Any) -> None:
        self._connection = connection
        connection.on("disconnection", self._disconnected)

    def _disconnected(self, reason: int) -> None:
        self._connection = None
        self._again = asyncio.get_running_loop().create_task(self._host.start_advertising(auto_restart=False))

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _hear(self, data: bytes) -> None:
        """A write is one frame without COBS where the protocol is ours, any bytes elsewhere."""
        self._device.hear(cobs.encode(data) + b"\0" if self._own else data, self._now_s())

    def _subscribed(self, notify: bool) -> None:
        """For SensiML's boards subscribing stands for `connect`."""
        if self._sensiml:
            self._device.hear(b"connect" if notify else b"disconnect", self._now_s())

    async def _stream(self) -> None:
        while True:
            for frame in self._device.due(self._now_s()):
                if frame.count or not self._sensiml:
                    for body in self._bodies(frame.data):
                        await self._notify(body)
            await asyncio.sleep(TICK_S)

    async def _notify(self, body: bytes) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):  # it may break while we speak
                await self._host.notify_subscriber(self._connection, self._out, body)
                self.sent += len(body)

    def _bodies(self, data: bytes) -> list[bytes]:
        """What goes into one notification each."""
        if self._own:
            return [bytes(cobs.decode(frame)) for frame in data.split(b"\0") if frame]
        return [data[at : at + MTU - 3] for at in range(0, len(data), MTU - 3)]
