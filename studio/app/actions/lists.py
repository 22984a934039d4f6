"""What can be connected now, and every known board."""

from typing import Any

from studio.firmware.board import boards
from studio.firmware.virtual import playable
from studio.sources.ports import announced, serial_ports


def sources(listen_s: float = 0.0) -> dict[str, Any]:
    """Serial ports, virtual boards, and boards that announce themselves on the net within `listen_s`."""
    found = [{"url": p.url, "title": p.title, "kind": "serial"} for p in serial_ports()]
    if listen_s:
        found += [{"url": p.url, "title": p.title, "kind": "network"} for p in announced(listen_s)]
    for board in boards().values():
        if playable(board):
            found.append({"url": f"virtual:{board.id}", "title": board.title, "kind": "virtual"})
    return {"sources": found}


def board_list() -> dict[str, Any]:
    """Every board with its tier, memory and how it is flashed."""
    keys = ("id", "title", "core", "tier", "flasher", "flash_bytes", "ram_bytes", "virtual", "tried_on_hardware")
    return {"boards": [{k: getattr(b, k) for k in keys} for b in boards().values()]}
