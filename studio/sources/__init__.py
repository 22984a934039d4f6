"""Where samples come from: links (bytes from a device), clients (what the bytes mean), and the thread that reads them.

A link is opened by its URL; `LINKS` says which class opens which scheme, `CLIENTS` which understands which protocol.
"""

from collections.abc import Callable

from studio.data.link import Link
from studio.sources.ble import BleLink
from studio.sources.clients import CLIENTS
from studio.sources.link import SerialLink, SocketLink, acconeer_link
from studio.sources.microphone import MicrophoneLink
from studio.sources.replay import ReplayLink
from studio.sources.url import Address, parse

__all__ = ["CLIENTS", "LINKS", "open_link"]

#: Scheme -> what opens an address of it.
LINKS: dict[str, Callable[[Address], Link]] = {
    "serial": SerialLink,
    "rfc2217": SerialLink,
    "socket": SocketLink,
    "replay": ReplayLink,
    "ble": BleLink,
    "acconeer": acconeer_link,
    "mic": MicrophoneLink,
}


def open_link(url: str) -> Link:
    """A link to the device at `url`. InputError for a URL that names nothing, LinkError when it cannot be opened."""
    address = parse(url, tuple(LINKS))
    return LINKS[address.scheme](address)
