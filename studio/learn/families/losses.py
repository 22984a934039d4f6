"""What a network is blamed for, and what changes its weights. In torch.

A loss takes logits (n, n_classes) and classes: indices (n,), or parts (n, n_classes) where windows were mixed. Rare
classes weigh more, as `weight` (n_classes,) says. The losses of other tasks take values (n, n_outputs).
"""

from collections.abc import Callable
from typing import Any

#: Share of the certainty that is never asked for.
SMOOTHING = 0.05
#: How much less a window counts that is told well already.
FOCUS = 2.0


def _cross_entropy(torch: Any, weight: Any) -> Any:
    return torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=SMOOTHING)


def _brier(torch: Any, weight: Any) -> Callable[[Any, Any], Any]:
    """Squared differences between scores and the truth: an error that is far off costs no more than 2."""

    def loss(logits: Any, y: Any) -> Any:
        truth, share = _parts(torch, y, weight)
        return (share * ((logits.softmax(1) - truth) ** 2).sum(1)).sum() / share.sum()

    return loss


def _focal(torch: Any, weight: Any) -> Callable[[Any, Any], Any]:
    """Cross entropy of what is not told well yet (Lin et al. 2017)."""

    def loss(logits: Any, y: Any) -> Any:
        truth, share = _parts(torch, y, weight)
        log = logits.log_softmax(1)
        return -(share * (truth * (1 - log.exp()) ** FOCUS * log).sum(1)).sum() / share.sum()

    return loss


def _squares(torch: Any, weight: Any) -> Any:
    return torch.nn.MSELoss()


def _each(torch: Any, weight: Any) -> Any:
    """Binary cross entropy of every label; a window that has a rare one weighs more for it."""
    return torch.nn.BCEWithLogitsLoss(pos_weight=weight)


#: What a task is blamed for that knows no classes.
OF_TASK: dict[str, Callable[[Any, Any], Any]] = {"number": _squares, "several": _each}


def _parts(torch: Any, y: Any, weight: Any) -> tuple[Any, Any]:
    """The truth as parts (n, n_classes), and how much each window counts (n,)."""
    truth = y if y.ndim == 2 else torch.nn.functional.one_hot(y, len(weight)).to(weight.dtype)
    return truth, truth @ weight


LOSSES: dict[str, Callable[[Any, Any], Any]] = {"cross_entropy": _cross_entropy, "brier": _brier, "focal": _focal}

#: Name -> the class in `torch.optim`, and what it is told besides the rate.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adamw": ("AdamW", {"weight_decay": 1e-2}),
    "nadam": ("NAdam", {"weight_decay": 1e-2, "decoupled_weight_decay": True}),
    "rmsprop": ("RMSprop", {"weight_decay": 1e-4}),
    "sgd": ("SGD", {"weight_decay": 1e-4, "momentum": 0.9, "nesterov": True}),
}


def optimizer(torch: Any, name: str, parameters: Any, rate: float) -> Any:
    """The optimizer `name` for these weights."""
    kind, more = OPTIMIZERS[name]
    return getattr(torch.optim, kind)(parameters, lr=rate, **more)
