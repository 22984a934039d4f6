"""What can be connected now, and every known board."""

from typing import Any

from studio.firmware.board import boards
from studio.firmware.virtual import playable
from studio.sources.ports import serial_ports


def sources() -> dict[str, Any]:
    """Serial ports and virtual boards, each with the URL to connect to."""
    found = [{"url": p.url, "title": p.title, "kind": "serial"} for p in serial_ports()]
    for board in boards().values():
        if playable(board):
            found.append({"url": f"virtual:{board.id}", "title": board.title, "kind": "virtual"})
    return {"sources": found}


def board_list() -> dict[str, Any]:
    """Every board with its tier, memory and how it is flashed."""
    keys = ("id", "title", "core", "tier", "flasher", "flash_bytes", "ram_bytes", "virtual", "tried_on_hardware")
    return {"boards": [{k: getattr(b, k) for k in keys} for b in boards().values()]}
