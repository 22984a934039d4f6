"""What can be connected now, and every known board."""

from typing import Any

from studio.app.devices import DeviceList
from studio.firmware.board import boards
from studio.firmware.own import other_boards


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
    known = (*boards().values(), *other_boards().values())
    return {"boards": [{k: getattr(b, k, _NOT_MADE_HERE.get(k)) for k in keys} for b in known]}


#: What a board that takes only builds of the user's own has no figure for.
_NOT_MADE_HERE = {"flash_bytes": 0, "ram_bytes": 0, "virtual": False}
