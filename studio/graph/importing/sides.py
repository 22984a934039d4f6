"""Strides and borders of TensorFlow Lite's layers that slide over two axes."""

from typing import Any

from studio.graph.importing.build import Builder, Layer


def sides(n: int, taps: int, stride: int, same: bool) -> tuple[int, int]:
    """Padding before and after along one axis, as TensorFlow defines "same" and "valid"."""
    total = max((-(-n // stride) - 1) * stride + taps - n, 0) if same else 0
    return total // 2, total - total // 2


def sliding(build: Builder, layer: Layer, given: Any, node: int, size: tuple[int, int]) -> dict[str, int]:
    """The fields of plane.Sliding for a kernel of `size` (dilation included)."""
    h, w, _ = build.shape_at(node)
    stride_h, stride_w = given.StrideH(), given.StrideW()
    if stride_h < 1 or stride_w < 1:
        build.refuse(layer, f"steps by {stride_h} x {stride_w}", "Export the model again; it is broken.")
    (top, bottom), (left, right) = (
        sides(n, taps, stride, given.Padding() == 0)
        for n, taps, stride in ((h, size[0], stride_h), (w, size[1], stride_w))
    )
    names = ("stride_h", "stride_w", "pad_top", "pad_bottom", "pad_left", "pad_right")
    return dict(zip(names, (stride_h, stride_w, top, bottom, left, right), strict=True))
