"""The levels beside a recording are what its samples say, however they came, and a plot reads them, not the samples."""

import errno
from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data import pyramid as module
from studio.data.pyramid import Pyramid, peaks_of, pyramid
from studio.data.recording import Recording, Writer, load, write
from studio.data.stream import Array, Chunk, Stream

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096)


def noise(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(-30000, 30000, (n, 3)).astype("<i2")


def same(found: Pyramid, raw: Array) -> bool:
    """Whether all levels are those of `raw`."""
    levels = Pyramid(raw).levels
    assert [s for s, _, _ in found.levels] == [s for s, _, _ in levels]
    return all(
        np.array_equal(a, b) for x, y in zip(found.levels, levels, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("n", [32, 33, 5000, 300_001])
def test_levels_are_the_extremes_of_their_blocks(n: int) -> None:
    raw = noise(n)
    for size, low, high in Pyramid(raw).levels:
        for i in {0, len(low) // 2, len(low) - 1}:
            block = raw[i * size : (i + 1) * size]
            assert (low[i] == block.min(0)).all() and (high[i] == block.max(0)).all()
        assert len(low) == len(high) == -(-n // size)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 90)), min_size=1, max_size=12))
def test_the_writer_keeps_them_through_any_chunks_and_gaps(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]]
) -> None:
    path, at, luck = tmp_path_factory.mktemp("r") / "r", 0, np.random.default_rng(1)
    writer = Writer(path, [ACC])
    for i, (lost, n) in enumerate(parts):
        at += lost if i else 0
        writer.append(Chunk(ACC, at, luck.integers(-9000, 9000, (n, 3)).astype("<i2")))
        at += n
    raw = writer.close().raw("acc")
    kept = np.fromfile(path / "acc.peaks", "<i2").reshape(-1, 2, 3)
    assert np.array_equal(kept, peaks_of(np.asarray(raw)))


def test_a_plot_reads_the_file(tmp_path: Path) -> None:
    recording = write(tmp_path / "r", [(ACC, noise(50_000))])
    with mock.patch.object(module, "peaks_of", side_effect=AssertionError("the samples were read")):
        found = pyramid(recording, "acc")
    assert same(found, recording.raw("acc")) and isinstance(found.levels[0][1], np.memmap)


@pytest.mark.parametrize("kept", [0, 1, 5, 1000, None])
def test_what_the_file_lacks_is_made_and_kept(tmp_path: Path, kept: int | None) -> None:
    """None: a recording of an older studio has no file; a number: so many bytes of it reached the disk."""
    recording = write(tmp_path / "r", [(ACC, noise(5003))])
    file = tmp_path / "r" / "acc.peaks"
    whole = file.read_bytes()
    file.unlink() if kept is None else file.write_bytes(whole[:kept])
    assert same(pyramid(recording, "acc"), recording.raw("acc"))
    assert file.read_bytes() == whole


def killed(path: Path) -> tuple[Writer, Recording]:
    """A recording that nobody closed; its writer, to be closed after the test."""
    writer = Writer(path, [ACC])
    for a, b in pairwise([0, 700, 1500, 1510, 3333]):
        writer.append(Chunk(ACC, a, noise(b - a, a)))
    return writer, load(path)


def test_a_recording_in_progress_is_not_touched(tmp_path: Path) -> None:
    writer, recording = killed(tmp_path / "r")
    before = (tmp_path / "r" / "acc.peaks").read_bytes()
    assert same(pyramid(recording, "acc"), recording.raw("acc"))
    assert (tmp_path / "r" / "acc.peaks").read_bytes() == before
    assert same(pyramid(writer.close(), "acc"), recording.raw("acc"))


def test_a_disk_that_refuses_does_not_stop_the_plot_nor_the_recording(tmp_path: Path) -> None:
    recording = write(tmp_path / "r", [(ACC, noise(5003))])
    (tmp_path / "r" / "acc.peaks").unlink()
    with mock.patch.object(module, "open", create=True, side_effect=OSError(errno.EROFS, "read-only")):
        assert same(pyramid(recording, "acc"), recording.raw("acc"))
    writer = Writer(tmp_path / "full", [ACC])
    writer.append(Chunk(ACC, 0, noise(100)))
    with mock.patch.object(writer._files["acc"]._peaks, "_file", mock.Mock(write=mock.Mock(side_effect=OSError))):
        writer.append(Chunk(ACC, 100, noise(100)))
    writer.append(Chunk(ACC, 200, noise(100)))
    recording = writer.close()
    assert recording.n_samples == {"acc": 300} and same(pyramid(recording, "acc"), recording.raw("acc"))


def test_short_and_empty_recordings(tmp_path: Path) -> None:
    assert pyramid(write(tmp_path / "a", [(ACC, noise(31))]), "acc").levels == []
    assert pyramid(Writer(tmp_path / "b", [ACC]).close(), "acc").limits(1) == (0.0, 0.0)
