"""The fresh machine: what is asked for, what is missing, and what is said when it may not be installed."""

import sys
from pathlib import Path

import pytest

from studio import environment


def test_the_pinned_set_is_read_from_pyproject() -> None:
    wanted = environment.requirements(("emulator",))
    assert "torch==2.13.0" in wanted and "ziglang==0.16.0" in wanted and "unicorn==2.1.4" in wanted
    assert not any(w.startswith("pytest") for w in wanted)
    assert any(w.startswith("pytest") for w in environment.requirements(("test",)))


@pytest.mark.parametrize(("version", "qt"), [((3, 11), "6.11.3"), ((3, 12), "6.12.*")])
def test_markers_choose_qt(version: tuple[int, int], qt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    found = [w for w in environment.requirements(()) if w.startswith("PySide6")]
    assert [w.split(";")[0] for w in found] == [f"PySide6-Essentials=={qt}"]


def test_missing_names_absent_and_wrong_versions() -> None:
    wanted = ["numpy>=1", "no-such-thing-at-all", "numpy==0.1", "cobs"]
    assert environment.missing(wanted) == ["no-such-thing-at-all", "numpy==0.1"]


def test_everything_is_there_so_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "system_libraries", lambda for_tests: None)
    monkeypatch.setattr(environment, "restart", lambda python: pytest.fail("must not restart"))
    environment.ensure(for_tests=False)


def test_without_rights_the_line_to_type_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "_rights", lambda: None)
    environment.apt(["libegl1"], "Qt", must=False)
    assert "sudo apt-get install -y --no-install-recommends libegl1" in capsys.readouterr().err
    with pytest.raises(environment.NotReady, match="libegl1"):
        environment.apt(["libegl1"], "Qt", must=True)


def test_a_failed_pip_says_why(tmp_path: Path) -> None:
    with pytest.raises(environment.NotReady, match="could not install"):
        environment.install(Path(sys.executable), ["no-such-thing-at-all==1", "--no-index"], tmp_path)
    assert not (tmp_path / environment.DONE).exists()
