"""The command line: the actions, as verbs. Progress on stderr; with `--json` one object at the end of stdout.

Exit: 0 done; 1 tried and failed; 2 the request or its input is wrong, and nothing was changed.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from studio import __version__
from studio.app.arguments import parser
from studio.app.verbs import VERBS
from studio.errors import StudioError
from studio.progress import Progress, Work, finish

Window = Callable[[Path | None], int]


def run(argv: Sequence[str], window: Window) -> int:
    """Run a verb, or open the window when there is none; returns the exit code."""
    if argv[:1] and argv[0] not in VERBS and not argv[0].startswith("-"):
        return _guarded(lambda: window(_project(argv[0])), False)
    arguments = parser().parse_args(argv)
    if arguments.version:
        print(__version__)
        return 0
    if arguments.verb is None:
        return _guarded(lambda: window(None), False)
    return _guarded(lambda: _do(arguments, window), arguments.json)


def _project(path: str) -> Path:
    from studio.data.project import open_project

    return open_project(Path(path)).path


def _do(arguments: argparse.Namespace, window: Window) -> int:
    verb = VERBS[arguments.verb]
    if verb.opens_window is not None and (folder := verb.opens_window(arguments)) is not None:
        return window(folder)
    work: Work[dict[str, Any]] = verb.work(arguments)
    bar = Bar(arguments.json)
    try:
        result = finish(work, bar)
    finally:
        bar.end()
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False, default=str))
    else:
        print(verb.text(result))
    return verb.exit_code(result)


def _guarded(action: Callable[[], int], as_json: bool) -> int:
    try:
        return action()
    except StudioError as e:
        print(f"{e}", file=sys.stderr)
        if as_json:
            parts = {"thing": e.thing, "seen": e.seen, "next_step": e.next_step}
            print(json.dumps({"error": parts}, ensure_ascii=False))
        return e.exit_code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


class Bar:
    """Progress on stderr: one line that is rewritten on a terminal, plain lines elsewhere."""

    WIDTH = 24

    def __init__(self, quiet_stdout: bool) -> None:
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
