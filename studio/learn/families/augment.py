"""Disturbances while learning: what a sensor will meet and a recording did not show. In torch, on a whole batch.

Only windows that are learned from are disturbed, inside the fold; what is judged stays as it was recorded.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Disturbance:
    """How much of what. `strength` scales gain, shift, stretch, noise and masks; 0 leaves all of them out.

    `turn_deg` turns the sensor's frame (channels in threes) by up to so much about any axis; `mix` is the share of the
    batches in which each window is laid over another one, its label with it. `drop` is the greatest share of a
    window's samples that are lost, the last one before standing in for them.
    """

    strength: float = 0.0
    turn_deg: float = 0.0
    mix: float = 0.0
    drop: float = 0.0


def turned(torch: Any, x: Any, degrees: float) -> Any:
    """Windows x (n, c, h, w) in the sensor's unit, every three channels turned alike by a random small rotation."""
    n, c = x.shape[:2]
    if degrees == 0 or c % 3:
        return x
    axis = torch.nn.functional.normalize(torch.randn(n, 3, device=x.device), dim=1)
    angle = torch.deg2rad(degrees * (2 * torch.rand(n, device=x.device) - 1))[:, None, None]
    zero = torch.zeros(n, device=x.device)
    rows = [zero, -axis[:, 2], axis[:, 1], axis[:, 2], zero, -axis[:, 0], -axis[:, 1], axis[:, 0], zero]
    k = torch.stack(rows, 1).reshape(n, 3, 3)
    turn = torch.eye(3, device=x.device) + torch.sin(angle) * k + (1 - torch.cos(angle)) * (k @ k)  # Rodrigues
    threes = x.reshape(n, c // 3, 3, -1)
    return torch.einsum("nij,ngjt->ngit", turn, threes).reshape(x.shape)


def moved(torch: Any, x: Any, strength: float) -> Any:
    """A little earlier or later (a tenth of the window at most) and a little faster or slower; the edges go on."""
    n, c, h, w = x.shape
    shift = (2 * torch.rand(n, 1, device=x.device) - 1) * 0.1 * strength * h
    pace = 1 + (2 * torch.rand(n, 1, device=x.device) - 1) * 0.1 * strength
    middle = (h - 1) / 2
    at = ((torch.arange(h, device=x.device)[None] - middle) * pace + middle + shift).clamp(0, h - 1)
    low = at.floor().long()
    part = (at - low)[:, None, :, None]
    index = low[:, None, :, None].expand(n, c, h, w)
    after = (low + 1).clamp(max=h - 1)[:, None, :, None].expand(n, c, h, w)
    return x.gather(2, index) * (1 - part) + x.gather(2, after) * part


def disturbed(torch: Any, x: Any, strength: float, heard: bool = False) -> Any:
    """Standardized windows (n, c, h, w): another time, loudness, noise, and stretches that were not heard at all.

    For a spectrogram in logarithms (`heard`) loudness is added and not multiplied, and bands are left out as well.
    """
    if strength == 0:
        return x
    n = len(x)
    x = moved(torch, x, strength)
    if heard and x.shape[3] > 4:  # another voice, another motor: all a little higher or lower
        x = moved(torch, x.transpose(2, 3), 0.5 * strength).transpose(2, 3)
    gain = torch.randn(n, 1, 1, 1, device=x.device) * strength
    x = x + 0.25 * gain if heard else x * (1 + 0.1 * gain)
    x = x + (0.05 if heard else 0.02) * strength * torch.randn_like(x)
    x = masked(torch, x, 2, 0.15 * strength)
    return masked(torch, x, 3, 0.15 * strength) if heard and x.shape[3] > 4 else x


def masked(torch: Any, x: Any, axis: int, most: float) -> Any:
    """A stretch of up to `most` of the axis set to the mean, which is 0, in every other window."""
    n, size = len(x), x.shape[axis]
    width = torch.rand(n, 1, device=x.device) * most * size * (torch.rand(n, 1, device=x.device) < 0.5)
    first = torch.rand(n, 1, device=x.device) * (size - width)
    places = torch.arange(size, device=x.device)[None]
    hidden = (places >= first) & (places < first + width)
    shape = [n, 1, 1, 1]
    shape[axis] = size
    return x.masked_fill(hidden.reshape(shape), 0.0)


def dropped(torch: Any, x: Any, most: float) -> Any:
    """Windows (n, c, h, w) of which up to `most` of the samples did not come, so that the one before holds."""
    if most == 0:
        return x
    n, c, h, w = x.shape
    lost = torch.rand(n, h, device=x.device) < most * torch.rand(n, 1, device=x.device)
    places = torch.arange(h, device=x.device).expand(n, h)
    held = places.masked_fill(lost, 0).cummax(dim=1).values
    return x.gather(2, held[:, None, :, None].expand(n, c, h, w))


def mixed(torch: Any, x: Any, y: Any, share: float) -> tuple[Any, Any]:
    """Each window laid over another of its batch, with labels y (n, n_classes) in the same parts."""
    if share == 0 or float(torch.rand(())) >= share:
        return x, y
    part = torch.distributions.Beta(0.4, 0.4).sample((len(x),)).to(x.device)
    part = torch.maximum(part, 1 - part)
    other = torch.randperm(len(x), device=x.device)
    wide = part[:, None, None, None]
    return wide * x + (1 - wide) * x[other], part[:, None] * y + (1 - part[:, None]) * y[other]
