"""`bench flash`: seconds to flash a board's own firmware by each way, and the table of faults. Models, no hardware.

`seconds` are what the flasher took on this computer with a device that answers at once. `wire_s` is computed, not
measured: what the same bytes take on a wire of the way's usual speed, without what the chip needs to erase and write.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.app.actions.flash_trials import OPENER, cases, subjects, trial
from studio.errors import StudioError
from studio.firmware.board import boards
from studio.firmware.build import first_time
from studio.firmware.flashers.ways import WAYS
from studio.firmware.own import other_boards
from studio.firmware.roms import esp, mcuboot, stm32_usb
from studio.firmware.roms.flash import Flash
from studio.firmware.roms.sam_ba import SamBaRom
from studio.firmware.roms.stm32_uart import Stm32Uart
from studio.firmware.roms.wire import Terminal
from studio.firmware.sources import Firmware
from studio.firmware.virtual import boot_loader, streaming_image
from studio.progress import Progress, Work, finish

#: Bits a second and bits a byte of each way's wire.
WIRES = {"stm32-uart": (115_200, 11), "mcuboot": (115_200, 10), "esp-rom": (460_800, 10), "sam-ba": (4_000_000, 8)}


def flash_bench() -> Work[dict[str, Any]]:
    """{"seconds": {way: {...}}, "faults": [{way, fault, told, holds, mended}], "right", "trials"}."""
    seconds: dict[str, Any] = {}
    every = cases()
    for i, way in enumerate(("stm32-uart", "stm32-usb", "sam-ba", "mcuboot", "esp-rom")):
        yield Progress(i, len(every) + 5, f"flashing by {way}")
        seconds[way] = _timed(way)
    found: list[dict[str, Any]] = []
    makers = subjects()
    for i, (way, fault) in enumerate(every):
        yield Progress(i + 5, len(every) + 5, f"{way}: {fault}")
        outcome = trial(makers[way], fault)
        found.append({"way": way, "fault": fault, "told": outcome.told or "done", "holds": outcome.holds})
        found[-1] |= {"mended": outcome.mended, "right": outcome.right}
    right = sum(f["right"] for f in found)
    return {"seconds": seconds, "faults": found, "right": right, "trials": len(found), "hardware": "none: models"}


def _timed(way: str) -> dict[str, Any]:
    try:
        parts, n = _parts(way)
        began_s = time.monotonic()
        with _device(way) as (port, wire):
            finish(WAYS[way](_Port(port), _board(way), parts))
            took_s, wire_s = time.monotonic() - began_s, wire()
    except StudioError as e:
        return {"missing": str(e)}
    return {"bytes": n, "seconds": round(took_s, 2), "wire_s": round(wire_s, 2), "wire": "modelled"}


def _board(way: str) -> Any:
    """The board that shows it: one that this studio makes whole images for, if there is one."""
    known: list[Any] = [*boards().values(), *other_boards().values()]
    return next(b for b in known if way in b.flashing)


def _parts(way: str) -> tuple[list[tuple[int, bytes]], int]:
    """Its boot loader and streaming firmware; for a board of tier 2 as many bytes of the host board's."""
    if way in ("mcuboot", "esp-rom"):
        like = next(b for b in boards().values() if b.flashing)
        content = whole_of(like)
        content = mcuboot.signed(content, (1, 1, 0)) if way == "mcuboot" else esp.image(content)
        return [(0, content)], len(content)
    board = _board(way)
    parts = first_time(board, boot_loader(board), streaming_image(Firmware(board, board.streams)))
    return parts, sum(len(data) for _, data in parts)


def whole_of(board: Any) -> bytes:
    """The image of its firmware that streams."""
    return streaming_image(Firmware(board, board.streams))


@contextmanager
def _device(way: str) -> Iterator[tuple[dict[str, Any], Any]]:
    if way == "stm32-usb":
        device = stm32_usb.Stm32Usb(Flash(0x08000000, 1 << 20, 2048))
        with stm32_usb.Door(device) as door:
            yield {"opener": OPENER, "place": "", "remote": door.place}, lambda: device.modelled_s
        return
    model = _model(way)
    with Terminal(model) as wire:
        port = {"opener": OPENER, "place": wire.place, "lines": False}
        yield port, lambda: wire.seconds_at(*WIRES[way])


def _model(way: str) -> Any:
    if way == "stm32-uart":
        return Stm32Uart(Flash(0x08000000, 1 << 20, 2048))
    if way == "sam-ba":
        return SamBaRom(Flash(0, 1 << 20, 4096, fresh=False))
    if way == "esp-rom":
        return esp.EspRom(Flash(0, 8 << 20, 4096, fresh=False))
    return mcuboot.Console(mcuboot.McubootBoard(mcuboot.signed(b"before", (1, 0, 0))))


class _Port:
    url = "model:"

    def __init__(self, port: dict[str, Any]) -> None:
        self.port = port

    def put_down(self) -> dict[str, Any]:
        return dict(self.port)

    def take_up(self) -> None: ...
