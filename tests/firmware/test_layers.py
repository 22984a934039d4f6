"""The table of what each stage costs."""

import re

from studio.firmware.board import boards
from studio.firmware.energy import Supply
from studio.firmware.layers import layers, memory
from studio.firmware.render import source
from tests.firmware.firmwares import graph

BOARD = boards()["cortex-m4f"]


def test_tables_and_outputs_are_those_of_the_generated_c() -> None:
    rows = layers(graph("cnn"), BOARD, {"logits": 6400})
    text = source(graph("cnn"))
    sizes = {"float": 4, "int32_t": 4, "int16_t": 2, "uint16_t": 2, "int8_t": 1, "uint8_t": 1}
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


def test_the_blocks_of_the_picture_fill_the_arena_and_share_no_byte() -> None:
    for family in ("cnn", "forest", "rows"):
        rows, held = layers(graph(family), BOARD, {}), memory(graph(family))
        blocks = held["blocks"]
        assert max(b["offset"] + b["n_bytes"] for b in blocks) in range(
            held["arena_bytes"] - 7, held["arena_bytes"] + 1
        )
        assert all(0 <= b["first"] <= b["last"] < len(rows) for b in blocks)
        fullest = max(rows, key=lambda row: row["arena_bytes"])
        assert fullest["peak"]
        at = rows.index(fullest)
        live = [b for b in blocks if b["first"] <= at <= b["last"]]
        covered = {byte for b in live for byte in range(b["offset"], b["offset"] + b["n_bytes"])}
        assert len(covered) == fullest["arena_bytes"] or fullest["runs"] == "row"


def test_a_battery_lasts_as_the_formula_says() -> None:
    """2300 mAh; 12 mA for a tenth of the time, 0.2 mA else: 1.38 mA in the mean, 69.4 days."""
    supply = Supply(2300, 12.0, 0.2)
    assert round(supply.mean_ma(0.1), 9) == 1.38 and round(supply.days(0.1), 3) == 69.444
    assert supply.days(1.0) < supply.days(0.5) < supply.days(0.0) == 2300 / 0.2 / 24
    assert round(supply.answer_mj(10.0), 6) == 0.354
