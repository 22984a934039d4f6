"""The rows of the timeline and what lies in each: traces, a spectrogram, or a label track; labels over all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg

from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.ui.labels.axis import TimeAxis
from studio.ui.labels.box import TimeBox
from studio.ui.labels.edit import Edit
from studio.ui.labels.gaps import GapItem
from studio.ui.labels.layer import LabelLayer, Track
from studio.ui.labels.look import Look
from studio.ui.labels.marks import LabelMarks
from studio.ui.labels.picture import Echo, Fourier, RecordedPicture
from studio.ui.labels.strip import NameAxis
from studio.ui.labels.traces import Traces
from studio.ui.plots.envelope import Pyramid
from studio.ui.plots.live import lanes
from studio.ui.plots.plot import quiet, recolor

#: Air above and below a trace, as a share of its range; above there is room for the labels' names too.
AIR_BELOW, AIR_ABOVE = 0.06, 0.16
#: Room for scales and the tracks' names.
GUTTER_PX = 78
#: Kinds of streams that are heard, and so have a spectrogram.
HEARD = ("microphone",)
#: Streams with more channels than this are a picture.
MOST_TRACES = 16


@dataclass(eq=False)
class Row:
    """One plot by its key ("stream:acc", "spectrogram:mic", "track:labels"), the layer of labels over it, its marks."""

    key: str
    stream: Stream
    plot: pg.PlotItem
    layer: LabelLayer
    marks: LabelMarks
    at: int  # its line in the layout
    head: Any = None  # the line of text above it


@dataclass(frozen=True)
class Hands:
    """What the mouse on a row asks for."""

    menu: Callable[[float, Any], None]
    seek: Callable[[float], None]
    pick_track: Callable[[str], None]


def keys_of(recording: Recording, pyramids: Mapping[str, Pyramid]) -> list[str]:
    """The rows that a recording's streams can have, in their own order."""
    found = []
    for s in recording.streams:
        if s.name in pyramids:
            found.append(f"stream:{s.name}")
            if s.kind in HEARD:
                found.append(f"spectrogram:{s.name}")
    return found


def is_picture(key: str, stream: Stream) -> bool:
    """Whether a row paints a picture and not traces."""
    return key.startswith("spectrogram:") or (key.startswith("stream:") and len(stream.channels) > MOST_TRACES)


def name_of(key: str) -> str:
    """The stream or track of a row."""
    return key.partition(":")[2]


def row_of(key: str, stream: Stream, edit: Edit, look: Look, hands: Hands, track: Track | None = None) -> Row:
    """An empty row: plot, labels, marks. `track`: the track of a strip that is not being edited."""
    kind, _, name = key.partition(":")
    strip = kind == "track"
    switch = (lambda: hands.pick_track(name)) if strip else (lambda: None)
    box = TimeBox(edit, stream.rate_hz, hands.menu, hands.seek, switch)
    axes: dict[str, pg.AxisItem] = {"bottom": TimeAxis("bottom")}
    if strip:
        axes["left"] = NameAxis(name, hands.pick_track)
    plot = pg.PlotItem(viewBox=box, axisItems=axes)
    quiet(plot, y=not strip)
    recolor(plot)
    plot.getAxis("left").setWidth(GUTTER_PX)
    if strip:
        plot.getAxis("left").setPen(None)
    else:
        plot.getAxis("left").setStyle(maxTickLevel=1)
    layer = LabelLayer(track or edit, look, band=is_picture(key, stream))
    return Row(key, stream, plot, layer, LabelMarks(edit, look, handles=track is None), 0)


def fill(row: Row, recording: Recording, pyramid: Pyramid) -> None:
    """Labels at the back, traces or picture over them, gaps on top."""
    stream, gaps = row.stream, recording.gaps.get(row.stream.name, ())
    row.plot.addItem(row.layer, ignoreBounds=True)
    if is_picture(row.key, stream):
        raw = recording.raw(stream.name)
        maker = Fourier(raw, stream) if row.key.startswith("spectrogram:") else Echo(raw, stream)
        row.plot.addItem(RecordedPicture(maker, len(raw), stream.rate_hz), ignoreBounds=True)
        low, high = 0.0, maker.top
    else:
        low, high = _traces(row, pyramid, gaps)
    row.plot.addItem(GapItem(gaps, stream.rate_hz), ignoreBounds=True)
    row.plot.addItem(row.marks, ignoreBounds=True)
    row.plot.getViewBox().setYRange(low, high, padding=0)


def fill_strip(row: Row) -> None:
    """Only labels."""
    row.plot.addItem(row.layer, ignoreBounds=True)
    row.plot.addItem(row.marks, ignoreBounds=True)
    row.plot.getViewBox().setYRange(0, 1, padding=0)


def _traces(row: Row, pyramid: Pyramid, gaps: Any) -> tuple[float, float]:
    stream = row.stream
    item = Traces(pyramid, stream.rate_hz, stream.scale, gaps, [lane for _, lane in lanes(stream)])
    row.plot.addItem(item, ignoreBounds=True)
    low, high = item.limits
    span = (high - low) or 1.0
    return low - AIR_BELOW * span, high + AIR_ABOVE * span
