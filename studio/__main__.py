"""`python -m studio`: makes the environment when it is missing, then the command line or the window."""

import sys
from pathlib import Path


def window(project: "Path | None") -> int:  # quoted: this file must load on an old Python to say so
    """Open the window; the one place below which nothing knows Qt."""
    from studio.ui.main import run

    return run(project)


def play(arguments: list[str]) -> int:
    """Become the program that plays a virtual board, `arguments` its module and options."""
    import runpy

    if not arguments or not arguments[0].startswith("studio.firmware."):
        print("--play needs a module of studio.firmware", file=sys.stderr)
        return 2
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    return 0


def main() -> int:
    """Run what was asked for; returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 (said here: the rest does not load there)
        print("The studio needs Python 3.11 or newer, and this is", sys.version.split()[0], file=sys.stderr)
        return 1
    from studio import environment

    arguments = sys.argv[1:]
    if arguments[:1] == ["--play"]:  # a packaged studio has no `python -m`: it plays virtual boards itself
        return play(arguments[1:])
    testing = arguments[:1] == ["test"]
    try:
        if not getattr(sys, "frozen", False):
            environment.ensure(for_tests=testing)
        if testing:
            return environment.run_tests(arguments[1:])
    except environment.NotReady as e:
        print(e, file=sys.stderr)
        return 1
    from studio.app.cli import run

    return run(arguments, window)


if __name__ == "__main__":
    import multiprocessing

    multiprocessing.freeze_support()
    sys.exit(main())
