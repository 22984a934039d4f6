"""What a device lets one choose, as `studio.params` declares it: the window draws a form of it, the URL sets it too."""

import itertools
import keyword
import math
import re
from dataclasses import dataclass, fields, make_dataclass, replace
from functools import lru_cache
from typing import Any

from studio.errors import InputError
from studio.params import check, param

Value = str | float | int | bool
#: Numbers beyond it are more than a form can hold.
FAR = 2**31 - 1


@dataclass(frozen=True)
class Option:
    """One choice. In the URL it is `?name=value`; a form calls it by `title`.

    `choices` are all the values there are, () means any between `low` and `high`. With `by_index` the URL, like the
    device, counts the choices from 0; `value` is always what a person reads.
    """

    name: str
    title: str
    value: Value
    choices: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    by_index: bool = False

    def text(self, value: Value) -> str:
        """As the URL says it."""
        if self.by_index:
            return str(self.choices.index(str(value)))
        return str(int(value)) if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)

    def told(self, text: str) -> "Option":
        """The same with the value that the URL's `text` gives it. InputError when it cannot be one."""
        try:
            if self.by_index:
                return replace(self, value=self.choices[int(text)])
            if self.choices and text not in self.choices:
                raise ValueError(text)
            return replace(self, value=type(self.value)(float(text)) if not isinstance(self.value, str) else text)
        except (ValueError, IndexError, OverflowError) as e:
            step = f"Choose from {', '.join(self.choices)}." if self.choices else "Give a number."
            raise InputError(f"Option {self.name}={text!r}", f"is no value of {self.title!r}", step) from e


@lru_cache(maxsize=64)  # a window asks at every beat
def declared(options: tuple[Option, ...]) -> Any:
    """A frozen dataclass of `studio.params` fields, filled in with the present values; None without options."""
    if not options:
        return None
    names = field_names(options)
    made = [(n, type(o.value), _declared(o)) for n, o in zip(names, options, strict=True)]
    return make_dataclass("Options", made, frozen=True)()


def _declared(o: Option) -> Any:
    low, high = (None, None) if isinstance(o.value, (str, bool)) else (o.low, o.high)
    words = o.title if not o.unit else f"{o.title} in {o.unit}"
    return param(
        o.value, f"{words}, as the device offers it", unit=o.unit, low=low, high=high, choices=o.choices or None
    )


def field_names(options: tuple[Option, ...]) -> list[str]:
    """An identifier for each option, from its title; unique."""
    found: list[str] = []
    for option in options:
        word = re.sub(r"\W+", "_", option.title.casefold(), flags=re.ASCII).strip("_")[:40] or "option"
        word = f"_{word}" if word[0].isdigit() or keyword.iskeyword(word) else word
        numbered = (f"{word}_{i}" for i in itertools.count(2))
        found.append(word if word not in found else next(name for name in numbered if name not in found))
    return found


def number(name: str, title: str, value: float, low: float, high: float) -> Option:
    """An option that is a number, whatever the device says of it: bounds count when they are some, and hold `value`."""
    kind = type(value)
    value = kind(min(max(value, -FAR), FAR)) if math.isfinite(value) else kind(0)
    bounded = low < high and low <= value <= high
    least, most = (max(low, -FAR), min(high, FAR)) if bounded else (-FAR, FAR)
    return Option(name, title, value, low=kind(least), high=kind(most))


def chosen(options: tuple[Option, ...], name: str, value: Value) -> tuple[str, str]:
    """(option of the URL, its text) that sets field `name`; InputError or ParamError when it cannot be set so."""
    known = dict(zip(field_names(options), options, strict=True))
    if name not in known:
        raise InputError(f"Option {name!r}", "the device has none such", f"Choose one of {', '.join(known) or 'none'}.")
    made = type(declared(options))
    check(made(**{f.name: value if f.name == name else f.default for f in fields(made)}))
    return known[name].name, known[name].text(value)
