"""A known clock is found within the stated interval, whatever the delays; devices meet on one time line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.data.clock import device_fit, fit, true_rate
from studio.data.recording import Recording, Writer, load, shift_s
from studio.data.stream import Chunk, Stream

Luck = np.random.Generator
ACC = Stream("acc", 100.0, ("x",), "g", "i16")
#: Least delay in seconds, and the delays of n chunks, as measured in the prototypes.
LINKS: dict[str, tuple[float, Callable[[Luck, int], np.ndarray]]] = {
    "USB": (0.0006, lambda r, n: 0.0006 + r.exponential(0.0008, n)),
    "BLE": (0.003, lambda r, n: 0.003 + r.uniform(0, 0.015, n) + (r.random(n) < 0.05) * 0.015),
    "stalls": (0.004, lambda r, n: 0.004 + r.uniform(0, 0.05, n) + (r.random(n) < 0.02) * r.uniform(0, 0.3, n)),
}
#: How far off the interval may be at most, in ppm, by length: else it would say nothing.
WIDTH_PPM = {"USB": (30, 0.6), "BLE": (500, 10), "stalls": (1500, 30)}


def clocks(link: str, seconds: float, ppm: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Stamps of chunks 50 ms apart: a device's us, and this computer's ns at their arrival."""
    luck, t = np.random.default_rng(seed), np.arange(0, seconds, 0.05)
    device_us = np.round((t * (1 + ppm * 1e-6) + 123.4) * 1e6)
    return device_us, ((t + LINKS[link][1](luck, len(t)) + 5) * 1e9).astype(np.int64)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("seconds", [10, 120])
def test_a_known_clock_is_found_within_the_stated_interval(link: str, seconds: int) -> None:
    inside, widths = 0, []
    for seed in range(40):
        ppm = float(np.random.default_rng(seed).uniform(-100, 100))
        line = fit(*clocks(link, seconds, ppm, seed))
        assert line is not None
        inside += abs(line.clock_ppm - ppm) <= line.ppm_error
        widths.append(line.ppm_error)
    assert inside >= 38 and np.median(widths) < WIDTH_PPM[link][seconds == 120]


@pytest.mark.parametrize("link", LINKS)
def test_the_line_lies_at_the_least_delay_where_least_squares_does_not(link: str) -> None:
    device_us, host_ns = clocks(link, 60, 40, 7)
    line, least_s = fit(device_us, host_ns), LINKS[link][0]
    assert line is not None
    true_ns = ((device_us * 1e-6 - 123.4) / (1 + 40e-6) + 5) * 1e9
    off_ms = np.array([line.host_ns(float(d)) for d in device_us[::50]]) * 1e-6 - true_ns[::50] * 1e-6 - least_s * 1e3
    assert np.abs(off_ms).max() < 1.0
    squares_ms = (np.polyval(np.polyfit(device_us, host_ns, 1), device_us) - true_ns) * 1e-6 - least_s * 1e3
    assert np.abs(off_ms).max() < np.abs(squares_ms).mean()


def test_too_little_is_no_line() -> None:
    assert fit([1, 2], [1, 2]) is None
    assert fit(np.arange(30), np.arange(30)) is None
    assert fit(np.repeat([0.0, 5e6], 15), np.repeat([0, 5 * 10**9], 15)) is None


def test_a_day_of_chunks_is_fitted_as_exactly() -> None:
    device_us, host_ns = clocks("USB", 20_000, -37.5, 3)
    line = fit(device_us, host_ns)
    assert line is not None and abs(line.clock_ppm + 37.5) <= line.ppm_error < 0.01


def stamps(
    seconds: float = 60, rate_hz: float = 100.0, ppm: float = 0.0, has_clock: bool = True, seed: int = 1
) -> np.ndarray:
    """Rows of a device that says 100 Hz: chunks of 5 samples over USB. `rate_hz` is by true time."""
    luck, index = np.random.default_rng(seed), np.arange(0, int(seconds * rate_hz), 5)
    device_us = np.round((index / rate_hz * (1 + ppm * 1e-6) + 9) * 1e6) if has_clock else index * 0
    host_s = (index + 5) / rate_hz + LINKS["USB"][1](luck, len(index)) + 77
    return np.stack([index, device_us, host_s * 1e9], 1).astype(np.int64)


