"""The table of what each stage costs."""

import re

from studio.firmware.board import boards
from studio.firmware.layers import layers, memory
from studio.firmware.render import source
from tests.firmware.firmwares import graph

BOARD = boards()["cortex-m4f"]


def test_tables_and_outputs_are_those_of_the_generated_c() -> None:
    rows = layers(graph("cnn"), BOARD, {"logits": 6400})
    text = source(graph("cnn"))
    sizes = {"float": 4, "int32_t": 4, "int8_t": 1}
    declared = re.findall(r"^static const (?:_Alignas\(4\) )?(\w+) \w+\[(\d+)\]", text, re.M)
    assert sum(row["flash_bytes"] for row in rows) == sum(sizes[t] * int(n) for t, n in declared)
    assert [row["name"] for row in rows] == [n.name for n in graph("cnn").nodes]
    logits = next(row for row in rows if row["name"] == "logits")
    assert (logits["instructions"], logits["ms"]) == (6400, 1000 * 6400 / BOARD.clock_hz)
    assert logits["output_bytes"] == 3 and rows[0]["instructions"] is None and rows[0]["ms"] is None


def test_the_peak_is_where_the_arena_is_full() -> None:
    rows, held = layers(graph("cnn"), BOARD, {}), memory(graph("cnn"))
    assert any(row["peak"] for row in rows)
    assert max(row["arena_bytes"] for row in rows) <= held["arena_bytes"] and held["window_bytes"] == 64 * 3 * 4
    assert held["arena_least_bytes"] <= held["arena_bytes"]


def test_rows_are_told_from_windows() -> None:
    rows = layers(graph("rows"), BOARD, {})
    assert [row["runs"] for row in rows] == ["row"] * 2 + ["window"] * (len(rows) - 2)
    assert rows[0]["shape"] == [1, 12] and memory(graph("rows"))["window_bytes"] == 7 * 12 + 12 + 16 * 3 * 4
