"""The benchmark of signal processing counts what the chip would do, and what it counts is right."""

import numpy as np
import pytest

from studio.app.actions import bench_dsp
from studio.app.actions.bench_dsp import alone
from studio.firmware.virtual import emulator_installed
from studio.graph.ops.fir import fir_steps
from studio.graph.ops.signals import Goertzel
from studio.progress import finish


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
def test_each_op_is_counted_on_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"goertzel": ((Goertzel(),), (100, 2)), "twice": ((Goertzel(),), (200, 2))}
    monkeypatch.setattr(bench_dsp, "_ops", lambda: short)
    found = finish(bench_dsp.dsp())
    once, twice = (found["ops"][name] for name in short)
    for core in bench_dsp.BOARDS:
        assert once["equal_here"] and twice["equal_here"]
        assert 1.8 < twice[core]["instructions"] / once[core]["instructions"] < 2.2  # its work is linear
    assert set(found["times_numpy"]) == {"statistics", "spectrum"} and min(found["times_numpy"].values()) > 0


def test_every_chain_is_a_graph() -> None:
    for chain, shape in bench_dsp._ops().values():
        graph = alone(chain, shape)
        assert graph.shapes()[-1] == (len(graph.classes),)
        assert np.isfinite(graph.scores(np.ones((1, *shape), np.float32))).all()


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
def test_a_filter_of_64_taps_is_quicker_by_spectra(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEEDS R075, and what the choice between the two is based on."""
    monkeypatch.setattr(bench_dsp, "BOARDS", ("cortex-m4f",))
    counted = {}
    for name in ("fir_64", "fast_fir_64"):
        chain, shape = bench_dsp._ops()[name]
        counted[name] = bench_dsp._row(chain, shape)["cortex-m4f"]["instructions"]
    assert counted["fast_fir_64"] < 0.8 * counted["fir_64"]
    assert counted["fir_64"] == pytest.approx(fir_steps(64, 1000, 0), rel=0.05)
    assert counted["fast_fir_64"] == pytest.approx(fir_steps(64, 1000, 256), rel=0.05)


def test_public_figures_stand_beside_ours_where_they_are_known() -> None:
    assert set(bench_dsp.CMSIS_DSP) <= set(bench_dsp._ops())
    row = {"cortex-m4f": {"instructions": 2 * bench_dsp.CMSIS_DSP["spectrum"]}}
    assert bench_dsp.beside("spectrum", dict(row))["cmsis_dsp"] == 0.5
    assert bench_dsp.beside("tilt", dict(row)) == row
    assert "cmsis_dsp" not in bench_dsp.beside("spectrum", {"cortex-m4f": "too long"})
