"""The recordings as a table: one row each, with what a person looks for before training."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import QModelIndex, Qt

from studio.data.clock import Rate
from studio.data.recording import Recording
from studio.ui.icons import icon
from studio.ui.labels.tally import share, span_text, tally
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import named

COLUMNS = ("Recording", "Subject", "Split", "Streams", "Rate [Hz]", "Duration", "Lost", "Labels", "Quality")
WIDTHS = (0, 94, 58, 126, 84, 92, 66, 100, 92)
RIGHT = (4, 5, 6, 7)
SORT = Qt.ItemDataRole.UserRole + 1
#: Severity of a finding -> (icon, role of the theme, rank).
SEVERITY = {
    "error": ("circle-x", "danger", 3),
    "warning": ("alert-triangle", "warn", 2),
    "note": ("info-circle", "dim", 1),
}
RATE_OFF = 0.01
Finding = Mapping[str, str]
_rates: "WeakKeyDictionary[Recording, tuple[tuple[float, float], ...]]" = WeakKeyDictionary()


def rates(recording: Recording) -> tuple[tuple[float, float], ...]:
    """(stated, measured) Hz of each stream; the clock files are read once."""
    if recording not in _rates:
        _rates[recording] = tuple((s.rate_hz, recording.measured_rate_hz(s.name)) for s in recording.streams)
    return _rates[recording]


def rate_text(recording: Recording) -> str:
    """50, or 49.2 of 50 where the device's clock says otherwise."""
    pairs = rates(recording)
    return " · ".join(
        f"{stated:g}" if abs(measured / stated - 1) <= RATE_OFF else f"{measured:.4g} of {stated:g}"
        for stated, measured in pairs
    )


def clock_text(recording: Recording) -> str:
    """What the certificate says of rates and clock: a line for each stream, and one for the device's clock."""
    lines = [_rate_line(s.name, s.rate_hz, recording.rate(s.name)) for s in recording.streams]
    if (line := recording.clock_fit()) is not None:
        lines.append(f"Device clock: {line.clock_ppm:+.1f} ± {line.ppm_error:.1f} ppm by this computer's")
    return "\n".join(lines)


def _rate_line(name: str, stated_hz: float, rate: Rate) -> str:
    if rate.by == "stated":
        return f"{name}: {stated_hz:g} Hz as stated, nothing to measure it by"
    judge = "this computer's clock" if rate.by == "host" else "the device's own clock"
    return f"{name}: {rate.hz:.6g} ± {rate.error_hz:.1g} Hz by {judge}, stated {stated_hz:g} Hz"


def lost(recording: Recording) -> int:
    """Samples lost on the way, in all streams."""
    return sum(count for gaps in recording.gaps.values() for _, count in gaps)


def lost_text(recording: Recording) -> str:
    """0, or 132 (0.4 %)."""
    n, total = lost(recording), sum(recording.n_samples.values())
    return f"{n} ({n / total:.1%})" if n and total else "0"


def quality_text(findings: Sequence[Finding] | None) -> str:
    """The number of findings of the worst kind."""
    if findings is None:
        return "…"
    for severity, word in (("error", "error"), ("warning", "warning"), ("note", "note")):
        if n := sum(f["severity"] == severity for f in findings):
            return f"{n} {word}{'s' if n > 1 else ''}"
    return "good"


def worst(findings: Sequence[Finding] | None) -> str:
    """Severity of the worst finding, "" when there is none."""
    found = [f["severity"] for f in findings or ()]
    return max(found, key=lambda s: SEVERITY[s][2], default="")


@lru_cache(maxsize=16)
def severity_icon(severity: str) -> Any:
    """The icon in the severity's colour; a tick for none."""
    name, role, _ = SEVERITY.get(severity, ("circle-check", "ok", 0))
    return icon(name, role)


@safe_overrides
class RecordingTable(QtCore.QAbstractTableModel):
    """`show` recordings, `judge` them by the `check` action's findings."""

    def __init__(self) -> None:
        super().__init__()
        self.recordings: tuple[Recording, ...] = ()
        self.findings: Mapping[str, Sequence[Finding]] = {}

    def show(self, recordings: tuple[Recording, ...]) -> None:
        """Other recordings; the rows stay where they are when only their content changed."""
        same = [r.id for r in recordings] == [r.id for r in self.recordings]
        if not same:
            self.beginResetModel()
        self.recordings = recordings
        self._refresh() if same else self.endResetModel()

    def judge(self, findings: Mapping[str, Sequence[Finding]]) -> None:
        """What `check` found, by recording."""
        self.findings = findings
        self._refresh()

    def _refresh(self) -> None:
        if self.recordings:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.recordings) - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.recordings)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.recordings):
            return None
        recording, column = self.recordings[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(recording, column)
        if role == SORT:
            return self._key(recording, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.DecorationRole and column == 8 and recording.id in self.findings:
            return severity_icon(worst(self.findings[recording.id]))
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(recording, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(recording, column)
        return font(13, figures=True) if role == Qt.ItemDataRole.FontRole else None

    def _text(self, r: Recording, column: int) -> str:
        texts = (
            lambda: r.id,
            lambda: r.subject or "–",
            lambda: r.split or "auto",
            lambda: " · ".join(s.name for s in r.streams),
            lambda: rate_text(r),
            lambda: span_text(r.duration_s),
            lambda: lost_text(r),
            lambda: f"{tally(r).n} · {share(r):.0%}" if tally(r).n else "none",
            lambda: quality_text(self.findings.get(r.id)),
        )
        return texts[column]()

    def _key(self, r: Recording, column: int) -> Any:
        numbers = {
            4: lambda: rates(r)[0][1] if r.streams else 0.0,
            5: lambda: r.duration_s,
            6: lambda: lost(r),
            7: lambda: share(r),
            8: lambda: SEVERITY.get(worst(self.findings.get(r.id)), ("", "", 0))[2],
        }
        return numbers[column]() if column in numbers else self._text(r, column)

    def _color(self, r: Recording, column: int) -> Any:
        weak = (column == 1 and not r.subject) or (column == 2 and not r.split) or (column == 7 and not tally(r).n)
        if weak or (column == 6 and not lost(r)):
            return theme().color("faint")
        return theme().color("text" if column in (0, 1, 2) else "dim")

    def _tip(self, r: Recording, column: int) -> str:
        if column == 8 and self.findings.get(r.id):
            return "\n".join(f["text"] for f in self.findings[r.id])
        if column == 4:
            return clock_text(r)
        if column == 7:
            return "\n".join(f"{c}: {n} labels, {span_text(tally(r).seconds[c])}" for c, n in tally(r).counts.items())
        return self._text(r, column)


def _side(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def recording_table(model: RecordingTable) -> QtWidgets.QTableView:
    """Sortable view of it; several rows can be selected."""
    proxy = QtCore.QSortFilterProxyModel()
    proxy.setSourceModel(model)
    proxy.setSortRole(SORT)
    proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    proxy.setFilterKeyColumn(-1)
    view = QtWidgets.QTableView()
    proxy.setParent(view)
    view.setModel(proxy)
    view.setSortingEnabled(True)
    view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    view.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
    view.setShowGrid(False)
    view.setAlternatingRowColors(True)
    view.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setTabKeyNavigation(False)
    view.setWordWrap(False)
    view.verticalHeader().setVisible(False)
    view.verticalHeader().setDefaultSectionSize(34)
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setMinimumSectionSize(50)
    header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
    for column, width in enumerate(WIDTHS):
        if width:
            view.setColumnWidth(column, width)
    return named(view, "recording_table", "Recordings", "Double-click a recording to label it")
