"""What on this computer would stand in the way, each finding with one fix. Asks; changes nothing."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from studio import __version__
from studio.environment import absent_packages, has_display, has_multimedia
from studio.errors import StudioError
from studio.firmware.virtual import emulator_installed
from studio.paths import home
from studio.sources.ports import serial_ports
from studio.zig import run as run_zig

FREE_BYTES = 500_000_000

Finding = dict[str, Any]


def doctor() -> dict[str, Any]:
    """Every finding: {"what", "ok", "seen", "fix"}; `fix` is empty where all is well."""
    checks = (_python, _compiler, _emulator, _qt, _ports, _bluetooth, _room, _display)
    found = [finding for check in checks for finding in check()]
    return {"version": __version__, "ok": all(f["ok"] for f in found), "findings": found}


def _finding(what: str, ok: bool, seen: str, fix: str = "") -> Finding:
    return {"what": what, "ok": ok, "seen": seen, "fix": "" if ok else fix}


def _python() -> Iterator[Finding]:
    yield _finding("Python", True, f"{sys.version.split()[0]} at {sys.executable}")


def _compiler() -> Iterator[Finding]:
    try:
        seen, ok = f"zig {run_zig(['version']).strip()}", True
    except (StudioError, OSError) as e:
        seen, ok = str(e), False
    yield _finding("C compiler", ok, seen, "pip install ziglang==0.16.0")


def _emulator() -> Iterator[Finding]:
    ok = emulator_installed()
    seen = "unicorn is installed" if ok else "not installed: only the board `virtual:host` can be emulated"
    yield _finding("Emulated Cortex-M boards", ok, seen, "pip install unicorn==2.1.4")


def _qt() -> Iterator[Finding]:
    version = importlib.metadata.version("PySide6-Essentials")
    broken = sys.version_info < (3, 12) and tuple(map(int, version.split(".")[:2])) >= (6, 12)
    fix = "pip install PySide6-Essentials==6.11.3"
    yield _finding("Qt", not broken, f"PySide6 {version}" + (" aborts on Python 3.11" if broken else ""), fix)
    if sys.platform.startswith("linux"):
        absent = absent_packages(media=has_multimedia())
        seen = f"missing: {', '.join(absent)}" if absent else "all there"
        yield _finding("System libraries of Qt", not absent, seen, f"sudo apt-get install {' '.join(absent)}")
    extra = "pip install sensorsmith-studio[video]"
    seen = "QtMultimedia is installed" if has_multimedia() else f"not installed: no sound, no video ({extra})"
    yield _finding("Sound and video", True, seen)


def _ports() -> Iterator[Finding]:
    found = serial_ports()
    names = ", ".join(f"{p.url} ({p.title})" for p in found) or "no serial port is connected"
    yield _finding("Serial ports", True, names)
    if not sys.platform.startswith("linux"):
        return
    for p in found:
        device = p.url.removeprefix("serial:").partition("?")[0]
        ok = os.access(device, os.R_OK | os.W_OK)
        seen = "can be opened" if ok else "this user may not open it"
        fix = f"sudo usermod -a -G dialout {os.environ.get('USER', '$USER')}, then log in again"
        yield _finding(f"Rights on {device}", ok, seen, fix)


def _bluetooth() -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        yield _finding("Bluetooth", True, "asked when a BLE device is opened")
        return
    there = os.path.isdir("/sys/class/bluetooth") and bool(os.listdir("/sys/class/bluetooth"))
    seen = "an adapter is there" if there else "no adapter: boards connect by cable"
    yield _finding("Bluetooth", True, seen)
    if there and shutil.which("systemctl"):
        state = subprocess.run(["systemctl", "is-active", "bluetooth"], capture_output=True, text=True).stdout.strip()
        yield _finding("Bluetooth service", state == "active", state or "unknown", "sudo systemctl start bluetooth")


def _room() -> Iterator[Finding]:
    free = shutil.disk_usage(home()).free
    yield _finding("Free disk", free > FREE_BYTES, f"{free / 1e9:.1f} GB in {home()}", "Delete what is not needed.")


def _display() -> Iterator[Finding]:
    seen = "there" if has_display() else "none: the window cannot open here, the command line works"
    yield _finding("Display", True, seen)
