"""Live scores and decisions from a board."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from studio.app.live import Connection
from studio.app.telling import value_text
from studio.data.labels import Labels
from studio.data.stream import Ring
from studio.data.wire import FAULT, BoardModel
from studio.errors import LinkError
from studio.learn.meaning.tasks import VALUE
from studio.progress import Progress, Work


def monitor(url: str, seconds: float = 0.0, truth: Labels | None = None) -> Work[dict[str, Any]]:
    """Watch a board's answers for `seconds` of its time (0: until stopped); returns the `live` result.

    Each Progress carries the answer: time_s, label (of the greatest score), scores, and what the board tells along
    time as "told" (None: nothing). With `truth` (labels of what the sensor shows, from the
    board's first sample on), `accuracy` is the share of windows wholly inside one label that got that label.
    """
    connection = Connection(url)
    try:
        model = _model_of(connection.wait())
        answers: list[tuple[float, int]] = []
        yield Progress(0, seconds, f"listening to {url}")
        for time_s, scores, decided in _answers(connection, model, seconds):
            best = int(np.argmax(scores))
            answers.append((time_s, best))
            told = model.classes[decided] if decided >= 0 else None
            text = f"{time_s:8.2f} s  {told or '-'}  ({model.classes[best]} {scores[best]:.2f})"
            if model.classes == (VALUE,):
                text = f"{time_s:8.2f} s  {value_text(scores[0])}"
            data = _told(model, time_s, scores) | {"told": told}
            yield Progress(min(time_s, seconds or time_s), seconds, text, data)
    finally:
        connection.close()
    return {"decisions": len(answers), "accuracy": _accuracy(answers, model, truth, connection)}


def _model_of(connection: Connection) -> BoardModel:
    hello = connection.hello
    if hello is None or hello.model is None:
        raise LinkError(connection.url, "its firmware holds no model", "Build one and flash it first.")
    return hello.model


def _told(model: BoardModel, time_s: float, scores: np.ndarray[Any, Any]) -> dict[str, Any]:
    named = {c: round(float(s), 4) for c, s in zip(model.classes, scores, strict=True)}
    return {"time_s": round(time_s, 3), "label": model.classes[int(np.argmax(scores))], "scores": named}


def _ring(connection: Connection, id: int) -> Ring:
    stream = connection.hello.channels.get(id) if connection.hello else None
    if stream is None:
        raise LinkError(connection.url, "names a model but not its streams", "Flash the board again.")
    return connection.rings[stream.name]


def _answers(
    connection: Connection, model: BoardModel, seconds: float
) -> Iterator[tuple[float, np.ndarray[Any, Any], int]]:
    """(time the window ends, scores, decision) of each answer, until `seconds` of the board's time have passed."""
    ring, rate_hz = _ring(connection, model.scores_id), _ring(connection, model.input_id).stream.rate_hz
    decisions = _ring(connection, model.decision_id)
    seen = 0
    while True:
        start, rows = ring.since(seen)
        rows = rows[: max(0, decisions.end - start)]  # an answer's decision comes just after its scores
        for i, row in enumerate(rows):
            time_s = (model.length + (start + i) * model.stride) / rate_hz
            if seconds and time_s > seconds:
                return
            if not np.isnan(row).any():
                yield time_s, row, _decision(decisions, start + i)
            elif _at_fault(connection, model, start + i):
                raise _fault(connection)
        seen = start + len(rows)
        if connection.error is not None:
            raise connection.error
        time.sleep(0.01)


def _decision(ring: Ring, answer: int) -> int:
    """What was decided for an answer; -1 for nothing, or where it was lost on the way."""
    start, rows = ring.since(answer)
    known = start == answer and len(rows) > 0 and np.isfinite(rows[0, 0])
    return int(rows[0, 0]) if known else -1


def _at_fault(connection: Connection, model: BoardModel, answer: int) -> bool:
    """Whether the board withheld this answer, rather than that it was lost on the way."""
    start, decisions = _ring(connection, model.decision_id).since(answer)
    return start == answer and len(decisions) > 0 and decisions[0, 0] == FAULT


def _fault(connection: Connection) -> LinkError:
    seen = "withholds its answers: its sensor is more than 5 % off the rate that the model was trained for"
    return LinkError(connection.url, seen, "Record with this board and train again, or mend its sensor's clock.")


def _accuracy(
    answers: list[tuple[float, int]], model: BoardModel, truth: Labels | None, connection: Connection
) -> float | None:
    if truth is None or model.classes == (VALUE,):
        return None
    length_s = model.length / _ring(connection, model.input_id).stream.rate_hz
    pairs = [(truth.covering(t - length_s, t), model.classes[k]) for t, k in answers]
    judged = [(a, b) for a, b in pairs if a is not None]
    return round(sum(a == b for a, b in judged) / len(judged), 4) if judged else None
