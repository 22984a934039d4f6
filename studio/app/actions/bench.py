"""The studio's own benchmarks: figures measured on this computer, now."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from studio.app.actions.bench_ble import ble
from studio.app.actions.bench_dsp import dsp
from studio.app.actions.bench_engine import engine
from studio.app.actions.bench_flash import flash_bench
from studio.app.actions.bench_plug import plug
from studio.app.actions.bench_trees import trees
from studio.app.actions.decode import decode
from studio.app.actions.load import load
from studio.app.actions.protocols import protocols
from studio.app.live import Connection
from studio.errors import InputError, StudioError
from studio.firmware.board import boards
from studio.firmware.virtual import playable
from studio.progress import Progress, Work

STREAM_SECONDS = 6.0
#: What a board sends with an accelerometer at 1.6 kHz and a microphone at 16 kHz: the load a link must carry.
NEEDED_KB_S = 42.0
STARTS = 5


def bench(name: str, minutes: float = 1.0) -> Work[dict[str, Any]]:
    """Run one benchmark, the load test for `minutes` a load; InputError names the known ones."""
    if name == "load":
        return load(minutes)
    if name not in BENCHES:
        raise InputError(f"Benchmark {name!r}", "is not known", f"Choose one of {', '.join(BENCHES)} or load.")
    return BENCHES[name]()


def stream() -> Work[dict[str, Any]]:
    """Bytes per second from firmware to ring on each virtual board, at its own pace and flat out; decoding alone."""
    decoded = yield from decode()
    found: dict[str, Any] = {}
    known = [b.id for b in boards().values() if playable(b)]
    for i, board in enumerate(known):
        yield Progress(i, len(known), board)
        paced, flat = _streamed(f"virtual:{board}"), _streamed(f"virtual:{board}?speed=0")
        found[board] = {
            "paced_kb_s": paced["kb_s"],
            "paced_lost": paced["lost"],
            "most_kb_s": flat["kb_s"],
            "times_needed": round(flat["kb_s"] / NEEDED_KB_S, 2),
            "bad_packets": paced["bad_packets"] + flat["bad_packets"],
        }
    return {"boards": found, "needed_kb_s": NEEDED_KB_S, "decode": decoded}


def _streamed(url: str) -> dict[str, Any]:
    connection = Connection(url).wait()
    try:
        time.sleep(0.5)  # past the first frames
        began, before = time.perf_counter(), connection.stats["bytes"]
        while (seconds := time.perf_counter() - began) < STREAM_SECONDS:
            if connection.error is not None:
                raise connection.error
            time.sleep(0.05)
        stats = connection.stats
    finally:
        connection.close()
    lost = sum(s["lost"] for s in stats["streams"].values())
    rate = (stats["bytes"] - before) / seconds / 1000
    return {"kb_s": round(rate, 1), "lost": lost, "bad_packets": stats["bad_packets"]}


def startup() -> Work[dict[str, Any]]:
    """Seconds until the command line answers and until the window's code is loaded, medians; peer: bare Python."""
    programs = {
        "python": "pass",
        "command_line": "import studio.app.cli, studio.app.verbs",
        "window": "import studio.ui.main, studio.ui.window",
    }
    found: dict[str, float] = {}
    for i, (name, code) in enumerate(programs.items()):
        yield Progress(i, len(programs), name)
        found[name] = _median_s([sys.executable, "-c", code])
    return {"seconds": found, "window_times_python": round(found["window"] / found["python"], 1)}


def _median_s(command: list[str]) -> float:
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return round(sorted(times)[STARTS // 2], 3)


def _by_the_window(name: str) -> Callable[[], Work[dict[str, Any]]]:
    """A benchmark that draws: it runs in a process of its own, because only `ui` knows Qt."""

    def run() -> Work[dict[str, Any]]:
        import json

        yield Progress(0, 0, f"drawing: {name}")
        command = [sys.executable, "-m", "studio.ui.bench", name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise StudioError(f"Benchmark {name}", done.stderr.strip()[-500:], "Run it with a display, or under Xvfb.")
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result

    return run


BENCHES: dict[str, Callable[[], Work[dict[str, Any]]]] = {
    "engine": engine,
    "dsp": dsp,
    "trees": trees,
    "stream": stream,
    "protocols": protocols,
    "ble": ble,
    "plug": plug,
    "flash": flash_bench,
    "startup": startup,
    "live": _by_the_window("live"),
    "label": _by_the_window("label"),
    "plot": _by_the_window("plot"),
    "window": _by_the_window("window"),
}
