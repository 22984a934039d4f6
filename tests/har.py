"""The UCI HAR sessions (`har_uci_hapt`) as a dataset to import: continuous recordings, segments, official split."""

import csv
import json
from pathlib import Path

import numpy as np

RATE_HZ = 50
CHANNELS = ["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"]
TEST_USERS = {2, 4, 9, 10, 12, 13, 18, 20, 24}


def dataset(shared: Path, folder: Path) -> Path:
    """Write `manifest.json` and its files into `folder`; the six basic activities are labelled."""
    source = shared / "data" / "har_uci_hapt"
    with np.load(source / "sessions.npz") as z:
        acc, gyro = z["acc_i16"] * z["acc_scale_g"], z["gyro_i16"] * z["gyro_scale_rad_s"]
        edges, experiments, users = z["session_start"], z["exp"], z["user"]
    samples = np.concatenate([acc, gyro], axis=1).astype(np.float32)
    with open(source / "segments.csv", newline="") as file:
        segments = [s for s in csv.DictReader(file) if "_TO_" not in s["activity"]]
    folder.mkdir(parents=True, exist_ok=True)
    recordings = []
    for start, end, experiment, user in zip(edges[:-1], edges[1:], experiments, users, strict=True):
        name = f"exp{experiment:02d}"
        np.save(folder / f"{name}.npy", samples[start:end])
        rows = [
            f"{_s(s['start'])},{_s(s['end_exclusive'])},{s['activity']}"
            for s in segments
            if int(s["exp"]) == experiment
        ]
        (folder / f"{name}.labels.csv").write_text("\n".join(["start_s,stop_s,label", *rows]) + "\n")
        split = "test" if int(user) in TEST_USERS else "train"
        entry = {"file": f"{name}.npy", "labels": f"{name}.labels.csv", "subject": str(user), "split": split}
        recordings.append(entry | {"rate_hz": RATE_HZ, "channels": CHANNELS, "unit": "g, rad/s"})
    (folder / "manifest.json").write_text(json.dumps({"name": "imu", "recordings": recordings}))
    return folder


def _s(sample: str) -> float:
    return int(sample) / RATE_HZ
