"""Raw structs, one after another, with nothing around them: the older capture servers and home-made firmware.

Only the person knows the layout: `?protocol=raw&layout=3h&rate=100`. With no count and no marker a lost byte shifts
all that follows, so this protocol can know nothing about loss.
"""

import re
import struct
from collections.abc import Mapping

import numpy as np

from studio.data.stream import Chunk, Stream
from studio.errors import InputError
from studio.sources.clients.client import Client

MAX_ROW = 8192
_LAYOUT = re.compile(r"[<>=]?(?:\d{0,4}[bBhHiIlLqQefdx])+")
_SAME = {"h": "i16", "i": "i32", "l": "i32", "f": "f32"}
EXAMPLE = "virtual:host?protocol=raw&layout=3h&rate=100"


class Raw(Client):
    """`layout` as in Python's struct (little endian unless it begins with `>`), `rate` in Hz, `channels=a,b,c`."""

    name = "raw"
    title = "Raw structs"

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        layout, rate_hz = self.given.get("layout", "").replace(" ", ""), self.number("rate", 0.0)
        if not _LAYOUT.fullmatch(layout) or not rate_hz:
            seen = "needs to be told the layout of a sample and its rate"
            raise InputError("Protocol raw", seen, f"Give both, for example {EXAMPLE}.")
        order = ">" if layout[0] == ">" else "<"
        self._row = struct.Struct(order + layout.lstrip("<>="))
        n = len(self._row.unpack(bytes(self._row.size))) if self._row.size <= MAX_ROW else 0
        if not n:
            raise InputError(f"Layout {layout!r}", f"is {self._row.size} bytes a sample", f"Give 1 to {MAX_ROW}.")
        dtype = self._uniform(order, layout)
        names = tuple(filter(None, self.given.get("channels", "").split(",")))
        channels = names if len(set(names)) == n else tuple(f"c{i}" for i in range(n))
        self.streams = (Stream("sensor", rate_hz, channels, self.given.get("unit", ""), dtype or "f32"),)
        self._plain = dtype is not None
        self._index = 0

    @staticmethod
    def _uniform(order: str, layout: str) -> str | None:
        kinds = set(re.findall(r"[a-zA-Z]", layout))
        return _SAME.get(kinds.pop()) if len(kinds) == 1 and order == "<" else None

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        data = self.rest + data
        n = len(data) // self._row.size
        self.rest = data[n * self._row.size :]
        if not n:
            return []
        stream, body = self.streams[0], data[: n * self._row.size]
        if self._plain:
            values = np.frombuffer(body, stream.numpy_dtype).reshape(n, -1)
        else:
            with np.errstate(over="ignore"):
                values = np.array(list(self._row.iter_unpack(body)), np.float64).astype("<f4")
        chunk = Chunk(stream, self._index, values, 0, host_ns)
        self._index += n
        self.packets += n
        return [chunk]

    def start(self, names: tuple[str, ...]) -> None:
        self.rest = b""
