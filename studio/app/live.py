"""A live connection: opens in the background, keeps rings for the views and a writer while recording.

States: opening, identifying, ready, streaming, stalled, lost, reconnecting, closed ("idle" is to have no connection).
Views read; only the threads here write. With `reconnect`, a device that streamed and was lost is looked for again:
the rings, the account of each stream and the recording go on, with a gap of what was missed. A link that is open but
brings nothing counts as lost too, since Bluetooth stays "connected" when its daemon dies.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from studio.app.lately import Lately
from studio.app.links import AnotherBoard, ask_anew, check_same, moved, open_link, open_talk, port_of
from studio.app.takes import Place, Take
from studio.data.link import Link
from studio.data.project import Project, new_recording_path
from studio.data.recording import Recording, Writer, save
from studio.data.stream import Chunk, Ring
from studio.data.talk import Refused, Talk
from studio.data.wire import Hello, Verb
from studio.errors import InputError, LinkError, StudioError
from studio.sources.acquire import Acquisition, Sink
from studio.sources.clients.client import Loss
from studio.sources.clients.option import Value
from studio.sources.interpreter import Interpreter
from studio.sources.ports import Port

RING_SECONDS = 60.0
ANSWERS = ("scores", "decision")  # kinds of stream that a model sends, not a sensor
LOOK_S = 0.05
#: Seconds between attempts to find a lost device; the last one again and again.
PAUSES_S = (0.1, 0.3, 1.0, 2.0, 4.0)
#: When nothing is being recorded, a device that stays away for so long is given up.
GIVE_UP_S = 120.0
#: A link that brings not one byte for so long is dead, whatever it says.
DEAD_S = 5.0
START_TRIES, BOOT_S, CLOSE_S = 3, 5.0, 3.0
GOOD_IMAGE = 1


class Connection:
    """A device by its URL. Construction returns at once; look at `state` and `error`."""

    def __init__(
        self,
        url: str,
        streams: tuple[str, ...] = (),
        start: bool = True,
        reconnect: bool = False,
        pauses_s: tuple[float, ...] = PAUSES_S,
        dead_s: float = DEAD_S,
    ) -> None:
        """Connect to `url`; `streams` limits what is started to those names, () means all.

        With `start` False it stops at "ready", so that a recording can begin before the first sample: call `start`.
        With `reconnect` it looks for a device that it lost, `pauses_s` apart, and takes `dead_s` of silence for a loss.
        """
        self.url, self._wanted, self._autostart = url, streams, start
        self._reconnect = reconnect and not url.startswith("replay:")  # which has an end, and then is over
        self._pauses_s, self._dead_s = pauses_s, dead_s if self._reconnect else float("inf")
        self._error: StudioError | None = None
        self._trouble: StudioError | None = None
        self.attempts = 0
        self.recording_error: StudioError | None = None
        self.hello: Hello | None = None
        self.rings: dict[str, Ring] = {}
        self.talk: Talk | None = None
        self._phase = "opening"
        self._link: Link | None = None
        self._port: Port | None = None  # of a board on USB, to know it under another name
        self._acquisition: Acquisition | None = None
        self._writer: Writer | None = None
        self.take: Take | None = None  # what is marked while it records
        self.lately = Lately()
        self._sinks: list[Sink] = []
        self._lock = threading.Lock()
        self._began_s = self._lost_s = 0.0
        self._label = ""
        self._settings: dict[str, str] = {}
        self._joints: dict[str, int] = {}
        self._opened, self._closing, self._anew = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"connect {url}")
        self._thread.start()

    def _run(self) -> None:
        """Open, then look after it until it is closed or lost for good."""
        try:
            self._open()
            self._opened.set()
            while not self._closing.wait(LOOK_S):
                if self._anew.is_set():
                    self._anew.clear()
                    self._ask_anew()
                elif self._acquisition is not None and self._acquisition.error is not None:
                    self._find_again(self._acquisition.error)
        except StudioError as e:
            self._fail(e)
        except Exception as e:
            self._fail(LinkError(self.url, f"opening it failed ({type(e).__name__}: {e})", "Report this fault."))
            raise  # a bug: its traceback belongs on stderr
        finally:
            if self._closing.is_set():  # what was opened while `close` let go
                self._release()
            self._opened.set()

    def _open(self) -> None:
        self._enter("opening")
        self._link = open_link(moved(self.url, self._port))
        self._port = self._port or port_of(self.url)
        self._enter("identifying")
        before, self.talk = self.talk, open_talk(self._link, self.url, self._settings)
        if isinstance(self.talk, Interpreter):
            self.talk.go_on(before)
        self._begin(self._greeted(self.talk), self._acquisition)
        if self._autostart or self._lost_s:
            self.start()

    def _greeted(self, talk: Talk) -> Hello:
        """Who answers; a board that waits in its boot loader with a good image is asked to run it."""
        hello = talk.hello()
        if hello.mode == "boot" and hello.boot is not None and hello.boot.image == GOOD_IMAGE:
            with contextlib.suppress(Refused):
                talk.request(Verb.RUN)
            deadline = time.monotonic() + BOOT_S
            while hello.mode == "boot" and time.monotonic() < deadline:
                hello = talk.hello()
        if hello.mode == "boot":
            seen = "it is in its boot loader and has no firmware to stream with"
            if hello.boot is not None and hello.boot.image == GOOD_IMAGE:
                seen = "it stays in its boot loader: the image that it holds does not start (another studio's?)"
            raise LinkError(self.url, seen, "Flash an image on the Deploy page.")
        return hello

    def _begin(self, hello: Hello, before: Acquisition | None) -> None:
        """Read from here on; `before` is the acquisition that this one goes on from."""
        assert self.talk is not None
        if before is None:
            with self._lock:
                self.lately = Lately()
            self.rings = {s.stream.name: Ring(s.stream, RING_SECONDS) for s in hello.streams}
        elif self.hello is not None:
            check_same(self.url, self.hello, hello)
        self.hello = hello
        self._enter("ready")
        self._acquisition = Acquisition(self.talk, [self._take], before, self._dead_s)
        self._acquisition.start()

    def _enter(self, phase: str) -> None:
        """The next phase, unless somebody closed the connection meanwhile."""
        if self._closing.is_set():
            raise LinkError(self.url, "was closed while it opened", "Connect again.")
        self._phase = phase

    def start(self) -> None:
        """Let the board stream."""
        assert self.talk is not None
        self.talk.request(Verb.START, {1: self._ids()}, tries=START_TRIES)  # again begins anew: nothing is lost by it
        self._lost_s, self.attempts, self._trouble = 0.0, 0, None
        self._phase = "streaming"

    def _find_again(self, error: StudioError) -> None:
        """Look for the device until it streams again; raises when it is lost for good."""
        if not self._reconnect or self._phase != "streaming":
            raise error
        self._lost_s = time.monotonic()
        for pause_s in self._pauses():
            self._phase, self._trouble = "reconnecting", error
            self._release()
            if self._closing.wait(pause_s):
                return
            self.attempts += 1
            try:
                self._open()
                return
            except (InputError, AnotherBoard):
                raise
            except StudioError as e:
                error = e
            if self._writer is None and time.monotonic() - self._lost_s > GIVE_UP_S:
                raise error

    def _pauses(self) -> Iterator[float]:
        yield from self._pauses_s[:-1]
        while True:
            yield self._pauses_s[-1]

    @property
    def options(self) -> Any:
        """What the device lets one choose: a frozen dataclass of `studio.params` fields, filled in; else None."""
        return self.talk.client.options if isinstance(self.talk, Interpreter) else None

    def set_option(self, name: str, value: Value) -> None:
        """Set a field of `options`: the device is asked anew, and the rings begin anew. Returns at once.

        InputError or ParamError for a value that it does not take; LinkError while recording or not streaming.
        """
        if self._writer is not None:
            raise LinkError(self.url, "is being recorded", "Stop the recording, then change the setting.")
        if not isinstance(self.talk, Interpreter) or self.state not in ("ready", "streaming", "stalled"):
            raise LinkError(self.url, f"is {self.state}", "Connect to a device that has settings first.")
        key, text = self.talk.client.setting(name, value)
        self._settings[key] = text
        self._anew.set()

    def _ask_anew(self) -> None:
        assert isinstance(self.talk, Interpreter)
        flowing = self._phase == "streaming"
        self._enter("identifying")
        if self._acquisition is not None:
            self._acquisition.stop()
        self.talk = ask_anew(self.talk, self._settings)
        self._begin(self.talk.hello(), None)
        if flowing:
            self.start()

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
        self._error, self._phase = error, "closed" if self._closing.is_set() else "lost"
        self._release()

    def _release(self) -> None:
        if self._acquisition is not None:
            self._acquisition.stop()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def add_sink(self, sink: Sink) -> None:
        """Give every chunk to `sink` too, from now on and also after a reconnection. It must be quick."""
        self._sinks.append(sink)

    def _take(self, chunk: Chunk) -> None:
        """The sink: runs on the acquisition thread."""
        for sink in self._sinks:
            sink(chunk)
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
                    self._note_joints(self._writer, chunk)
                except StudioError as e:  # a full disk ends the recording, not the live view
                    self.recording_error = e

    def _joints_before(self, chunks: list[Chunk]) -> dict[str, int]:
        """Stream -> how many of its joints lie before a recording that begins with `chunks`, or now."""
        counts = self._acquisition.counts_by_name if self._acquisition is not None else {}
        first: dict[str, int] = {}
        for chunk in chunks:
            first.setdefault(chunk.stream.name, chunk.start)
        return {n: sum(j.index <= first.get(n, j.index) for j in c.joints) for n, c in counts.items()}

    def _note_joints(self, writer: Writer, chunk: Chunk) -> None:
        """The recording says where the connection was lost, and who told what is missing there."""
        name = chunk.stream.name
        joints = self._acquisition.counts_by_name[name].joints if self._acquisition is not None else []
        for joint in joints[self._joints.get(name, 0) :]:
            writer.join(name, joint.index, joint.count, joint.by)
        self._joints[name] = len(joints)

    @property
    def error(self) -> StudioError | None:
        """Why it is lost; None while all is well, and while it is looked for (see `trouble`)."""
        if self._error is not None or self._reconnect:
            return self._error
        return self._acquisition.error if self._acquisition is not None else None

    @property
    def away_s(self) -> float:
        """For how many seconds a lost device has been looked for; 0 while it is there."""
        return time.monotonic() - self._lost_s if self._lost_s else 0.0

    @property
    def trouble(self) -> StudioError | None:
        """Why it reconnects, as of the newest attempt; None otherwise."""
        ended = self._acquisition.error if self._acquisition is not None else None
        return self._trouble or (ended if self.state == "reconnecting" else None)

    @property
    def state(self) -> str:
        """Where the connection stands."""
        if self._lost_s and self._phase in ("opening", "identifying", "ready"):
            return "reconnecting"
        if self._phase in ("ready", "streaming") and self._acquisition is not None:
            if self._reconnect and self._acquisition.error is not None:
                return "reconnecting"  # in a moment
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
        done = self._opened.wait(timeout_s)
        if self.error is not None:
            raise self.error
        if not done:
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

    def rates_hz(self) -> dict[str, float]:
        """Stream -> samples per second over the last seconds, by this computer's clock."""
        with self._lock:
            return self.lately.rates_hz(time.monotonic_ns())

    def recorded_s(self, moment: Mapping[str, float]) -> float | None:
        """Seconds in the running recording of a `moment`; None while nothing of it is written."""
        with self._lock:
            writer = self._writer
            found = (writer.time_s(name, index) for name, index in moment.items()) if writer is not None else ()
            return next((t for t in found if t is not None), None)

    def start_recording(
        self, project: Project, subject: str = "", label: str = "", pre_s: float = 0.0, session: str = ""
    ) -> None:
        """Write every sensor stream from now on, and what came in the `pre_s` seconds before.

        Answers of the board's model are not sensors. `session` is a name that recordings of one time line share.
        """
        if self.hello is None or self.state not in ("ready", "streaming"):
            raise LinkError(self.url, f"is {self.state}, not streaming", "Connect to a board first.")
        sensors = tuple(r.stream for r in self.sensor_rings)
        device: dict[str, Any] = {"board": self.hello.board, "build_hash": self.hello.build_hash, "url": self.url}
        if self.url.startswith(("virtual:", "replay:")):
            device["simulated"] = True  # its second is its own, not this computer's
        device |= {"protocol": self.protocol, "loss": str(self.loss), "checked": self.checked}
        device |= {"session": session} if session else {}
        path = new_recording_path(project, label or subject or "recording")
        wanted = {s.name for s in sensors}
        with self._lock:
            writer = Writer(path, sensors, subject=subject, device=device)
            before = [c for c in self.lately.since(pre_s) if c.stream.name in wanted]
            _feed(writer, before)
            self._joints = self._joints_before(before)
            self._began_s = time.monotonic() - (pre_s if before else 0.0)
            self._writer, self._label, self.recording_error = writer, label, None
            self.take = Take(self.moment, path)

    def stop_recording(self) -> Recording:
        """Close the recording and write its labels: what was marked, and the label of its start over all the rest."""
        if self.take is not None:
            self.take.close()
        place = self.place()
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is None:
            raise LinkError(self.url, "is not recording", "Press Record first.")
        recording = writer.close()
        track = (self.take or Take(self.moment)).labels(place, recording.duration_s, self._label)
        if len(track):
            recording = replace(recording, labels={**recording.labels, "labels": track})
            save(recording)
        return recording

    def place(self) -> Place:
        """Where moments lie in the running recording; it holds after the recording was closed."""
        rates = {name: ring.stream.rate_hz for name, ring in self.rings.items()}
        zeros = {name: zero for name in rates if (zero := self.recorded_s({name: 0.0})) is not None}
        return lambda moment: next((zeros[n] + i / rates[n] for n, i in moment.items() if n in zeros), None)

    def close(self) -> None:
        """Stop streaming and let the device go."""
        self._closing.set()
        if self._writer is not None:
            self.stop_recording()
        if self.talk is not None and self._phase == "streaming" and self.error is None:
            with contextlib.suppress(StudioError):  # it is going away in any case
                self.talk.request(Verb.STOP, {}, timeout_s=0.5, tries=1)
        self._phase = "closed"
        self._release()
        self._thread.join(CLOSE_S)
        self._phase = "closed"


def _feed(writer: Writer, chunks: list[Chunk]) -> None:
    """Give `writer` what came before it was; DataError when the disk refuses."""
    try:
        for chunk in chunks:
            writer.append(chunk)
    except StudioError:
        writer.close()
        raise
