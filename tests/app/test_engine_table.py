"""The tables of `studio bench engine`."""

from typing import Any

from studio.app.actions.engine_table import engine_table
from studio.firmware.cores import CORES

M4: dict[str, Any] = {
    "flash_bytes": 1000, "ram_bytes": 200, "instructions": 5000, "arena_bytes": 96, "arena_least_bytes": 88,
    "stack_bytes": 60, "stack_bound_bytes": 64, "exact": True, "stages": {"conv": 1000000, "odd": 7},
    "tflm_cmsis_nn": [3.0, 2.5, 2.0],
}  # fmt: skip
M0 = M4 | {"instructions": 31000, "exact": False, "stages": {"conv": 6000000}, "modelled_cycles_cmsis_nn": 70000}
COUNTED = {"cortex-m55": {"instructions": 1234567, "exact": True}, "rv32imc": {"instructions": 9, "exact": False}}


def lines(found: dict[str, Any]) -> list[list[str]]:
    return [line.split() for line in engine_table(found).splitlines()]


def test_every_figure_stands_in_its_table() -> None:
    cores = COUNTED | {"cortex-m0": {"instructions": None, "exact": None, "why": "too large"}, "vectors": 5.5}
    boards = {"cortex-m4f": M4, "cortex-m0plus": M0, "cores": cores, "equals_litert": True}
    shown = lines({"models": {"kws_ref_model": boards}, "note": ""})
    assert ["kws_ref_model", "ours", "1000", "200", "5000", "yes"] in shown
    assert ["TFLM", "+", "CMSIS-NN", "3000", "3.0", "500", "2.5", "10000", "2.0"] in shown
    assert ["kws_ref_model", "1000", "200", "31000", "70000", "NO"] in shown
    assert [*CORES["cortex-m55"].title.split(), "1", "234", "567"] in shown and ["Cortex-M0", "too", "large"] in shown
    assert [*CORES["rv32imc"].title.split(), "9", "DIFFERS"] in shown and shown.count(["Cortex-M3", "-"]) == 0
    assert ["M55:", "plain", "C", "/", "vectors", "5.50"] in shown
    assert ["kws_ref_model", "cortex-m4f", "96", "88", "60", "64"] in shown
    assert ["conv", "1000000", "1118380", "1.12", "6000000"] in shown and ["odd", "7", "-", "-", "-"] in shown


def test_what_is_not_known_is_left_out() -> None:
    text = engine_table({"models": {"other": {"cortex-m4f": M4, "cortex-m0plus": M0}}, "note": ""})
    assert "Layers of" not in text and "Trees" not in text and "QEMU" not in text
