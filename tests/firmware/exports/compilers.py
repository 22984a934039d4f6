"""The two compilers that every export must satisfy, on files of a folder."""

import shutil
import subprocess
from pathlib import Path

import pytest

from studio import zig

STANDINS = Path(__file__).parent / "standins"
STRICT = ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion", "-Wdouble-promotion", "-Wshadow")
#: Deliberately not the flags that the exports ask for: what must hold is in their source.
LOOSE = ("-std=gnu11", "-O2", "-ffp-contract=fast")
GCC_CORES = {
    "cortex-m0plus": ("-mcpu=cortex-m0plus", "-mthumb"),
    "cortex-m3": ("-mcpu=cortex-m3", "-mthumb"),
    "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
}
ZIG_TARGET = ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp")


def write(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def sources(folder: Path) -> list[Path]:
    """Everything that a compiler reads, sketches among it."""
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".cpp", ".ino"))


def flags(path: Path, folder: Path) -> list[str]:
    """Language and include paths of one file of an export."""
    rooms = sorted({p.parent for p in folder.rglob("*.h")})
    language = [] if path.suffix == ".c" else ["-x", "c++"]
    standard = [LOOSE[0] if path.suffix == ".c" else "-std=gnu++17", *LOOSE[1:]]
    return [*language, *standard, *STRICT, *(f"-I{room}" for room in rooms), f"-I{STANDINS}"]


def with_zig(path: Path, folder: Path) -> None:
    """BuildError with the compiler's complaint."""
    zig.run(["cc", "-c", *ZIG_TARGET, *flags(path, folder), path, "-o", folder / "zig.o"])


def with_gcc(path: Path, folder: Path, core: str) -> Path:
    arguments = [*GCC_CORES[core], "-ffreestanding", "-c", *flags(path, folder)]
    return gcc([*arguments, str(path), "-o", str(folder / f"{path.stem}.{core}.o")], folder)


def gcc(arguments: list[str], folder: Path) -> Path:
    """Run arm-none-eabi-gcc; the test is left out where it is not installed, as on a user's computer."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("needs arm-none-eabi-gcc: apt-get install gcc-arm-none-eabi")
    done = subprocess.run(["arm-none-eabi-gcc", *arguments], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / arguments[-1]
