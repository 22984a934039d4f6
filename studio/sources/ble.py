"""Bluetooth Low Energy boards, over the Nordic UART Service. Not tried on a radio.

bleak lives on one asyncio thread for the whole life of the program (it keeps one state per event loop); outside, the
link is `read() -> bytes` like any other. A notification has a length of its own, so on the air a frame is the bare
header, payload and CRC in one notification; here it is put into COBS and back, so everything above sees one wire.
Boards with somebody else's firmware keep their own framing: their bytes pass as they are. SensiML has a service of its
own, where the description is read and subscribing stands for `connect`.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from cobs import cobs

from studio.data.wire import decode
from studio.errors import LinkError
from studio.sources.url import Address

T = TypeVar("T")

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
TO_BOARD = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
FROM_BOARD = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
SENSIML_OFFER = "16480001-0525-4ad5-b4fb-6dd83f49546b"
SENSIML_DATA = "16480002-0525-4ad5-b4fb-6dd83f49546b"
CONNECT_TIMEOUT_S = 20.0
WRITE_TIMEOUT_S = 5.0
PIECE = 20  # every connection takes so much in one write


class BleLink:
    """`ble:NAME_OR_ADDRESS`."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self._came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._closed = False
        self._framed: bool | None = None  # True: our own framing, False: somebody else's, None: not yet known
        self._offer = b""  # what a SensiML board says of itself
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
        return b"".join(self._framed_bytes(frame) for frame in frames)

    def _framed_bytes(self, came: bytes) -> bytes:
        """One notification as it would stand on a wire. The first tells whose framing it is."""
        frame = bytes(cobs.encode(came))
        if self._framed is None:
            self._framed = decode(frame) is not None
        return frame + b"\0" if self._framed else came

    def write(self, data: bytes) -> None:
        """Send the frames in `data`, one GATT write each; what is not ours goes as it is."""
        if self._offer:
            self._await(self._to_sensiml(data), WRITE_TIMEOUT_S)
            return
        frames = [frame for frame in data.split(b"\0") if frame]
        ours = self._framed is not False and all(decode(frame) for frame in frames)
        for body in (bytes(cobs.decode(frame)) for frame in frames) if ours else _pieces(data, PIECE):
            self._await(self._send(body), WRITE_TIMEOUT_S)

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
        if self._client.services.get_characteristic(SENSIML_OFFER) is not None:
            self._offer = bytes(await self._client.read_gatt_char(SENSIML_OFFER)).strip() + b"\n"
            self._framed = False
            self._came.put(self._offer * 2)  # as on a wire, where the first line may be half of one
            return
        # AcquireNotify carried 1.6 times the bytes of StartNotify; other systems ignore the option.
        await self._client.start_notify(FROM_BOARD, self._notified, bluez={"use_start_notify": False})

    async def _to_sensiml(self, words: bytes) -> None:
        """`connect` and `disconnect` are what subscribing is for; nothing else can be said."""
        if words.endswith(b"disconnect"):
            with contextlib.suppress(Exception):  # it may not have been subscribed
                await self._client.stop_notify(SENSIML_DATA)
            self._came.put(self._offer)
        elif words.endswith(b"connect"):
            await self._client.start_notify(SENSIML_DATA, self._notified, bluez={"use_start_notify": False})

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


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


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
