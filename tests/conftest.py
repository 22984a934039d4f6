"""Fixtures for all rooms."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy computer is no reason to fail: nothing here is judged by the wall clock. CI tries the same examples each time,
# so that what it says is about the change; everybody else's runs go on looking for new ones.
settings.register_profile(
    "studio",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("studio")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the repository; a user's clone does not have it."""
    path = Path(os.environ.get("SENSORSMITH_SHARED", ROOT.parent / "shared"))
    if not path.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing; CI must not skip the tests on real data.")
        pytest.skip(f"needs the real recordings in {path}, which do not travel with the repository")
    return path


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private SENSORSMITH_HOME (own virtual boards) that still shares the compiler's cache."""
    from studio.paths import home

    shared_home = home()
    for name in ("zig", "kernels"):
        (shared_home / name).mkdir(exist_ok=True)
    path = tmp_path / "home"
    path.mkdir()
    for name in ("zig", "kernels"):
        (path / name).symlink_to(shared_home / name, target_is_directory=True)
    monkeypatch.setenv("SENSORSMITH_HOME", str(path))
    yield path
