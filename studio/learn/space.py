"""What a search may try: the values that each family's parameters name, as numbers that a sampler can draw.

A knob is drawn as an index into its values, so their order counts and their spacing is the family's own. A knob that
a person fixed is not drawn: it has the value that was given, also one between or beyond the values that are tried.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from studio.errors import InputError
from studio.learn.families.family import Family

#: Name of a knob ("cnn.width") -> how many values it has.
Sizes = dict[str, int]


@dataclass(frozen=True)
class Space:
    """The families in turn, and what is fixed: knob -> value, where a knob is "cnn.width", or "width" for all."""

    kinds: Mapping[str, type[Family]]
    fixed: Mapping[str, Any]

    def knobs(self, family: str) -> dict[str, tuple[Any, ...]]:
        """The free knobs of a family with their values."""
        found = fields(self.kinds[family])  # type: ignore[arg-type]  # every family is a dataclass
        return {
            f.name: f.metadata["search"]
            for f in found
            if f.metadata.get("search") and not self._is_fixed(family, f.name)
        }

    def _is_fixed(self, family: str, knob: str) -> bool:
        return f"{family}.{knob}" in self.fixed or knob in self.fixed

    def given(self, family: str) -> dict[str, Any]:
        """The fixed knobs of a family with their values."""
        own = {f.name for f in fields(self.kinds[family])}  # type: ignore[arg-type]
        found = {k.rpartition(".")[2]: v for k, v in self.fixed.items() if k.rpartition(".")[0] in ("", family)}
        return {k: v for k, v in found.items() if k in own}

    def member(self, family: str, at: Mapping[str, int]) -> Family:
        """The member whose knobs stand at these indices."""
        drawn = {knob: values[at[knob]] for knob, values in self.knobs(family).items()}
        return self.kinds[family](**drawn, **self.given(family))

    def indices(self, family: str, member: Family) -> dict[str, int]:
        """Where the knobs of a member stand: each at the nearest of its values."""
        return {knob: nearest(values, getattr(member, knob)) for knob, values in self.knobs(family).items()}

    def guesses(self) -> list[tuple[str, dict[str, int]]]:
        """What is tried first: the first guess of every family, then the second of each, and so on; none twice."""
        lists = {name: [self.indices(name, g) for g in kind.guesses()] for name, kind in self.kinds.items()}
        most = max(len(found) for found in lists.values())
        turns = [(name, found[i]) for i in range(most) for name, found in lists.items() if i < len(found)]
        return [turn for i, turn in enumerate(turns) if turn not in turns[:i]]


def nearest(values: Sequence[Any], value: Any) -> int:
    """Index of `value`, or of what lies nearest to it."""
    if value in values:
        return values.index(value)
    return min(range(len(values)), key=lambda i: abs(values[i] - value))


def fixed_knobs(texts: Sequence[str], kinds: Mapping[str, type[Family]]) -> dict[str, Any]:
    """Knobs from "cnn.width=16" or "width=16"; InputError for one that no chosen family has, or that is no number."""
    found: dict[str, Any] = {}
    for text in texts:
        knob, _, value = (part.strip() for part in text.partition("="))
        family, _, name = knob.rpartition(".")
        owners = [k for n, k in kinds.items() if family in ("", n)]
        types = {f.name: f.type for kind in owners for f in fields(kind)}  # type: ignore[arg-type]
        if name not in types:
            known = ", ".join(sorted({f"{n}.{f.name}" for n, k in kinds.items() for f in fields(k)}))  # type: ignore[arg-type]
            raise InputError(f"Knob {knob!r}", "is not one of the chosen families'", f"Choose from {known}.")
        found[knob] = _value(text, types[name], value)
    return found


def _value(text: str, kind: Any, value: str) -> Any:
    name = kind if isinstance(kind, str) else kind.__name__
    read: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": lambda v: v in ("1", "true", "yes")}
    try:
        return read.get(name, str)(value)
    except ValueError as e:
        raise InputError(f"Knob {text!r}", f"is no {name}", "Write it as name=value, for example cnn.width=16.") from e
