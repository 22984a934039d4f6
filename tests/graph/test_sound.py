"""The sound front end: mel spectrograms of many sizes against librosa, frames of their own, and what is refused."""

import numpy as np
import pytest
from scipy import signal

from studio.errors import GraphError, ParamError
from studio.graph.op import Array
from studio.graph.ops.sound import LogMel, Mel, Mfcc
from studio.graph.ops.spectrum import Spectrum
from tests.graph.sound_examples import log_mel, mel

#: Powers may differ from librosa's double by this share of the loudest band.
TOLERANCE = 2e-6


def sound(n: int, seed: int = 0) -> Array:
    """Chirps over noise, an axis each: (n, 2)."""
    rng, t = np.random.default_rng(seed), np.arange(n) / 16000
    chirps = [np.sin(2 * np.pi * (200 + 3000 * t * k) * t) for k in (1, 2)]
    return (0.5 * np.stack(chirps, axis=1) + 0.01 * rng.normal(size=(n, 2))).astype(np.float32)


@pytest.mark.parametrize("n_fft", [2**k for k in range(2, 13)])
def test_every_size_of_transform_agrees_with_scipy(n_fft: int) -> None:
    x = np.random.default_rng(n_fft).normal(size=(n_fft, 2)).astype(np.float32)
    want = signal.periodogram(x.astype(float), fs=n_fft, window="hann", detrend="constant", axis=0)[1]
    np.testing.assert_allclose(Spectrum(n_fft, n_fft).run(x[None])[0], want, rtol=0, atol=1e-6 * want.max())


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize(
    ("frame", "hop", "n_fft", "n_mels", "low", "high"),
    [
        (480, 160, 512, 40, 20.0, 7600.0),
        (512, 256, 512, 32, 0.0, 8000.0),
        (400, 400, 1024, 24, 80.0, 4000.0),
        (251, 300, 256, 13, 60.0, 8000.0),  # an odd frame, and samples that no frame holds
        (1024, 512, 1024, 64, 0.0, 8000.0),
    ],
)
def test_mel_spectrograms_agree_with_librosa(
    scale: str, frame: int, hop: int, n_fft: int, n_mels: int, low: float, high: float
) -> None:
    x = sound(4000)
    given = (frame, hop, n_fft, n_mels, low, high, 16000.0, scale)
    got, want = Mel(*given).run(x[None])[0], mel(Mel(*given))(x)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=TOLERANCE * want.max())
    logged = LogMel(*given, least=1e-4)
    np.testing.assert_allclose(logged.run(x[None])[0], log_mel(logged)(x), rtol=0, atol=1e-3)


def test_a_frame_alone_gives_the_row_that_it_gives_among_others() -> None:
    op = LogMel(frame=300, hop=100, n_fft=512)
    x = sound(1000)
    rows = op.run(x[None])[0]
    assert rows.shape == (8, 80)
    for t, row in enumerate(rows):
        np.testing.assert_array_equal(op.run(x[None, t * 100 : t * 100 + 300])[0, 0], row)


def test_channels_of_a_band_lie_side_by_side() -> None:
    op, x = LogMel(frame=256, hop=128, n_fft=256, n_mels=10), sound(1000)
    both = op.run(x[None])[0].reshape(-1, 10, 2)
    for j in range(2):
        np.testing.assert_array_equal(both[:, :, j], op.run(np.ascontiguousarray(x[None, :, j : j + 1]))[0])
    cepstra = Mfcc(10, 7).run(op.run(x[None]))[0].reshape(-1, 7, 2)
    alone = np.ascontiguousarray(both[None, :, :, 1])
    np.testing.assert_array_equal(cepstra[:, :, 1], Mfcc(10, 7).run(alone)[0])


def test_silence_is_the_logarithm_of_the_least() -> None:
    op = LogMel(least=1e-5)
    y = op.run(np.zeros((1, 800, 1), np.float32))
    np.testing.assert_allclose(y, np.log(1e-5), rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "word"),
    [({"frame": 600}, "n_fft"), ({"f_high": 9000.0}, "f_high"), ({"f_low": 8000.0}, "f_high")],
)
def test_what_cannot_be_is_refused(given: dict[str, float], word: str) -> None:
    with pytest.raises(GraphError, match=word):
        LogMel(**given)  # type: ignore[arg-type]
    with pytest.raises(ParamError):
        LogMel(n_fft=300)
    with pytest.raises(GraphError, match="Mfcc"):
        Mfcc(40, 13).shape((10, 39))
