"""What a recording's samples are, by hash, so that a file that was changed afterwards is found out.

`seal.json` lies beside the samples: length and SHA-256 of every raw and clock file, written when the recording ends.
Labels are not sealed: people change them. A seal guards against mishaps and silent edits; who means to deceive changes
the seal as well, and then the project's one number (`manifest`) is another: keep that elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio.paths import write_atomic

NAME, FORMAT = "seal.json", 1
SEALED = (".raw", ".clock")
#: Longer recordings are sealed by the first `studio check`, so that ending one takes no time.
AT_ONCE_BYTES = 1 << 30


def seal(path: Path) -> None:
    """Write the seal of the recording in `path`; OSError when the folder takes none."""
    files = {file.name: _told(file) for file in _files(path)}
    text = json.dumps({"format": FORMAT, "algorithm": "sha256", "files": files}, indent=1) + "\n"
    write_atomic(path / NAME, text)


def seal_at_once(path: Path) -> None:
    """The same at the end of a recording: not for a very long one, and a full disk is no reason to fail."""
    try:
        if sum(file.stat().st_size for file in _files(path)) <= AT_ONCE_BYTES:
            seal(path)
    except OSError:
        return


def is_sealed(path: Path) -> bool:
    """Whether there is a seal."""
    return (path / NAME).exists()


def what_is_wrong(path: Path) -> list[tuple[str, str]]:
    """(file, what of it is not as it was sealed); empty when all is as it was, or when there is no seal."""
    if not is_sealed(path):
        return []
    try:
        sealed = json.loads((path / NAME).read_bytes())["files"]
        wanted = {str(name): (int(told["bytes"]), str(told["sha256"])) for name, told in sealed.items()}
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as e:
        return [(NAME, f"cannot be read ({type(e).__name__})")]
    there = {file.name: file for file in _files(path)}
    wrong = [(name, "is missing") for name in wanted if name not in there]
    wrong += [(name, "was not there when the recording was sealed") for name in there if name not in wanted]
    wrong += [(name, _difference(there[name], *told)) for name, told in wanted.items() if name in there]
    return [(name, text) for name, text in wrong if text]


def manifest(paths: Iterable[Path]) -> str:
    """One SHA-256 over the names and seals of all recordings: it changes when any sealed byte does."""
    whole = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.name):
        if is_sealed(path):
            whole.update(path.name.encode() + b"\0" + hashlib.sha256((path / NAME).read_bytes()).digest())
    return whole.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.suffix in SEALED)


def _told(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": _digest(file)}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _difference(file: Path, n_bytes: int, sha256: str) -> str:
    there = file.stat().st_size
    if there != n_bytes:
        return f"has {there} bytes where {n_bytes} were sealed"
    return "" if _digest(file) == sha256 else "holds other samples than were sealed"
