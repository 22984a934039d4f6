"""The versions of what made a model or an image: without them "the same" cannot be asked for."""

import platform
from importlib.metadata import PackageNotFoundError, version

import studio

#: Distribution -> its licence. Those that shape weights or code; none but the compiler leaves a byte in an image.
TOOLS = {
    "ziglang": "MIT, with LLVM: Apache-2.0 WITH LLVM-exception",
    "numpy": "BSD-3-Clause",
    "scikit-learn": "BSD-3-Clause",
    "torch": "BSD-3-Clause",
}


def versions() -> dict[str, str]:
    """Name -> version of the studio, Python and every tool that is installed."""
    found = {"sensorsmith-studio": studio.__version__, "python": platform.python_version()}
    for name in TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