@pytest.mark.parametrize("has_clock", [True, False])
@pytest.mark.parametrize("rate_hz", [100.0, 100.3, 96.0, 120.0])
def test_the_true_rate_is_found_by_this_computers_clock(rate_hz: float, has_clock: bool) -> None:
    found = true_rate(stamps(rate_hz=rate_hz, ppm=80, has_clock=has_clock), 100.0)
    assert found.by == "host" and abs(found.hz - rate_hz) <= found.error_hz < 0.001


def test_a_simulated_device_is_judged_by_its_own_second() -> None:
    rows = stamps(rate_hz=400.0)  # four times as fast as this computer's clock, by its own clock 100 Hz
    rows[:, 1] = rows[:, 0] * 10_000 + 1
    found = true_rate(rows, 100.0, simulated=True)
    assert found.by == "device" and found.hz == pytest.approx(100.0) and found.error_hz < 0.01


def test_without_enough_chunks_the_device_says_it_or_nobody() -> None:
    assert true_rate(stamps(seconds=0.5), 90.0).by == "device"
    assert true_rate(stamps(seconds=0.5), 90.0).hz == pytest.approx(100, rel=1e-4)
    assert true_rate(stamps(seconds=0.5, has_clock=False), 90.0).by == "stated"
    assert true_rate(stamps()[:0], 90.0).hz == 90.0


def test_losses_and_a_restart_do_not_bend_the_rate() -> None:
    rows = stamps(ppm=50)
    rows = np.delete(rows, slice(300, 420), 0)  # samples 1500..2100 were lost
    found = true_rate(rows, 100.0, ((1500, 600),))
    assert abs(found.hz - 100.0) <= found.error_hz < 0.001
    rows[900:, 1] -= rows[900, 1]  # the device started again
    line = device_fit(rows, 100.0, ((1500, 600),))
    assert line is not None and abs(line.clock_ppm - 50) <= line.ppm_error and line.n < 900


def test_two_devices_are_on_one_time_line(tmp_path: Path) -> None:
    """Two boards of different clocks hear the same clap; their recordings, begun 1.7 s apart, agree when it was."""
    first = recorded(tmp_path / "a", 80.0, began_s=0.0)
    second = recorded(tmp_path / "b", -120.0, began_s=1.7)
    shift = shift_s(first, second)
    assert shift == pytest.approx(1.7, abs=0.002)
    at = [first.host_ns("acc", 3000), second.host_ns("acc", 3000 - 170)]
    assert at[0] is not None and at[1] is not None and abs(at[0] - at[1]) < 3e6
    rebooted = replace(second, clock=second.clock | {"unix_ns": second.clock["unix_ns"] + 3600 * 10**9})
    assert shift_s(first, rebooted) == pytest.approx(3601.7, abs=0.002)


def recorded(path: Path, ppm: float, began_s: float) -> Recording:
    """A minute at 100 Hz by true time."""
    writer = Writer(path, [ACC])
    for index, device_us, host_ns in stamps(ppm=ppm, seed=round(ppm + 200)).tolist():
        writer.append(Chunk(ACC, index, np.zeros((5, 1), np.int16), device_us, host_ns + round(began_s * 1e9)))
    writer.close()
    return load(path)


def test_a_recording_keeps_its_clock(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "r", 60.0, 0.0)
    line, rate = recording.clock_fit(), recording.rate("acc")
    assert line is not None and abs(line.clock_ppm - 60) <= line.ppm_error < 1
    assert recording.clock["fit"]["ppm_error"] == line.ppm_error and recording.clock["rates"]["acc"]["by"] == "host"
    assert abs(rate.hz - 100) <= rate.error_hz
    (tmp_path / "r" / "acc.clock").unlink()
    assert load(tmp_path / "r").rate("acc") == rate
    bare = replace(recording, clock={})
    assert bare.rate("acc").by == "stated" and bare.clock_fit() is None and bare.host_ns("acc", 0) is None


def test_a_recording_of_a_virtual_board_is_simulated_also_an_old_one(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "r", 0.0, 0.0)
    assert not recording.simulated and not replace(recording, device={"url": "COM7"}).simulated
    assert replace(recording, device={"url": "virtual:host?speed=20"}).simulated
    assert replace(recording, device={"url": "socket://x:1", "simulated": True}, clock={}).rate("acc").by == "device"


def test_two_stamps_of_the_device_alone_tell_a_rate() -> None:
    """A recording that was brought in may have the device's clock and no arrivals."""
    found = true_rate(np.array([[0, 0, 0], [490, 10_000_000, 0]], np.int64), 50.0)
    assert (found.hz, found.by) == (pytest.approx(49.0), "device")
