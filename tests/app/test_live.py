"""A live connection: it records, says what went wrong, and a full disk ends the recording, not the view."""

import errno
import time
from pathlib import Path

import pytest

from studio.app.actions.record import record
from studio.app.live import Connection
from studio.data.project import create, open_project, recordings
from studio.data.raw import StreamFile
from studio.errors import DataError, InputError, LinkError
from studio.progress import finish

pytestmark = pytest.mark.usefixtures("own_home")
URL = "virtual:host?speed=10"


def test_records_from_the_first_sample_and_labels_all_of_it(tmp_path: Path) -> None:
    create(tmp_path / "p", "P")
    result = finish(record(tmp_path / "p", URL, 5.0, "wave", "ann", ("accelerometer",)))
    (found,) = recordings(open_project(tmp_path / "p"))
    (stream,) = result["streams"]
    assert stream["n_samples"] == found.n_samples["accelerometer"] >= 500
    assert stream["lost_samples"] == 0 and result["link"]["bytes"] > 3000
    assert found.subject == "ann" and found.device["board"] == "host" and len(found.device["build_hash"]) == 32
    (segment,) = found.labels["labels"].segments
    assert (segment.start_s, segment.stop_s, segment.label) == (0.0, found.duration_s, "wave")


def test_lost_frames_become_gaps(tmp_path: Path) -> None:
    create(tmp_path / "p", "P")
    result = finish(record(tmp_path / "p", f"{URL}&fault=drop:0.1", 20.0, streams=("accelerometer",)))
    (stream,) = result["streams"]
    assert stream["lost_samples"] == sum(n for _, n in stream["gaps"]) > 50
    assert all(start % 5 == 0 and n % 5 == 0 for start, n in stream["gaps"])  # whole frames of five rows
    (found,) = recordings(open_project(tmp_path / "p"))
    values = found.values("accelerometer")
    for start, n in stream["gaps"]:
        assert (values[start : start + n] != values[start : start + n]).all()


def test_a_cut_link_keeps_what_came(tmp_path: Path) -> None:
    create(tmp_path / "p", "P")
    with pytest.raises(LinkError):
        finish(record(tmp_path / "p", f"{URL}&fault=cut:0.7", 60.0))
    (found,) = recordings(open_project(tmp_path / "p"))
    assert found.n_samples["accelerometer"] > 100


def test_a_full_disk_ends_the_recording_not_the_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create(tmp_path / "p", "P")
    connection = Connection(URL).wait()
    connection.start_recording(project)
    wait_for(lambda: connection.recording_s > 0.5)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StreamFile, "append", full)
    wait_for(lambda: connection.recording_error is not None)
    assert isinstance(connection.recording_error, DataError)
    monkeypatch.undo()
    before = connection.rings["accelerometer"].end
    wait_for(lambda: connection.rings["accelerometer"].end > before)
    assert connection.state == "streaming"
    assert connection.stop_recording().n_samples["accelerometer"] > 100
    connection.close()


def test_an_unknown_stream_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="accelerometer, microphone"):
        Connection(URL, ("heart",)).wait()


def wait_for(condition: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)
