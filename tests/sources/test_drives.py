"""Drives of boards: which folders are some, and where Linux says that they are plugged in."""

import sys
from pathlib import Path

import pytest

from studio.sources.drives import _plugs, drives


def test_marks_tell_a_boards_drive(tmp_path: Path) -> None:
    for name, file, text in (
        ("RPI-RP2", "INFO_UF2.TXT", "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"),
        ("MICROBIT", "DETAILS.TXT", "# DAPLink Firmware: see https://x\nUnique ID: 9904360254194e45\nVersion: 0255\n"),
        ("HOLIDAYS", "beach.jpg", ""),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    places = [*sorted(tmp_path.iterdir()), tmp_path / "gone"]
    found = {d.title: d for d in drives(places)}
    assert set(found) == {"RPI-RP2", "MICROBIT"}
    assert found["RPI-RP2"].board == "RPI-RP2" and found["MICROBIT"].serial == "9904360254194e45"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links in the file system, as Linux has them in /sys")
def test_where_a_drive_is_plugged_in(tmp_path: Path) -> None:
    usb = tmp_path / "devices/pci0/usb1/1-2/1-2.3"
    block = usb / "1-2.3:1.0/host0/target0/block/sda/sda1"
    block.mkdir(parents=True)
    (usb / "serial").write_text("E661\n")
    (tmp_path / "class").mkdir()
    (tmp_path / "class/sda1").symlink_to(block, target_is_directory=True)
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 /media/me/MY\\040BOARD vfat rw 0 0\n/dev/nvme0n1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n"
    )
    assert dict(_plugs(mounts, tmp_path / "class")) == {Path("/media/me/MY BOARD"): ("1-2.3", "E661")}
    assert dict(_plugs(tmp_path / "none", tmp_path)) == {}
