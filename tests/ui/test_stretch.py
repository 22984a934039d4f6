"""Sound at other speeds: as long as it should be, and as high."""

import numpy as np
import pytest

from studio.ui.media.stretch import Floats, Read, Tape, Wsola

RATE = 16000


def reader(x: np.ndarray) -> Read:
    def read(start: int, n: int) -> Floats:
        found = np.zeros(n, np.float32)
        a, b = max(start, 0), min(start + n, len(x))
        if b > a:
            found[a - start : b - start] = x[a:b]
        return found

    return read


def tone(hz: float, seconds: float = 4.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def pitch(y: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 18))
    return float(spectrum.argmax() * RATE / (1 << 18))


def played(player: Wsola | Tape, n: int, speed: float, block: int = 400) -> np.ndarray:
    return np.concatenate([player.play(min(block, n - i), speed) for i in range(0, n, block)])


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("hz", [220.0, 997.0])
def test_pitch_is_kept(speed: float, hz: float) -> None:
    y = played(Wsola(reader(tone(hz, 9)), RATE), RATE * 2, speed)
    assert pitch(y[RATE // 4 :]) == pytest.approx(hz, rel=0.01)
    assert np.sqrt(np.mean(y**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_pitch_of_a_tape_follows_the_speed(speed: float) -> None:
    y = played(Tape(reader(tone(500, 9)), RATE), RATE * 2, speed)
    assert pitch(y) == pytest.approx(500 * speed, rel=0.002)


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 1.5, 2.0, 4.0])
def test_takes_as_long_as_it_should(speed: float) -> None:
    """Beeps a second apart come a second / speed apart, up to what is looked for."""
    beeps = np.array([1.0, 2.0, 3.0])
    x = np.random.default_rng(0).normal(0, 0.001, 9 * RATE).astype(np.float32)
    for at in (beeps * RATE).astype(int):
        x[at - 1600 : at + 1600] += tone(1000, 0.2) * np.hanning(3200).astype(np.float32)
    y = played(Wsola(reader(x), RATE), round(4 * RATE / speed), speed) ** 2
    for at in beeps / speed:
        first = round((at - 0.2 / speed) * RATE)
        near = y[first : round((at + 0.2 / speed) * RATE)]
        middle = first + float((near * np.arange(len(near))).sum() / near.sum())
        assert middle / RATE == pytest.approx(at, abs=0.005 + 0.005 / speed)


def test_at_the_speed_of_life_it_is_the_sound_itself() -> None:
    x = np.random.default_rng(1).normal(0, 0.1, 2 * RATE).astype(np.float32)
    for player in (Wsola(reader(x), RATE), Tape(reader(x), RATE)):
        np.testing.assert_allclose(played(player, RATE, 1.0), x[:RATE], atol=1e-6)


@pytest.mark.parametrize("speed", [0.3, 1.0, 2.5])
def test_says_where_it_is(speed: float) -> None:
    for player in (Wsola(reader(tone(300)), RATE), Tape(reader(tone(300)), RATE)):
        player.jump(1000.0)
        played(player, 5000, speed, 317)
        assert player.at == pytest.approx(1000 + 5000 * speed, abs=1)


def test_the_size_of_blocks_does_not_matter() -> None:
    x = np.random.default_rng(2).normal(0, 0.1, 4 * RATE).astype(np.float32)
    one, many = Wsola(reader(x), RATE), Wsola(reader(x), RATE)
    np.testing.assert_array_equal(played(one, 9000, 1.7, 9000), played(many, 9000, 1.7, 123))


def test_a_jump_does_not_click() -> None:
    player = Wsola(reader(tone(200, 8)), RATE)
    before = played(player, 4000, 1.0)
    player.jump(40_123.0)
    after = played(player, 4000, 1.0)
    steps = np.abs(np.diff(np.concatenate([before, after])))
    assert steps.max() < 3 * np.abs(np.diff(tone(200))).max()


def test_silence_stays_silent() -> None:
    assert not played(Wsola(reader(np.zeros(RATE)), RATE), 4000, 0.5).any()
