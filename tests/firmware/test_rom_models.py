"""The models of boot loaders are honest: the field's own tools, which know nothing of this studio, flash them too.

GPL tools (stm32loader, stm32flash, dfu-util, esptool) are programs of their own here as everywhere.
"""

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studio import zig
from studio.firmware.flashers import mcuboot as smp
from studio.firmware.roms import esp, mcuboot, sam_ba
from studio.firmware.roms.flash import Flash
from studio.firmware.roms.sam_ba import SamBaRom
from studio.firmware.roms.stm32_uart import Stm32Uart
from studio.firmware.roms.stm32_usb import IDLE, Door, Stm32Usb
from studio.firmware.roms.wire import Terminal

CONTENT = random.Random(7).randbytes(20_000)
START = 0x08000000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are needed")


def tool(name: str, *more: Path) -> str:
    """The program's path; the test is skipped, with this reason, where it is missing."""
    found = shutil.which(name) or next((str(path) for path in more if path.exists()), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def module(name: str) -> list[str]:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return [sys.executable, "-m", name]


def done(command: list[str], **env: str) -> str:
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=90, env=os.environ | env, stdin=subprocess.DEVNULL
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def soon(true: Callable[[], bool]) -> bool:
    """The model hears the last word after the tool has ended."""
    deadline = time.monotonic() + 5.0
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content.bin"
    path.write_bytes(CONTENT)
    return path


#: stm32loader's own program insists on control lines, which a pseudo terminal has not: its library does not.
STM32LOADER = """
import sys, serial
from stm32loader.bootloader import Stm32Bootloader
place, path, start = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
content = open(path, "rb").read()
rom = Stm32Bootloader(serial.Serial(place, 115200, timeout=5), device_family="L4", verbosity=0)
rom.reset_from_system_memory()
assert rom.get() == 0x31 and rom.get_id() == 0x415 and rom.get_flash_size() == 1024
rom.erase_memory()
rom.write_memory_data(start, content)
rom.verify_data(rom.read_memory_data(start, len(content)), content)
rom.go(start)
"""


def test_stm32loader_flashes_the_rom_on_the_uart(file: Path) -> None:
    command = [*module("stm32loader")[:1], "-c", STM32LOADER]
    rom = Stm32Uart(Flash(START, 1 << 20, 2048))
    with Terminal(rom) as wire:
        done([*command, wire.place, str(file), hex(START)])
        assert soon(lambda: rom.started_at == START)
    assert rom.flash.read(START, len(CONTENT)) == CONTENT


def test_stm32flash_flashes_the_rom_on_the_uart(file: Path) -> None:
    program = tool("stm32flash")
    rom = Stm32Uart(Flash(START, 1 << 20, 2048), chip=0x415)
    with Terminal(rom) as wire:
        said = done([program, "-m", "8n1", "-w", str(file), "-v", "-g", hex(START), wire.place])
        assert soon(lambda: rom.started_at == START)
    assert rom.flash.read(START, len(CONTENT)) == CONTENT and "STM32L47" in said


@pytest.fixture(scope="session")
def usb_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """libusb with one device, which is a model behind a TCP port."""
    if sys.platform != "linux":
        pytest.skip("the stand-in for libusb is for Linux")
    out = tmp_path_factory.mktemp("usb") / "libusb-1.0.so"
    source = Path(__file__).parent / "silicon" / "usb_shim.c"
    zig.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", str(source), "-o", str(out)], "The USB stand-in")
    return out


def test_dfu_util_flashes_the_rom_on_usb(file: Path, tmp_path: Path, usb_shim: Path) -> None:
    program, back = tool("dfu-util"), tmp_path / "back.bin"
    device = Stm32Usb(Flash(START, 1 << 20, 2048))
    with Door(device) as door:
        env = {"LD_PRELOAD": str(usb_shim), "USB_MODEL": door.place.rpartition(":")[2]}
        done([program, "-a", "0", "-s", f"{START:#x}:leave", "-D", str(file)], **env)
        assert device.started_at == START
        device.started_at, device.state = None, IDLE
        done([program, "-a", "0", "-s", f"{START:#x}:{len(CONTENT)}", "-U", str(back)], **env)
    assert device.flash.read(START, len(CONTENT)) == CONTENT == back.read_bytes()


def test_pyusb_flashes_the_rom_on_usb(usb_shim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own program, with pyusb unchanged above the stand-in for libusb."""
    from studio.firmware.flashers.stm32_usb import LIBUSB
    from studio.firmware.worker import run_worker
    from studio.progress import finish

    if importlib.util.find_spec("usb") is None:
        pytest.skip("pyusb is not installed")
    device = Stm32Usb(Flash(START, 1 << 20, 2048))
    facts = {"vid": 0x0483, "pid": 0xDF11, "flash_address": START, "flash_bytes": 1 << 20, "page_bytes": 2048}
    with Door(device) as door:
        monkeypatch.setenv(LIBUSB, str(usb_shim))
        monkeypatch.setenv("USB_MODEL", door.place.rpartition(":")[2])
        asked = facts | {"start": START, "thing": "The board", "parts": [(START, CONTENT.hex())]}
        finish(run_worker("studio.firmware.flashers.stm32_usb", asked, "The board", 20.0))
    assert device.flash.read(START, len(CONTENT)) == CONTENT and device.started_at == START


def test_bossac_flashes_a_samd21(file: Path) -> None:
    """Any bossac: Debian's package bossa-cli."""
    program = tool("bossac")
    vectors = (0x20008000).to_bytes(4, "little") + b"\x01\x20\0\0"
    words = {0xE000ED00: 0x410CC601, 0x41002018: 0x10010305, 0x41004014: 1}
    rom = SamBaRom(Flash(0, 256 << 10, 256, vectors, fresh=False), sam_ba.SAMD21, "", 0, words, 0x20004000)
    with Terminal(rom) as wire:
        port = f"--port={wire.place}"
        said = done([program, port, "-U", "-i", "--offset=0x2000", "-e", "-w", "-v", str(file), "-R"])
        assert soon(lambda: rom.started)
    assert rom.flash.read(0x2000, len(CONTENT)) == CONTENT and "Verify successful" in said
    assert {ord(c) for c in "XYZSWw"} <= set(rom.commands)


def test_arduinos_bossac_flashes_a_nano_33_ble(file: Path) -> None:
    """Arduino's own bossac knows the nRF52840; ARDUINO_BOSSAC names it (arduino/BOSSA, branch nrf)."""
    program = os.environ.get("ARDUINO_BOSSAC", "")
    if not program:
        pytest.skip("ARDUINO_BOSSAC does not name Arduino's bossac")
    rom = SamBaRom(Flash(0, 1 << 20, 4096, fresh=False))
    with Terminal(rom) as wire:
        said = done([program, f"--port={wire.place}", "-U", "-i", "-e", "-w", "-v", str(file), "-R"])
        assert soon(lambda: rom.started)
    assert rom.flash.read(0x10000, len(CONTENT)) == CONTENT and "nRF52840-QIAA" in said
    assert {ord(c) for c in "IVXYZSK"} <= set(rom.commands)


def test_esptool_flashes_the_rom_of_an_esp32_s3(tmp_path: Path) -> None:
    command, path = module("esptool"), tmp_path / "app.bin"
    path.write_bytes(esp.image(CONTENT))
    rom = esp.EspRom(Flash(0, 8 << 20, 4096, fresh=False))
    with Terminal(rom) as wire:
        asked = ["--port", wire.place, "--no-stub", "--before", "no-reset", "--after", "no-reset"]
        said = done([*command, *asked, "write-flash", "0x10000", str(path)])
    assert rom.flash.read(0x10000, path.stat().st_size) == path.read_bytes()
    assert "ESP32-S3" in said and "Hash of data verified" in said


def test_esptool_finds_our_image_of_an_esp32_s3_sound(tmp_path: Path) -> None:
    command, path = module("esptool"), tmp_path / "app.bin"
    path.write_bytes(esp.image(CONTENT))
    said = done([*command, "image-info", str(path)])
    assert "Chip ID: 9 (ESP32-S3)" in said and "(valid)" in said.split("Checksum")[1]


def test_imgtool_finds_our_image_for_mcuboot_sound(tmp_path: Path) -> None:
    program = tool("imgtool", Path(sys.executable).with_name("imgtool"))
    path, raw, theirs = tmp_path / "ours.bin", tmp_path / "raw.bin", tmp_path / "theirs.bin"
    path.write_bytes(mcuboot.signed(CONTENT, (1, 2, 3)))
    assert "Image was correctly validated" in done([program, "verify", str(path)])
    raw.write_bytes(CONTENT)
    sign = ["sign", "--version", "1.2.3", "--header-size", "0x200", "--pad-header", "--align", "4"]
    done([program, *sign, "--slot-size", "0x60000", str(raw), str(theirs)])
    assert smp.parse(theirs.read_bytes(), "theirs").version == "1.2.3"  # and its hash was found right


def runs(board: mcuboot.McubootBoard) -> str:
    image = mcuboot.header(board.slots[0])
    return image.version if image else ""


def test_smpclient_alone_uploads_tries_confirms_and_reverts() -> None:
    """Without our program around it: the model's console answers as smpclient expects."""
    if importlib.util.find_spec("smpclient") is None:
        pytest.skip("smpclient is not installed")
    import asyncio

    from smpclient import SMPClient
    from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
    from smpclient.requests.os_management import EchoWrite
    from smpclient.transport.serial import SMPSerialTransport

    old, new = mcuboot.signed(CONTENT[:9000], (1, 0, 0)), mcuboot.signed(CONTENT[9000:], (1, 1, 0))
    board = mcuboot.McubootBoard(old)

    async def talk(place: str) -> None:
        async with SMPClient(SMPSerialTransport(), place) as client:
            assert (await client.request(EchoWrite(d="hello"))).r == "hello"  # type: ignore[union-attr]
            async for _ in client.upload(new):
                pass
            found = (await client.request(ImageStatesRead())).images  # type: ignore[union-attr]
            assert [(i.slot, i.version, i.active) for i in found] == [(0, "1.0.0", True), (1, "1.1.0", False)]
            await client.request(ImageStatesWrite(hash=smp.parse(new, "new").sha))
            board.boot()
            assert runs(board) == "1.1.0" and not board.confirmed
            board.boot()  # nobody confirmed it
            assert runs(board) == "1.0.0"
            await client.request(ImageStatesWrite(hash=smp.parse(new, "new").sha))
            board.boot()
            await client.request(ImageStatesWrite(hash=b"", confirm=True))
            board.boot()
            assert runs(board) == "1.1.0" and board.confirmed

    with Terminal(mcuboot.Console(board, b"[00:00:01.234] <inf> app: a line in between\r\n")) as wire:
        asyncio.run(talk(wire.place))
