"""`studio video`: a file comes to a recording and lies where it should."""

import json
import shutil
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.app.actions.video import video
from studio.app.cli import run
from studio.data.project import create
from studio.data.recording import load, write
from studio.data.stream import Stream
from studio.errors import InputError, StudioError
from studio.progress import finish
from tests.ui.videos import clapped, make_video

MIC = Stream("mic", 16000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
START_S = 3.217


@pytest.fixture(scope="module")
def film(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with a clap at 2.5 s and 3.1 s."""
    return make_video(tmp_path_factory.mktemp("film") / "my film.mp4", 150, 25, clapped([2.5, 3.1], 6, 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = create(tmp_path / "p", "P")
    raw = (clapped([2.5 + START_S, 3.1 + START_S], 12, 2) * 32767).astype("<i2")[:, None]
    write(made.recordings_path / "claps-001", [(MIC, raw)])
    return made.path


def test_a_clap_places_the_video(qtbot: QtBot, project: Path, film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["video", str(project), "claps-001", str(film), "--align", "clap", "--json"]
    assert run(words, lambda _: 1) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["start_s"] == pytest.approx(START_S, abs=0.010)
    assert (said["found"], said["seconds"]) == (2, pytest.approx(6, abs=0.05))
    found = load(project / "recordings" / "claps-001")
    assert found.video[0].path(found.path).read_bytes() == film.read_bytes()
    assert found.video[0].file == "video/my film.mp4"


def test_a_second_one_and_a_link(qtbot: QtBot, project: Path, film: Path) -> None:
    finish(video(project, "claps-001", film, "1.5"))
    finish(video(project, "claps-001", film))
    finish(video(project, "claps-001", film, "-2", link=True))
    found = load(project / "recordings" / "claps-001")
    assert [v.file for v in found.video] == ["video/my film.mp4", "video/my film-2.mp4", str(film)]
    assert [v.start_s for v in found.video] == [1.5, 0.0, -2.0]


def test_a_copied_recording_brings_its_video(qtbot: QtBot, project: Path, film: Path, tmp_path: Path) -> None:
    finish(video(project, "claps-001", film))
    shutil.copytree(project / "recordings" / "claps-001", tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert copy.video[0].path(copy.path) == tmp_path / "copy" / "video" / "my film.mp4"
    assert copy.video[0].path(copy.path).is_file()


@pytest.mark.parametrize(
    ("recording", "file", "how", "said"),
    [
        ("nobody", "", "", "is not in the project"),
        ("claps-001", "gone.mp4", "", "there is no such file"),
        ("claps-001", "", "sometimes", "Option --align"),
        ("claps-001", "", "nan", "Option --align"),
    ],
)
def test_what_is_wrong_changes_nothing(
    qtbot: QtBot, project: Path, film: Path, recording: str, file: str, how: str, said: str
) -> None:
    with pytest.raises((InputError, StudioError), match=said):
        finish(video(project, recording, film.with_name(file) if file else film, how))
    assert load(project / "recordings" / "claps-001").video == ()
    assert not (project / "recordings" / "claps-001" / "video").exists()
