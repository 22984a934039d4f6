"""The drawing benchmarks draw what they say; figures are for people, not for tests."""

import pytest
from PySide6 import QtWidgets

from studio.ui import bench


@pytest.mark.usefixtures("own_home")
def test_a_long_recording_is_opened_moved_and_zoomed(
    qapp: QtWidgets.QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "FRAMES", 3)
    found = bench.plot(2 / 60)
    assert set(found["frames"]) == {"zoom", "pan_day", "pan_hour", "pan_minute", "pan_second"}
    assert found["raw_mb"] == 2 and found["open_s"] > 0 and found["worst_frames_per_s"] > 0


def test_live_traces_are_drawn(qapp: QtWidgets.QApplication) -> None:
    assert bench.live(0.2)["frames"]["live"]["cpu_ms"] > 0
