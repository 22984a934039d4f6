"""Long work is a generator that yields Progress and returns its result, so anyone may watch it and stop it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """One step of a long piece of work: `done` of `total` (0: unknown), what is going on, and figures to draw."""

    done: float
    total: float = 0.0
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)


Work = Generator[Progress, None, T]


def finish(work: Work[T], watch: Callable[[Progress], None] | None = None) -> T:
    """Run `work` to its end on this thread and return its result; `watch` sees each step."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if watch is not None:
            watch(step)
