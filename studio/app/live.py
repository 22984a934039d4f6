"""A live connection: opens in the background, keeps rings for the views and a writer while recording.

States: opening, identifying, ready, streaming, stalled, lost, closed. Views read; only this thread writes.
"""

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from studio.app.lately import Lately
from studio.app.links import open_link, open_talk
from studio.data.labels import Labels, Segment
from studio.data.link import Link
from studio.data.project import Project, new_recording_path
from studio.data.recording import Recording, Writer, save
from studio.data.stream import Chunk, Ring
from studio.data.talk import Talk
from studio.data.wire import Hello, Verb
from studio.errors import InputError, LinkError, StudioError
from studio.sources.acquire import Acquisition
from studio.sources.clients.client import Loss
from studio.sources.interpreter import Interpreter

RING_SECONDS = 60.0
ANSWERS = ("scores", "decision")  # kinds of stream that a model sends, not a sensor


class Connection:
    """A device by its URL. Construction returns at once; look at `state` and `error`."""

    def __init__(self, url: str, streams: tuple[str, ...] = (), start: bool = True) -> None:
        """Connect to `url`; `streams` limits what is started to those names, () means all.

        With `start` False it stops at "ready", so that a recording can begin before the first sample: call `start`.
        """
        self.url, self._wanted, self._autostart = url, streams, start
        self._error: StudioError | None = None
        self.recording_error: StudioError | None = None
        self.hello: Hello | None = None
        self.rings: dict[str, Ring] = {}
        self.talk: Talk | None = None
        self._phase = "opening"
        self._link: Link | None = None
        self._acquisition: Acquisition | None = None
        self._writer: Writer | None = None
        self.lately = Lately()
        self._lock = threading.Lock()
        self._began_s = 0.0
        self._label = ""
        self._thread = threading.Thread(target=self._open, daemon=True, name=f"open {url}")
        self._thread.start()

    def _open(self) -> None:
        try:
            self._link = open_link(self.url)
            self._phase = "identifying"
            self.talk = open_talk(self._link, self.url)
            self.hello = self.talk.hello()
            self.rings = {s.stream.name: Ring(s.stream, RING_SECONDS) for s in self.hello.streams}
            if self.hello.mode == "boot":
                seen = "it is in its boot loader and has no firmware to stream with"
                raise LinkError(self.url, seen, "Flash an image on the Deploy page.")
            self._acquisition = Acquisition(self.talk, [self._take])
            self._acquisition.start()
            self._phase = "ready"
            if self._autostart:
                self.start()
        except StudioError as e:
            self._fail(e)
        except Exception as e:
            self._fail(LinkError(self.url, f"opening it failed ({type(e).__name__}: {e})", "Report this fault."))
            raise  # a bug: its traceback belongs on stderr

    def start(self) -> None:
        """Let the board stream."""
        assert self.talk is not None
        self.talk.request(Verb.START, {1: self._ids()})
        self._phase = "streaming"

    def _ids(self) -> list[int]:
        """Channels to start; InputError when the board has none of a wanted name."""
        assert self.hello is not None
        found = {name: self.hello.id_of(name) for name in self._wanted}
        known = ", ".join(s.stream.name for s in self.hello.streams)
        for name, id in found.items():
            if id is None:
                raise InputError(f"Stream {name!r}", f"is not on {self.url}", f"Choose from {known}.")
        return [id for id in found.values() if id is not None]

    @property
    def sensor_rings(self) -> list[Ring]:
        """Rings of the started sensor streams, without the board's answers."""
        wanted = [r for n, r in self.rings.items() if not self._wanted or n in self._wanted]
        return [r for r in wanted if r.stream.kind not in ANSWERS]

    def _fail(self, error: StudioError) -> None:
        self._error, self._phase = error, "lost"
        self._release()

    def _release(self) -> None:
        if self._acquisition is not None:
            self._acquisition.stop()
        if self._link is not None:
            self._link.close()

    def _take(self, chunk: Chunk) -> None:
        """The sink: runs on the acquisition thread."""
        ring = self.rings.get(chunk.stream.name)
        if ring is not None:
            ring.append(chunk)
        if chunk.stream.kind in ANSWERS:
            return
        with self._lock:
            self.lately.take(chunk)
            if self._writer is not None and self.recording_error is None:
                try:
                    self._writer.append(chunk)
                except StudioError as e:  # a full disk ends the recording, not the live view
                    self.recording_error = e

    @property
    def error(self) -> StudioError | None:
        """Why it is lost; None while all is well."""
        return self._error or (self._acquisition.error if self._acquisition is not None else None)

    @property
    def state(self) -> str:
        """Where the connection stands."""
        if self._phase in ("ready", "streaming") and self._acquisition is not None:
            streaming = self._phase == "streaming" or self.error is not None
            return self._acquisition.state if streaming else self._phase
        return self._phase

    @property
    def stats(self) -> dict[str, Any]:
        """Counts of the link and of each stream; {} before it streams."""
        return dict(self._acquisition.stats) if self._acquisition is not None else {}

    @property
    def protocol(self) -> str:
        """Name of the protocol that the device speaks."""
        return self.talk.client.name if isinstance(self.talk, Interpreter) else "own"

    @property
    def loss(self) -> Loss:
        """What the protocol lets us know of lost samples."""
        return self.talk.client.loss if isinstance(self.talk, Interpreter) else Loss.EXACT

    @property
    def checked(self) -> bool:
        """True when the protocol has a checksum, so that no damaged sample passes for a good one."""
        return self.talk.client.checked if isinstance(self.talk, Interpreter) else True

    def wait(self, timeout_s: float = 30.0) -> "Connection":
        """Until it streams; raises what went wrong."""
        self._thread.join(timeout_s)
        if self.error is not None:
            raise self.error
        if self._thread.is_alive():
            raise LinkError(self.url, f"did not open within {timeout_s:g} s", "Check the cable and the address.")
        return self

    @property
    def recording_s(self) -> float:
        """Seconds since recording began; 0 when it does not record."""
        return time.monotonic() - self._began_s if self._writer is not None else 0.0

    def moment(self) -> dict[str, float]:
        """Stream -> index of the sample that the device is taking now."""
        with self._lock:
            return self.lately.indices_at(time.monotonic_ns())

    def recorded_s(self, moment: Mapping[str, float]) -> float | None:
        """Seconds in the running recording of a `moment`; None while nothing of it is written."""
        with self._lock:
            writer = self._writer
            found = (writer.time_s(name, index) for name, index in moment.items()) if writer is not None else ()
            return next((t for t in found if t is not None), None)

    def start_recording(self, project: Project, subject: str = "", label: str = "", pre_s: float = 0.0) -> None:
        """Write every sensor stream from now on, and what came in the `pre_s` seconds before.

        Answers of the board's model are not sensors.
        """
        if self.hello is None or self.state not in ("ready", "streaming"):
            raise LinkError(self.url, f"is {self.state}, not streaming", "Connect to a board first.")
        sensors = tuple(r.stream for r in self.sensor_rings)
        device: dict[str, Any] = {"board": self.hello.board, "build_hash": self.hello.build_hash, "url": self.url}
        if self.url.startswith(("virtual:", "replay:")):
            device["simulated"] = True  # its second is its own, not this computer's
        device |= {"protocol": self.protocol, "loss": str(self.loss), "checked": self.checked}
        path = new_recording_path(project, label or subject or "recording")
        wanted = {s.name for s in sensors}
        with self._lock:
            writer = Writer(path, sensors, subject=subject, device=device)
            before = [c for c in self.lately.since(pre_s) if c.stream.name in wanted]
            _feed(writer, before)
            self._began_s = time.monotonic() - (pre_s if before else 0.0)
            self._writer, self._label, self.recording_error = writer, label, None

    def stop_recording(self) -> Recording:
        """Close the recording; the label given at its start, if any, covers all of it."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is None:
            raise LinkError(self.url, "is not recording", "Press Record first.")
        recording = writer.close()
        if self._label and recording.duration_s > 0:
            track = Labels((Segment(0.0, recording.duration_s, self._label),))
            recording = replace(recording, labels={**recording.labels, "labels": track})
            save(recording)
        return recording

    def close(self) -> None:
        """Stop streaming and let the device go."""
        if self._writer is not None:
            self.stop_recording()
        if self.talk is not None and self._phase == "streaming" and self.error is None:
            with contextlib.suppress(StudioError):  # it is going away in any case
                self.talk.request(Verb.STOP, {}, timeout_s=0.5)
        self._phase = "closed"
        self._release()


def _feed(writer: Writer, chunks: list[Chunk]) -> None:
    """Give `writer` what came before it was; DataError when the disk refuses."""
    try:
        for chunk in chunks:
            writer.append(chunk)
    except StudioError:
        writer.close()
        raise
