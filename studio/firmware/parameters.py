"""The numbers of a model in one block of the image, so that they can be replaced without its code.

`movable` gathers every constant of a rendered model into one structure behind a pointer. The block begins with a
schema: a hash of everything else that makes up the firmware, the model's make included. Two firmwares with one schema
differ in their numbers alone, so the block of one may be put under the code of the other
(firmware_stubs/runtime/parameters.c).
"""

import dataclasses
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.firmware.c_text import is_learned
from studio.graph.graph import Graph

SCHEMA_BYTES, HEAD_BYTES = 16, 128
_HEADER = struct.Struct("<4sIII16s16sIII")
_MAGIC = b"SPR1"
_ARRAY = re.compile(r"^static const (_Alignas\(\d\) )?(\w+) (\w+)\[(\d+)\] = \{(.*?)\};\n", re.M | re.S)
_NUMBER = re.compile(r"^static const (int32_t|float) (\w+) = ([^;]+);\n", re.M)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)


@dataclass(frozen=True)
class Block:
    """Where the numbers lie in an image's payload; `schema` is what they are laid out for."""

    schema: bytes
    offset: int
    n_bytes: int


def schema_of(graph: Graph, source: str, rest: object) -> bytes:
    """16 bytes over the make of `graph`, the code of its rendered `source` without the numbers, and `rest`."""
    code = _NUMBER.sub(r"\1 \2;\n", _ARRAY.sub(r"\1\2 \3[\4];\n", _COMMENT.sub("", source)))
    text = repr((list(_make(graph)), re.sub(r"\s+", " ", code), rest))
    return hashlib.sha256(text.encode()).digest()[:SCHEMA_BYTES]


def _make(graph: Graph) -> Iterator[object]:
    """What of a graph is not learned from data: lengths, names, ops with the sizes of their arrays."""
    yield (graph.channels, graph.rate_hz, graph.length, graph.stride, graph.classes)
    for op in (*graph.stream_ops, *([graph.decision] if graph.decision else [])):
        yield (type(op).__name__, *_fields(op))
    for node in graph.nodes:
        yield (node.name, node.inputs, type(node.op).__name__, *_fields(node.op))


def _fields(of: Any) -> Iterator[tuple[str, object]]:
    for field in dataclasses.fields(of):
        yield field.name, _form(field.name, getattr(of, field.name))


def _form(name: str, value: Any) -> object:
    """A value without what may change: an array is its type and shape, a learned number is nothing."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape
    if is_learned(name, value):
        return "number"
    if isinstance(value, tuple | list):
        return tuple(_form(name, v) for v in value)
    if dataclasses.is_dataclass(value):
        return tuple(_fields(value))
    return repr(value)


def movable(source: str, schema: bytes) -> str:
    """`source` (model.c) with its constants in one block behind a pointer; the code itself stays as it is."""
    members, values, names = "", "", []
    for _, aligned, kind, name, size, body in sorted(_declared(source)):
        members += f"    {aligned}{kind} {name}{size};\n"
        values += f"    .{name} = {body},\n"
        names.append(name)
    start = min((at for at, *_ in _declared(source)), default=len(source))
    code = _NUMBER.sub("", _ARRAY.sub("", source))
    at = len(_NUMBER.sub("", _ARRAY.sub("", source[:start])))
    return code[:at] + _block(members, values, names, schema) + code[at:]


def _declared(source: str) -> Iterator[tuple[int, str, str, str, str, str]]:
    for m in _ARRAY.finditer(source):
        yield m.start(), m[1] or "", m[2], m[3], f"[{m[4]}]", "{" + m[5] + "}"
    for m in _NUMBER.finditer(source):
        yield m.start(), "", m[1], m[2], "", m[3]


def _block(members: str, values: str, names: list[str], schema: bytes) -> str:
    defined = "".join(f"#define {name} (model_numbers->{name})\n" for name in names)
    return f"""/* clang-format off */
struct model_numbers {{
    _Alignas(8) struct parameter_block head;
{members}}};
static const struct model_numbers built_in = {{
    .head = {{{{{", ".join(map(str, schema))}}}, sizeof(struct model_numbers), 0}},
{values}}};
static const struct model_numbers *model_numbers = &built_in;
const void *const model_built_in = &built_in;
const uint32_t model_block_bytes = sizeof built_in;
void model_use(const void *block) {{ model_numbers = block; }}

{defined}/* clang-format on */
"""


HEADER = """/* Written by studio/firmware/parameters.py: the model's numbers as runtime/parameters.c replaces them. */
#pragma once
#include "parameters.h"

extern const void *const model_built_in;
extern const uint32_t model_block_bytes;
/* From now on the model computes with the numbers of this block, laid out as those that are built in. */
void model_use(const void *block);
"""


def with_header(source: str) -> str:
    """`source`, which includes what HEADER declares."""
    return source.replace('#include "model.h"\n', '#include "model.h"\n#include "model_parameters.h"\n', 1)


def find_block(payload: bytes, schema: bytes) -> Block | None:
    """The block in an image's payload; None when it cannot be told for certain."""
    at = payload.find(schema)
    if at < 0 or payload.find(schema, at + 1) >= 0 or at + SCHEMA_BYTES + 8 > len(payload):
        return None
    n_bytes = int.from_bytes(payload[at + SCHEMA_BYTES : at + SCHEMA_BYTES + 4], "little")
    return Block(schema, at, n_bytes) if at + n_bytes <= len(payload) else None


def block_header(block: bytes, build_hash: bytes, image_counter: int, counter: int) -> bytes:
    """What lies in front of a block, without the marks behind it."""
    numbers = (_MAGIC, 64, len(block), zlib.crc32(block))
    head = _HEADER.pack(*numbers, block[:SCHEMA_BYTES], build_hash, image_counter, counter, 0)
    return head + struct.pack("<I", zlib.crc32(head))
