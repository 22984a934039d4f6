"""Examples of the ops on sound, with librosa and SciPy as oracles, and further parameters."""

from collections.abc import Callable

import librosa
import numpy as np
from scipy import fft

from studio.graph.op import Array
from studio.graph.ops.sound import Delta, LogMel, Mel, Mfcc, Pcen
from tests.graph.arithmetic import Example


def mel(op: Mel) -> Callable[[Array], Array]:
    """Rows of librosa's mel spectrogram, made to begin where ours do."""
    htk = op.scale == "htk"
    before = (op.n_fft - op.frame) // 2

    def oracle(x: Array) -> Array:
        rows = (len(x) - op.frame) // op.hop + 1
        found = [
            librosa.feature.melspectrogram(
                y=np.pad(x[:, j].astype(np.float64), (before, op.n_fft)),
                sr=op.rate_hz,
                n_fft=op.n_fft,
                hop_length=op.hop,
                win_length=op.frame,
                center=False,
                n_mels=op.n_mels,
                fmin=op.f_low,
                fmax=op.f_high,
                htk=htk,
                norm=None if htk else "slaney",
                dtype=np.float64,
            ).T[:rows]
            for j in range(x.shape[1])
        ]
        return np.stack(found, axis=2).reshape(rows, -1)

    return oracle


def log_mel(op: LogMel) -> Callable[[Array], Array]:
    plain = mel(op)
    return lambda x: np.log(plain(x) + op.least)


def pcen(x: Array) -> Array:
    """librosa's own, with a level that starts at the first row (librosa's starts at 1)."""
    rows = x.T.astype(np.float64)
    return librosa.pcen(rows, b=0.025, gain=0.98, bias=2, power=0.5, zi=(1 - 0.025) * rows[:, :1]).T


def sound_examples() -> dict[str, Example]:
    """One example of every op."""
    m = Mel(50, 20, 64, 9, 100.0, 3700.0, 8000.0)
    logged = LogMel(64, 32, 64, 6, 0.0, 4000.0, 8000.0, "htk", 1e-3)
    return {
        "Mel": Example(m, ((150, 2),), mel(m), 2e-6, True),
        "LogMel": Example(logged, ((130, 1),), log_mel(logged), 3e-6, True),
        "Mfcc": Example(Mfcc(9, 5), ((7, 9),), lambda x: fft.dct(x.astype(float), norm="ortho", axis=1)[:, :5], 1e-6),
        "Delta": Example(
            Delta(2), ((9, 3),), lambda x: librosa.feature.delta(x.astype(float), width=5, mode="nearest", axis=0), 1e-6
        ),
        "Pcen": Example(Pcen(), ((20, 3),), pcen, 5e-6, True),
    }
