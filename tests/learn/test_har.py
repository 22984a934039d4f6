"""Real people: the UCI HAR sessions with their official split of subjects (21 to learn from, 9 to judge by)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from studio.data.labels import Labels, Segment
from studio.data.stream import Stream
from studio.learn.candidate import Limits
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset, split, windows
from studio.learn.families.cnn import Cnn
from studio.learn.metrics import metrics
from studio.learn.search import search
from studio.progress import finish
from tests.learn.toys import Tape

TEST_SUBJECTS = {2, 4, 9, 10, 12, 13, 18, 20, 24}
IMU = Stream("imu", 50.0, ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"), "g, rad/s", "f32", 1.0, "imu")
CORTEX_M4F = Limits(flash_bytes=256 * 1024, ram_bytes=64 * 1024, latency_ms=1280.0, clock_hz=64e6)


def tapes(folder: Path) -> list[Tape]:
    """The 61 sessions with the segments of the six basic activities."""
    with np.load(folder / "sessions.npz") as z:
        parts = [z["acc_i16"] * z["acc_scale_g"], z["gyro_i16"] * z["gyro_scale_rad_s"]]
        values, borders, sessions = np.concatenate(parts, axis=1).astype("<f4"), z["session_start"], z["exp"].tolist()
    rows = list(csv.DictReader((folder / "segments.csv").open()))
    found = []
    for i, session in enumerate(sessions):
        own = [r for r in rows if int(r["exp"]) == session]
        segments = [
            Segment(int(r["start"]) / 50, int(r["end_exclusive"]) / 50, r["activity"])
            for r in own
            if "_TO_" not in r["activity"]
        ]
        user = int(own[0]["user"])
        labels, side = {"labels": Labels(tuple(segments))}, "test" if user in TEST_SUBJECTS else "train"
        samples = values[borders[i] : borders[i + 1]]
        found.append(Tape(f"exp{session:02}", samples, labels, str(user), side, streams=(IMU,)))
    return found


@pytest.fixture(scope="module")
def sides(shared: Path) -> tuple[Dataset, Dataset]:
    data = windows(tapes(shared / "data" / "har_uci_hapt"), "imu", 128, 64)
    parts = split(data, 0)
    assert parts.by == "given" and parts.groups_disjoint
    return data.take(parts.train), data.take(parts.test)


def test_the_windows_are_those_of_the_official_list(sides: tuple[Dataset, Dataset], shared: Path) -> None:
    rows = csv.DictReader((shared / "data" / "har_uci_hapt" / "windows_128_64.csv").open())
    official = {
        (f"exp{int(r['exp']):02}", int(r["start"]), r["activity"], r["split"])
        for r in rows
        if "_TO_" not in r["activity"]
    }
    ours = set()
    for data in sides:
        names = [data.classes[i] for i in data.y]
        ours |= set(zip(data.recording.tolist(), data.start.tolist(), names, data.split.tolist(), strict=True))
    assert ours == official and len(sides[0]) == 7415 and len(sides[1]) == 2996
    assert {int(s) for s in sides[1].subject.tolist()} == TEST_SUBJECTS


@pytest.mark.slow
def test_a_forest_that_fits_a_cortex_m4f_knows_what_strangers_do(sides: tuple[Dataset, Dataset]) -> None:
    learn, told = sides
    found = finish(search(learn, CORTEX_M4F, ("forest",), 4, 10.0, 0, estimate))
    best = found.best
    judged = metrics(told.y, best.graph.decide(best.graph.scores(told.x)), told.classes)
    assert judged["n_windows"] == 2996
    assert judged["accuracy"] >= 0.945 and judged["macro_f1"] >= 0.94
    assert not CORTEX_M4F.violated(best.cost) and best.cost.flash_bytes < 180 * 1024


@pytest.mark.slow
def test_a_network_in_int8_knows_it_nearly_as_well(sides: tuple[Dataset, Dataset]) -> None:
    learn, told = sides
    graph = finish(Cnn(epochs=15, hold_out=False).fit(learn, 0))
    judged = metrics(told.y, graph.decide(graph.scores(told.x)), told.classes)
    assert judged["accuracy"] >= 0.91
    assert not CORTEX_M4F.violated(estimate(graph))
