"""A radar frame with one moving and one standing target, through all stages; and what is refused."""

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph.ops.radar import Cfar, Doppler, RangeSpectrum
from studio.graph.ops.signals import Decimate, Goertzel, RemoveMean, Wavelet


def test_only_the_moving_target_stands_out() -> None:
    rng = np.random.default_rng(0)
    chirp, sample = np.arange(32)[:, None], np.arange(64)
    standing = 20 * np.cos(2 * np.pi * 5 * sample / 64 + 0 * chirp)
    moving = np.cos(2 * np.pi * (11 * sample / 64 + 6 * chirp / 32))
    frame = (standing + moving + 0.05 * rng.normal(size=(32, 64))).astype(np.float32)
    bins = RemoveMean().run(RangeSpectrum(64, 64, 32).run(frame[None]))
    power = Doppler(32, 32).run(bins)[0]
    assert np.unravel_index(power.argmax(), power.shape) == (16 + 6, 11)
    found = Cfar(2, 6, 30.0).run(power[None])[0]
    assert found[22, 11] > 100 and set(np.flatnonzero(found[22])) <= {10, 11, 12}
    assert not found[:, 5].any()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: RangeSpectrum(65, 64, 8), "n_fft"),
        (lambda: RangeSpectrum(64, 64, 33), "n_bins"),
        (lambda: Doppler(17, 16), "n_fft"),
        (lambda: Doppler(16, 16).shape((15, 8)), "Doppler"),
        (lambda: Goertzel((60.0,), 100.0), "tones_hz"),
        (lambda: Wavelet("db4", 4).shape((127, 1)), "Wavelet"),
        (lambda: Decimate(15, 4).shape((14, 1)), "Decimate"),
    ],
)
def test_what_cannot_be_is_refused(make, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(GraphError, match=word):
        make()


@pytest.mark.parametrize("kind", ["haar", "db2", "db4"])
def test_no_energy_is_lost_among_wavelets(kind: str) -> None:
    x = np.random.default_rng(1).normal(size=(1, 128, 1)).astype(np.float32)
    shares = Wavelet(kind, 4).run(x)[0]
    counts = np.array([64, 32, 16, 8, 8])
    np.testing.assert_allclose((shares * counts).sum(), (x.astype(float) ** 2).sum(), rtol=1e-5)
