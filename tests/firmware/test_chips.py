"""What only chips have: an emulator whose counting is exact, faults, and the same image under QEMU."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.data.talk import Talk
from studio.data.wire import Verb
from studio.firmware.board import boards
from studio.firmware.build import build_boot_loader
from studio.firmware.flash import flash
from studio.firmware.image import HEADER_BYTES, make_image, parse_header
from studio.firmware.verify import verify
from studio.firmware.virtual import SocketToBoard, emulator_installed, flash_with
from studio.paths import ROOT
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, graph, image, raw_windows

needs_emulator = pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")

#: Runs a flash in two chips: one counts blocks, as the emulator does, one is stopped at every instruction. Unicorn
#: does not stop at the one to four instructions behind an IT, so those are read from its mask.
COUNTED_TWICE = """
import json, sys
from pathlib import Path
import unicorn
from studio.firmware.boardside.chip import Chip
from studio.firmware.boardside.flashfile import FlashFile

def chip(count):
    flash = FlashFile(None, 1 << 18)
    flash._map[:] = Path(sys.argv[2]).read_bytes()
    made = Chip(sys.argv[1], flash, 1 << 17, count)
    for base, size in ((0x40030000, 0x2000), (0x40004000, 0x1000), (0xE000E000, 0x1000)):
        made.map(base, size, lambda at: 0, lambda at, value: None)
    made.reset()
    return made

def step(uc, address, size, _):
    code = int.from_bytes(uc.mem_read(address, 2), "little")
    is_if_then = code >> 8 == 0xBF and code & 15
    n[0] += 1 + (4 - ((code & -code).bit_length() - 1) if is_if_then else 0)

