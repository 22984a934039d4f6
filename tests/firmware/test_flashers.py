"""First firmware by the makers' boot loaders: the table of faults, control lines, and what runs on emulated chips."""

import importlib
import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.app.actions.flash_trials import Outcome, cases, subjects, trial
from studio.app.handing import HandedLink
from studio.data.talk import Talk
from studio.errors import FlashError, InputError, LinkError, StudioError
from studio.firmware import flash as flash_module
from studio.firmware.board import Board, boards
from studio.firmware.flash import FLASHERS, flash
from studio.firmware.flashers import esp_rom, mcuboot, ways
from studio.firmware.flashers.stm32_usb import layout
from studio.firmware.image import intel_hex
from studio.firmware.own import flash_own, other_boards, parse_hex, takers
from studio.firmware.roms import esp
from studio.firmware.roms.chip import ChipLink
from studio.firmware.roms.flash import Flash
from studio.firmware.roms.mcuboot import Console, McubootBoard, signed
from studio.firmware.roms.sam_ba import SamBaRom
from studio.firmware.roms.stm32_uart import Stm32Uart
from studio.firmware.roms.stm32_usb import Door, Stm32Usb
from studio.firmware.roms.wire import Tcp, Terminal
from studio.firmware.virtual import emulator_installed
from studio.progress import Progress, finish
from tests.firmware.firmwares import image
from tests.firmware.silicon.modem import Modem

WORDS = {
    "bit error": {"stm32-usb": "holds another byte", "uf2": "stays in its boot loader"},
    "weak bit": {"": "holds", "uf2": "stays in its boot loader", "mcuboot": "not what was sent"},
    "protected": {"": "protected"},
    "wrong chip": {"": "says|another chip|KiB of flash|did not take the file"},
    "silent": {"": "does not answer|went away|no answer"},
    "wrong image": {"": "cannot be flashed by|key of this board|chip id|is for another-board|shows no drive"},
    "port taken": {"": "another program"},
}
#: Nothing can be told of these: the protocol mends them.
MENDED = {("bit error", way) for way in ("stm32-uart", "sam-ba", "mcuboot", "esp-rom")}
MENDED |= {("none", way) for way in subjects()} | {
    ("reset", "mcuboot"),
    ("reset", "sam-ba"),
    ("bit error", "serial-boot"),
}
UNTOUCHED = ("wrong chip", "silent", "wrong image", "port taken", "cut at start")

terminals = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are needed")


def needs(way: str) -> None:
    for name, module in (("mcuboot", "smpclient"), ("esp-rom", "esptool")):
        if way == name and importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def _here(module: str, request: dict[str, Any], thing: str, silent_s: float) -> Iterator[Progress]:
    """The flasher's program in this process: a hundred interpreters less. `none` and the other tests start it."""
    program = importlib.import_module(module).program
    yield Progress(0, 0, "working")
    try:
        return program(json.loads(json.dumps(request)))
    except StudioError as e:
        raise FlashError(e.thing, e.seen, e.next_step) from e


