"""Long work beside the window: a generator on a thread, or in a process of its own.

Why two: a thread is enough for work that waits (a link, a compiler); training holds the interpreter and
brings libraries that must never enter the window's process, so it runs in a spawned process.
Both put what happens where the heartbeat can look: nothing calls into the window.
"""

import atexit
import importlib
import multiprocessing
import queue
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any

from studio.errors import StudioError
from studio.progress import Progress, Work


class Job(threading.Thread):
    """Runs `work` to its end on a thread. `result` or `error` is there once `done`."""

    def __init__(self, name: str, work: Work[Any]) -> None:
        super().__init__(daemon=True, name=name)
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.stopped = False
        self._news: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self._work, self._stopping = work, threading.Event()
        self.start()

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._news.put(next(self._work))
            self._work.close()
            self.stopped = True
        except StopIteration as end:
            self.result = end.value
        except Exception as e:
            self.error = e
        finally:
            self.done = True

    def poll(self) -> list[Progress]:
        """What was reported since the last call, oldest first; never waits."""
        return _drain(self._news)

    def stop(self) -> None:
        """Ask it to end at its next yield."""
        self._stopping.set()


class ProcessJob:
    """Runs the generator function `target` ("module:function") with `args` in a spawned process."""

    def __init__(self, name: str, target: str, args: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.stopped = False
        self._news: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        # Not a daemon, for those may have no processes of their own; so it must be ended when this one ends.
        self._process = context.Process(target=_serve, args=(target, args, theirs), name=name, daemon=False)
        self._process.start()
        atexit.register(self._process.terminate)
        theirs.close()
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"{name} news")
        self._reader.start()

    def _read(self) -> None:
        try:
            while True:
                kind, value = self._pipe.recv()
                if kind == "progress":
                    self._news.put(value)
                    continue
                self.result, self.error = (value, None) if kind == "result" else (None, value)
                break
        except (EOFError, OSError):
            if not self.stopped:
                self._process.join(5)
                seen = f"its process ended with code {self._process.exitcode} before it was finished"
                self.error = StudioError(f"Work {self.name!r}", seen, "Start it again; free memory if it was killed.")
        finally:
            self._process.join(5)
            atexit.unregister(self._process.terminate)
            self.done = True

    def poll(self) -> list[Progress]:
        """What was reported since the last call, oldest first; never waits."""
        return _drain(self._news)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is done."""
        self._reader.join(timeout)

    def stop(self) -> None:
        """End the process now; what it had saved stays."""
        self.stopped = True
        self._process.terminate()


def _drain(news: "queue.SimpleQueue[Progress]") -> list[Progress]:
    found: list[Progress] = []
    while not news.empty():
        found.append(news.get())
    return found


def _serve(target: str, args: tuple[Any, ...], pipe: Pipe) -> None:
    """The other process: import, run, report."""
    try:
        module, _, name = target.partition(":")
        function: Callable[..., Work[Any]] = getattr(importlib.import_module(module), name)
        work = function(*args)
        while True:
            pipe.send(("progress", next(work)))
    except StopIteration as end:
        pipe.send(("result", end.value))
    except StudioError as e:
        pipe.send(("error", e))
    except Exception:
        pipe.send(("error", RuntimeError(f"{target} failed:\n{traceback.format_exc()}")))
