"""Makes the studio's own environment on a fresh machine: a `.venv` beside the source, and system libraries for Qt.

Standard library only: it runs before anything is installed. What it may install it installs and says so;
what it may not (no rights, no known package tool) it names with the exact line to type.
"""

import ctypes
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
DONE = "sensorsmith.installed"  # stamp inside the environment: hash of what was asked for

#: Shared library to look for -> Debian package. The first part lets Qt start at all, the second opens an X11 window.
LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
#: And QtMultimedia, the extra `video`.
MEDIA_LIBRARIES = {"libpulse.so.0": "libpulse0", "libXrandr.so.2": "libxrandr2"}

#: Programs that only the tests use, and only where they are there; installed by the test command as root.
TEST_PROGRAMS = {
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "dbus-daemon": "dbus",  # a private bus, for the stand-in of the Bluetooth daemon
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "cmake": "cmake",
    "dfu-util": "dfu-util",  # the field's own tools, against models of boot loaders
    "bossac": "bossa-cli",
    "stm32flash": "stm32flash",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",  # 50 MB to fetch; the second compiler that exports must satisfy
}


#: Test files that run at the same time; each takes half a gigabyte or more.
MOST_SIDE_BY_SIDE = 4


class NotReady(Exception):
    """Something is missing that cannot be installed from here; the message says what to type."""


def ensure(for_tests: bool) -> None:
    """Return when everything is there in this interpreter, else install and start again inside `.venv`."""
    extras = ("emulator", "test") if for_tests else ("emulator",)
    system_libraries(for_tests)
    wanted = requirements(extras)
    if not missing(wanted):
        return
    folder = environment_folder()
    python = interpreter(folder)
    if Path(sys.prefix).resolve() == folder.resolve():
        install(Path(sys.executable), wanted, folder)
        restart(Path(sys.executable))
    if not python.exists():
        create(folder)
    stamp = folder / DONE
    if not stamp.exists() or digest(wanted) not in stamp.read_text().split():
        install(python, wanted, folder)
    restart(python)


def environment_folder() -> Path:
    """`.venv` beside the source, or SENSORSMITH_VENV."""
    return Path(os.environ.get("SENSORSMITH_VENV", SOURCE / ".venv"))


def interpreter(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def requirements(extras: Sequence[str]) -> list[str]:
    """The pinned set of pyproject.toml with `extras`; empty when the studio was installed without its source."""
    path = SOURCE / "pyproject.toml"
    if not path.exists():
        return []
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for e in extras for r in project["optional-dependencies"][e])]
    return [r for r in wanted if _applies(r)]


def _applies(requirement: str) -> bool:
    """Whether the marker of `requirement` holds here; pyproject.toml uses python_version alone."""
    marker = re.search(r";\s*python_version\s*(<|>=)\s*'(\d+)\.(\d+)'", requirement)
    if marker is None:
        return True
    here, there = sys.version_info[:2], (int(marker[2]), int(marker[3]))
    return here < there if marker[1] == "<" else here >= there


def missing(wanted: Sequence[str]) -> list[str]:
    """The requirements whose distribution is absent, or another version than a pinned one."""
    return [r for r in wanted if not _satisfied(r)]


def _satisfied(requirement: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    pinned = re.search(r"==([^;,\s*]+)", requirement)
    try:
        version = importlib.metadata.version(name[0] if name else requirement)
    except importlib.metadata.PackageNotFoundError:
        return False
    return pinned is None or version.split("+")[0].startswith(pinned[1].rstrip("."))


def digest(wanted: Sequence[str]) -> str:
    """Short hash of a set of requirements."""
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]


def create(folder: Path) -> None:
    """Make the environment; on Debian the module that does it is a package of its own."""
    say(f"Making an environment in {folder}")
    try:
        import ensurepip  # noqa: F401  (Debian and Ubuntu leave it out of python3)
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        apt([package], "Python's venv module", must=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, OSError) as e:
        raise NotReady(f"{folder} could not be made: {e}. Free some space or set SENSORSMITH_VENV to a folder.") from e


