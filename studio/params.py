"""Parameters, declared once.

A parameter is a dataclass field with a range, a unit, and one line of help. The same
declaration is read by the check here, by the form in `ui`, by the search in `learn`,
by the project file, and by the C renderer in `firmware`.
"""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any

from studio.errors import ParamError


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] | None = None,
    search: Sequence[Any] = (),
) -> Any:
    """Declare one parameter of a frozen dataclass; `search` are the values that a search tries, in order of size."""
    metadata = {"help": help, "unit": unit, "low": low, "high": high, "choices": choices, "search": tuple(search)}
    return field(default=default, metadata=metadata)


def check(owner: Any) -> None:
    """Raise ParamError when a field of the dataclass `owner` is outside its declared range."""
    for f in fields(owner):
        value, low, high = getattr(owner, f.name), f.metadata.get("low"), f.metadata.get("high")
        choices, name = f.metadata.get("choices"), f"{type(owner).__name__}.{f.name}"
        if choices is not None and value not in choices:
            raise ParamError(name, f"{value!r}", f"Choose one of {', '.join(map(str, choices))}")
        if (low is not None and value < low) or (high is not None and value > high):
            unit = f.metadata["unit"]
            seen = f"{value} {unit}".rstrip()
            raise ParamError(name, seen, f"It must lie in [{low}, {high}]. {f.metadata['help']}")
