"""Bluetooth Low Energy boards, over the Nordic UART Service. Not tried on a radio.

bleak lives on one asyncio thread for the whole life of the program (it keeps one state per event loop); outside, the
link is `read() -> bytes` like any other. A notification has a length of its own, so on the air a frame is the bare
header, payload and CRC in one notification; here it is put into COBS and back, so everything above sees one wire.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from cobs import cobs

from studio.errors import LinkError
from studio.sources.url import Address

T = TypeVar("T")

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
TO_BOARD = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
FROM_BOARD = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
CONNECT_TIMEOUT_S = 20.0
WRITE_TIMEOUT_S = 5.0


class BleLink:
    """`ble:NAME_OR_ADDRESS`."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self._came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._closed = False
        self._client: Any = None
        self._await(self._connect(address.place), CONNECT_TIMEOUT_S * 2)

    def read(self) -> bytes:
        """The frames that came; b"" when none did for a tenth of a second."""
        try:
            found = [self._came.get(timeout=0.1)]
            while not self._came.empty():
                found.append(self._came.get_nowait())
        except queue.Empty:
            return b""
        frames = [frame for frame in found if frame is not None]
        if len(frames) < len(found):
            self._came.put(None)  # said again to whoever reads next
            if not frames:
                raise LinkError(
                    self.url, "the board disconnected", "Bring it nearer or restart it, then connect again."
                )
        return b"".join(bytes(cobs.encode(frame)) + b"\0" for frame in frames)

    def write(self, data: bytes) -> None:
        """Send the frames in `data`, one GATT write each."""
        for frame in data.split(b"\0"):
            if frame:
                self._await(self._send(cobs.decode(frame)), WRITE_TIMEOUT_S)

    def close(self) -> None:
        """Disconnect."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(LinkError):  # it may be gone already
                self._await(self._client.disconnect(), WRITE_TIMEOUT_S)

    async def _connect(self, place: str) -> None:
        from bleak import BleakClient, BleakScanner

        device = await BleakScanner.find_device_by_filter(
            lambda d, seen: place.casefold() in (d.address.casefold(), (d.name or seen.local_name or "").casefold()),
            timeout=CONNECT_TIMEOUT_S,
        )
        if device is None:
            raise LinkError(
                self.url, "no such board is in range", "Switch it on and bring it near, then connect again."
            )
        self._client = BleakClient(device, disconnected_callback=lambda _: self._came.put(None))
        await self._client.connect()
        # AcquireNotify carried 1.6 times the bytes of StartNotify; other systems ignore the option.
        await self._client.start_notify(FROM_BOARD, self._notified, bluez={"use_start_notify": False})

    def _notified(self, _: object, data: bytearray) -> None:
        self._came.put(bytes(data))

    async def _send(self, body: bytes) -> None:
        limit = self._client.services.get_characteristic(TO_BOARD).max_write_without_response_size
        if len(body) > limit:
            seen = f"a frame of {len(body)} bytes does not fit into a write of {limit}"
            raise LinkError(self.url, seen, "Use the board's USB cable for this.")
        await self._client.write_gatt_char(TO_BOARD, body, response=False)

    def _await(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        return _finished(self.url, work, timeout_s)


def scan(seconds: float) -> list[tuple[str, str]]:
    """(address, name) of boards in range that offer the service, the nearest first."""

    async def look() -> list[tuple[str, str]]:
        from bleak import BleakScanner

        found = await BleakScanner.discover(seconds, return_adv=True, service_uuids=[SERVICE])
        near = sorted(found.values(), key=lambda pair: -pair[1].rssi)
        return [(device.address, device.name or seen.local_name or "") for device, seen in near]

    return _finished("Bluetooth", look(), seconds + CONNECT_TIMEOUT_S)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The one event loop, on its own thread."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="bluetooth").start()
    return loop


def _finished(thing: str, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The result of `work`; whatever Bluetooth complains about becomes LinkError."""
    try:
        return asyncio.run_coroutine_threadsafe(_limited(work, timeout_s), _loop()).result()
    except LinkError:
        raise
    except TimeoutError as e:
        raise LinkError(thing, f"no answer in {timeout_s:g} s", "Bring the board nearer, then try again.") from e
    except Exception as e:  # bleak raises its own errors, the system's, and D-Bus ones
        seen = str(e) or type(e).__name__
        raise LinkError(thing, seen, "Switch Bluetooth on, and the board too; then try again.") from e


async def _limited(work: Coroutine[Any, Any, T], timeout_s: float) -> T:
    return await asyncio.wait_for(work, timeout_s)
