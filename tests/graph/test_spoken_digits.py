"""A recurrent network on real speech: what int8 costs, and that it answers along time as on whole windows."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.recurrent import Gru
from studio.graph.ops.sound import LogMel
from studio.graph.ops.vector import Dense, Softmax, Standardize
from studio.graph.passes import quantize
from studio.graph.streaming import streaming

LENGTH, UNITS, EPOCHS = 8000, 40, 14
MEL = LogMel(frame=256, hop=128, n_fft=256, n_mels=20, rate_hz=8000.0, f_low=60.0, f_high=4000.0)


def digits(folder: Path) -> tuple[Array, Array, Array]:
    """Sounds of one second (n, 8000, 1), digits, and which belong to the official test part."""
    rows = list(csv.DictReader((folder / "index.csv").read_text().splitlines()))
    x = np.zeros((len(rows), LENGTH, 1), np.float32)
    for sound, row in zip(x, rows, strict=True):
        values = soundfile.read(folder / "flac" / row["file"], dtype="float32")[0][:LENGTH]
        start = (LENGTH - len(values)) // 2
        sound[start : start + len(values), 0] = values
    return x, np.array([int(r["digit"]) for r in rows]), np.array([r["split"] == "test" for r in rows])


def trained(x: Array, y: Array) -> Graph:
    """A GRU over mel rows, trained by torch."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rows = MEL.run(x)
    mean, std = rows.mean((0, 1)), rows.std((0, 1)) + 1e-3
    z, target = torch.from_numpy((rows - mean) / std), torch.from_numpy(y)
    net, head = torch.nn.GRU(20, UNITS, batch_first=True), torch.nn.Linear(UNITS, 10)
    parameters = [*net.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, 3e-3, weight_decay=0.01)
    steps = EPOCHS * (len(z) // 64 + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(z)).split(64):
            moved = torch.roll(z[batch], int(torch.randint(-6, 7, (1,))), 1)
            logits = head(net(moved + 0.2 * torch.randn(moved.shape))[0][:, -1])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, target[batch]).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
    w = [p.detach().numpy().copy() for p in parameters]
    nodes = (
        Node(MEL, (WINDOW,), "mel"),
        Node(Standardize(mean.astype(np.float32), std.astype(np.float32)), (0,), "rows"),
        Node(Gru(*w[:4], last=True), (1,), "features"),
        Node(Dense(*w[4:]), (2,), "logits"),
        Node(Softmax(), (3,), "scores"),
    )
    return Graph(("sound",), 8000.0, LENGTH, LENGTH, nodes, tuple("0123456789"))


@pytest.mark.slow
def test_int8_costs_a_gru_on_spoken_digits_next_to_nothing(shared: Path) -> None:
    x, y, test = digits(shared / "data" / "audio_digits_fsdd")
    graph = trained(x[~test], y[~test])
    small = quantize(graph, x[~test][::6])
    right = [(g.scores(x[test]).argmax(1) == y[test]).mean() for g in (graph, small)]
    assert right[0] >= 0.95 and right[0] - right[1] <= 0.01
    along = streaming(small, 1280)  # ten rows at a time
    samples = np.concatenate(list(x[test][:2]))
    got = along.scores(along.windows(samples), in_order=True)
    for k in (0, 4, len(got) - 1):
        n = along.length + 1280 * k
        np.testing.assert_array_equal(replace(small, length=n).scores(samples[None, :n])[0], got[k])
