"""Graphs on disk: `graph.json` (ops, numbers, names) and `weights.npz` (arrays), bit for bit.

JSON holds numbers as Python prints them, which reads back exactly; NPZ holds arrays in their own type.
"""

import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import DataError, StudioError
from studio.graph import OPS
from studio.graph.graph import Graph, Node
from studio.graph.op import Array, Op, StreamOp
from studio.graph.ops.decide import Decide
from studio.paths import write_atomic

FORMAT = 1


def save(graph: Graph, folder: Path) -> None:
    """Write graph.json and weights.npz into `folder` (made when missing)."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Array] = {}
    text = {
        "format": FORMAT,
        "channels": list(graph.channels),
        "rate_hz": graph.rate_hz,
        "length": graph.length,
        "stride": graph.stride,
        "classes": list(graph.classes),
        "threshold": graph.threshold,
        **({"decision": _written(graph.decision, "decision", arrays)} if graph.decision is not None else {}),
        "stream_ops": [_written(op, f"stream{i}", arrays) for i, op in enumerate(graph.stream_ops)],
        "nodes": [
            {"name": node.name, "inputs": list(node.inputs), **_written(node.op, f"node{i}", arrays)}
            for i, node in enumerate(graph.nodes)
        ],
    }
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    write_atomic(folder / "weights.npz", packed.getvalue())
    write_atomic(folder / "graph.json", json.dumps(text, indent=1, ensure_ascii=False) + "\n")


def set_decision(decision: Decide | None, folder: Path) -> None:
    """Change how the graph saved in `folder` decides, and nothing else. DataError when it is missing or broken."""
    path = folder / "graph.json"
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(f"Model {folder.name}", f"its graph does not read: {e}", "Train the model again.") from e
    text.pop("decision", None)
    if decision is not None:
        text["decision"] = _written(decision, "decision", {})
    write_atomic(path, json.dumps(text, indent=1, ensure_ascii=False) + "\n")


def load(folder: Path) -> Graph:
    """The graph saved in `folder`; DataError when it is missing, broken, or made by a newer version."""
    try:
        text = json.loads((folder / "graph.json").read_text(encoding="utf-8"))
        if text["format"] > FORMAT:
            seen = f"written by a newer version (format {text['format']}, this one reads up to {FORMAT})"
            raise DataError(f"Model {folder.name}", seen, "Update Sensorsmith Studio, then open it again.")
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            graph = _read(text, {name: arrays[name] for name in arrays.files})
        graph.shapes()
    except FileNotFoundError as e:
        raise DataError(f"Model {folder.name}", f"{e.filename} is missing", "Train the model again.") from e
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, EOFError, zipfile.BadZipFile) as e:
        seen = f"its files do not read: {type(e).__name__}: {e}"
        raise DataError(f"Model {folder.name}", seen, "Train the model again.") from e
    except StudioError as e:
        raise DataError(f"Model {folder.name}", str(e), "Train the model again.") from e
    return graph


def _written(op: Op, key: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """The op as JSON; its arrays go to `arrays` under `key.field`."""
    values: dict[str, Any] = {}
    for f in fields(op):
        value = getattr(op, f.name)
        if isinstance(value, np.ndarray):
            arrays[f"{key}.{f.name}"] = value
        else:
            values[f.name] = value.item() if isinstance(value, np.generic) else value
    return {"op": type(op).__name__, "key": key, "values": values}


def _read(text: dict[str, Any], arrays: dict[str, Array]) -> Graph:
    stream_ops = [_op(item, arrays) for item in text["stream_ops"]]
    decision = _op(text["decision"], arrays) if text.get("decision") else None
    return Graph(
        channels=tuple(text["channels"]),
        rate_hz=text["rate_hz"],
        length=text["length"],
        stride=text["stride"],
        nodes=tuple(Node(_op(item, arrays), tuple(item["inputs"]), item["name"]) for item in text["nodes"]),
        classes=tuple(text["classes"]),
        stream_ops=tuple(op for op in stream_ops if isinstance(op, StreamOp)),
        threshold=text["threshold"],
        decision=decision if isinstance(decision, Decide) else None,
    )


def _op(item: dict[str, Any], arrays: dict[str, Array]) -> Op:
    """An op from its JSON and its arrays; lists become tuples, as the ops declare them."""
    if item["op"] not in OPS:
        seen = f"op {item['op']!r} is not known here"
        raise DataError("The model", seen, "Update Sensorsmith Studio, then open it again.")
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in item["values"].items()}
    start = f"{item['key']}."
    values |= {name.removeprefix(start): v for name, v in arrays.items() if name.startswith(start)}
    return OPS[item["op"]](**values)
