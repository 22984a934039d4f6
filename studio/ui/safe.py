"""Two guards against faults of PySide6 on Python before 3.12 (where None can still be destroyed by miscounting).

1. PySide6 6.12 loses a reference of None at every call that returns none; the process dies after some thousand calls.
2. An exception raised by C code (IndexError of a list, TypeError of a wrong Qt call) that leaves a Python override
   while Qt was entered from Python (every click of a test) crashes in shiboken. `safe_overrides` catches it at the
   border and hands it to `sys.excepthook`, where the window shows it and pytest-qt fails the test.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from studio.errors import StudioError

C = TypeVar("C", bound=type)
BROKEN_QT, FIXED_PYTHON = (6, 12), (3, 12)


def check_qt(version: str, python: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raise StudioError when this PySide6 would destroy None under this Python."""
    qt = tuple(int(part) for part in version.split(".")[:2])
    if qt >= BROKEN_QT and python < FIXED_PYTHON:
        seen = f"version {version} does not work with Python {'.'.join(map(str, python))}"
        raise StudioError("PySide6", seen, "Install PySide6-Essentials 6.11.3, or use Python 3.12 or newer.")


def safe_overrides(cls: C) -> C:
    """Class decorator: overrides of Qt methods report their exceptions instead of crashing Python before 3.12."""
    if sys.version_info < FIXED_PYTHON:
        for name, member in list(vars(cls).items()):
            if callable(member) and not name.startswith("__") and _overrides_qt(cls, name):
                setattr(cls, name, _guarded(member))
    return cls


def _overrides_qt(cls: type, name: str) -> bool:
    bases = (b for b in cls.__mro__[1:] if b.__module__.startswith("PySide6"))
    return any(name in vars(b) for b in bases)


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception:
            sys.excepthook(*sys.exc_info())
            return None

    return call
