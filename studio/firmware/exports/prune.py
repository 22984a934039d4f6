"""Only the kernels that a model needs, as one text: the C files are cut at their outermost definitions.

Why not whole files: a model of three ops would carry forty, and every one that is not called is a warning in
somebody else's build. Why in source: an export must build with whatever flags its user has.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from studio.errors import BuildError
from studio.paths import STUBS

FOLDER = STUBS / "kernels"
WORD = re.compile(r"[A-Za-z_]\w*")
OURS = re.compile(r'^#include "(\w+\.h)"', re.M)
NOISE = re.compile(r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"", re.S)
LOCAL = re.compile(r"\b(?:float|u?int\d+_t|void) (?:const )?\*?(?:const )?(\w+)(?=[,;)\[]| =)|, (\w+) = ")
OPEN = re.compile(r"^(?=(?:void|float|u?int\d+_t) \*?(\w+)\()", re.M)
ATTRIBUTE = re.compile(r"__attribute__\(\(.*?\)\)\s*", re.S)


@dataclass(frozen=True)
class Piece:
    """One outermost definition of file `file`: its text with the comment before it, and the names it defines."""

    file: str
    text: str
    names: tuple[str, ...]

    @property
    def uses(self) -> list[str]:
        """Every name in it, in order, but for its own variables."""
        text = NOISE.sub(" ", self.text)
        own = {name for found in LOCAL.findall(text) for name in found} - set(self.names)
        own -= set(re.findall(r"(\w+)\(", text))
        return [name for name in dict.fromkeys(WORD.findall(text)) if name not in own]

    @cached_property
    def open(self) -> tuple[str, ...]:
        """The functions in it that other files may mean."""
        return tuple(OPEN.findall(self.text))


def needed(roots: list[str], taken: frozenset[str] = frozenset()) -> str:
    """The functions `roots` with all they rest on, every one static, in an order that needs no declarations.

    A name that is in `taken`, or that two files use for different things, gets its file's name before it. Raises
    BuildError for a root that no file defines.
    """
    found: dict[Piece, None] = {}
    for root in roots:
        pieces = [p for p in everything() if root in p.names]
        if not pieces:
            raise BuildError(f"Kernel {root}", "is in no file of firmware_stubs/kernels", "Reinstall the studio.")
        for piece in pieces:
            _walk(piece, found)
    chosen = _told_apart(list(found), taken)
    return "\n".join([*_preludes(chosen), *(_static(p.text) for p in chosen)])


@cache
def everything() -> tuple[Piece, ...]:
    """Every definition of every kernel file."""
    return tuple(p for path in _files() for p in cut(path.name, _text(path.name)))


def cut(file: str, text: str) -> list[Piece]:
    """The definitions of a file. Includes of our own, declarations and the file's own comment are left out.

    What stands under a condition is cut as well, each piece under its condition.
    """
    found, comment = list[Piece](), ""
    for block in _blocks(text.splitlines()):
        if block.startswith("/*"):
            comment = block + "\n"
            continue
        if block.startswith("#if") and _names(block):
            found += _under_conditions(file, comment, block)
        elif block and not block.startswith(("#pragma once", '#include "')) and not _declares(block):
            found.append(Piece(file, comment + block + "\n", _names(block)))
        comment = ""
    return [p for p in found if p.names or p.text.lstrip().startswith("#if")]


def _under_conditions(file: str, comment: str, block: str) -> Iterator[Piece]:
    """The pieces of each branch between an #if and its #endif."""
    depth, before, branch = 0, list[str](), list[str]()
    condition = ""
    for line in block.splitlines():
        opens = line.startswith("#if")
        if depth == 1 and line.startswith(("#el", "#endif")):
            yield from (_under(condition, comment, p) for p in cut(file, "\n".join(branch)))
            comment, branch = "", []
        if (opens and depth == 0) or (depth == 1 and line.startswith("#el")):
            told = _condition(line)
            condition = " && ".join([*(f"!({b})" for b in before), *([told] if told else [])])
            before += [told] if told else []
            depth += opens
            continue
        depth += opens - line.startswith("#endif")
        branch.append(line)


def _condition(line: str) -> str:
    """What an #if, #ifdef, #ifndef or #elif asks; "" for an #else."""
    word, _, asked = NOISE.sub("", line).partition(" ")
    asked = asked.strip()
    return {"#ifdef": f"defined({asked})", "#ifndef": f"!defined({asked})", "#else": ""}.get(word, asked)


def _under(condition: str, comment: str, piece: Piece) -> Piece:
    return replace(piece, text=f"#if {condition}\n{comment}{piece.text}#endif\n")


def _files() -> list[Path]:
    return sorted(p for p in FOLDER.glob("*.[ch]") if p.name != "freestanding.c")


@cache
def _includes(file: str) -> frozenset[str]:
    """Our headers that a file sees, those that its headers include among them."""
    direct = {name for name in OURS.findall(_text(file)) if name != "kernels.h"}
    return frozenset(direct.union(*(_includes(name) for name in direct)))


