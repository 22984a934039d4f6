"""Playback and video of the Label page in one: the playhead's sound, the transport bar, the pane, and their actions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from PySide6 import QtCore, QtWidgets

from studio.app.actions.video import aligned, brought, with_video
from studio.app.jobs import Job
from studio.app.session import Session
from studio.data.recording import Recording
from studio.data.video import Alignment, VideoTrack, anchored
from studio.errors import StudioError
from studio.ui.media.pane import VideoPane, chosen_file
from studio.ui.media.playhead import Playhead
from studio.ui.media.sound import Sound
from studio.ui.media.strip import Axis, FilmStrip
from studio.ui.media.transport import SILENT, Transport
from studio.ui.media.voice import audible, is_sound
from studio.ui.pages.base import Shell

GROUP = "Sound and video"
#: Matched moments nearer than this tell nothing of the video's clock, which is off by less than `MOST_OFF`.
APART_S, MOST_OFF = 5.0, 0.05


class Rows(Protocol):
    """The timeline, as far as playing needs it."""

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The stretch that the person selected."""


class Bench(Protocol):
    """The page around it."""

    shell: Shell
    playhead: Playhead

    @property
    def timeline(self) -> Rows:
        """The rows."""


class Media(QtCore.QObject):
    """Place `pane` and `strip` above the rows and `transport` below them; call `show` with the open recording."""

    def __init__(self, bench: Bench, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._bench, self._head = bench, bench.playhead
        self.sound = Sound(self._head)
        self.pane = VideoPane(self._head)
        self.transport = Transport(self._head, self.sound, self.loop, self.step)
        self.strip = FilmStrip(self._head, self._axis)
        self.pane.shown.connect(self.strip.show_video)
        self.recording: Recording | None = None
        self._heard: dict[str, str] = {}  # which stream is heard, by recording
        self._anchors: list[tuple[float, float]] = []
        self.keep_pitch = True
        self._buttons()
        self.transport.heard.connect(self._hear)
        self.pane.placed.connect(self._place)
        self.pane.matched.connect(self._match)
        self.pane.asked.connect(self.align)
        self.pane.removed.connect(self._remove)

    def _buttons(self) -> None:
        add = self.transport.add
        self.pitch = add("sound_pitch", "music", "Keep the pitch at other speeds", "Y", self.toggle_pitch)
        self.pitch.setCheckable(True)
        self._show_pitch()
        self.add_button = add("video_add", "video-plus", "Add a video", "V", self.add_video)

    def _show_pitch(self) -> None:
        self.pitch.setChecked(self.keep_pitch)
        self.pitch.show_as("", "music", "ghost", "accent" if self.keep_pitch else "dim")

    @property
    def _session(self) -> Session:
        return self._bench.shell.session

    def actions(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """What it does as (name, words, keys, call), for the page's table of keys."""
        return [
            ("frame_back", "One video frame back", "W", lambda: self.step(-1)),
            ("frame_on", "One video frame on", "E", lambda: self.step(1)),
            ("sound_mute", "Sound off or on", "X", self.transport.toggle_mute),
            ("sound_pitch", "Keep the pitch at other speeds", "Y", self.toggle_pitch),
            ("video_add", "Add a video", "V", self.add_video),
            ("video_align", "Find where the video lies", "Shift+V", self.pane.show_ways),
            ("video_hold", "Hold the picture", "D", self.pane.hold.toggle),
            ("video_match", "Picture and line are the same moment", "Shift+D", self.pane.match.click),
        ]

    def show(self, recording: Recording | None) -> None:
        """The recording that is open; also when only its videos changed."""
        other = (recording and recording.path) != (self.recording and self.recording.path)
        videos = recording.video if recording is not None else ()
        moved = other or videos != (self.recording.video if self.recording is not None else ())
        grown = other or (recording and recording.n_samples) != (self.recording and self.recording.n_samples)
        self.recording = recording
        if grown:
            self._show_sound()
        if other:
            self._anchors = []
        if moved:
            self.pane.show_videos(recording.path if recording is not None else Path(), videos)
        for one in (self.transport.back, self.transport.on):
            one.setVisible(bool(videos))

    def close(self) -> None:
        """Another page: the sound card and the video's file are let go."""
        self._head.pause()
        self.sound.close()

    def _axis(self) -> Axis | None:
        """The axis of the rows, in pixels of the strip."""
        rows = self._bench.timeline
        lines = getattr(rows, "all_rows", ())
        if not lines or not isinstance(rows, QtWidgets.QGraphicsView):
            return None
        box = lines[0].plot.getViewBox()
        inside = rows.mapFromScene(box.sceneBoundingRect()).boundingRect()
        left = self.strip.mapFromGlobal(rows.viewport().mapToGlobal(inside.topLeft())).x()
        left_s, right_s = box.viewRange()[0]
        return Axis(left, left + box.sceneBoundingRect().width(), left_s, right_s) if right_s > left_s else None

    # --- playing ---------------------------------------------------------------------------

    def loop(self) -> None:
        """Play the marked stretch again and again; again: no longer."""
        head = self._head
        marked = self._bench.timeline.marked_s
        if head.loop_s is None and marked is None:
            self._bench.shell.say("Mark a stretch or select a label to loop it")
        head.set_loop(None if head.loop_s is not None else marked)
        if head.loop_s is not None:
            head.seek(head.loop_s[0])
            head.play()
        self.transport.loop.setChecked(head.loop_s is not None)

    def step(self, frames: int) -> None:
        """One frame of the video on, or back."""
        if not self.pane.tracks:
            self._bench.shell.say("This recording has no video; V adds one")
        self.pane.film.step(frames)

    def toggle_pitch(self) -> None:
        """Whether the pitch is kept at other speeds."""
        self.keep_pitch = not self.keep_pitch
        self._show_pitch()
        self._bench.shell.say("The pitch is kept" if self.keep_pitch else "The pitch follows the speed")
        self._show_sound()

    def _show_sound(self) -> None:
        found = self.recording
        streams = audible(found) if found is not None else ()
        usual = next((s.name for s in streams if is_sound(s)), SILENT)
        self.transport.show_recording(found, self._heard.get(found.id, usual) if found is not None else SILENT)
        self._listen()

    def _hear(self, name: str) -> None:
        if self.recording is not None:
            self._heard[self.recording.id] = name
        self.sound.retry()
        self._listen()

    def _listen(self) -> None:
        name = self.transport.voice.currentData()
        found = self.recording
        known = {s.name for s in audible(found)} if found is not None else set()
        stream = found.stream(name) if found is not None and name in known else None
        self.sound.hear(found, stream, self.keep_pitch)
        self.transport.refresh()

    # --- video -----------------------------------------------------------------------------

    def add_video(self) -> None:
        """Ask for a file and copy it into the recording."""
        if self.recording is not None and (file := chosen_file(self.pane)) is not None:
            self.bring(file)

    def bring(self, file: Path) -> None:
        """Copy a file into the recording, beginning where playing stands now at the earliest: at 0 s."""
        recording = self.recording
        if recording is None:
            return
        shell = self._bench.shell
        shell.say(f"Copying {file.name} …")
        job = Job("copy video", brought(recording, file))
        shell.run(job, step=lambda p: shell.say(_progress(p)), done=lambda t: self._brought(recording.id, t))

    def align(self, index: int, way: str) -> None:
        """Find where a video lies, beside the window."""
        recording, shell = self.recording, self._bench.shell
        if recording is None:
            return
        track = recording.video[index]
        shell.say("Looking for where the video lies …")
        job = Job("place video", aligned(recording, track.path(recording.path), way))
        done: Callable[[Alignment], None] = lambda a: self._aligned(recording.id, index, a)  # noqa: E731
        shell.run(job, step=lambda p: shell.say(_progress(p)), done=done)

    def _aligned(self, recording_id: str, index: int, found: Alignment) -> None:
        self._anchors = []
        self._change("Place video", recording_id, index, start_s=found.start_s, rate=found.rate)
        self._bench.shell.say(f"The video begins at {found.start_s:.3f} s ({100 * found.score:.0f} % alike)")

    def _place(self, index: int, start_s: float, rate: float) -> None:
        if self.recording is not None:
            self._change("Move video", self.recording.id, index, start_s=start_s, rate=rate)

    def _match(self, index: int, video_s: float) -> None:
        """One more moment that a person matched; the last two count."""
        found = self.recording
        if found is None:
            return
        before = [a for a in self._anchors[-1:] if abs(a[0] - video_s) >= APART_S]
        anchors = [*before, (video_s, self._head.time_s)]
        try:
            start_s, rate = anchored(anchors, found.video[index].rate)
        except StudioError as e:
            self._bench.shell.show_error(e)
            return
        if abs(rate - 1) > MOST_OFF:
            anchors, (start_s, rate) = anchors[-1:], anchored(anchors[-1:])
        self._anchors = anchors
        self._change("Match video", found.id, index, start_s=start_s, rate=rate)

    def _brought(self, recording_id: str, track: VideoTrack) -> None:
        self._commit("Add video", recording_id, lambda r: with_video(r, track))
        self._bench.shell.say(f"Added {track.name}. Place it by a clap, by likeness or by hand.")

    def _remove(self, index: int) -> None:
        found = self.recording
        if found is not None:
            self._anchors = []
            kept = tuple(v for i, v in enumerate(found.video) if i != index)
            self._commit("Remove video", found.id, lambda r: replace(r, video=kept))

    def _change(self, what: str, recording_id: str, index: int, **fields: Any) -> None:
        def changed(r: Recording) -> Recording:
            return with_video(r, replace(r.video[index], **fields), index) if index < len(r.video) else r

        self._commit(what, recording_id, changed)

    def _commit(self, what: str, recording_id: str, change: Callable[[Recording], Recording]) -> None:
        state = self._session.state
        found = next((r for r in state.recordings if r.id == recording_id), None)
        if found is None:
            return
        try:
            self._session.commit(what, state.with_recording(change(found)))
        except StudioError as e:
            self._bench.shell.show_error(e)


def _progress(p: Any) -> str:
    share = f" {100 * p.done / p.total:.0f} %" if p.total else " …"
    return f"{p.text}{share}"
