"""A model card: what a model learned from, how good it is, what it costs, and where its word ends.

Reference: M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019 (arXiv 1810.03993).
"""

from collections.abc import Iterator
from typing import Any

from studio.app.models import Model
from studio.app.telling import by_label, sentence
from studio.firmware.board import Board


def card(model: Model, board: Board, cost: dict[str, Any]) -> str:
    """Markdown. Nothing in it depends on when or where it is written."""
    parts = (_what(model, board), _data(model), _test(model), _cost(cost, board), _limits(model, board))
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _what(model: Model, board: Board) -> Iterator[str]:
    graph, stream = model.graph, model.stream
    unit = f", {stream.unit}" if stream.unit else ""
    yield f"# Model card: {model.id}\n"
    yield f"- Family: {model.family}, {len(graph.nodes)} stages; made {model.created or 'at an unknown time'}"
    yield f"- Listens to: {stream.name} ({', '.join(graph.channels)}{unit}) at {graph.rate_hz:g} samples per second"
    yield f"- Window: {graph.length} samples, a new one every {graph.stride}"
    yield from _told(model)
    decision = graph.decision.words() if graph.decision else "the greatest score of each window alone"
    yield f"- Decision along time: {decision}"
    yield f"- Board: {board.title} ({board.id})"


def _told(model: Model) -> Iterator[str]:
    graph, lock = model.graph, model.lock
    if lock.get("task") == "number":
        yield f"- Tells: a number{' in ' + lock['unit'] if lock.get('unit') else ''}"
        return
    each = " each, several at once;" if lock.get("task") == "several" else ";"
    yield f"- Classes: {', '.join(graph.classes)}{each} no answer below a score of {graph.threshold:g}"


def _data(model: Model) -> Iterator[str]:
    lock = model.lock
    yield "## Data and split\n"
    if not lock.get("data_sha256"):
        yield "Not known: the model was not trained by this studio."
        return
    apart = "no group is in both parts" if lock.get("groups_disjoint") else "PARTS OF ONE RECORDING ARE IN BOTH"
    yield f"- SHA-256 of the windows and labels: `{lock['data_sha256']}`"
    yield f"- Split by {lock.get('split_by', '?')}: {apart}"
    for part, words in (("train", "Learned from"), ("test", "Tested on")):
        if counts := lock.get("parts", {}).get(part):
            people = f" of {counts['people']} people" if counts["people"] else ""
            yield f"- {words}: {counts['windows']} windows in {counts['recordings']} recordings{people}"
    yield f"- Recordings tested on: {', '.join(lock.get('test_recordings', ())) or 'parts of those trained on'}"
    yield f"- Seed: {lock.get('seed', '?')}"
    yield from (f"- {name}: {version}" for name, version in lock.get("tools", {}).items())


def _test(model: Model) -> Iterator[str]:
    test = model.test
    yield "## Test, computed by the generated C\n"
    if "accuracy" not in test:
        yield "None."
        return
    counted = f"Accuracy {test['accuracy']:.4f}, macro F1 {test['macro_f1']:.4f} on {test['n_windows']} windows.\n"
    yield f"{told}.\n" if (told := sentence(test)) else counted
    if looks := model.lock.get("test_looks"):
        yield f"The test part was looked at {looks} times in this project; each look makes it less independent.\n"
    events = test.get("events") or {}
    if events.get("recall") is not None:
        alarms = events.get("false_alarms_per_hour")
        said = "" if alarms is None else f", {alarms:.1f} false alarms per hour"
        yield f"Events: {events['recall']:.3f} found{said}.\n"
    yield "| class | precision | recall | F1 | windows |\n|---|---|---|---|---|"
    for name, row in by_label(test).items():
        figures = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        yield f"| {name} | {figures} | {row['support']} |"


def _cost(cost: dict[str, Any], board: Board) -> Iterator[str]:
    yield "## Size and speed\n"
    yield f"- Flash: {cost['flash_bytes']} of {board.app_bytes} bytes"
    yield f"- RAM: {cost['ram_bytes']} of {board.ram_bytes} bytes, and {cost['stack_bytes']} of stack"
    yield f"- One answer: {cost['instructions_per_inference']} instructions, {cost['latency_ms']:g} ms at"
    yield f"  {board.clock_hz / 1e6:g} MHz ({cost['source']}; a chip may need several cycles for an instruction)"


def _never_shown(task: str) -> Iterator[str]:
    if task == "number":
        yield "- Numbers beyond those that were recorded are not known: the value stays near the nearest of them."
        return
    yield "- Whatever the sensor shows, one of the classes above gets the greatest score: there is no class for"
    yield "  the rest unless it was labelled. A threshold turns low scores into no decision."


def _limits(model: Model, board: Board) -> Iterator[str]:
    settings = model.lock.get("settings", {})
    asked = [
        f"{key} {settings[key]:g}" for key in ("max_ram_kb", "max_flash_kb", "max_latency_ms") if settings.get(key)
    ]
    yield "## Limits\n"
    yield f"- Searched under: {', '.join(asked) or 'the limits of the board'}"
    yield from _never_shown(model.lock.get("task", "classes"))
    yield "- Another sensor, mounting, scale or sample rate than the one recorded is another task: record it and test."
    if not board.tried_on_hardware:
        yield f"- {board.title}: built and modelled, not tried on hardware."
