"""A network's layers in torch: what each learns, what it computes, and its weights as plain arrays.

Batch normalization follows every convolution and is folded into it before anything leaves this file.
"""

from typing import Any

import numpy as np

from studio.data.stream import Floats
from studio.learn.families.layers import GATES, INPUT, Layer, Plane, Weights

#: Share of the batches that go on from other windows.
GO_ON = 0.5


class Net:
    """The network: its layers, one pass forward, and its weights as arrays."""

    def __init__(self, torch: Any, plane: Plane, n_classes: int, layers: tuple[Layer, ...], dropout: float) -> None:
        nn = torch.nn
        self.torch, self.layers = torch, layers
        self.learned: dict[int, Any] = {}
        self.norms: dict[int, Any] = {}
        self.before: Any = None  # whose memory each window of the batch begins with
        for i, layer in enumerate(layers):
            c = (plane if layer.sources[0] == INPUT else layers[layer.sources[0]].shape)[2]
            if layer.kind in ("conv", "deep"):
                self.learned[i] = _convolution(nn, layer, c)
                self.norms[i] = nn.BatchNorm2d(layer.shape[2])
            elif layer.kind in GATES:
                self.learned[i] = getattr(nn, layer.kind.upper())(c, layer.shape[2], batch_first=True)
        self.dropout, self.dense = nn.Dropout(dropout), nn.Linear(layers[-1].shape[2], n_classes)
        parts = [*self.learned.values(), *self.norms.values(), self.dropout, self.dense]
        self.all = nn.ModuleList(parts)

    @property
    def remembers(self) -> bool:
        """Whether there are recurrent layers: their gradients may grow without bounds."""
        return any(layer.kind in GATES for layer in self.layers)

    def __call__(self, x: Any) -> Any:
        """Logits (n, n_classes) of x (n, c, h, w).

        A network that is judged by its end may go on from window to window. So while it learns, every other batch
        begins with what another window has left behind.
        """
        seen: list[Any] = []
        goes_on = self.all.training and self.layers[-1].last and bool(self.torch.rand(()) < GO_ON)
        self.before = self.torch.randperm(len(x), device=x.device) if goes_on else None
        for i, layer in enumerate(self.layers):
            y = self._layer(i, layer, [x if s == INPUT else seen[s] for s in layer.sources])
            seen.append(self.torch.nn.functional.relu(y) if layer.relu else y)
        return self.dense(self.dropout(seen[-1].mean(dim=(2, 3))))

    def _layer(self, i: int, layer: Layer, inputs: list[Any]) -> Any:
        f, x = self.torch.nn.functional, inputs[0]
        match layer.kind:
            case "pool":
                return f.max_pool2d(x, layer.taps)
            case "add":
                return x + inputs[1]
            case "part":
                return x[:, layer.first : layer.first + layer.shape[2]]
            case "fold":
                return x.permute(0, 3, 1, 2).reshape(len(x), -1, x.shape[2], 1)  # pitch by pitch, as in the graph
            case "level":
                return x.mean(dim=3, keepdim=True)
            case "spread":
                return x.expand(-1, -1, -1, layer.shape[1])
            case "end":
                return x[:, :, -1:]
            case "attention":
                return _attention(f, layer.heads, *inputs)
            case "conv" | "deep":
                return self.norms[i](self.learned[i](self._padded(layer, x)))
        rows = x[..., 0].transpose(1, 2)
        steps = self.learned[i](rows, self._left(i, rows))[0].transpose(1, 2)[..., None]
        return steps[:, :, -1:] if layer.last else steps

    def _padded(self, layer: Layer, x: Any) -> Any:
        """With zeros around, or behind the last rows of another window where the layer looks back alone."""
        top, bottom = layer.pad_h
        if self.before is None or bottom or not 0 < top <= x.shape[2]:
            return self.torch.nn.functional.pad(x, (*layer.pad_w, top, bottom))
        whole = self.torch.cat([x[self.before][:, :, -top:], x], dim=2)
        return self.torch.nn.functional.pad(whole, (*layer.pad_w, 0, 0))

    def _left(self, i: int, rows: Any) -> Any:
        """The memory that a recurrent layer begins with."""
        if self.before is None:
            return None
        with self.torch.no_grad():
            return self.learned[i](rows[self.before])[1]

    def state(self) -> dict[str, Any]:
        """A copy of everything learned so far."""
        return {name: value.clone() for name, value in self.all.state_dict().items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to a copy."""
        self.all.load_state_dict(state)

    def weights(self) -> Weights:
        """Arrays with batch normalization folded in, computed in double."""
        found = {i: self._arrays(i, module) for i, module in self.learned.items()}
        return Weights(found, (array(self.dense.weight), array(self.dense.bias)))

    def _arrays(self, i: int, module: Any) -> tuple[Floats, ...]:
        if i in self.norms:
            return _folded(module, self.norms[i], self.layers[i].kind == "deep")
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        return tuple(array(getattr(module, name)) for name in names)


def _convolution(nn: Any, layer: Layer, c: int) -> Any:
    groups = c if layer.kind == "deep" else 1
    return nn.Conv2d(
        c, layer.shape[2], layer.taps, layer.stride, dilation=layer.dilation, groups=groups, bias=False
    )  # fmt: skip


def _attention(f: Any, heads: int, *inputs: Any) -> Any:
    """(n, d, h, 1) three times: scaled products (Vaswani et al. 2017), each head on its share of the channels."""
    n, d, h, _ = inputs[0].shape
    parted = (x[..., 0].reshape(n, heads, d // heads, h).transpose(2, 3) for x in inputs)
    return f.scaled_dot_product_attention(*parted).transpose(2, 3).reshape(n, d, h, 1)


def array(value: Any) -> Floats:
    """A tensor as float32 on this computer."""
    return np.ascontiguousarray(value.detach().cpu().numpy(), np.float32)


def _folded(convolution: Any, norm: Any, deep: bool) -> tuple[Floats, Floats]:
    """Weight (c_out, kh, kw, c), or (kh, kw, c) of a deep one, and bias, followed by batch normalization."""
    values = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    gamma, beta, mean, variance = (v.detach().cpu().numpy().astype(np.float64) for v in values)
    gain = gamma / np.sqrt(variance + norm.eps)
    weight = convolution.weight.detach().cpu().numpy().astype(np.float64) * gain[:, None, None, None]
    turned = weight[:, 0].transpose(1, 2, 0) if deep else weight.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(turned, np.float32), (beta - mean * gain).astype(np.float32)
