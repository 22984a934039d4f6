"""Text files of any origin: with or without a byte order mark, UTF-8, UTF-16, or the code page of old Windows."""

import codecs
import io
import os
import re
from pathlib import Path
from typing import BinaryIO

from studio.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like that of UTF-16, so it is asked first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
#: How much of a file is looked at to find out its encoding.
HEAD = 1 << 16


def encoding_of(head: bytes) -> str | None:
    """The encoding of a text that begins so; None when it is no text."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(head) >= 4 and not any(head[1:200:2]) and all(head[0:200:2]):
        return "utf-16-le"
    if len(head) >= 4 and not any(head[0:200:2]) and all(head[1:200:2]):
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return None if b"\x00" in head else "utf-8"
    except UnicodeDecodeError:
        return None if _CONTROL.search(head) else "cp1252"


def opened(path: Path) -> BinaryIO:
    """The file, open for reading; DataError when it cannot be."""
    try:
        return open(path, "rb")
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "Check the name and the folder.") from e
    except OSError as e:
        raise unreadable(path, e) from e


def text_stream(path: Path, binary: BinaryIO) -> io.TextIOWrapper:
    """`binary` as text, line ends as they are; DataError when it is none."""
    head = binary.read(HEAD)
    binary.seek(0)
    encoding = encoding_of(head)
    if encoding is None:
        raise DataError(str(path), "cannot be read as text (it holds binary data)", "Save it as text in UTF-8.")
    return io.TextIOWrapper(binary, encoding=encoding, newline="", errors="strict")


def head_of(path: Path) -> str:
    """The first lines of a text file, however long it is; "" when it is none."""
    try:
        with opened(path) as binary:
            return text_stream(path, binary).read(HEAD // 4)
    except (DataError, UnicodeError, OSError):
        return ""


def text_of(path: Path, most: int = 1 << 28) -> str:
    """A whole text file; DataError when it is none, or larger than `most` bytes."""
    with opened(path) as binary:
        size = os.fstat(binary.fileno()).st_size
        if size > most:
            seen = f"has {size >> 20} MB, more than this format is read with"
            raise DataError(str(path), seen, "Cut it into parts.")
        try:
            return text_stream(path, binary).read()
        except (UnicodeError, OSError) as e:
            raise unreadable(path, e) from e


def unreadable(path: Path, error: Exception) -> DataError:
    """What a decoder's or the disk's error means to a person."""
    return DataError(str(path), f"cannot be read as text ({error})", "Save it as text in UTF-8.")
