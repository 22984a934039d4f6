"""The numbers of a connection: steady digits, told a few times a second, each in a place of its own width."""

from collections import deque
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.live import Connection
from studio.data.clock import Fit
from studio.data.stream import Ring
from studio.ui.safe import safe_overrides
from studio.ui.theme import font
from studio.ui.widgets import label, set_look

RATE_OVER_S, EVERY_S = 2.0, 0.25
#: A rate further from the stated one than this share is worth a colour.
OFF = 0.02
MOST_LINES, WIDE = 6, 580
#: Clocks worse than this are worth a colour.
POOR_PPM = 500.0


class RateMeter:
    """True rate of a count, over the last two seconds of this computer's clock."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def measure(self, end: int, now_s: float) -> float:
        """Per second; 0 until half a second was seen."""
        if self._seen and end < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, end))
        while now_s - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        (t0, e0), (t1, e1) = self._seen[0], self._seen[-1]
        return (e1 - e0) / (t1 - t0) if t1 - t0 > 0.5 else 0.0


class Figure(QtWidgets.QLabel):
    """A number that keeps its place: as wide as `widest`, at the right of it, in figures of one width."""

    def __init__(self, name: str, widest: str, tip: str) -> None:
        super().__init__("–")
        self.setProperty("kind", "dim")
        used = font(12, figures=True)
        self.setFont(used)
        self.setMinimumWidth(QtGui.QFontMetrics(used).horizontalAdvance(widest) + 6)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setAccessibleName(name)
        self.setToolTip(tip)

    def say(self, text: str, tone: str = "") -> None:
        """Show `text`; a tone colours it."""
        if self.text() != text:
            self.setText(text)
        set_look(self, tone=tone, kind="" if tone else "dim")


class StreamNumbers:
    """Measures one stream and says it in its figures: they stand in one line of the Numbers."""

    def __init__(self) -> None:
        self.figures = {
            "rate": Figure("Rate", "16.000 kHz", "Samples per second that came, by this computer's clock"),
            "bytes": Figure("Bytes", "9999.9 kB/s", "What these samples weigh"),
            "lost": Figure("Lost", "99 999 lost", "Samples that never came, since the device was connected"),
            "behind": Figure("Behind", "9999 ms", "From the newest sample that came to the one being taken now"),
        }

    def tell(self, ring: Ring, counts: dict[str, Any], rate: float, moment: float | None) -> None:
        """From the ring, the stream's `counts`, its measured rate (0 unknown), and the index being taken now."""
        stream = ring.stream
        off = rate and abs(rate / stream.rate_hz - 1) > OFF
        self.figures["rate"].say(rate_text(rate) if rate else "–", "warn" if off else "")
        row = stream.numpy_dtype.itemsize * len(stream.channels)
        self.figures["bytes"].say(f"{rate * row / 1000:.1f} kB/s" if rate else "–")
        lost = int(counts.get("lost", 0))
        self.figures["lost"].say(f"{spaced(lost)} lost", "danger" if lost else "")
        behind_s = (moment - ring.end) / stream.rate_hz if moment is not None else None
        self.figures["behind"].say("–" if behind_s is None else f"{max(0.0, min(9.999, behind_s)) * 1e3:.0f} ms")


@safe_overrides
class Numbers(QtWidgets.QFrame):
    """Under the plots: a line per stream at the left, the link and the device's clock at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.setAccessibleName("Numbers")
        self._meter = RateMeter()
        self.streams: dict[str, StreamNumbers] = {}
        self._rings: tuple[Ring, ...] = ()
        self.link = {
            "Link": Figure("Link", "9999.9 kB/s", "All bytes of the link per second"),
            "Damaged": Figure("Damaged", "999 999", "Packets that came with a wrong checksum, or cut short"),
            "Queue": Figure("Queue", "999.9 kB", "Bytes that came to this computer and wait to be read"),
            "Clock": Figure("Clock", "+999 ± 99 ppm", "How much too fast the device's clock runs"),
        }
        self._left = QtWidgets.QGridLayout()
        self._left.setHorizontalSpacing(8)
        right = QtWidgets.QGridLayout()
        self._queue = label("Queue", "small")
        for row, (name, figure) in enumerate(self.link.items()):
            right.addWidget(self._queue if name == "Queue" else label(name, "small"), row, 0)
            right.addWidget(figure, row, 1)
        across = QtWidgets.QHBoxLayout(self)
        across.setContentsMargins(14, 5, 14, 5)
        for grid in (self._left, right):
            grid.setVerticalSpacing(1)
            grid.setRowStretch(MOST_LINES, 1)
        across.addLayout(self._left)
        across.addStretch(1)
        across.addLayout(right)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where it is narrow, what matters most stays."""
        for numbers in self.streams.values():
            for name in ("bytes", "behind"):
                numbers.figures[name].setVisible(self.width() >= WIDE)

    def show_rings(self, rings: tuple[Ring, ...]) -> None:
        """A line for each of these; does nothing when they are there already."""
        if rings == self._rings:
            return
        self._rings = rings
        while item := self._left.takeAt(0):
            item.widget().deleteLater()
        self.streams = {r.stream.name: StreamNumbers() for r in rings[:MOST_LINES]}
        for row, (name, numbers) in enumerate(self.streams.items()):
            title = label(name, "small")
            title.setToolTip(name)
            title.setMaximumWidth(130)
            for column, widget in enumerate((title, *numbers.figures.values())):
                self._left.addWidget(widget, row, column)
        self._fit()

    def tell(self, connection: Connection, now_s: float) -> None:
        """What the connection knows now."""
        stats, moment, rates_hz = connection.stats, connection.moment(), connection.rates_hz()
        counts = stats.get("streams", {})
        for ring in self._rings[:MOST_LINES]:
            name = ring.stream.name
            self.streams[name].tell(ring, counts.get(name, {}), rates_hz.get(name, 0.0), moment.get(name))
        rate, bad = self._meter.measure(int(stats.get("bytes", 0)), now_s), int(stats.get("bad_packets", 0))
        self.link["Link"].say(f"{rate / 1000:.1f} kB/s" if stats else "–")
        self.link["Damaged"].say(spaced(bad) if stats else "–", "danger" if bad else "")
        waiting = stats.get("waiting")
        for widget in (self._queue, self.link["Queue"]):
            widget.setVisible(waiting is not None)
        self.link["Queue"].say(f"{(waiting or 0) / 1000:.1f} kB")
        self.link["Clock"].say(*clock_text(connection.lately.clock()))


def clock_text(clock: Fit | None) -> tuple[str, str]:
    """(+12 ± 3 ppm, tone); a dash until the error is small enough to mean something."""
    if clock is None or clock.ppm_error > POOR_PPM:
        return "–", ""
    tone = "warn" if abs(clock.clock_ppm) - clock.ppm_error > POOR_PPM else ""
    return f"{clock.clock_ppm:+.0f} ± {max(1.0, clock.ppm_error):.0f} ppm", tone


def rate_text(rate_hz: float) -> str:
    """99.8 Hz, 16.000 kHz."""
    return f"{rate_hz / 1000:.3f} kHz" if rate_hz >= 1000 else f"{rate_hz:.1f} Hz"


def spaced(count: int) -> str:
    """12 345."""
    return f"{count:,}".replace(",", "\u202f")
