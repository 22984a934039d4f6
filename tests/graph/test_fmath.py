"""Our own elementary functions against numpy in double; the bounds are those that the header's users rely on."""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from studio.graph.host import EXPORT, compile_shared, sources
from studio.paths import STUBS

NAMES = ("f_log", "f_exp", "f_sin", "f_cos", "f_tanh", "f_sqrt")
DOOR = (
    '#include "fmath.h"\n'
    + EXPORT
    + "".join(
        f"API void many_{n}(int64_t n, const float *x, float *y)"
        f" {{ for (int64_t i = 0; i < n; i++) y[i] = {n}(x[i]); }}\n"
        for n in NAMES
    )
)


@pytest.fixture(scope="module")
def run() -> Callable[[str, np.ndarray], np.ndarray]:
    library = ctypes.CDLL(str(compile_shared("fmath", sources(), {"door.c": DOOR}, [STUBS / "kernels"])))

    def run(name: str, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float32)
        y = np.zeros_like(x)
        getattr(library, f"many_{name}")(ctypes.c_int64(len(x)), *(ctypes.c_void_p(a.ctypes.data) for a in (x, y)))
        return y

    return run


def ulps(got: np.ndarray, want: np.ndarray) -> float:
    return float((np.abs(got.astype(float) - want) / np.spacing(np.abs(want.astype(np.float32)))).max())


@pytest.mark.parametrize(
    ("name", "oracle", "low", "high", "bound"),
    [
        ("f_log", np.log, 1e-30, 1e30, 1.0),
        ("f_log", np.log, 0.5, 2.0, 1.0),
        ("f_exp", np.exp, -87.0, 88.7, 1.0),
        ("f_sqrt", np.sqrt, 0.0, 1e30, 0.5),
        ("f_tanh", np.tanh, -10.0, 10.0, 2.5),
    ],
)
def test_relative_accuracy(run, name, oracle, low, high, bound) -> None:  # type: ignore[no-untyped-def]
    x = np.linspace(low, high, 200001).astype(np.float32)
    x = np.concatenate([x, np.geomspace(low, high, 100001).astype(np.float32)]) if low > 0 else x
    assert ulps(run(name, x), oracle(x.astype(float))) <= bound


@pytest.mark.parametrize(("name", "oracle"), [("f_sin", np.sin), ("f_cos", np.cos)])
def test_sine_and_cosine(run, name, oracle) -> None:  # type: ignore[no-untyped-def]
    x = np.linspace(-8192, 8192, 300001).astype(np.float32)
    assert np.abs(run(name, x) - oracle(x.astype(float))).max() < 1.3e-7
    small = np.linspace(-3, 3, 100001).astype(np.float32)
    assert np.abs(run(name, small) - oracle(small.astype(float))).max() < 1e-7


def test_edges_are_defined(run) -> None:  # type: ignore[no-untyped-def]
    huge = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38], np.float32)
    for name in ("f_sin", "f_cos", "f_tanh"):
        values = run(name, huge[[0, 1, 3, 4]])
        assert (np.abs(values) <= 1).all()
    assert np.isfinite(run("f_exp", huge)).all()
    assert run("f_exp", huge)[1] == 0 and run("f_exp", huge)[0] > 3.3e38
    np.testing.assert_array_equal(run("f_log", np.array([0, -1, 1e-40], np.float32)), np.float32(-87.33655))
    assert run("f_exp", np.zeros(1))[0] == 1 and run("f_log", np.ones(1))[0] == 0 and run("f_sin", np.zeros(1))[0] == 0


def test_angles_of_points_all_around() -> None:
    rng = np.random.default_rng(0)
    turn = np.concatenate([np.linspace(-np.pi, np.pi, 4001), np.arange(-8, 9) * np.pi / 8])
    x, y = (f(turn) * np.exp(rng.uniform(-9, 9, len(turn))) for f in (np.cos, np.sin))
    x, y = x.astype(np.float32), y.astype(np.float32)
    door = EXPORT + '#include "fmath.h"\nAPI void angles(int64_t n, const float *y, const float *x, float *z)'
    door += " { for (int64_t i = 0; i < n; i++) z[i] = f_atan2(y[i], x[i]); }\n"
    library = ctypes.CDLL(str(compile_shared("angles", sources(), {"door.c": door}, [STUBS / "kernels"])))
    z = np.zeros_like(x)
    library.angles(ctypes.c_int64(len(x)), *(ctypes.c_void_p(a.ctypes.data) for a in (y, x, z)))
    assert np.abs(z - np.arctan2(y.astype(float), x.astype(float))).max() < 4e-7
