"""A video file that follows the playhead: its frames as they should be seen, without sound.

Qt's player plays by its own clock. While it plays it is put right when it is further off than a person sees; while it
stands it is asked for the one frame, and for the next only when that has come, so that dragging the line never piles up
work.
"""

import math
from pathlib import Path
from typing import Any

from PySide6 import QtCore

from studio.data.video import VideoTrack
from studio.errors import StudioError
from studio.ui.media import extra
from studio.ui.media.playhead import Playhead

#: Further off than this while playing, it is put right; s of seeing.
FAR_S = 0.08
#: So shortly before and after a video its first and last frame are shown.
NEARLY_S = 0.25
#: Beats to wait for a frame that was asked for, and between two corrections.
PATIENCE, REST = 12, 10


class Film(QtCore.QObject):
    """Shows `track` at the playhead's time. `problem` says why nothing is seen."""

    framed = QtCore.Signal(object)  # QVideoFrame
    opened = QtCore.Signal()  # a file was read, or cannot be

    def __init__(self, head: Playhead, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._head = head
        self.track: VideoTrack | None = None
        self.problem: StudioError | None = None
        self.frame_s, self.period_s = -1.0, 1 / 30
        self.held_s: float | None = None
        self._player: Any = None
        self._sink: Any = None
        self._asked_ms, self._waiting, self._rest = -1, 0, 0
        self._path, self._read = "", False
        head.ticked.connect(self.tick)

    def open(self, path: Path, track: VideoTrack) -> None:
        """Show this file; the same one, placed elsewhere, is not read again."""
        self.track = track
        if str(path) == self._path and self.problem is None:
            self._asked_ms = -1
            return
        self.close()
        self.track, self._path = track, str(path)
        if not path.is_file():
            seen = f"{path} is not there"
            self._fail(StudioError("The video", seen, "Bring the file back, or remove the video from the recording."))
            return
        try:
            self._load(path)
        except StudioError as e:
            self._fail(e)

    def close(self) -> None:
        """Let the file go."""
        if self._player is not None:
            self._player.stop()
            self._player.setSource(QtCore.QUrl())
            self._player.deleteLater()
            self._sink.deleteLater()
        self._player, self._sink, self.track, self.problem = None, None, None, None
        self._read = False
        self._path, self._asked_ms, self._waiting, self.frame_s, self.held_s = "", -1, 0, -1.0, None

    @property
    def seconds(self) -> float:
        """How long the video is; 0 until it is read."""
        return self._player.duration() / 1000 if self._player is not None else 0.0

    @property
    def ready(self) -> bool:
        """Whether the file was read."""
        return self._player is not None and self.problem is None and self._player.duration() > 0

    @property
    def wanted_s(self) -> float:
        """The video's time that should be seen: where the playhead is, or where the picture is held."""
        if self.held_s is not None:
            return self.held_s
        return self.track.video_s(self._head.now_s) if self.track is not None else 0.0

    @property
    def outside(self) -> bool:
        """Whether the video does not reach to where the playhead is."""
        return self.ready and not -NEARLY_S <= self.wanted_s < self.seconds + NEARLY_S

    def hold(self, on: bool) -> None:
        """Keep the picture while the playhead goes on, so that the two can be matched."""
        self.held_s = max(0.0, self.frame_s) if on and self.frame_s >= 0 else None
        self._asked_ms = -1

    def step(self, frames: int) -> None:
        """Stand still `frames` frames further on, or back; the playhead goes along unless the picture is held."""
        if not self.ready or self.track is None:
            return
        self._head.pause()
        now_s = self.frame_s if self.frame_s >= 0 and self._asked_ms >= 0 and not self._waiting else self.wanted_s
        to_s = min(max(0.0, now_s + frames * self.period_s), self.seconds - self.period_s / 2)
        if self.held_s is not None:
            self.held_s = to_s
        else:
            self._head.seek(self.track.time_s(to_s + 1e-4))

    def tick(self) -> None:
        """Bring the player to where the playhead is."""
        self._waiting, self._rest = max(0, self._waiting - 1), max(0, self._rest - 1)
        if not self.ready or self.track is None:
            return
        inside = -self.period_s / 2 <= self.wanted_s < self.seconds
        if self._head.playing and self.held_s is None and inside:
            self._run(self._head.speed * self.track.rate)
        else:
            self._stand()

    def _run(self, speed: float) -> None:
        player = self._player
        if abs(player.playbackRate() - speed) > 1e-6:
            player.setPlaybackRate(speed)
        off_s = player.position() / 1000 - self.wanted_s
        if not self._is_playing():
            player.setPosition(self._ms(self.wanted_s))
            player.play()
            self._rest = REST
        elif abs(off_s) > FAR_S * max(1.0, speed) and not self._rest:
            player.setPosition(self._ms(self.wanted_s))
            self._rest = REST
        self._asked_ms = -1

    def _stand(self) -> None:
        if self._is_playing():
            self._player.pause()
        wanted_ms = self._ms(min(max(0.0, self.wanted_s), max(0.0, self.seconds - self.period_s / 2)))
        if wanted_ms != self._asked_ms and not self._waiting:
            self._asked_ms, self._waiting = wanted_ms, PATIENCE
            self._player.setPosition(wanted_ms)

    @staticmethod
    def _ms(video_s: float) -> int:
        """The player's time, in whole ms, a little later: at a frame's very beginning it shows the one before."""
        return max(0, math.floor(video_s * 1000 + 0.05)) + 1

    def _is_playing(self) -> bool:
        return bool(self._player.isPlaying())

    def _load(self, path: Path) -> None:
        m = extra.multimedia()
        self._player, self._sink = m.QMediaPlayer(self), m.QVideoSink(self)
        self._player.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self._came)
        self._player.mediaStatusChanged.connect(self._status)
        self._player.setSource(QtCore.QUrl.fromLocalFile(str(path)))
        self._player.pause()

    def _status(self, status: Any) -> None:
        m = extra.multimedia()
        if status == m.QMediaPlayer.MediaStatus.InvalidMedia:
            said = self._player.errorString() or "it is no video"
            step = "Use MP4, MOV, MKV, AVI or WebM; H.264 and VP9 play everywhere."
            self._fail(StudioError("The video", f"{Path(self._path).name} cannot be read ({said})", step))
        elif status == m.QMediaPlayer.MediaStatus.LoadedMedia and not self._read:
            self._read = True  # it says so again whenever it stops
            rate_hz = self._player.metaData().value(m.QMediaMetaData.Key.VideoFrameRate)
            self.period_s = 1 / rate_hz if rate_hz else self.period_s
            self._asked_ms = -1
            self.opened.emit()

    def _fail(self, problem: StudioError) -> None:
        self.problem = problem
        self.opened.emit()

    def _came(self, frame: Any) -> None:
        if frame.isValid() and frame.startTime() >= 0:
            self.frame_s, self._waiting = frame.startTime() * 1e-6, 0
            self.framed.emit(frame)
