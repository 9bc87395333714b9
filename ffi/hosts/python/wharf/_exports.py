"""What a library says of its exported functions, in its section ``.wharf.exports``.

The section is C: prototypes with their comments. It is read from the file; the library need not be
loaded for it.
"""

from __future__ import annotations

import re
import struct
from typing import Dict, Iterator, NamedTuple, Tuple

SECTION = b".wharf.exports"


class Export(NamedTuple):
    """An exported function."""

    #: What it is called in C.
    name: str
    #: The kinds of its parameters, as :meth:`Library.function` takes them.
    parameters: Tuple[str, ...]
    #: Their names.
    names: Tuple[str, ...]
    #: The author's words.
    doc: str


_PROTOTYPE = re.compile(r"(?:/\*\*(?P<doc>(?:(?!\*/).)*)\*/\s*)?wharf_status_t (?P<name>\w+)\((?P<takes>[^)]*)\);", re.S)
_PARAMETER = re.compile(r"(?P<type>.*?)(?P<name>\w+)$", re.S)

_KINDS = {
    "const char *": "text",
    "const wharf_value_t *": "value",
    "wharf_port_t": "port",
    "bool": "bool",
    "float": "float",
    "double": "double",
    "size_t": "size",
    "ptrdiff_t": "ptrdiff",
}
_KINDS.update({f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)})


def exports_of(path: str) -> Dict[str, Export]:
    """The functions that the library at a path exports; none where it says nothing."""
    with open(path, "rb") as file:
        text = _section(file.read()).replace(b"\0", b"").decode()
    return {export.name: export for export in parse(text)}


def parse(text: str) -> Iterator[Export]:
    """The functions in the text of a section that answer at wharf's ports."""
    for match in _PROTOTYPE.finditer(text):
        takes = [" ".join(one.split()) for one in match["takes"].split(",")]
        if takes[:2] != ["wharf_port_t port", "uint64_t tag"]:
            continue
        kinds, names = _parameters(takes[2:-1])
        doc = re.sub(r"^ *\* ?", "", match["doc"] or "", flags=re.M).strip()
        yield Export(match["name"], kinds, names, doc)


def _parameters(takes: "list[str]") -> "tuple[tuple[str, ...], tuple[str, ...]]":
    kinds, names = [], []
    waiting = iter(takes)
    for one in waiting:
        match = _PARAMETER.match(one)
        assert match is not None
        kind, name = match["type"].strip(), match["name"]
        if kind not in _KINDS and kind.endswith("*"):
            # A row; its length follows.
            next(waiting)
            kinds.append(_KINDS[kind[len("const ") : -1].strip()] + "[]")
        else:
            kinds.append(_KINDS[kind])
        names.append(name)
    return tuple(kinds), tuple(names)


def _section(file: bytes) -> bytes:
    """The section's bytes, out of an ELF file."""
    if file[:4] != b"\x7fELF":
        return b""
    wide, order = file[4] == 2, "<" if file[5] == 1 else ">"
    # Of the file's head: where the heads of sections are, how long and how many they are, and which of
    # them has the names.
    start = struct.unpack_from(order + ("Q" if wide else "I"), file, 40 if wide else 32)[0]
    size, count, names = struct.unpack_from(order + "HHH", file, 58 if wide else 46)
    heads = []
    for index in range(count):
        at = start + index * size
        name = struct.unpack_from(order + "I", file, at)[0]
        place = struct.unpack_from(order + ("QQ" if wide else "II"), file, at + (24 if wide else 16))
        heads.append((name, *place))
    if not heads:
        return b""
    _, strings, _ = heads[names]
    for name, offset, length in heads:
        begin = strings + name
        if file[begin : begin + len(SECTION) + 1] == SECTION + b"\0":
            return file[offset : offset + length]
    return b""
