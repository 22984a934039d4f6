"""What the URL of a device says: `COM7`, `/dev/ttyACM0`, `serial:PORT?baud=921600`, `socket://HOST:PORT`, ..."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from studio.errors import InputError

_SCHEME = re.compile(r"([a-z][a-z0-9+-]+):(?://)?(.*)", re.DOTALL)
_PORT = re.compile(r"COM\d+|\\\\\.\\.+|/dev/.+", re.IGNORECASE)


#: Schemes that need no place: there is one of them, or a usual one.
_ALONE = frozenset({"mic"})


@dataclass(frozen=True)
class Address:
    """A URL in its parts; `place` is what stands between the scheme and `?`."""

    url: str
    scheme: str
    place: str
    options: dict[str, str] = field(default_factory=dict)

    def number(self, name: str, default: float, low: float = 0.0) -> float:
        """An option that is a number of at least `low`; InputError otherwise."""
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value < float("inf"):
            raise InputError(self.url, f"{name} is {text!r}", f"Give {name} as a number of at least {low:g}.")
        return value

    def host_port(self) -> tuple[str, int]:
        """Host and TCP port of `HOST:PORT`, `[IPv6]:PORT` too; InputError otherwise."""
        host, _, port = self.place.rstrip("/").rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise InputError(self.url, f"{self.place!r} is not HOST:PORT", "Write it like socket://192.168.0.7:9000.")
        return host.strip("[]"), int(port)


def is_port(place: str) -> bool:
    """True for the name of a serial port."""
    return _PORT.fullmatch(place) is not None


def parse(url: str, schemes: tuple[str, ...]) -> Address:
    """The parts of a URL; InputError, with the known schemes, when it names no kind of device."""
    place, _, query = url.strip().partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if _PORT.fullmatch(place):
        return Address(url, "serial", place, options)
    found = _SCHEME.fullmatch(place)
    if found and found[1] in schemes and (found[2] or found[1] in _ALONE):
        return Address(url, found[1], found[2], options)
    known = ", ".join(f"{s}:" for s in sorted(schemes))
    seen = "it is empty" if not place else "names no kind of device that the studio knows"
    raise InputError(f"Device {url!r}", seen, f"Give a port such as COM7 or /dev/ttyACM0, or a URL with {known}")
