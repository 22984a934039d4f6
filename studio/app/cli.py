"""The command line: the actions, as verbs. Progress on stderr; with `--json` one object at the end of stdout.

Exit: 0 done; 1 tried and failed; 2 the request or its input is wrong, and nothing was changed.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from studio import __version__
from studio.app.arguments import parser
from studio.app.bar import Bar
from studio.app.verbs import VERBS
from studio.errors import StudioError
from studio.progress import Work, finish

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
    bar = Bar()
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
