"""Progress of a verb in the terminal."""

import re
import sys

from studio.progress import Progress


class Bar:
    """Progress on stderr: one line that is rewritten on a terminal, plain lines elsewhere."""

    WIDTH = 24

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""
        self._tenth = -1

    def __call__(self, step: Progress) -> None:
        if self._terminal:
            self._redraw(step)
        elif step.text and self._worth_a_line(step):
            print(step.text, file=sys.stderr, flush=True)

    def _redraw(self, step: Progress) -> None:
        done = int(self.WIDTH * min(1.0, step.done / step.total)) if step.total else 0
        bar = f"[{'#' * done}{'.' * (self.WIDTH - done)}] " if step.total else ""
        print(f"\r\x1b[K{bar}{step.text[:100]}", end="", file=sys.stderr, flush=True)
        self._last = step.text

    def _worth_a_line(self, step: Progress) -> bool:
        """A log is no place for every block written: a line per tenth, every new kind of text, and every decision."""
        kind = re.sub(r"[\d.]+", "#", step.text)
        tenth = int(10 * step.done / step.total) if step.total else -1
        worth = (kind, tenth) != (self._last, self._tenth) or "scores" in step.data
        self._last, self._tenth = kind, tenth
        return worth

    def end(self) -> None:
        """Leave the line free for what comes."""
        if self._terminal and self._last:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
