"""The keys on paper: every action of the table with its keys, by heading, as HTML and as a PDF of one page or two."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from PySide6 import QtCore, QtGui

from studio.errors import InputError
from studio.ui.commands.action import Action

STYLE = """
body { font-family: Inter, sans-serif; font-size: 9pt; color: #1a1d23; }
h1 { font-size: 16pt; margin: 0 0 2pt 0; } h2 { font-size: 10pt; margin: 10pt 0 3pt 0; color: #2f5fd0; }
p { color: #5a6475; margin: 0; } td { padding: 1.5pt 8pt 1.5pt 0; } td.key { font-weight: 600; white-space: pre; }
"""
MARGIN_MM = 14


def html(title: str, actions: Iterable[Action], extra: Iterable[tuple[str, str, str]] = ()) -> str:
    """A page of keys. `extra`: (heading, keys, what it does) for what is no action, such as the mouse."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in actions:
        groups.setdefault(action.group, []).append((action.shown_keys, action.title))
    for group, keys, what in extra:
        groups.setdefault(group, []).append((keys, what))
    body = "".join(f"<h2>{escape(group)}</h2><table>{_rows(lines)}</table>" for group, lines in groups.items())
    head = f"<h1>{escape(title)}</h1><p>Sensorsmith Studio: keys and mouse</p>"
    return f"<html><head><meta charset='utf-8'><style>{STYLE}</style></head><body>{head}{body}</body></html>"


def save(path: Path, text: str) -> None:
    """The sheet as a PDF (A4), or as HTML when the file is called so. InputError when it cannot be written."""
    if path.suffix.lower() in (".html", ".htm"):
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as e:
            raise _refused(path) from e
        return
    writer = QtGui.QPdfWriter(str(path))
    writer.setPageSize(QtGui.QPageSize(QtGui.QPageSize.PageSizeId.A4))
    margins = QtCore.QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM)
    writer.setPageMargins(margins, QtGui.QPageLayout.Unit.Millimeter)
    writer.setTitle("Keys")
    document = QtGui.QTextDocument()
    document.setHtml(text)
    document.print_(writer)
    if not path.is_file() or not path.stat().st_size:
        raise _refused(path)


def _rows(lines: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"<tr><td class='key' width='170'>{escape(keys) or '&nbsp;'}</td><td>{escape(what)}</td></tr>"
        for keys, what in lines
    )


def _refused(path: Path) -> InputError:
    return InputError(str(path), "cannot be written", "Choose a folder that you may write to.")
