"""The generated C on this computer: what `evaluate` computes with, and what a board must equal bit for bit."""

import ctypes

import numpy as np

from studio.data.stream import Array, Floats, Stream
from studio.firmware.render import render
from studio.graph.graph import Graph
from studio.graph.host import EXPORT, compile_shared, sources
from studio.paths import STUBS

DOOR = f"""/* Written by studio/firmware/native.py: batches through the rendered model. */
#include "model.h"
#include "model_push.h"
{EXPORT}
API void native_scores(int64_t n, const float *windows, int64_t in_order, float *scores)
{{
    static model_value window[MODEL_LENGTH * MODEL_WIDTH];
    for (int64_t i = 0; i < n; i++, windows += MODEL_SAMPLES * MODEL_FILTERED) {{
        if (i == 0 || !in_order)
            model_clear();
        for (int64_t t = 0, held = 0; t < MODEL_SAMPLES; t++) {{
            const model_value *row = model_row(windows + t * MODEL_FILTERED);
            for (int64_t j = 0; row && held < MODEL_LENGTH && j < MODEL_WIDTH; j++)
                window[held * MODEL_WIDTH + j] = row[j];
            held += row != 0;
        }}
        model_run(window, scores + i * MODEL_CLASSES);
    }}
}}

API int64_t native_replay(int64_t n, const float *samples, float *scores)
{{
    int64_t ready = 0;
    model_push_clear();
    for (int64_t i = 0; i < n; i++)
        ready += model_push(samples + i * MODEL_CHANNELS, scores + ready * MODEL_CLASSES);
    return ready;
}}

API void native_decide(int64_t n, const float *scores, int16_t *decisions)
{{
    model_clear();
    for (int64_t i = 0; i < n; i++)
        decisions[i] = model_decide(scores + i * MODEL_CLASSES);
}}
"""


class Native:
    """`graph` rendered for `stream`, compiled and loaded; BuildError when it does not compile."""

    def __init__(self, graph: Graph, stream: Stream) -> None:
        self.graph, self.stream = graph, stream
        pushed = {name: (STUBS / "runtime" / name).read_text() for name in ("model_push.c", "model_push.h")}
        texts = {**render(graph, stream), **pushed, "native.c": DOOR}
        self._library = ctypes.CDLL(str(compile_shared("model", sources(), texts, [STUBS / "kernels"])))
        for name in ("native_replay", "native_decide"):
            getattr(self._library, name).argtypes = [ctypes.c_int64, *[ctypes.c_void_p] * 2]
        self._library.native_scores.argtypes = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
        self._library.native_replay.restype = ctypes.c_int64

    def scores(self, windows: Array, in_order: bool = False) -> Floats:
        """Scores (n, n_classes) of filtered windows (n, length, n_channels), as model_run gives them.

        Each window by itself, or `in_order` with what the model remembers of those before (`Graph.stages`).
        """
        x = np.ascontiguousarray(windows, np.float32)
        y = np.zeros((len(x), len(self.graph.classes)), np.float32)
        self._library.native_scores(len(x), x.ctypes.data, int(in_order), y.ctypes.data)
        return y

    def replay(self, raw: Array) -> Floats:
        """Scores (n_windows, n_classes) of raw samples (n_samples, n_channels), through scale, filters and window."""
        return self.along(self.stream.to_unit(raw))

    def along(self, values: Array) -> Floats:
        """The same of samples in the stream's unit; no more memory than a board has, however many there are."""
        x = np.ascontiguousarray(values, np.float32)
        y = np.zeros((len(x) // self.graph.stride + 1, len(self.graph.classes)), np.float32)
        n = self._library.native_replay(len(x), x.ctypes.data, y.ctypes.data)
        return y[:n]

    def decide(self, scores: Array) -> Array:
        """Decisions (n,) int16 along scores in order of time, as model_decide gives them from an empty memory."""
        x = np.ascontiguousarray(scores, np.float32)
        y = np.zeros(len(x), np.int16)
        self._library.native_decide(len(x), x.ctypes.data, y.ctypes.data)
        return y
