"""The bundled C compiler, as a program: `ziglang` 0.16.0. The only place that starts it.

Why here, below `graph` and `firmware`: `graph` compiles the kernels for this computer,
`firmware` compiles images for boards, and rooms on one storey never meet.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from studio.errors import BuildError
from studio.paths import home

#: Flags that make every target compute the same bits (TOOLCHAIN: contract off, no libm, no fast-math).
EXACT = ("-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-sanitize=all", "-g0")


@cache
def program() -> Path:
    """Path of the zig binary. Started directly: `sys.executable -m` does not exist in a packaged app."""
    try:
        import ziglang
    except ImportError as e:
        raise BuildError(
            "The C compiler", "package ziglang is not installed", "Run `pip install ziglang==0.16.0`"
        ) from e
    return Path(str(ziglang.__file__)).parent / ("zig.exe" if sys.platform == "win32" else "zig")


def run(arguments: Sequence[str | os.PathLike[str]], what: str = "The C compiler") -> str:
    """Run `zig <arguments>` and return its output; BuildError names the first line of complaint."""
    cache_folder = str(home() / "zig")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache_folder, "ZIG_LOCAL_CACHE_DIR": cache_folder}
    command = [str(program()), *(os.fspath(a) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or ["?"]
        raise BuildError(what, complaints[0].strip(), f"The whole log: {done.stderr.strip()[-4000:]}")
    return done.stdout
