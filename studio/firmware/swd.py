"""Through a debug probe (SWD), with pyOCD's built-in targets. A program of its own: `python -m studio.firmware.swd`.

pyOCD writes without reading back, so what was written is read and compared here. Before anything is erased the chip's
own identity is compared with the board's, because pyOCD takes the chip on trust.
"""

import base64
import json
import sys
from collections.abc import Iterable
from typing import Any

from studio.firmware.worker import tell

READ_BYTES = 4096


def main() -> None:
    """Do what stdin asks: {"probe", "target", "identity": [address, mask, value], "parts": [[address, base64]]}."""
    request = json.load(sys.stdin)
    try:
        tell(result=_program(request))
    except Exception as e:  # whatever pyOCD, libusb or a cut link come up with
        tell(error=_three_parts(e, request["target"]))


def _program(request: dict[str, Any]) -> dict[str, Any]:
    from pyocd.core.helpers import ConnectHelper

    tell(text="looking for a debug probe")
    options = {"chip_erase": "sector", "auto_unlock": False, "resume_on_disconnect": False}
    session = ConnectHelper.session_with_chosen_probe(
        unique_id=request["probe"] or None,
        target_override=request["target"],
        blocking=False,
        return_first=False,
        no_config=True,
        options=options,
    )
    if session is None:
        raise _Said("No debug probe", "is plugged in, or several are", "Plug in one board, or set SENSORSMITH_PROBE.")
    parts = [(at, base64.b64decode(data)) for at, data in request["parts"]]
    with session:
        _check_chip(session.target, *request["identity"])
        _write(session, parts)
        _read_back(session.target, parts)
        session.target.reset()
        return {"probe": str(session.probe.unique_id), "bytes": sum(len(data) for _, data in parts)}


class _Said(Exception):
    """An error that is already in three parts."""


def _check_chip(target: Any, address: int, mask: int, value: int) -> None:
    found = target.read32(address) & mask
    if found != value:
        seen = f"says {found:#x} where this board's chip says {value:#x}; nothing was changed"
        raise _Said("The chip behind the probe", seen, "Connect the board that this image is for.")


def _write(session: Any, parts: Iterable[tuple[int, bytes]]) -> None:
    from pyocd.flash.loader import FlashLoader

    parts = list(parts)
    total = sum(len(data) for _, data in parts)

    most = 0.0

    def told(share: float) -> None:
        """pyOCD begins anew for each stretch of flash."""
        nonlocal most
        most = max(most, share)
        tell(done=round(most * total), total=total, text=f"writing {round(most * total)} of {total} bytes")

    loader = FlashLoader(session, progress=told)
    for address, data in parts:
        loader.add_data(address, data)
    loader.commit()


def _read_back(target: Any, parts: Iterable[tuple[int, bytes]]) -> None:
    for address, data in parts:
        for at in range(0, len(data), READ_BYTES):
            block = data[at : at + READ_BYTES]
            back = bytes(target.read_memory_block8(address + at, len(block)))
            if back != block:
                first = address + at + next(i for i, (a, b) in enumerate(zip(back, block, strict=True)) if a != b)
                seen = f"holds another byte than was written at {first:#010x}"
                raise _Said("The flash", seen, "Flash again; twice wrong, the flash is worn.")
            tell(done=at, total=len(data), text=f"reading back {at + len(block)} of {len(data)} bytes")


def _three_parts(e: Exception, target: str) -> list[str]:
    if isinstance(e, _Said):
        return [str(part) for part in e.args]
    words = str(e) or type(e).__name__
    if "lock" in words.lower() or "protect" in words.lower():
        advice = "Unlock it with its maker's tool, which erases it."
        return [f"The chip ({target})", f"is protected against debugging ({words})", advice]
    return ["The debug probe", f"{type(e).__name__}: {words}", "Unplug the board, plug it in again, and flash again."]


if __name__ == "__main__":
    main()