@cache
def _text(file: str) -> str:
    """A file, with headers of our own in place where only some cores include them: under the very same condition.

    What such a header includes is included by the file.
    """
    found, inner, depth = [], set[str](), 0
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        depth += line.startswith("#if") - line.startswith("#endif")
        include = OURS.match(line)
        if include and depth:
            text = _text(include[1])
            inner |= set(OURS.findall(text))
            found += [t for t in text.splitlines() if not OURS.match(t) and t != "#pragma once"]
        else:
            found.append(line)
    return "\n".join([*(f'#include "{name}"' for name in sorted(inner)), *found, ""])


def _walk(piece: Piece, found: dict[Piece, None], above: tuple[Piece, ...] = ()) -> None:
    """`piece` into `found`, after everything that it uses; one function written for several cores uses itself."""
    if piece in found or piece in above:
        return
    for name in piece.uses:
        for other in _meant(name, piece.file):
            _walk(other, found, (*above, piece))
    found[piece] = None


def _meant(name: str, file: str) -> list[Piece]:
    """What a name in a file stands for: something of its own, of its headers, or a function open to all."""
    seen = {file} | _includes(file)
    return [p for p in everything() if name in (p.names if p.file in seen else p.open)]


def _blocks(lines: list[str]) -> Iterator[str]:
    """Comments, directives with what they enclose, and definitions, each as one text; "" for an empty line."""
    at = 0
    while at < len(lines):
        end = _end(lines, at)
        yield "\n".join(lines[at:end])
        at = end


def _end(lines: list[str], at: int) -> int:
    """The line after the block that begins at line `at`."""
    first, depth, comment = lines[at], 0, lines[at].startswith("/*")
    for i in range(at, len(lines)):
        line = lines[i]
        if comment:
            over = line.rstrip().endswith("*/")
        elif first.startswith("#if"):
            depth += line.startswith("#if") - line.startswith("#endif")
            over = depth == 0
        elif first.startswith("#"):
            over = not line.endswith("\\")
        else:
            depth += line.count("{") - line.count("}")
            over = depth == 0 and (not first or NOISE.sub("", line).rstrip().endswith((";", "}")))
        if over:
            return i + 1
    return len(lines)


def _declares(block: str) -> bool:
    """Whether it is a function's declaration alone."""
    return not block.startswith(("#", "typedef")) and "{" not in block and "(" in block and block.endswith(";")


def _head(block: str) -> str:
    return re.sub(r"/\*.*?\*/", "", ATTRIBUTE.sub("", block), flags=re.S).split("{")[0]


def _names(block: str) -> tuple[str, ...]:
    """What a definition defines: a macro, a function, a type, a table, or the constants of an enum."""
    if block.startswith("#if"):
        inner = "\n".join(line for line in block.splitlines() if not re.match(r"#(if|el|endif)", line))
        return tuple(dict.fromkeys(n for p in cut("", inner) for n in p.names))
    if macro := re.match(r"#define (\w+)", block):
        return (macro[1],)
    if block.startswith(("typedef", "enum", "struct")):
        plain = NOISE.sub("", block).rstrip()
        alias = re.findall(r"^typedef [^{;]*\(\*(\w+)\)\(", plain) or re.findall(r"(\w+);$", plain)
        alias += re.findall(r"^struct (\w+) *\{", plain)
        return (*alias, *(re.findall(r"([A-Za-z_]\w*)\s*(?==|,|})", plain) if "enum" in _head(block) else ()))
    if function := re.search(r"(\w+)\(", _head(block)):
        return (function[1],)
    return tuple(re.findall(r"(\w+)\s*(?:\[[^]]*\])*\s*=", _head(block)))


def _told_apart(pieces: list[Piece], taken: frozenset[str]) -> list[Piece]:
    """The pieces with names that meet no other's."""
    owners: dict[str, set[str]] = {}
    for p in pieces:
        for name in p.names:
            owners.setdefault(name, set()).add(p.file)
    doubled = {name for name, files in owners.items() if len(files) > 1 or name in taken}
    for p in pieces:  # one function written for several cores keeps its name, and so does what a model's text uses
        doubled -= set(p.names if p.file == "kernels.h" else p.open) - taken
    return [_prefixed(p, [n for n in p.uses if n in doubled and p.file in owners[n]]) for p in pieces]


def _prefixed(piece: Piece, names: list[str]) -> Piece:
    stem, text = Path(piece.file).stem, piece.text
    for name in names:
        text = re.sub(rf"\b{name}\b", f"{stem}_{name}", text)
    return replace(piece, text=text)


def _preludes(pieces: list[Piece]) -> list[str]:
    """What the files of these pieces need before anything else: blocks that define nothing, such as an include."""
    seen = {p.file for p in pieces}.union(*(_includes(p.file) for p in pieces)) if pieces else set()
    return [p.text for p in everything() if not p.names and p.file in seen]


def _static(text: str) -> str:
    """A function that was open to all becomes the file's own; assembly says what GCC does not take for granted.

    An inline one may be needed on some cores only. GCC reads the assembly of its oldest cores in a syntax of their time
    unless the text itself asks for today's.
    """
    inline = r"^((?:__attribute__\(\(\w+\)\) )?static inline )(?!__)"
    text = re.sub(inline, r"\1__attribute__((unused)) ", text, flags=re.M)
    text = OPEN.sub("static ", text).replace("__attribute__((naked,", "__attribute__((ASSEMBLY,")
    return re.sub(r"(__asm__(?: volatile)?\()(?=\")", r'\1".syntax unified\\n" ', text)