def install(python: Path, wanted: Sequence[str], folder: Path) -> None:
    """pip install, one line of progress per package."""
    say(f"Installing {len(wanted)} packages (about 2.1 GB on disk; only this once)")
    command = [str(python), "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check", *wanted]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        tail = list(_narrate(pip.stdout or ()))
    if pip.returncode:
        log = "\n".join(tail[-12:])
        raise NotReady(f"pip could not install the packages:\n{log}\nCheck the network and run the same command again.")
    stamp = folder / DONE
    before = stamp.read_text() if stamp.exists() else ""
    stamp.write_text(f"{before}{digest(wanted)}\n")


def _narrate(lines: Iterable[str]) -> Iterator[str]:
    count = 0
    for line in lines:
        if line.startswith("Collecting "):
            count += 1
            say(f"  [{count}] {line.split()[1]}")
        elif line.startswith("Installing collected"):
            say("  unpacking (a few minutes on a slow disk)")
        yield line.rstrip()


def restart(python: Path) -> None:
    """The same command inside the environment; ends this process with its exit code."""
    command = [str(python), "-m", "studio", *sys.argv[1:]]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    }
    if os.name == "nt":
        sys.exit(subprocess.run(command, env=environment).returncode)
    os.execve(python, command, environment)


def system_libraries(for_tests: bool) -> None:
    """On Linux: the libraries Qt needs that wheels do not bring."""
    if not sys.platform.startswith("linux"):
        return
    if absent := absent_packages(media=for_tests):
        apt(absent, "Qt", must=False)
    if for_tests and os.geteuid() == 0:
        programs = [package for program, package in TEST_PROGRAMS.items() if not shutil.which(program)]
        if programs:
            apt(programs, "Some tests", must=False)


def absent_packages(media: bool = False) -> list[str]:
    """Debian packages of the libraries Qt needs that are not there; with `media`, also those of sound and video."""
    wanted = LIBRARIES | (MEDIA_LIBRARIES if media else {})
    return [package for library, package in wanted.items() if not _loads(library)]


def has_multimedia() -> bool:
    """Whether the extra `video` is installed."""
    try:
        importlib.metadata.version("PySide6-Addons")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def has_display() -> bool:
    """Whether a window can open here."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def apt(packages: Sequence[str], who: str, must: bool) -> None:
    """Install Debian packages when allowed, else say the line to type; NotReady when nothing goes on without them."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    prefix = _rights()
    if prefix is not None:
        say(f"{who} needs {', '.join(packages)}: installing")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*prefix, "apt-get", "update"], env=environment, **quiet)  # type: ignore[call-overload]
        done = subprocess.run([*prefix, *line.split()], env=environment, **quiet)  # type: ignore[call-overload]
        if done.returncode == 0:
            return
    text = f"{who} needs system packages that are not there. On Debian or Ubuntu type:\n  sudo {line}"
    if must:
        raise NotReady(text)
    say(text + "\n(on another system: the packages that bring the same libraries). Going on without them.")


def _rights() -> list[str] | None:
    """How to run apt-get without asking anybody, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def say(text: str) -> None:
    """A line of progress, beside the result on stdout."""
    print(text, file=sys.stderr, flush=True)


def run_tests(arguments: Sequence[str]) -> int:
    """Lint, types, then every test, file by file on all cores; the exit code of the first that fails.

    With `arguments`, which go to pytest, only those tests.
    """
    checks = [] if arguments else [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]
    spread = ["-n", str(min(os.cpu_count() or 1, MOST_SIDE_BY_SIDE)), "--dist", "loadfile"]
    for check in [*checks, ["pytest", *(arguments or spread)]]:
        say(f"$ {' '.join(check)}")
        done = subprocess.run([sys.executable, "-X", "faulthandler", "-m", *check], cwd=SOURCE)
        if done.returncode:
            return done.returncode
    return 0
