"""A board with MCUboot and an SMP server on the virtual air; `studio.sources.air.bluez --peer` makes it.

Reference: Zephyr, doc/services/device_mgmt/smp_transport.rst, "Bluetooth": the service, its one characteristic, and
frames without further packing, in as many notifications as they need.
"""

import asyncio
import contextlib
import struct
from typing import Any

from bumble import gatt, hci
from bumble.core import UUID, AdvertisingData
from bumble.data_types import CompleteListOf128BitServiceUUIDs, CompleteLocalName, Flags
from bumble.link import LocalLink

from studio.firmware.roms.mcuboot import McubootBoard, signed
from studio.sources.air.radio import MTU, host

SERVICE, CHARACTERISTIC = "8D53DC1D-1DB7-4CD3-868B-8A527460AA84", "DA2E7828-FBCE-4E01-AE9E-261174997C48"
OLD, NEW = signed(b"old" * 3000, (1, 0, 0)), signed(b"new" * 3000, (1, 1, 0))
_MAY, _MAYBE = gatt.Characteristic.Properties, gatt.Characteristic


class SmpPeripheral:
    """`sent` is what the board runs: 0 the old image, 1 the new one on trial, 2 the new one for good."""

    def __init__(self, air: LocalLink, name: str, address: str) -> None:
        self.board, self._name, self._host = McubootBoard(OLD), name, host(air, name, address)
        self._host.gatt_server.max_mtu = MTU
        written = gatt.CharacteristicValue(write=lambda _, data: self._hear(bytes(data)))
        may = _MAY.WRITE_WITHOUT_RESPONSE | _MAY.NOTIFY
        self._value = gatt.Characteristic(CHARACTERISTIC, may, _MAYBE.READABLE | _MAYBE.WRITEABLE, written)
        self._host.add_services([gatt.Service(SERVICE, [self._value])])
        self._connection: Any = None
        self._heard = bytearray()
        self._host.on("connection", self._connected)

    @property
    def sent(self) -> int:
        return 0 if self.board.slots[0] != NEW else 1 + self.board.confirmed

    async def on(self) -> None:
        """Advertise."""
        await self._host.power_on()
        flags = AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
        told = [Flags(flags), CompleteListOf128BitServiceUUIDs([UUID(SERVICE)]), CompleteLocalName(self._name)]
        self._host.advertising_data = bytes(AdvertisingData(told))
        await self._host.start_advertising(auto_restart=False)

    async def drop(self) -> None:
        """The radio link breaks."""
        if self._connection is not None:
            await self._connection.disconnect(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)

    def _connected(self, connection: Any) -> None:
        self._connection = connection
        self._heard.clear()
        connection.on("disconnection", self._disconnected)

    def _disconnected(self, reason: int) -> None:
        self._connection = None
        self._again = asyncio.get_running_loop().create_task(self._host.start_advertising(auto_restart=False))

    def _hear(self, data: bytes) -> None:
        self._heard += data
        if len(self._heard) >= 8 and len(self._heard) >= 8 + struct.unpack_from(">H", self._heard, 2)[0]:
            answer = self.board.answer(bytes(self._heard))
            self._heard.clear()
            if answer is not None:
                self._answering = asyncio.get_running_loop().create_task(self._notify(answer))

    async def _notify(self, answer: bytes) -> None:
        for at in range(0, len(answer), MTU - 3):
            if self._connection is not None:
                with contextlib.suppress(Exception):  # it may break while we speak
                    await self._host.notify_subscriber(self._connection, self._value, answer[at : at + MTU - 3])


make = SmpPeripheral
