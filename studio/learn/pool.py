"""Candidates that learn side by side, each in a process of its own, or one after the other in this one.

A search asks for fits and steps them; what they come to does not depend on where they run. The processes read the
windows from files that they share, give way to everything else on the computer, and end with the one that began them.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from studio.errors import StudioError, TrainError
from studio.graph.graph import Graph
from studio.learn.dataset import Dataset
from studio.learn.families.family import Family
from studio.learn.split import Ints
from studio.progress import Progress, Work

#: How far the processes step back behind what else runs, and how long a poll waits for news.
NICE, WAIT_S = 10, 0.2
KEPT = 3
ARRAYS = ("x", "raw", "y", "recording", "subject", "start", "split")


class Cuts:
    """Parts of the windows, the last few kept: whoever asks for the same part gets the same object, and what families
    have worked out for it."""

    def __init__(self, data: Dataset) -> None:
        self.data, self._kept = data, list[tuple[Ints, Dataset]]()

    def of(self, windows: Ints) -> Dataset:
        """The windows at these places."""
        for places, part in self._kept:
            if np.array_equal(places, windows):
                return part
        self._kept = [*self._kept[-KEPT + 1 :], (windows, self.data.take(windows))]
        return self._kept[-1][1]


class Fitting(Protocol):
    """One fit under way."""

    graph: Graph | None

    def news(self) -> list[Progress]:
        """What it told since the last call; StudioError where it failed. Empty and `done` at its end."""
        ...

    @property
    def done(self) -> bool: ...
    def stop(self) -> None:
        """Let it go."""
        ...


class Here:
    """Fits in this process: each call of `news` takes one step."""

    side_by_side = 1

    def __init__(self, cuts: Cuts) -> None:
        self._cuts = cuts

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *end: Any) -> None:
        pass

    def start(self, settings: Family, windows: Ints, seed: int) -> Fitting:
        """Begin to learn from these windows."""
        return _Stepped(settings.fit(self._cuts.of(windows), seed))

    def rest(self) -> None:
        """Nothing to wait for."""


class _Stepped:
    def __init__(self, work: Work[Graph]) -> None:
        self._work, self.done = work, False
        self.graph: Graph | None = None

    def news(self) -> list[Progress]:
        try:
            return [next(self._work)]
        except StopIteration as end:
            self.graph, self.done = end.value, True
            return []

    def stop(self) -> None:
        self.done = True
        self._work.close()


class Pool:
    """Fits in `side_by_side` processes; they begin with the first fits and go from one to the next."""

    def __init__(self, data: Dataset, side_by_side: int, folder: Path | None = None) -> None:
        """`folder` is for the shared files; what an ended search left there goes. None: a temporary one."""
        self.side_by_side = side_by_side
        self._data, self._idle, self._busy = data, list[_Place](), list[_Place]()
        self._folder = folder or Path(tempfile.mkdtemp(prefix="windows-"))

    def __enter__(self) -> "Pool":
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for name in ARRAYS:
            np.save(self._folder / f"{name}.npy", getattr(self._data, name))
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        for place in (*self._idle, *self._busy):
            place.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, settings: Family, windows: Ints, seed: int) -> Fitting:
        """Begin to learn from these windows, in a process that has nothing to do."""
        place = self._idle.pop() if self._idle else _Place(self._folder, self._data)
        self._busy.append(place)
        place.pipe.send((settings, windows, seed))
        return _Remote(self, place)

    def rest(self) -> None:
        """Wait for news, for a moment."""
        wait([place.pipe for place in self._busy], WAIT_S)

    def free(self, place: "_Place", alive: bool) -> None:
        """The fit there is over."""
        self._busy.remove(place)
        if alive:
            self._idle.append(place)
        else:
            place.end()


class _Place:
    """A process, and the pipe to it."""

    def __init__(self, folder: Path, data: Dataset) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        bare = replace(data, **{name: getattr(data, name)[:0] for name in ARRAYS})
        self.process = context.Process(target=serve, args=(folder, bare, theirs), daemon=True, name="learning")
        self.process.start()
        theirs.close()

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(5)


class _Remote:
    """A fit in another process."""

    def __init__(self, pool: Pool, place: _Place) -> None:
        self._pool, self._place = pool, place
        self.graph: Graph | None = None
        self.done = False

    def news(self) -> list[Progress]:
        found: list[Progress] = []
        try:
            while not self.done and self._place.pipe.poll():
                kind, value = self._place.pipe.recv()
                if kind == "progress":
                    found.append(value)
                    continue
                self._over(alive=True)
                if kind == "error":
                    raise value
                self.graph = value
        except (EOFError, OSError) as e:
            self._over(alive=False)
            seen = "the process that it learned in has ended"
            raise TrainError("A candidate", seen, "Free some memory, or train with one process.") from e
        return found

    def stop(self) -> None:
        if not self.done:
            self._over(alive=False)  # it may be in the middle of a long step: the next fit begins in a new process

    def _over(self, alive: bool) -> None:
        self.done = True
        self._pool.free(self._place, alive)


def serve(folder: Path, bare: Dataset, pipe: Connection) -> None:
    """The other process: learn what is asked for until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the search, which ends them
    if hasattr(os, "nice"):
        os.nice(NICE)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    cuts = Cuts(replace(bare, **arrays))
    try:
        while True:
            settings, windows, seed = pipe.recv()
            _answer(settings.fit(cuts.of(windows), seed), pipe)
    except (EOFError, OSError):
        return  # nobody asks any more


def _answer(work: Work[Graph], pipe: Connection) -> None:
    try:
        while True:
            pipe.send(("progress", next(work)))
    except StopIteration as end:
        pipe.send(("graph", end.value))
    except StudioError as e:
        pipe.send(("error", e))
    except (EOFError, OSError):
        raise
    except Exception:
        pipe.send(("error", RuntimeError(f"a fit failed:\n{traceback.format_exc()}")))
