"""Which format a file has: by its name, and where several share a name, by a look into it."""

from collections.abc import Mapping
from pathlib import Path

from studio.data.formats.format import Format
from studio.errors import DataError, InputError


def format_of(formats: Mapping[str, Format], path: Path, format: str | None = None) -> str:
    """Name of the format; DataError or InputError when nobody here reads the file."""
    known = ", ".join(formats)
    if format:
        if format not in formats:
            raise InputError(f"Format {format!r}", "is not known", f"Choose one of {known}.")
        return format
    if not path.exists():
        raise DataError(str(path), "there is no such file", "Check the name and the folder.")
    if path.is_dir():
        return _folder(formats, path)
    suffix = path.suffix.lower()
    rows = sorted(formats.items(), key=lambda pair: pair[1].mine is None)  # those that look into files come first
    for name, row in rows:
        if suffix in row.suffixes and (row.mine is None or row.mine(path)):
            return name
    raise InputError(str(path), f"is a {path.suffix or 'nameless'} file", f"The studio reads {known}.")


def _folder(formats: Mapping[str, Format], path: Path) -> str:
    """A folder is a set: with a manifest, or of files that one format knows how to hold together."""
    for name, row in formats.items():
        if row.mine is not None and name != "manifest" and not (path / "manifest.json").is_file() and row.mine(path):
            return name
    return "manifest"
