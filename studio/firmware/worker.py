"""Flashing through another library runs in a process of its own: it is listened to, and killed when it falls silent.

The program (`python -m <module>`) reads one JSON object from stdin and prints JSON lines: {"done", "total", "text"}
while it works, then {"result": {...}} or {"error": [thing, seen, next step]}.
"""

import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from studio.errors import FlashError
from studio.firmware.program import start, start_command
from studio.progress import Progress, Work

LISTEN_S = 0.1
LAST_LINES = 5


def run_worker(module: str, request: dict[str, Any], thing: str, silent_s: float) -> Work[dict[str, Any]]:
    """The program's result; FlashError with what it says, or when it says nothing for `silent_s`."""
    process = start(module)
    said: queue.Queue[str | None] = queue.Queue()
    complaints: list[str] = []
    try:
        assert process.stdin and process.stdout and process.stderr
        _listen(process.stdout, said.put, end=lambda: said.put(None))
        _listen(process.stderr, complaints.append)
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        return (yield from _followed(said, complaints, thing, silent_s))
    except OSError as e:
        raise FlashError(thing, f"its program ended at once ({e})", "Run `studio doctor`.") from e
    finally:
        process.kill()
        process.wait()


def run_command(
    command: list[str], thing: str, silent_s: float, read: Callable[[str], Progress | None]
) -> Work[tuple[int, list[str]]]:
    """Somebody else's program, ended when it falls silent: its exit code and what it said; `read` finds progress."""
    process = start_command(command)
    said: queue.Queue[str | None] = queue.Queue()
    lines: list[str] = []
    try:
        assert process.stdout
        _listen(process.stdout, said.put, end=lambda: said.put(None))
        latest = Progress(0, 0, "working")
        for line in _heard(said, thing, silent_s):
            if line is None:
                yield latest
                continue
            lines.append(line.strip())
            if news := read(line):
                latest = news
                yield news
        return process.wait(), lines
    finally:
        process.kill()
        process.wait()


def _heard(said: "queue.Queue[str | None]", thing: str, silent_s: float) -> Iterator[str | None]:
    """The program's lines until it ends, and None where it is silent for a moment; FlashError where for too long."""
    deadline = time.monotonic() + silent_s
    while True:
        try:
            line = said.get(timeout=LISTEN_S)
        except queue.Empty:
            if time.monotonic() > deadline:
                raise _silence(thing, silent_s) from None
            yield None
            continue
        if line is None:
            return
        deadline = time.monotonic() + silent_s
        yield line


def _silence(thing: str, silent_s: float) -> FlashError:
    seen = f"nothing happened for {silent_s:g} s, so the work was ended"
    return FlashError(thing, seen, "Unplug the board, plug it in again, and flash again.")


def _followed(
    said: "queue.Queue[str | None]", complaints: list[str], thing: str, silent_s: float
) -> Work[dict[str, Any]]:
    latest = Progress(0, 0, "working")
    for line in _heard(said, thing, silent_s):
        if line is None:
            yield latest
            continue
        news = _news(line)
        if "result" in news:
            return dict(news["result"])
        if "error" in news:
            raise FlashError(*news["error"])
        if "text" in news:
            latest = Progress(news.get("done", 0), news.get("total", 0), news["text"])
            yield latest
    last = " ".join("".join(complaints[-LAST_LINES:]).split())
    raise FlashError(thing, f"its program ended early: {last or 'without a word'}", "Flash again.")


def tell(**news: Any) -> None:
    """One line from the program to whoever started it."""
    print(json.dumps(news), file=sys.__stdout__, flush=True)


def _news(line: str) -> dict[str, Any]:
    """A line of ours; {} for what a library prints on its own."""
    try:
        news = json.loads(line)
    except ValueError:
        return {}
    return news if isinstance(news, dict) else {}


def _listen(pipe: IO[str], each: Callable[[str], Any], end: Callable[[], None] = lambda: None) -> None:
    def read() -> None:
        for line in pipe:
            each(line)
        end()

    threading.Thread(target=read, daemon=True).start()
