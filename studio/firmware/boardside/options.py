# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line of every program that plays a board, and its end: when stdin closes."""

import argparse
import os
import sys
import threading
from pathlib import Path

from studio.firmware.boardside.flashfile import FlashFile, InUse
from studio.firmware.boardside.sensors import Sensors, parse_sensor

EXIT_IN_USE = 3


class Options:
    """What was asked for, with the flash opened and the sensors loaded."""

    def __init__(self, what: str) -> None:
        given = _parser(what).parse_args()
        self.core: str = given.core
        self.clock_hz: int = given.clock_hz
        self.ram_bytes: int = given.ram_bytes
        self.app_offset: int = given.app_offset
        self.page_bytes: int = given.page_bytes
        self.speed: float = given.speed
        self.count: bool = given.count
        self.sensors = Sensors(dict(given.sensor))
        try:
            self.flash = FlashFile(given.flash, given.flash_bytes)
        except InUse as e:
            print(f"{e} is held by another program", file=sys.stderr)
            sys.exit(EXIT_IN_USE)


def announce(url: str) -> None:
    """Print the URL, and end this process when whoever started it is gone."""
    print(url, flush=True)
    threading.Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    """Nothing is lost at this exit: the flash is a mapped file."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def _parser(what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--core", required=True, help="processor core")
    parser.add_argument("--clock-hz", type=int, required=True, help="instructions per second of the board's clock")
    parser.add_argument("--flash-bytes", type=int, required=True, help="size of the flash")
    parser.add_argument("--ram-bytes", type=int, required=True, help="size of the RAM")
    parser.add_argument("--app-offset", type=int, required=True, help="where the app's image begins")
    parser.add_argument("--page-bytes", type=int, required=True, help="what one erase takes")
    parser.add_argument("--flash", type=Path, help="file that keeps the flash")
    parser.add_argument(
        "--sensor", type=parse_sensor, action="append", default=[], metavar="INDEX:PATH:ROW_BYTES:RATE_HZ"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="1: true pace, 0: as fast as can be")
    parser.add_argument("--count", action="store_true", help="count every instruction (slower)")
    return parser
