"""Jobs: news and results arrive, errors travel whole, and stop means stop."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from studio.app.jobs import Job, ProcessJob
from studio.errors import TrainError
from studio.progress import Progress, Work, finish


def counting(n: int, pause_s: float = 0.0) -> Work[int]:
    for i in range(n):
        yield Progress(i, n, f"step {i}")
        time.sleep(pause_s)
    return n * n


def failing() -> Work[None]:
    yield Progress(0)
    raise TrainError("Model x", "does not learn", "Record more.")


def crashing() -> Work[None]:
    yield Progress(0)
    raise ZeroDivisionError("a bug")


def dying() -> Work[None]:
    import os

    yield Progress(0)
    os._exit(7)


def wait(job: Any, seconds: float = 60.0) -> list[Progress]:
    news, end = [], time.monotonic() + seconds
    while not job.done:
        news += job.poll()
        assert time.monotonic() < end, "the job does not end"
        time.sleep(0.005)
    return news + job.poll()


@pytest.fixture(params=["thread", "process"])
def start(request: pytest.FixtureRequest) -> Iterator[Any]:
    def thread(function: Any, *args: Any) -> Job:
        return Job("test", function(*args))

    def process(function: Any, *args: Any) -> ProcessJob:
        return ProcessJob("test", f"{function.__module__}:{function.__name__}", args)

    yield thread if request.param == "thread" else process


def test_result_and_news(start: Any) -> None:
    job = start(counting, 4)
    assert [p.text for p in wait(job)] == ["step 0", "step 1", "step 2", "step 3"]
    assert (job.result, job.error, job.stopped) == (16, None, False)


def test_error_keeps_its_three_parts(start: Any) -> None:
    job = start(failing)
    wait(job)
    assert isinstance(job.error, TrainError) and job.error.next_step == "Record more."
    assert job.result is None


def test_bug_is_told_as_a_bug(start: Any) -> None:
    job = start(crashing)
    wait(job)
    assert "a bug" in str(job.error)


def test_stop_ends_it(start: Any) -> None:
    job = start(counting, 100_000, 0.01)
    while not job.poll():
        time.sleep(0.005)
    job.stop()
    wait(job, 20)
    assert job.stopped and job.result is None and job.error is None


def test_a_process_that_dies_is_an_error() -> None:
    job = ProcessJob("test", f"{__name__}:dying")
    wait(job)
    assert "code 7" in str(job.error)


def test_finish_runs_to_the_end() -> None:
    seen: list[Progress] = []
    assert finish(counting(3), seen.append) == 9 and len(seen) == 3
