"""A recording says which videos belong to it, and they travel with its folder."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from studio.data.recording import load, save, write
from studio.data.video import VideoTrack
from studio.errors import DataError
from tests.data.board import ACCEL
from tests.data.test_recording import rows


def test_a_recording_keeps_its_videos(tmp_path: Path) -> None:
    made = write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    assert "video" not in json.loads((tmp_path / "r" / "recording.json").read_text())
    tracks = (VideoTrack("video/a.mp4", -1.25, 1.0001, "a"), VideoTrack("/elsewhere/b.mov"))
    save(replace(made, video=tracks))
    assert load(tmp_path / "r").video == tracks


def test_a_moved_recording_finds_its_video(tmp_path: Path) -> None:
    made = write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    (tmp_path / "r" / "video").mkdir()
    (tmp_path / "r" / "video" / "a.mp4").write_bytes(b"frames")
    save(replace(made, video=(VideoTrack("video/a.mp4"),)))
    shutil.move(tmp_path / "r", tmp_path / "elsewhere")
    moved = load(tmp_path / "elsewhere")
    assert moved.video[0].path(moved.path).read_bytes() == b"frames"


def test_a_missing_video_is_not_fatal(tmp_path: Path) -> None:
    made = write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    save(replace(made, video=(VideoTrack("video/gone.mp4"),)))
    assert load(tmp_path / "r").video[0].file == "video/gone.mp4"


@pytest.mark.parametrize("bad", [3, [{"start_s": 1}], [{"file": "a", "start_s": "x"}], [{"file": "a", "rate": -1}]])
def test_a_broken_video_key_is_said(tmp_path: Path, bad: object) -> None:
    write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    file = tmp_path / "r" / "recording.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"video": bad}))
    with pytest.raises(DataError, match=r"recording\.json"):
        load(tmp_path / "r")
