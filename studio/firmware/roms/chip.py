"""What a chip does after its maker's boot loader is done with it: our boot loader starts a sound image, which answers.

Only HELLO is answered: which build runs. Without a whole boot loader and a sound image nothing answers at all, or the
boot loader itself. That the real ones behave so is tried on emulated chips elsewhere.
"""

import time
import zlib
from typing import Any

from studio.data.wire import BootArea, Decoder, Hello, Packet, Type, encode
from studio.firmware.board import Board
from studio.firmware.image import HEADER_BYTES, is_sound, parse_header
from studio.firmware.roms.flash import Flash


def running(board: Board, flash: Flash, loader: bytes) -> bytes | None:
    """The build that starts; b"" when the boot loader waits, None when nothing starts."""
    if flash.read(board.flash_address + board.loader_offset, len(loader)) != loader:
        return None
    at = board.flash_address + board.app_offset
    head = flash.read(at, HEADER_BYTES)
    if not is_sound(head):
        return b""
    header = parse_header(head)
    payload = flash.read(at + HEADER_BYTES, header.payload_bytes)
    right = header.board == board.id and zlib.crc32(payload) == header.payload_crc32
    return header.build_hash if right else b""


class ChipLink:
    """The board's own link. While a flasher has the port (`put_down`) it opens `port` instead.

    `awake` is False while the maker's boot loader has the chip; it ends with `take_up`.
    """

    url = "model:"

    def __init__(self, board: Board, flash: Flash, loader: bytes, port: dict[str, Any], awake: bool = False) -> None:
        self.board, self.flash, self.loader, self.port, self.awake = board, flash, loader, port, awake
        self._decoder, self._out = Decoder(), bytearray()

    def put_down(self) -> dict[str, Any]:
        """The model's port."""
        return dict(self.port)

    def take_up(self) -> None:
        """The chip restarts into what it holds."""
        self.awake = True

    def read(self) -> bytes:
        """What it says; nothing for a while when it is silent."""
        if not self._out:
            time.sleep(0.01)
        data = bytes(self._out)
        self._out.clear()
        return data

    def write(self, data: bytes) -> None:
        """What it hears."""
        for packet in self._decoder.feed(data):
            build = running(self.board, self.flash, self.loader) if self.awake else None
            if packet.type == Type.HELLO and build is not None:
                self._out += encode(Packet(Type.HELLO, payload=self._hello(build).encode()))

    def close(self) -> None:
        """Nothing is open."""

    def _hello(self, build: bytes) -> Hello:
        area = BootArea(self.board.app_offset, self.board.app_bytes, self.board.page_bytes, 1 if build else 2)
        return Hello(self.board.id, "app" if build else "boot", build, boot=area)
