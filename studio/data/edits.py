"""Edits of labels that `recording.json` does not hold yet: `edits.jsonl` beside it, one edited track a line.

    {"n": 17, "track": "labels", "old": [rows taken away], "new": [rows put there]}
    {"n": 18, "track": "labels:ann", "gone": true}

Rewriting twenty thousand labels for each one that moves takes a tenth of a second; a line takes less than one
millisecond. Lines are appended before the edit counts as done, so a process that is killed loses none, and go once
`recording.json` holds them. Lines say which rows went and came, not where: read twice, or after a crash between
rewriting and removing, they give the same track. `n` grows from line to line. A half last line is an edit that was
never acknowledged.
"""

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from studio.data.labels import Labels, Segment, parse_row, plain_row
from studio.data.raw import disk_error
from studio.errors import DataError

FILE = "edits.jsonl"
#: An edit of more rows than this rewrites `recording.json` at once: that is no slower.
BULK = 4000
#: Who finds the journal in other hands waits so long.
WAIT_S = 5.0
#: The byte that processes lock; far behind any content, for Windows locks what it names.
LOCKED_AT = 1 << 40

Tracks = Mapping[str, Labels]


def difference(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items are the same at the front, and, of the rest, at the back. Equal slices cost next to nothing."""
    shortest = min(len(old), len(new))
    front = _same(lambda a, b: old[a:b] == new[a:b], shortest)
    back = _same(lambda a, b: old[len(old) - b : len(old) - a] == new[len(new) - b : len(new) - a], shortest - front)
    return front, back


def entries(old: Tracks, new: Tracks) -> list[dict[str, Any]]:
    """What changed from one set of tracks to another, a dict for each track that did."""
    found: list[dict[str, Any]] = [{"track": name, "gone": True} for name in old if name not in new]
    for name, track in new.items():
        before = old.get(name, Labels())
        if before is track or (name in old and before.segments is track.segments):
            continue
        front, back = difference(before.segments, track.segments)
        gone, come = before.segments[front : len(before) - back], track.segments[front : len(track) - back]
        found.append({"track": name, "old": [plain_row(s) for s in gone], "new": [plain_row(s) for s in come]})
    return found


def n_rows(changes: Sequence[Mapping[str, Any]]) -> int:
    """Rows in those entries."""
    return sum(len(c.get("old", ())) + len(c.get("new", ())) for c in changes)


def check(old: Tracks, new: Tracks, end_s: float, where: str) -> None:
    """DataError when what changed is not in order, overlaps, or lies outside [0, end_s]; what stayed is not asked."""
    for name, track in new.items():
        before = old.get(name, Labels())
        front, back = difference(before.segments, track.segments)
        first, last = front, len(track) - back
        while first > 0 and (first == front or track.segments[first].is_point):
            first -= 1
        while last < len(track) and (last == len(track) - back or track.segments[last - 1].is_point):
            last += 1
        Labels(track.segments[first:last]).check(end_s, f"{where}, track {name!r}")


def append(file: IO[bytes], changes: Sequence[Mapping[str, Any]]) -> int:
    """Write `changes` behind what is there; their number `n`. OSError when the disk takes no more."""
    n = next(_numbers)
    lines = [json.dumps({"n": n, **c}, ensure_ascii=False, separators=(",", ":")) + "\n" for c in changes]
    text = "".join(lines).encode()
    size = file.seek(0, os.SEEK_END)
    if size and _last_byte(file, size) != b"\n":  # a line that a crash cut in two stays apart
        text = b"\n" + text
    if file.write(text) != len(text):
        file.truncate(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return n


def hold(folder: Path) -> IO[bytes]:
    """The journal, made where there is none, and ours alone until it is closed.

    Whoever holds it may write `recording.json`; others only read both. DataError when somebody else has it.
    """
    try:
        while True:
            with contextlib.suppress(FileExistsError):
                open(folder / FILE, "xb").close()
            with contextlib.suppress(FileNotFoundError):
                found = _locked(folder, WAIT_S)
                if found is not None:
                    return found
    except OSError as e:
        raise disk_error(folder, e) from e


@contextlib.contextmanager
def held(folder: Path, wait_s: float = 0.0) -> Iterator[IO[bytes] | None]:
    """The journal as `hold` gives it, when there is one; None when there is none, or without waiting none is free."""
    try:
        found = _locked(folder, wait_s)
    except FileNotFoundError:
        found = None
    except OSError as e:
        raise disk_error(folder, e) from e
    except DataError:
        if wait_s:
            raise
        found = None
    with found or contextlib.nullcontext():
        yield found


def sync(file: IO[bytes]) -> None:
    """Bring it to the disk itself, for when the power fails."""
    with contextlib.suppress(OSError, ValueError):  # closed meanwhile: then recording.json has it
        os.fsync(file.fileno())


def replayed(folder: Path, tracks: dict[str, Labels]) -> tuple[dict[str, Labels], int]:
    """`tracks` with the edits beside them, and the number of the last of those; 0 when there are none."""
    lines = _lines(folder / FILE)
    if not lines:
        return tracks, 0
    found = {name: set(track.segments) for name, track in tracks.items()}
    for line in lines:
        _apply(line, found)
    return {name: _track(rows) for name, rows in found.items()}, max(_number(line) for line in lines)


def drop(folder: Path, file: IO[bytes], upto: int | None = None) -> None:
    """The edits up to number `upto`, or all, are in `recording.json` now; what came since stays."""
    file.seek(0)
    lines = file.read().split(b"\n")[:-1]
    rest = b"".join(line + b"\n" for line in lines if upto is not None and _number(line) > upto)
    file.seek(0)
    file.write(rest)
    file.truncate()
    if not rest:
        with contextlib.suppress(OSError):  # Windows removes no open file; an empty one does no harm
            (folder / FILE).unlink()


def _rising() -> Iterator[int]:
    """Numbers that grow, also from one run of the program to the next."""
    last = 0
    while True:
        last = max(last + 1, time.time_ns())
        yield last


_numbers = _rising()


def _lines(file: Path) -> list[bytes]:
    """The whole lines of the journal; none when there is no journal."""
    try:
        return file.read_bytes().split(b"\n")[:-1]
    except OSError:
        return []


def _number(line: bytes) -> int:
    """0 for what is no edit."""
    try:
        return int(json.loads(line)["n"])
    except (LookupError, TypeError, ValueError):
        return 0


def _same(equal: Any, n: int) -> int:
    """The greatest k <= n for which items [0, k) are equal, asking for ever smaller stretches."""
    done, step = 0, n
    while step > 0:
        if done + step <= n and equal(done, done + step):
            done += step
        else:
            step //= 2
    return done


def _apply(line: bytes, found: dict[str, set[Segment]]) -> None:
    try:
        said = json.loads(line)
        name = str(said["track"])
        if said.get("gone"):
            found.pop(name, None)
            return
        old, new = ({parse_row(row) for row in said[part]} for part in ("old", "new"))
    except (LookupError, TypeError, ValueError, AttributeError):
        return  # a line that a crash cut in two
    found[name] = (found.get(name, set()) - old) | new


def _track(rows: set[Segment]) -> Labels:
    """Rows as a track; when somebody else's `recording.json` came in between, later rows make earlier ones give way."""
    track = Labels(tuple(sorted(rows)))
    try:
        track.check(float("inf"))
    except DataError:
        return Labels().add_all(track.segments)
    return track


def _last_byte(file: IO[bytes], size: int) -> bytes:
    file.seek(size - 1)
    return file.read(1)


def _locked(folder: Path, wait_s: float) -> IO[bytes] | None:
    """The journal, locked; None when it was removed meanwhile. FileNotFoundError without one; DataError when busy."""
    file = open(folder / FILE, "rb+", buffering=0)  # noqa: SIM115
    until = time.monotonic() + wait_s
    while not _try_lock(file):
        if time.monotonic() >= until:
            file.close()
            seen = "is being labelled in another window or by another command"
            raise DataError(f"Recording {folder.name!r}", seen, "Wait for it, or close it, then repeat.")
        time.sleep(0.02)
    if os.fstat(file.fileno()).st_nlink:
        return file
    file.close()
    return None


def _try_lock(file: IO[bytes]) -> bool:
    """Whether the file is ours now; closing it lets go."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(LOCKED_AT)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
