"""Every planted defect is found where it was planted, and clean recordings of all kinds are called clean."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data import certificate as module
from studio.data.certificate import Certificate, certificate, trusted_gaps
from studio.data.motion import motion, sound
from studio.data.recording import Recording, Writer, write
from studio.data.stream import Array, Chunk, Stream

RATE_HZ, SECONDS = 100.0, 60
ACC = Stream("acc", RATE_HZ, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
N = round(RATE_HZ * SECONDS)


def made(path: Path, raw: Array, stream: Stream = ACC, ppm: float = 0.0, rate_hz: float = RATE_HZ) -> Recording:
    """A recording from a device of true rate `rate_hz` whose clock is `ppm` too fast, in chunks of 10 over USB."""
    luck, writer = np.random.default_rng(5), Writer(path, [stream])
    for at in range(0, len(raw), 10):
        t_s = at / rate_hz
        host_s = t_s + 10 / rate_hz + 0.0006 + luck.exponential(0.0008)
        device_us = round((t_s * (1 + ppm * 1e-6) + 3) * 1e6)
        writer.append(Chunk(stream, at, raw[at : at + 10], device_us, round(host_s * 1e9) + 10**12))
    return writer.close()


def faults(found: Certificate) -> set[str]:
    """The kinds of defect that a certificate tells of."""
    told = found.plain()
    kinds = {k for k in ("gaps", "saturated", "stuck", "dead", "constant", "duplicates", "bad") if told[k]}
    return kinds | ({"rate"} if found.rate_off > 0.001 else set())


def noise(seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(0, 3000, (N, 3)).astype("<i2")


def moved(seed: int = 3) -> Array:
    return motion(SECONDS, RATE_HZ, seed)[0]


def wave(amplitude: float, period: float, n: int = N) -> Array:
    phase = np.arange(n)[:, None] * 2 * np.pi / period + np.arange(3)
    return np.rint(amplitude * np.sin(phase)).astype("<i2")


CLEAN: dict[str, Callable[[], Array]] = {
    "noise": noise,
    "motion": moved,
    "another person": lambda: moved(8),
    "a slow wave": lambda: wave(100, 977.3),
    "a coarse wave": lambda: wave(12, 333.3),
    "a wave in step with the samples": lambda: wave(8000, 50),
    "an eight-bit sensor at rest": lambda: (noise() // 4096 * 256).astype("<i2"),
    "a switch": lambda: (wave(1, 700) > 0).astype("<i2") * np.array([1, 100, 32000], "<i2"),
    "a staircase": lambda: (np.arange(N)[:, None] // 400 * 37 + np.arange(3)).astype("<i2"),
}


@pytest.mark.parametrize("kind", CLEAN)
def test_clean_is_clean(tmp_path: Path, kind: str) -> None:
    found = certificate(made(tmp_path / "r", CLEAN[kind](), ppm=40), "acc")
    assert faults(found) == set() and found.bad == () and found.lost == 0


def test_clean_sound_is_clean(tmp_path: Path) -> None:
    mic = Stream("mic", 16000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
    assert faults(certificate(write(tmp_path / "r", [(mic, sound(10.0))]), "mic")) == set()


def frozen(raw: Array) -> None:
    raw[2000:2150, 1] = raw[2000, 1]


def clipped(raw: Array) -> None:
    np.clip(raw, -5500, 5500, out=raw)


def full_scale(raw: Array) -> None:
    raw[1000:1030, 2] = 32767


def died(raw: Array) -> None:
    raw[:, 0] = 0


def fixed(raw: Array) -> None:
    raw[:, 0] = -77


def copied(raw: Array) -> None:
    raw[:, 2] = raw[:, 0]


DEFECTS = [
    (frozen, {"stuck", "bad"}, {"stuck": {"y": [[2000, 150]]}, "bad": [[2000, 150]]}),
    (clipped, {"saturated"}, {"stuck": {}}),
    (full_scale, {"saturated", "bad"}, {"saturated": {"z": 30 / N}, "bad": [[1000, 30]]}),
    (died, {"dead"}, {"dead": ["x"]}),
    (fixed, {"constant"}, {"constant": ["x"]}),
    (copied, {"duplicates"}, {"duplicates": [["z", "x"]]}),
]


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("base", [noise, moved])
@pytest.mark.parametrize(("plant", "kinds", "told"), DEFECTS)
def test_every_planted_defect_is_found(
    tmp_path: Path,
    base: Callable[[], Array],
    plant: Callable[[Array], None],
    kinds: set[str],
    told: dict[str, object],
    lost: bool,
) -> None:
    """Also beside a gap, whose zeros are nobody's values."""
    raw = base()
    plant(raw)
    gaps = ((3000, 200),) if lost else ()
    chunks = [Chunk(ACC, 0, raw[:3000]), Chunk(ACC, 3200, raw[3200:])] if lost else [Chunk(ACC, 0, raw)]
    writer = Writer(tmp_path / "r", [ACC])
    for chunk in chunks:
        writer.append(chunk)
    found = certificate(writer.close(), "acc")
    either_way = {"bad"} if plant is clipped else set()  # how long it stays there is the movement's affair
    assert faults(found) - either_way == kinds | ({"gaps"} if lost else set()) and found.gaps == gaps
    for key, value in told.items():
        assert found.plain()[key] == (pytest.approx(value, rel=0.05) if key == "saturated" else value)


