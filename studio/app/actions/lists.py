"""What can be connected now, and every known board."""

from typing import Any

from studio.app.devices import DeviceList
from studio.firmware.board import boards


def sources(listen_s: float = 0.0, devices: DeviceList | None = None) -> dict[str, Any]:
    """What is plugged in, virtual boards, and boards that announce themselves on the net within `listen_s`.

    One entry per board: `url` is the best way to it ("" when it can only be flashed), `ways` are all of them.
    """
    found = (devices or DeviceList()).look(listen_s)
    return {
        "sources": [
            {
                "url": d.url,
                "title": d.title,
                "kind": d.kind,
                "board": d.board_id,
                "key": d.key,
                "ways": [{"kind": w.kind, "url": w.url, "title": w.title} for w in d.urls],
            }
            for d in found
        ]
    }


def board_list() -> dict[str, Any]:
    """Every board with its tier, memory and how it is flashed."""
    keys = ("id", "title", "core", "tier", "flasher", "flash_bytes", "ram_bytes", "virtual", "tried_on_hardware")
    return {"boards": [{k: getattr(b, k) for k in keys} for b in boards().values()]}