blocks, single, n = chip(True), chip(False), [0]
single.uc.hook_add(unicorn.UC_HOOK_CODE, step)
print(json.dumps([(blocks.run(10**6), blocks.instructions, single.run(10**6), n[0]) for _ in range(3)]))
"""


@needs_emulator
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4f", "cortex-m33"])
def test_counting_blocks_counts_instructions(core: str, tmp_path: Path) -> None:
    """With registers that read 0 the firmware starts, says HELLO into the void, and sleeps."""
    board = boards()[core]
    (tmp_path / "flash").write_bytes(flash_with(board, image(core).bin.read_bytes()))
    command = [sys.executable, "-c", COUNTED_TWICE, core, str(tmp_path / "flash")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    for asleep, blocks, single_asleep, single in json.loads(done.stdout):
        assert asleep == single_asleep
        assert abs(blocks - single) <= single / 10_000 and blocks > 10_000


PROGRAMS = ("emulator", "hostboard")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_plays_a_board_stands_alone(program: str) -> None:
    """Unicorn is GPLv2: nothing of the studio but the program's own files, licensed to match, is in its process."""
    if program == "emulator" and not emulator_installed():
        pytest.skip("needs the emulator: pip install unicorn==2.1.4")
    told = f"import sys; before = set(sys.modules); import studio.firmware.{program}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = {m for m in done.stdout.split() if m.partition(".")[0] not in sys.stdlib_module_names}
    own = {m for m in loaded if m.startswith("studio.firmware.boardside")}
    ours = {m for m in loaded - own if m.startswith("studio")}
    assert ours == {"studio", "studio.firmware", f"studio.firmware.{program}"}
    others = {m.partition(".")[0] for m in loaded - own - ours}
    assert others <= ({"unicorn", "pkg_resources", "importlib_resources"} if program == "emulator" else set())
    files = [*(ROOT / "studio/firmware/boardside").glob("*.py"), ROOT / f"studio/firmware/{program}.py"]
    assert all(f.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: MIT OR Apache-2.0") for f in files)


@needs_emulator
def test_a_firmware_that_crashes_ends_in_the_boot_loader(start: Started, tmp_path: Path) -> None:
    """A whole image with one undefined instruction where it starts: its own fault handler asks for the boot loader."""
    content = image("cortex-m4f", "forest").bin.read_bytes()
    header, payload = parse_header(content), bytearray(content[HEADER_BYTES:])
    entry = (int.from_bytes(payload[4:8], "little") & ~1) - boards()["cortex-m4f"].app_offset - HEADER_BYTES
    payload[entry : entry + 2] = b"\x00\xde"
    (tmp_path / "crashing.bin").write_bytes(make_image(header.board, header.build_hash, bytes(payload)))
    with start("cortex-m4f") as talk:
        with pytest.raises(Exception, match="stays in its boot loader"):
            finish(flash(talk, tmp_path / "crashing.bin"))
        assert talk.hello().mode == "boot"
        assert finish(flash(talk, image("cortex-m4f", "forest").bin))["verified"]


@needs_emulator
def test_a_chip_without_any_program_stands_still(start: Started, tmp_path: Path) -> None:
    """Vectors that lead nowhere lock a core up; the emulator must not spin on it."""
    content = image("cortex-m4f").bin.read_bytes()
    header = parse_header(content)
    nothing = b"\x00\x00\x01\x20" + b"\xf1\xff\xff\x0f" * 63 + b"\0" * 1000
    (tmp_path / "nothing.bin").write_bytes(make_image(header.board, header.build_hash, nothing))
    with start("cortex-m4f") as talk:
        area = talk.hello()
        talk.request(Verb.BOOT)
        area = talk.hello()
        assert area.boot is not None
        talk.request(Verb.ERASE, {1: area.boot.app_offset, 2: area.boot.page_bytes}, 3.0)
        raw = (tmp_path / "nothing.bin").read_bytes()
        for at in range(0, len(raw), 960):
            talk.request(Verb.WRITE, {1: area.boot.app_offset + at, 2: raw[at : at + 960]})
        talk.request(Verb.RUN)
        with pytest.raises(Exception, match=r"understands|answered"):
            talk.hello(0.6)


#: A machine of the same memory map whose core runs the board's instructions, not always the board's own core.
MACHINES = {"cortex-m4f": "mps2-an386", "cortex-m0plus": "mps2-an385", "cortex-m33": "mps2-an500"}


@contextmanager
def qemu(folder: Path, board_id: str, image_path: Path) -> Iterator[Talk]:
    """An Arm mps2 machine with our boot loader and image: only the core, its UART and SysTick, nothing virtual."""
    board = boards()[board_id]
    build_boot_loader(board, folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    load = f"loader,file={image_path},addr={board.app_offset:#x},force-raw=on"
    serial = f"tcp:127.0.0.1:{port},server=on,wait=on,nodelay=on"
    options = ["-M", MACHINES[board_id], "-display", "none", "-monitor", "none", "-serial", serial, "-device", load]
    process = subprocess.Popen(["qemu-system-arm", *options, "-kernel", str(folder / "boot.elf")])
    try:
        talk = Talk(_when_it_listens(f"socket://127.0.0.1:{port}"))
        yield talk
        talk.close()
    finally:
        process.kill()
        process.wait()


def _when_it_listens(url: str) -> SocketToBoard:
    for _ in range(100):
        try:
            return SocketToBoard(url)
        except OSError:
            time.sleep(0.1)
    pytest.fail("QEMU does not listen")


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="needs qemu-system-arm (apt install qemu-system-arm)")
@pytest.mark.parametrize(
    ("board_id", "family"),
    [("cortex-m4f", "forest"), ("cortex-m4f", "cnn"), ("cortex-m0plus", "cnn"), ("cortex-m33", "cnn")],
)
def test_the_same_image_is_equal_under_qemu(tmp_path: Path, board_id: str, family: str) -> None:
    """A second opinion on the code: QEMU knows what unicorn forgives, such as a float before the FPU is on."""
    built = image(board_id, family)
    with qemu(tmp_path, board_id, built.bin) as talk:
        assert talk.hello(10.0).build_hash == built.build_hash
        assert finish(verify(talk, graph(family), ACCELEROMETER, raw_windows(10)))["equal"] == 10
        talk.request(Verb.BOOT)
        hello = talk.hello(10.0)
        assert hello.mode == "boot" and hello.boot is not None and hello.boot.image == 1
        talk.request(Verb.RUN)
        assert talk.hello(10.0).build_hash == built.build_hash