@pytest.mark.parametrize("rate_hz", [99.5, 97.0, 104.0])
def test_a_wrong_rate_is_found(tmp_path: Path, rate_hz: float) -> None:
    found = certificate(made(tmp_path / "r", noise(), rate_hz=rate_hz), "acc")
    assert faults(found) == {"rate"} and found.rate_off == pytest.approx(abs(rate_hz / 100 - 1), abs=1e-4)


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 45.0])
def test_the_clock_is_told(tmp_path: Path, ppm: float) -> None:
    found = certificate(made(tmp_path / "r", noise(), ppm=ppm), "acc")
    assert found.clock is not None and abs(found.clock.clock_ppm - ppm) <= found.clock.ppm_error < 10
    assert faults(found) == set()


def test_floats_that_are_clipped_and_numbers_that_are_none(tmp_path: Path) -> None:
    stream = replace(ACC, dtype="f32", scale=1.0)
    t = np.arange(N)[:, None]
    raw = np.sin(t / np.array([7.0, 9.3, 11.1])).astype("<f4")
    raw[:, 1] = raw[:, 1].clip(-0.9, 0.9)
    raw[40:60, 2] = np.nan
    found = certificate(write(tmp_path / "r", [(stream, raw)]), "acc")
    assert list(found.saturated) == ["y"] and not found.stuck and not found.constant


def test_blocks_do_not_cut_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = moved()
    raw[640:704, 0], raw[2000:2150, 1], raw[127:135, 2] = 32767, 55, -32768
    recording = write(tmp_path / "r", [(ACC, raw)])
    whole = certificate(recording, "acc").plain()
    assert whole["bad"] == [[640, 64], [2000, 150]]
    for block in (64, 65, 127, 1000):
        monkeypatch.setattr(module, "BLOCK", block)
        assert certificate(recording, "acc").plain() == whole


def test_training_leaves_bad_stretches_and_gaps_out(tmp_path: Path) -> None:
    raw = noise()
    raw[1000:1050, 2] = 32767
    writer = Writer(tmp_path / "r", [ACC])
    writer.append(Chunk(ACC, 0, raw[:1020]))
    writer.append(Chunk(ACC, 1025, raw[1025:]))
    assert trusted_gaps(writer.close(), "acc") == ((1000, 50),)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 10**6), start=st.integers(0, N - 200), n=st.integers(60, 200), channel=st.integers(0, 2))
def test_any_stuck_stretch_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int, start: int, n: int, channel: int
) -> None:
    raw = noise(seed)
    raw[start : start + n, channel] = 1234
    raw[max(start - 1, 0), channel], raw[min(start + n, N - 1), channel] = 1, 2  # the neighbours differ
    first = start if start else 1
    last = min(start + n, N - 1)
    found = certificate(write(tmp_path_factory.mktemp("r") / "r", [(ACC, raw)]), "acc")
    assert found.stuck == {ACC.channels[channel]: ((first, last - first),)} and faults(found) == {"stuck", "bad"}
