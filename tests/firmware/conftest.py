"""Boards to try things on. One private home for the whole session: boot loaders are built once."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from studio.data.talk import Talk
from studio.firmware.board import boards
from studio.firmware.supplies import supplies
from studio.firmware.virtual import SensorFile, VirtualBoard, playable
from studio.paths import home
from studio.sources import open_link
from tests.firmware.silicon.bosch import made_up

Started = Callable[..., AbstractContextManager[Talk]]


@pytest.fixture(scope="session")
def bench_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that shares the compiler's cache with the user's."""
    path = tmp_path_factory.mktemp("home")
    for name in ("zig", "kernels"):
        (home() / name).mkdir(exist_ok=True)
        (path / name).symlink_to(home() / name, target_is_directory=True)
    for supply in supplies().values():  # nobody's: what it is is the part's business, which is modelled
        (path / "parts").mkdir(exist_ok=True)
        (path / "parts" / f"{supply.driver}.bin").write_bytes(made_up(supply.n_bytes))
    return path


@pytest.fixture(autouse=True)
def own_boards(bench_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the boards of whoever runs it."""
    monkeypatch.setenv("SENSORSMITH_HOME", str(bench_home))


@pytest.fixture
def start(tmp_path: Path) -> Started:
    """`with start("host") as talk`: a board with a flash of its own (kept within the test), and a link to it."""

    @contextmanager
    def started(
        board_id: str, sensors: tuple[SensorFile, ...] = (), speed: float = 0.0, flash: Path | None = None
    ) -> Iterator[Talk]:
        if not playable(boards()[board_id]):
            if os.environ.get("CI"):
                pytest.fail("the emulator is missing; CI must not skip the chips")
            pytest.skip("needs the emulator: pip install unicorn==2.1.4")
        with VirtualBoard(board_id, sensors, flash or tmp_path / f"{board_id}.flash", speed) as board:
            talk = Talk(open_link(board.url))
            try:
                yield talk
            finally:
                talk.close()

    return started
