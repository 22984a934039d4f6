"""URLs of devices, and what is said about one that cannot be opened."""

import pytest

from studio.errors import InputError
from studio.sources import LINKS, open_link
from studio.sources.url import Address, parse

SCHEMES = tuple(LINKS)


@pytest.mark.parametrize(
    ("url", "scheme", "place", "options"),
    [
        ("COM7", "serial", "COM7", {}),
        ("com12?baud=115200", "serial", "com12", {"baud": "115200"}),
        ("/dev/ttyACM0", "serial", "/dev/ttyACM0", {}),
        (r"\\.\COM11", "serial", r"\\.\COM11", {}),
        ("serial:/dev/cu.usbmodem1?baud=9600", "serial", "/dev/cu.usbmodem1", {"baud": "9600"}),
        ("socket://127.0.0.1:9000", "socket", "127.0.0.1:9000", {}),
        ("rfc2217://box:4000?baud=2000000", "rfc2217", "box:4000", {"baud": "2000000"}),
        (r"replay:C:\data\wave-001?speed=4", "replay", r"C:\data\wave-001", {"speed": "4"}),
        ("replay:/p/recordings/a b", "replay", "/p/recordings/a b", {}),
        ("ble:AA:BB:CC:DD:EE:FF", "ble", "AA:BB:CC:DD:EE:FF", {}),
    ],
)
def test_parts(url: str, scheme: str, place: str, options: dict[str, str]) -> None:
    assert parse(url, SCHEMES) == Address(url, scheme, place, options)


@pytest.mark.parametrize("url", ["", "  ", "nonsense", "http://x", "serial:", r"C:\folder", "ttyACM0", "?baud=1"])
def test_what_names_no_device(url: str) -> None:
    with pytest.raises(InputError, match="rfc2217:, serial:, socket:"):
        open_link(url)


@pytest.mark.parametrize("place", ["host", "host:", ":80", "host:0", "host:99999", "host:abc"])
def test_bad_addresses(place: str) -> None:
    with pytest.raises(InputError, match="not HOST:PORT"):
        open_link(f"socket://{place}")


def test_host_and_port_and_numbers() -> None:
    assert parse("socket://[::1]:80", SCHEMES).host_port() == ("::1", 80)
    address = parse("replay:x?speed=0.5", SCHEMES)
    assert address.number("speed", 1.0) == 0.5 and address.number("loop", 0.0) == 0.0
    for bad in ("fast", "nan", "inf", "-1", ""):
        with pytest.raises(InputError, match="speed is"):
            parse(f"replay:x?speed={bad}", SCHEMES).number("speed", 1.0)