@terminals
@pytest.mark.parametrize(("way", "fault"), cases())
def test_a_fault_is_told_and_the_next_flash_mends_it(way: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(way)
    monkeypatch.setattr(flash_module, "RESTART_S", 2.0)
    if fault not in ("none", "cut midway"):
        monkeypatch.setattr(ways, "run_worker", _here)
        monkeypatch.setattr("sys.__stdout__", io.StringIO())
    found = trial(subjects()[way], fault)
    assert found.right, found
    assert bool(found.told) != ((fault, way) in MENDED), found
    assert found.told.count(". ") >= 1 or not found.told
    wanted = WORDS.get(fault, {})
    assert not found.told or re.search(wanted.get(way, wanted.get("", ".")), found.told), found
    if fault in UNTOUCHED[:4]:
        assert found.holds == "old"


def test_an_outcome_that_says_done_without_the_new_image_is_wrong() -> None:
    assert not Outcome("x", "y", "", "old", True).right
    assert not Outcome("x", "y", "an error", "old", False).right
    assert Outcome("x", "y", "an error", "waits", True).right


class Asleep:
    """The link of a chip in its maker's boot loader; once that is done, of the emulated chip with the very bytes."""

    url = "asleep:"

    def __init__(self, board: Board, flash: Flash, port: dict[str, Any], silicon: Callable[[bytes], Any]) -> None:
        self.board, self.flash, self.port, self.silicon, self.chip = board, flash, port, silicon, None

    def put_down(self) -> dict[str, Any]:
        return self.port

    def take_up(self) -> None:
        self.chip = self.silicon(bytes(self.flash.bytes))

    def read(self) -> bytes:
        return self.chip.read() if self.chip else b""

    def write(self, data: bytes) -> None:
        if self.chip:
            self.chip.write(data)

    def close(self) -> None: ...


def _stm32(flash: bytes) -> Any:
    from tests.firmware.silicon.sensors import Lsm6dsl
    from tests.firmware.silicon.stm32l4 import Stm32l4

    return Stm32l4(STM32, flash, (Lsm6dsl(),))


def _nano(flash: bytes) -> Any:
    from tests.firmware.silicon.nrf52 import Nrf52
    from tests.firmware.silicon.sensors import Lsm9ds1

    return Nrf52(NANO, flash, (Lsm9ds1(),))


STM32 = next(b for b in boards().values() if "stm32-uart" in b.flashing)
NANO = next(b for b in boards().values() if "sam-ba" in b.flashing)


@contextmanager
def uart(flash: Flash) -> Iterator[dict[str, Any]]:
    with Terminal(Stm32Uart(flash)) as wire:
        yield {"opener": "studio.sources.line", "place": wire.place}


@contextmanager
def usb(flash: Flash) -> Iterator[dict[str, Any]]:
    with Door(Stm32Usb(flash)) as door:
        yield {"opener": "studio.sources.line", "place": "", "remote": door.place}


@contextmanager
def sam(flash: Flash) -> Iterator[dict[str, Any]]:
    with Terminal(SamBaRom(flash)) as wire:
        yield {"opener": "studio.sources.line", "place": wire.place}


@terminals
@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
@pytest.mark.parametrize(
    ("way", "board", "door", "silicon"),
    [("stm32-uart", STM32, uart, _stm32), ("stm32-usb", STM32, usb, _stm32), ("sam-ba", NANO, sam, _nano)],
    ids=["stm32-uart", "stm32-usb", "sam-ba"],
)
def test_what_was_flashed_runs_and_passes_its_test_before_it_is_done(
    way: str,
    board: Board,
    door: Callable[[Flash], AbstractContextManager[dict[str, Any]]],
    silicon: Callable[[bytes], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Deploy like an adult: HELLO with this build's hash by the emulated chip, then the test, only then done."""
    monkeypatch.setattr(flash_module, "RESTART_S", 60.0)
    built, asked = image(board.id), []
    memory = Flash(board.flash_address, board.flash_bytes, board.page_bytes, fresh=False)

    def test(talk: Talk) -> Any:
        asked.append(talk.hello().build_hash)
        yield Progress(1, 1, "tested")

    with door(memory) as port:
        done = finish(flash(Talk(Asleep(board, memory, port, silicon)), built.bin, test, by=way))
    assert done["verified"] and done["tested"] and done["build_hash"] == built.build_hash
    assert asked == [built.build_hash]


def test_an_image_that_does_not_answer_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ROM took every byte, and still nothing runs."""
    monkeypatch.setattr(flash_module, "RESTART_S", 1.0)
    board, memory = STM32, Flash(STM32.flash_address, STM32.flash_bytes, STM32.page_bytes, fresh=False)
    with usb(memory) as port:
        link = ChipLink(board, memory, b"another boot loader", port)
        with pytest.raises(FlashError, match="does not answer after flashing"):
            finish(flash(Talk(link), image(board.id).bin, by="stm32-usb"))


def test_a_silent_board_is_flashed_by_the_way_its_toml_names(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def way(link: Any, board: Board, parts: list[tuple[int, bytes]]) -> Iterator[Progress]:
        yield Progress(0, 0, "taken")
        taken.append((board.id, parts[0][0]))

    talk = Talk(ChipLink(NANO, Flash(0, 1 << 20, 4096), b"", {}))
    monkeypatch.setattr(talk, "hello", _silent)
    monkeypatch.setitem(flash_module.WAYS, "sam-ba", way)
    with pytest.raises(FlashError, match="does not answer after flashing"):
        finish(flash(talk, image(NANO.id).bin))
    assert taken == [(NANO.id, NANO.flash_address + NANO.loader_offset)]


def _silent(timeout_s: float = 3.0) -> Any:
    raise LinkError("x", "is silent", "Wait.")


def test_a_link_without_a_port_is_told(tmp_path: Path) -> None:
    class Elsewhere:
        url = "ble:somewhere"

        def read(self) -> bytes:
            return b""

        def write(self, data: bytes) -> None: ...

        def close(self) -> None: ...

    with pytest.raises(FlashError, match="serial port, and ble:somewhere is none"):
        finish(flash(Talk(Elsewhere()), image(STM32.id).bin, by="stm32-uart"))


def test_an_unknown_way_and_an_unknown_board_are_refused(tmp_path: Path) -> None:
    talk = Talk(ChipLink(STM32, Flash(0, 4096, 4096), b"", {}))
    with pytest.raises(InputError, match=r"'by-mail'.*is not known"):
        finish(flash(talk, image(STM32.id).bin, by="by-mail"))
    with pytest.raises(InputError, match="takes no build of your own"):
        finish(flash_own(talk.link, image(STM32.id).bin, "toaster"))
    with pytest.raises(InputError, match="is not this board's"):
        finish(flash_own(talk.link, image(STM32.id).bin, STM32.id, "sam-ba"))


class Wired:
    """An STM32 with reset on DTR and BOOT0 on RTS; its ROM hears even parity only."""

    def __init__(self, flash: Flash) -> None:
        self.rom, self.out, self.parity, self.rts, self.held = Stm32Uart(flash), lambda data: None, "N", False, False
        self.in_rom, self.resets = False, 0

    def on_parity(self, parity: str) -> None:
        self.parity = parity

    def on_rts(self, value: bool) -> None:
        self.rts = value

    def on_dtr(self, value: bool) -> None:
        if self.held and not value:
            self.in_rom, self.resets = not self.rts, self.resets + 1
            self.rom.reset()
        self.held = value

    def feed(self, data: bytes) -> None:
        self.rom.out = self.out
        if self.in_rom and self.parity == "E":
            self.rom.feed(data)


def test_an_adapter_with_control_lines_brings_the_chip_into_its_rom(tmp_path: Path) -> None:
    board = Wired(Flash(0x08000000, 1 << 20, 2048))
    path = tmp_path / "own.bin"
    path.write_bytes(b"own build" * 100)
    with Modem(board) as modem:
        link = HandedLink(f"{modem.place}?baud=115200")
        try:
            done = finish(flash_own(link, path, STM32.id, "stm32-uart"))
        finally:
            link.close()
    assert done["bytes"] == 900 and board.resets == 1
    assert board.rom.flash.read(0x08000000, 900) == path.read_bytes()
    assert board.rom.started_at == 0x08000000


class Touched:
    """A board whose sketch does not answer; opened at 1200 baud and let go often enough, it starts its boot loader."""

    def __init__(self, flash: Flash, touches: int) -> None:
        self.rom, self.out, self.baud, self.in_rom = SamBaRom(flash), lambda data: None, 0, False
        self.left = touches

    def on_baudrate(self, baud: int) -> None:
        self.baud = baud

    def on_dtr(self, value: bool) -> None:
        if self.baud == 1200 and not value:
            self.left -= 1
            self.in_rom = self.left <= 0

    def feed(self, data: bytes) -> None:
        self.rom.out = self.out
        if self.in_rom:
            self.rom.feed(data)


@pytest.mark.parametrize("touches", [1, 2])
def test_the_touch_at_1200_baud_starts_the_boot_loader(tmp_path: Path, touches: int) -> None:
    board = Touched(Flash(0, 1 << 20, 4096, fresh=False), touches)
    path = tmp_path / "sketch.bin"
    path.write_bytes(b"own sketch" * 1000)
    with Modem(board) as modem:
        done = finish(flash_own(_Port(modem.place), path, NANO.id))
    assert done["verified"] and board.in_rom and board.rom.started
    assert board.rom.flash.read(0x10000, 10_000) == path.read_bytes()


class _Port:
    def __init__(self, place: str, **more: Any) -> None:
        self.url, self.port = place, {"opener": "studio.sources.line", "place": place, **more}

    def put_down(self) -> dict[str, Any]:
        return dict(self.port)

    def take_up(self) -> None: ...


@pytest.mark.slow
def test_esptool_resets_the_chip_by_its_lines(tmp_path: Path) -> None:
    needs("esp-rom")
    rom, path = esp.EspRom(Flash(0, 8 << 20, 4096, fresh=False), lines=True), tmp_path / "app.bin"
    path.write_bytes(esp.image(b"app" * 1000))
    with Modem(rom) as modem:
        done = finish(flash_own(_Port(modem.place), path, "xiao-esp32s3-sense"))
    assert done["verified"] and rom.starts == 1
    assert rom.flash.read(0, path.stat().st_size) == path.read_bytes()


def test_without_esptool_and_smpclient_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(esp_rom.shutil, "which", lambda name: None)
    monkeypatch.delenv(esp_rom.ESPTOOL, raising=False)
    app, signed_app = tmp_path / "app.bin", tmp_path / "signed.bin"
    app.write_bytes(esp.image(b"app"))
    signed_app.write_bytes(signed(b"app", (1, 0, 0)))
    with pytest.raises(FlashError, match=r"esptool: is not installed.*pip install esptool"):
        finish(flash_own(_Port("/dev/nowhere"), app, "xiao-esp32s3-sense"))
    with pytest.raises(FlashError, match=r"smpclient: is not installed.*pip install"):
        finish(flash_own(_Port("/dev/nowhere"), signed_app, "thingy53"))


@terminals
def test_a_way_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is killed, and the port is free again."""
    monkeypatch.setattr(ways, "SILENT_S", 1.5)
    path = tmp_path / "own.bin"
    path.write_bytes(b"own build" * 100)
    rom = Stm32Uart(Flash(0x08000000, 1 << 20, 2048))
    with Terminal(rom, silent=True) as wire:
        with pytest.raises(FlashError, match=r"nothing happened for 1\.5 s, so the work was ended"):
            finish(flash_own(_Port(wire.place), path, STM32.id, "stm32-uart"))
        from studio.sources.line import open_line

        open_line(wire.place).close()


@terminals
def test_whoever_stops_it_ends_the_program() -> None:
    """A closed generator kills its process: the cancel of the window."""
    rom = Stm32Uart(Flash(0x08000000, 1 << 20, 2048))
    with Terminal(rom) as wire:
        work = ways.by_stm32_uart(_Port(wire.place), STM32, [(0x08000000, bytes(range(1, 251)) * 400)])
        for step in work:
            if step.text.startswith("writing"):
                break
        work.close()
        assert rom.started_at is None
        from studio.sources.line import open_line

        open_line(wire.place).close()


def test_mcuboot_goes_back_by_the_command(tmp_path: Path) -> None:
    needs("mcuboot")
    from studio.firmware.own import roll_back_own

    path = tmp_path / "zephyr.signed.bin"
    old, new = signed(b"old" * 1000, (1, 0, 0)), signed(b"new" * 1000, (1, 1, 0))
    path.write_bytes(new)
    board = McubootBoard(old)
    with Terminal(Console(board)) as wire:
        done = finish(flash_own(_Port(wire.place), path, "thingy53"))
        assert done["previous_kept"] and board.confirmed and board.slots[0] == new
        back = finish(roll_back_own(_Port(wire.place), "thingy53"))
    assert board.slots[0] == old and board.confirmed
    assert back["build_hash"] == mcuboot.parse(old, "old").sha.hex()
    with pytest.raises(FlashError, match="keeps one image only"):
        finish(roll_back_own(_Port(""), "xiao-esp32s3-sense"))


def test_mcuboot_goes_back_when_the_new_image_does_not_come_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("mcuboot")
    old, new = signed(b"old" * 1000, (1, 0, 0)), signed(b"new" * 1000, (1, 1, 0))
    board = McubootBoard(old)
    board.comes_up = lambda content: content != new
    path = tmp_path / "zephyr.signed.bin"
    path.write_bytes(new)
    with Terminal(Console(board)) as wire:
        port = _Port(wire.place, swap_s=1.0, patience_s=0.3)
        with pytest.raises(FlashError, match=r"does not come up with the new image.*goes back to the image before"):
            finish(flash_own(port, path, "thingy53"))
    board.boot()
    assert board.slots[0] == old and board.confirmed


@pytest.mark.parametrize(
    ("content", "board", "words"),
    [
        (b"", "thingy53", "is empty"),
        (b"hello" * 20, "thingy53", "no image for MCUboot"),
        (signed(b"x" * 500, (1, 0, 0))[:-1], "thingy53", "no hash behind it"),
        (signed(b"x" * 500, (1, 0, 0)).replace(b"xx", b"xy", 1), "thingy53", "is damaged"),
        (b"hello" * 20, "xiao-esp32s3-sense", "no image for an Espressif chip"),
        (esp.image(b"x", chip=5), "xiao-esp32s3-sense", "is for chip id 5"),
        (b":0100000001FF\n", "nano-33-iot", "line 1 is no Intel HEX"),
    ],
)
def test_a_file_that_is_not_for_the_board_is_refused_before_anything_happens(
    tmp_path: Path, content: bytes, board: str, words: str
) -> None:
    path = tmp_path / "build.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        finish(flash_own(_Port("/dev/nowhere"), path, board))


def test_intel_hex_comes_back_as_it_went() -> None:
    parts = [(0x08000000, bytes(range(200))), (0x0801FFF0, b"over the end of a segment")]
    assert list(parse_hex(intel_hex(*parts).encode(), "x")) == parts


def test_an_app_of_esp_idf_goes_to_its_partition() -> None:
    whole = esp.image(b"x")
    app = whole[:32] + (0xABCD5432).to_bytes(4, "little") + whole[36:]
    assert esp_rom.parts_of(Path("a"), app)[0][0] == 0x10000
    assert esp_rom.parts_of(Path("a"), whole)[0][0] == 0


def test_what_a_rom_says_of_its_flash() -> None:
    assert layout("@Internal Flash  /0x08000000/512*0002Kg") == (0x08000000, 1 << 20, 2048)
    assert layout("@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg") == (0x08000000, 1 << 20, 0)
    with pytest.raises(FlashError, match="no STM32"):
        layout("DFU of a keyboard")


@pytest.mark.parametrize("board", [*takers().values()], ids=lambda b: b.id)
def test_every_taker_names_its_sources_and_what_its_way_needs(board: Any) -> None:
    needed = {
        "stm32-uart": {"chip", "flash_address", "page_bytes"},
        "stm32-usb": {"usb", "flash_address", "flash_bytes", "page_bytes"},
        "sam-ba": {"usb", "base", "buffer", "page_bytes"},
        "mcuboot": {"baud"},
        "esp-rom": {"chip", "chip_id"},
    }
    assert board.facts and not board.tried_on_hardware
    for way, facts in board.flashing.items():
        assert needed[way] <= set(facts) and way in FLASHERS


def test_tier_2_boards_are_no_targets_of_a_build() -> None:
    assert not set(other_boards()) & set(boards())


@terminals
def test_the_port_comes_back_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boot loader and firmware show other USB numbers in the same socket."""
    from studio.app import handing
    from studio.sources.ports import Port

    opened = []
    before = Port("/dev/ttyACM0", "boot", 0x2341, 0x5A, "1", "1-2")
    after = Port("/dev/ttyACM1", "app", 0x1209, 4, "2", "1-2")
    monkeypatch.setattr(handing, "port_of", lambda url: before if "ACM0" in url and not opened else None)
    monkeypatch.setattr(handing, "serial_ports", lambda: (after,))
    monkeypatch.setattr(handing, "moved", lambda url, port: url)
    monkeypatch.setattr(handing, "open_link", lambda url: opened.append(url) or Tcp.__new__(Tcp))
    link = HandedLink("/dev/ttyACM0")
    link._link = None
    link.take_up()
    assert opened == ["/dev/ttyACM0", "/dev/ttyACM1"]


@pytest.mark.slow
def test_mcuboot_is_flashed_over_bluetooth(tmp_path: Path) -> None:
    """smpclient over bleak's own BlueZ backend, to an SMP service on the virtual air; the link breaks once."""
    from studio.sources.air.air import BOARD, Air, absent

    needs("mcuboot")
    if why := absent():
        pytest.skip(f"Bluetooth in software cannot run: {why}")
    from tests.firmware.silicon.smp_air import NEW

    path, steps = tmp_path / "zephyr.signed.bin", []
    path.write_bytes(NEW)
    with Air("--peer", "tests.firmware.silicon.smp_air") as air:

        def watch(step: Progress) -> None:
            steps.append(step.text)
            if step.text.startswith("sending") and step.done > 4000 and "dropped" not in steps:
                steps.append("dropped")
                air.tell("drop")

        with pytest.raises(FlashError, match=r"fell silent|went away"):
            finish(flash_own(_Port(f"ble:{BOARD}", swap_s=20.0), path, "thingy53"), watch)
        assert air.sent()[0] == 0
        done = finish(flash_own(_Port(f"ble:{BOARD}", swap_s=20.0), path, "thingy53"))
        assert air.sent()[0] == 2 and done["previous_kept"]


#: What a maker's board came with: a program from its start on.
SKETCH = bytes(range(1, 251)) * 100


@terminals
@pytest.mark.parametrize(
    ("way", "board", "start", "cut"),
    [
        ("stm32-uart", STM32, 0x08000000, 20_000),
        ("stm32-usb", STM32, 0x08000000, 60),
        ("sam-ba", NANO, 0x10000, 20_000),
    ],
)
def test_half_a_program_does_not_start(way: str, board: Board, start: int, cut: int, tmp_path: Path) -> None:
    """The first words are blank until everything else is there: neither the old nor the new is started by halves."""
    path = tmp_path / "own.bin"
    path.write_bytes(bytes(reversed(SKETCH)))
    memory = Flash(board.flash_address, board.flash_bytes, board.page_bytes, fresh=False)
    memory.program(start, SKETCH)
    if way == "stm32-usb":
        device = Stm32Usb(memory)
        device.cut_after = cut
        with Door(device) as door, pytest.raises(FlashError):
            finish(flash_own(_Port("", remote=door.place), path, board.id, way))
    else:
        rom = Stm32Uart(memory) if way == "stm32-uart" else SamBaRom(memory)
        with Terminal(rom, cut_after=cut) as wire, pytest.raises(FlashError, match="went away while writing"):
            finish(flash_own(_Port(wire.place), path, board.id, way))
    assert memory.read(start, 256) == b"\xff" * 256 and memory.read(start + 4096, 16) != SKETCH[4096:4112]


def test_what_usb_says_is_put_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.firmware.flashers import stm32_usb

    class Wrong(Exception):
        def __init__(self, errno: int, text: str) -> None:
            super().__init__(text)
            self.errno = errno

    assert "udev rule" in str(stm32_usb._no_access(Wrong(13, "Access denied")))
    assert "another program uses it" in str(stm32_usb._no_access(Wrong(16, "Resource busy")))
    monkeypatch.setitem(sys.modules, "usb", None)
    with pytest.raises(FlashError, match=r"pyusb: is not installed.*pip install pyusb"):
        stm32_usb._found({"vid": 1, "pid": 2})
