"""A connection without a device: the test says what comes over it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from studio.app.lately import Lately
from studio.app.live import Connection
from studio.app.takes import Place, Take
from studio.data.project import Project, new_recording_path
from studio.data.recording import Recording, Writer, save
from studio.data.stream import Chunk, Ring, Stream
from studio.data.wire import BoardModel, BoardStream, Hello
from studio.errors import LinkError, StudioError

ACC = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
MIC = Stream("microphone", 16000.0, ("sound",), "", "i16", 1 / 32768, "microphone")
SCORES = Stream("scores", 2.0, ("wave", "idle"), "", "f32", 1.0, "scores")
DECISION = Stream("decision", 2.0, ("class",), "", "i16", 1.0, "decision")
MODEL = BoardModel(100, 50, ("wave", "idle"), ("features", "logits", "scores"), 0, 2, 3)


@dataclass
class FakeBoard:
    """Says what the connections made by `connect` are like."""

    model: BoardModel | None = None
    fails: StudioError | None = None
    connections: list["FakeConnection"] = field(default_factory=list)

    def connect(self, url: str) -> "FakeConnection":
        self.connections.append(FakeConnection(self, url))
        return self.connections[-1]

    @property
    def last(self) -> "FakeConnection":
        return self.connections[-1]


class FakeConnection:
    """studio.app.live.Connection, as far as the window looks at it."""

    def __init__(self, board: FakeBoard, url: str) -> None:
        self.url, self.error, self.closed = url, board.fails, False
        self.state = "lost" if board.fails else "opening"
        self.hello: Hello | None = None
        self.rings: dict[str, Ring] = {}
        self.lost = 0
        self.stats: dict[str, Any] = {}
        self.recording_s = 0.0
        self._model = board.model
        self._writer: Writer | None = None
        self._next: dict[str, int] = {}
        self.started = ("", "")
        self.pre_s = 0.0
        self.protocol, self.loss, self.checked = "own", "exact", True
        self.trouble: StudioError | None = None
        self.recording_error: StudioError | None = None
        self.options: Any = None
        self.set: list[tuple[str, Any]] = []
        self.lately = Lately()
        self.take: Take | None = None
        self.now_s: float | None = None

    def moment(self) -> dict[str, float]:
        """The newest samples, unless the test turns the clock: then `now_s` of every stream."""
        if self.now_s is not None:
            return {n: self.now_s * r.stream.rate_hz for n, r in self.rings.items()}
        return {n: float(r.end) for n, r in self.rings.items()}

    def rates_hz(self) -> dict[str, float]:
        return self.lately.rates_hz(time.monotonic_ns())

    def recorded_s(self, moment: Mapping[str, float]) -> float | None:
        found = (self._writer.time_s(n, i) for n, i in moment.items()) if self._writer is not None else ()
        return next((t for t in found if t is not None), None)

    def place(self) -> Place:
        return Connection.place(self)  # type: ignore[arg-type]

    def set_option(self, name: str, value: Any) -> None:
        self.set.append((name, value))

    def stream(self) -> None:
        """The board has answered and streams."""
        streams = (ACC, MIC, SCORES, DECISION) if self._model else (ACC, MIC)
        numbered = tuple(BoardStream(i, s) for i, s in enumerate(streams))
        self.hello = Hello("host", streams=numbered, model=self._model)
        self.rings = {s.name: Ring(s) for s in streams}
        self.state = "streaming"

    def feed(self, name: str, values: Any, lost: int = 0) -> None:
        """Samples come; `lost` of them were lost before."""
        stream = self.rings[name].stream
        rows = np.asarray(values, stream.numpy_dtype).reshape(-1, len(stream.channels))
        start = self._next.get(name, 0) + lost
        chunk = Chunk(stream, start, rows, host_ns=time.monotonic_ns())
        self.lately.take(chunk)
        self.rings[name].append(chunk)
        if self._writer is not None and stream.kind not in ("scores", "decision"):
            self._writer.append(chunk)
        self._next[name] = start + len(rows)
        self.lost += lost
        counts = {n: {"lost": self.lost if n == name else 0} for n in self.rings}
        self.stats = {"packets": 1, "bad_packets": 0, "bytes": 100, "streams": counts}

    def lose(self) -> None:
        """The cable is out; the device is looked for."""
        self.trouble, self.state = LinkError(self.url, "is gone", "Plug it in again."), "reconnecting"

    def give_up(self) -> None:
        """It was looked for in vain."""
        self.error, self.state = LinkError(self.url, "is gone", "Plug it in again."), "lost"

    def start_recording(self, project: Project, subject: str = "", label: str = "", pre_s: float = 0.0) -> None:
        self.started, self.pre_s, self._label = (subject, label), pre_s, label
        path = new_recording_path(project, label or "recording")
        self._writer = Writer(path, (ACC, MIC), subject=subject)
        self.take = Take(self.moment, path)
        self.recording_s = 0.1

    def stop_recording(self) -> Recording:
        assert self.take is not None
        self.take.close()
        place = self.place()
        writer, self._writer = self._writer, None
        self.recording_s = 0.0
        assert writer is not None
        recording = writer.close()
        track = self.take.labels(place, recording.duration_s, self._label)
        recording = replace(recording, labels={"labels": track} if len(track) else {})
        save(recording)
        return recording

    def close(self) -> None:
        self.closed, self.state = True, "closed"
