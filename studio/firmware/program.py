"""How this room's programs start: boards that are played, flashers, the look for probes; each in its own process."""

import os
import subprocess
import sys

from studio.paths import ROOT

#: No console window beside the studio's on Windows.
HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def command(module: str) -> list[str]:
    """What starts `module`; a packaged studio has no `python -m`, its own program takes the module's name."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--play", module]
    return [sys.executable, "-m", module]


def start(module: str, *arguments: str) -> "subprocess.Popen[str]":
    """The process of `module`, with a pipe for each of its streams."""
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [*command(module), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": search},
        creationflags=HIDDEN,
    )


def start_command(command: list[str]) -> "subprocess.Popen[str]":
    """Somebody else's program; what it says and complains of comes by one pipe."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        creationflags=HIDDEN,
    )
