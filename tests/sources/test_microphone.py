"""The microphone passes for a board of ours; a fake PortAudio stands in for the real one."""

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.data.stream import Chunk
from studio.data.talk import Talk
from studio.data.wire import Verb
from studio.errors import InputError, LinkError
from studio.sources import open_link
from studio.sources.acquire import Acquisition
from tests.data.board import until


class PortAudioError(Exception):
    pass


class FakeInput:
    last: "FakeInput"

    def __init__(self, rate: float, block: int, device: Any, channels: int, dtype: str, callback: Any) -> None:
        if device == "none":
            raise PortAudioError("Error opening InputStream: Invalid device")
        self.asked, self.callback, self.open = (rate, block, device, channels, dtype), callback, True
        self.at_s, FakeInput.last = 100.0, self

    def start(self) -> None: ...

    def close(self) -> None:
        self.open = False

    def hear(self, first: int, n: int, skipped: int = 0) -> None:
        self.at_s += skipped / 16000
        rows = (np.arange(first, first + n) % 1000).astype("<i2")[:, None]
        self.callback(
            rows, n, SimpleNamespace(inputBufferAdcTime=self.at_s), SimpleNamespace(input_overflow=skipped > 0)
        )
        self.at_s += n / 16000


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(InputStream=FakeInput, PortAudioError=PortAudioError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_it_streams_and_a_gap_stands_at_its_place(fake: None) -> None:
    link, heard = open_link("mic:"), list[Chunk]()
    mic = FakeInput.last
    talk = Talk(link)
    (board,) = talk.hello().streams
    assert (board.stream.name, board.stream.rate_hz, mic.asked) == ("microphone", 16000, (16000, 256, None, 1, "int16"))
    mic.hear(0, 256)  # before START: nobody listens
    acquisition = Acquisition(talk, [heard.append])
    acquisition.start()
    talk.request(Verb.START)
    mic.hear(0, 256)
    mic.hear(256, 256)
    mic.hear(612, 256, skipped=100)
    until(lambda: acquisition.counts[1].received == 768)
    acquisition.stop()
    link.close()
    assert acquisition.stats["streams"]["microphone"]["gaps"] == [[512, 100]] and not mic.open
    rows = {c.start + i: v for c in heard for i, v in enumerate(c.values[:, 0].tolist())}
    assert all(v == i % 1000 for i, v in rows.items()) and len(rows) == 768


def test_which_microphone(fake: None) -> None:
    open_link("mic:USB?rate=44100").close()
    assert FakeInput.last.asked[:3] == (44100, 256, "USB")
    with pytest.raises(LinkError, match=r"Invalid device.*mic:NAME"):
        open_link("mic:none")


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [(ImportError("no"), InputError, "sounddevice is not installed"), (OSError("no"), LinkError, "libportaudio2")],
)
def test_without_the_package_or_the_library(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception], text: str
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise error
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(expected, match=text):
        open_link("mic:")
