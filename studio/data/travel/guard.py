"""Foreign files may hold anything: whatever a parser trips over becomes one message about the file."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from studio.errors import DataError, StudioError


@contextlib.contextmanager
def reading(path: Path, title: str) -> Iterator[None]:
    """Around the parsing of `path`: an error of the parser becomes a DataError, ours pass.

    Only memory and the interpreter's own stops go through; a parser of others may raise anything.
    """
    if not path.exists():
        raise DataError(str(path), "there is no such file", "Check the name and the folder.")
    try:
        yield
    except (StudioError, MemoryError, GeneratorExit):
        raise
    except OSError as e:
        raise DataError(str(path), f"cannot be read ({e})", "Check the file, then import again.") from e
    except Exception as e:
        what = " ".join(f"{type(e).__name__}: {e}".split())[:200]
        seen = f"cannot be read as {title} ({what})"
        raise DataError(str(path), seen, "Save it again with the program that made it, or choose its format.") from e
