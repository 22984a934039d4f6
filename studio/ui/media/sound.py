"""Sound that follows the playhead.

The playhead's clock leads and the sound card's follows: each block is taken from where the playhead will be when the
block is heard. Small differences (two clocks drift apart by some 100 millionths) are worked off by playing up to 2 %
faster or slower, which nobody hears; greater ones, after a jump or a pause of the window, by going there.
"""

from collections.abc import Callable

import numpy as np

from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.errors import StudioError
from studio.ui.media.playhead import Playhead
from studio.ui.media.sink import Sink, open_sink
from studio.ui.media.stretch import Floats, Player
from studio.ui.media.voice import Voice

#: Nearer than this it is on time; further than `FAR_S` it jumps there. Seconds of playing.
NEAR_S, FAR_S = 0.006, 0.05
#: How much faster or slower it may play to catch up.
MOST = 0.02
BLOCK_S = 0.02


class Sound:
    """Plays one stream of a recording wherever the playhead goes. `problem` says why nothing is heard."""

    def __init__(self, head: Playhead, opener: Callable[[float], Sink] = open_sink) -> None:
        self._head, self._open = head, opener
        self._voice: Voice | None = None
        self._feed: Feed | None = None
        self._sink: Sink | None = None
        self._running, self._jumps = False, 0
        self.problem: StudioError | None = None
        self.volume, self.muted = 0.7, False
        head.ticked.connect(self.tick)
        head.changed.connect(self._restart)

    def hear(self, recording: Recording | None, stream: Stream | None = None, keep_pitch: bool = True) -> None:
        """Play `stream` of `recording` from now on; None: nothing."""
        self._silence()
        self._voice = Voice(recording, stream, keep_pitch) if recording is not None and stream is not None else None
        if self._sink is not None and (self._voice is None or self._sink.rate_hz != self._voice.rate_hz):
            self.close()

    def tick(self) -> None:
        """Give the sink what it has room for."""
        if not (self._head.playing and self._voice is not None and not self.muted):
            self._silence()
            return
        if self._sink is None and not self._opened():
            return
        if self._jumps != self._head.jumps:
            self._silence()
            self._jumps = self._head.jumps
        self._fill()

    def close(self) -> None:
        """Let the sound card go."""
        if self._sink is not None:
            self._sink.close()
        self._sink, self._feed, self._running = None, None, False

    @property
    def late_s(self) -> float:
        """How far behind the playhead what is written now will be heard, s of the recording; before it: negative."""
        if self._sink is None or self._voice is None:
            return 0.0
        wanted_s = self._head.ahead_s(self._sink.wait_s())
        return 0.0 if wanted_s is None else wanted_s - self._voice.player.at / self._voice.rate_hz

    def _opened(self) -> bool:
        """Open the sink once; after a failure only when asked again by `retry`."""
        if self.problem is not None or self._voice is None:
            return False
        try:
            self._sink = self._open(self._voice.rate_hz)
        except StudioError as e:
            self.problem = e
        return self._sink is not None

    def retry(self) -> None:
        """Look for an output again."""
        self.problem = None

    def _restart(self) -> None:
        """Another speed or loop, or a pause: what waits in the sink is of before."""
        self._silence()

    def _silence(self) -> None:
        if self._running and self._sink is not None:
            self._sink.clear()
        self._running = False

    def _fill(self) -> None:
        sink, voice = self._sink, self._voice
        assert sink is not None and voice is not None
        if not self._running or self._feed is None:
            self._feed, self._running = Feed(voice.player, voice.rate_hz / sink.rate_hz), True
            self._go(voice, self._head.ahead_s(sink.wait_s()))
        room, block = sink.free(), max(1, round(BLOCK_S * sink.rate_hz))
        while room >= block:
            sink.write(self._block(block, sink.wait_s()))
            room -= block

    def _block(self, n: int, wait_s: float) -> Floats:
        """The next n samples for the sink, heard after `wait_s`."""
        voice, feed, speed = self._voice, self._feed, self._head.speed
        assert voice is not None and feed is not None
        wanted_s = self._head.ahead_s(wait_s)
        if wanted_s is None:
            return np.zeros(n, np.float32)
        late_s = (wanted_s - voice.player.at / voice.rate_hz) / speed
        if abs(late_s) > FAR_S:
            self._go(voice, wanted_s)
            late_s = 0.0
        hurry = float(np.clip(late_s, -MOST, MOST)) if abs(late_s) > NEAR_S else 0.0
        return feed.play(n, speed * (1 + hurry)) * np.float32(self.volume**2)

    def _go(self, voice: Voice, time_s: float | None) -> None:
        if time_s is not None:
            voice.player.jump(time_s * voice.rate_hz)


class Feed:
    """A player's sound at the rate of the sink; `ratio` is samples of the player per sample of the sink."""

    def __init__(self, player: Player, ratio: float) -> None:
        self._player, self._ratio = player, ratio
        self._kept = np.zeros(0, np.float32)
        self._phase = 0.0

    def play(self, n: int, speed: float) -> Floats:
        """The next n samples."""
        if self._ratio == 1:
            return self._player.play(n, speed)
        where = self._phase + self._ratio * np.arange(n)
        need = int(where[-1]) + 2 - len(self._kept)
        x = np.concatenate([self._kept, self._player.play(max(0, need), speed)])
        end = self._phase + self._ratio * n
        self._kept, self._phase = x[int(end) :], end - int(end)
        return np.interp(where, np.arange(len(x)), x).astype(np.float32)
