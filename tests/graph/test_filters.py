"""Windows, spectra in whole numbers, cascades of sections, and long filters by spectra, against SciPy."""

from math import pi

import numpy as np
import pytest
from scipy import signal

from studio.errors import StudioError
from studio.graph.host import call_stream
from studio.graph.ops.filter import Biquad
from studio.graph.ops.fir import FastFir, Fir, fir
from studio.graph.ops.radar import Doppler
from studio.graph.ops.spectrum import TAPERS, Envelope, Peaks, Spectrum, SpectrumS16, taper

SCIPY = {"flat top": "flattop", "rectangular": "boxcar", "kaiser": ("kaiser", 8.6)}


@pytest.mark.parametrize("kind", TAPERS)
def test_windows_are_scipys(kind: str) -> None:
    theirs = SCIPY.get(kind, kind)
    for n in (2, 25, 64):
        np.testing.assert_allclose(taper(kind, n), signal.get_window(theirs, n), atol=1e-15)
    x = np.random.default_rng(0).normal(3, 1, (1, 60, 2)).astype(np.float32)
    want = signal.periodogram(x[0, :50].astype(float), 64, theirs, 64, axis=0)[1]
    np.testing.assert_allclose(Spectrum(50, 64, kind).run(x)[0], want, atol=2e-6 * want.max())
    z = np.random.default_rng(1).normal(size=(1, 12, 2)).astype(np.float32)
    turned = np.fft.fft((z[0, :, 0] + 1j * z[0, :, 1]) * signal.get_window(theirs, 12), 16)
    np.testing.assert_allclose(Doppler(12, 16, kind).run(z)[0, :, 0], np.abs(np.fft.fftshift(turned)) ** 2, atol=1e-4)


def test_a_flat_top_reads_heights_between_bins() -> None:
    t = np.arange(256)
    height = {}
    for kind in ("hann", "flat top"):
        seen = []
        for between in np.linspace(0, 1, 9):
            x = np.cos(2 * pi * (20 + between) * t / 256)[None, :, None].astype(np.float32)
            op = Spectrum(256, 256, kind)
            window = taper(kind, 256)
            seen.append(float(op.run(x).max()) * 256 * (window**2).sum() / window.sum() ** 2)  # power, not density
        height[kind] = max(seen) / min(seen)
    assert height["flat top"] < 1.01 < 1.3 < height["hann"]


@pytest.mark.parametrize("n", [2**k for k in range(3, 11)])
@pytest.mark.parametrize("size", [3, 300, 30_000])
def test_amplitudes_in_whole_numbers_are_right_to_a_five_hundredth(n: int, size: int) -> None:
    rng, t = np.random.default_rng(n), np.arange(n)
    x = np.stack([rng.normal(0, size / 4, n), size * np.sin(t / 1.3), size * (t % 2 * 2 - 1)], axis=1)
    x = np.clip(np.rint(x), -32768, 32767).astype(np.int16)
    want = signal.periodogram(x - np.trunc(x.mean(0)), n, "hann", n, detrend=False, axis=0)[1]
    got = SpectrumS16(n, n).run(x[None])[0]
    assert (np.abs(np.sqrt(got) - np.sqrt(want)) <= 2e-3 * np.sqrt(want.max(0))).all()


def test_the_extremes_of_16_bits_do_not_overflow() -> None:
    n = 512
    t = np.arange(n)
    for x in (np.where(t < 1, -32768, 32767), np.where(t % 2, 32767, -32768), np.where(t % 64 < 32, 32767, -32768)):
        for kind in ("rectangular", "hann"):
            theirs = SCIPY.get(kind, kind)
            want = signal.periodogram(x - np.trunc(x.mean()), n, theirs, n, detrend=False)[1]
            got = SpectrumS16(n, n, kind).run(x.astype(np.int16)[None, :, None])[0, :, 0]
            assert (np.abs(np.sqrt(got) - np.sqrt(want)) <= 2e-3 * np.sqrt(want.max())).all()


@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
def test_two_sections_are_a_filter_of_fourth_order(kind: str) -> None:
    """The quality of section k of a Butterworth filter of order 4 is 1 / (2 cos((2 k - 1) pi / 8))."""
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    y = x
    for k in (1, 2):
        op = Biquad(kind, 9.0, 100.0, 1 / (2 * np.cos((2 * k - 1) * pi / 8)))
        y, _ = call_stream(op, y, np.zeros(op.state((2,)), np.float32))
    want = signal.sosfilt(signal.butter(4, 9.0, kind, fs=100.0, output="sos"), x.astype(float), axis=0)
    np.testing.assert_allclose(y, want, atol=3e-6)


@pytest.mark.parametrize(
    ("n_taps", "n_fft", "n"), [(64, 128, 500), (64, 256, 700), (33, 64, 65), (9, 16, 24), (1, 8, 30)]
)
def test_long_filters_by_spectra_are_within_one_step_of_16_bits(n_taps: int, n_fft: int, n: int) -> None:
    taps = signal.firwin(n_taps, 0.2).astype(np.float32) if n_taps > 1 else np.ones(1, np.float32)
    x = np.random.default_rng(n).integers(-32768, 32768, (2, n, 3)).astype(np.float32)
    want = np.stack(
        [np.stack([np.convolve(v, taps.astype(float), "valid") for v in w.T], axis=1) for w in x.astype(float)]
    )
    np.testing.assert_allclose(Fir(taps).run(x), want, atol=0.02)
    np.testing.assert_allclose(FastFir(taps, n_fft).run(x), want, atol=0.02)


def test_the_quicker_of_both_is_chosen() -> None:
    assert type(fir(np.ones(9), 500)) is Fir and type(fir(np.ones(64), 64)) is Fir
    assert type(fir(np.ones(64), 1000)) is FastFir and fir(np.ones(200), 4000).taps.dtype == np.float32


def test_a_fault_that_knocks_is_found_in_the_envelope_alone() -> None:
    """A tone of 300 Hz that swells 13 times a second: the spectrum has nothing at 13 Hz, the envelope's has."""
    t = np.arange(1024) / 1024
    x = ((1 + np.cos(2 * pi * 13 * t)) * np.cos(2 * pi * 300 * t))[None, :, None].astype(np.float32)
    plain = Peaks(1.0, 1e-9, 1).run(Spectrum(1024, 1024).run(x))[0]
    envelope = Envelope(1024, 200, 400).run(x)
    found = Peaks(1.0, 1e-9, 1).run(Spectrum(1024, 1024).run(envelope))[0]
    assert plain[0] == pytest.approx(300, abs=1) and found[0] == pytest.approx(13, abs=0.1)


def test_what_cannot_be_is_refused() -> None:
    for make in (
        lambda: FastFir(np.ones(16, np.float32), 16),
        lambda: Fir(np.ones((2, 2), np.float32)),
        lambda: Envelope(64, 5, 33),
        lambda: Envelope(64, 5, 5),
        lambda: Spectrum(8, 8, "gauss"),
        lambda: Fir(np.ones(9, np.float32)).shape((8, 1)),
    ):
        with pytest.raises(StudioError):
            make()
