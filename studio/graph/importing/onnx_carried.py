"""Which recurrent layers of an ONNX file are meant to go on from call to call.

Exporters give such a network inputs for its states and outputs for its new states, and leave it to the caller to feed
the ones back into the others. Between them and the layers lie only operators that move values: the states of several
layers are often one tensor.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from studio.graph.importing.build import Layer

KINDS = ("LSTM", "GRU", "RNN")
MOVES = ("Slice", "Split", "Gather", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Transpose", "Concat")


@dataclass(frozen=True)
class Carried:
    """Places of layers that carry their memory, of layers that only fed it back, and tensors that vanish with them."""

    layers: frozenset[int] = frozenset()
    moves: frozenset[int] = frozenset()
    ends: frozenset[int] = frozenset()


def carried(layers: list[Layer], inputs: list[int], outputs: list[int]) -> Carried:
    """The recurrent layers whose states come from inputs and go to outputs, by moves alone; all of them, or none."""
    makers = {i: layer for layer in layers for i in layer.outputs if i >= 0}
    found, moves, given = list[Layer](), set[int](), set[int]()
    for layer in layers:
        origin = _origin(_begun(layer), makers, set(inputs)) if layer.kind in KINDS else None
        if origin is not None:
            found.append(layer)
            moves |= origin[0]
            given |= origin[1]
    ended = _fate({i for layer in found for i in layer.outputs[1:] if i >= 0}, layers)
    ends = ended & set(outputs)
    states = {i for layer in found for i in layer.outputs[1:] if i >= 0}
    places = {layer.place for layer in found}
    alone = all(layer.place in moves | places for layer in layers if given & set(layer.inputs))
    if not found or len(ends) != len(given) or not states <= ended or not alone:
        return Carried()
    return Carried(frozenset(places), frozenset(moves), frozenset(given | ends))


def _begun(layer: Layer) -> list[int]:
    """Tensors of a recurrent layer's initial states."""
    return [i for i in layer.inputs[5 : 7 if layer.kind == "LSTM" else 6] if i >= 0]


def _origin(begun: list[int], makers: dict[int, Layer], inputs: set[int]) -> tuple[set[int], set[int]] | None:
    """The moves between these tensors and inputs of the network, and those inputs; None where there is more."""
    places, given = set[int](), set[int]()
    for i in begun:
        while i not in inputs:
            if i not in makers or makers[i].kind not in MOVES or makers[i].kind == "Concat":
                return None
            places.add(makers[i].place)
            i = makers[i].inputs[0]
        given.add(i)
    return (places, given) if begun else None


def _fate(ended: Iterable[int], layers: list[Layer]) -> set[int]:
    """These tensors, and all that holds nothing but what was moved out of them."""
    known = set(ended)
    for layer in layers:  # in the order in which they run
        parts = layer.inputs if layer.kind == "Concat" else layer.inputs[:1]
        if layer.kind in MOVES and parts and set(parts) <= known:
            known |= {i for i in layer.outputs if i >= 0}
    return known
