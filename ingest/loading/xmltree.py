"""XML as trees, from bytes that nobody vouches for."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from lxml import etree


def parse(data: bytes) -> Any:
    """Return the root element; entities stay closed and nothing is fetched.

    lxml's own bounds hold: 256 levels, 10 MB in one text.

    Raises:
        lxml.etree.XMLSyntaxError: the bytes are not well-formed XML.
    """
    return etree.fromstring(data, _parser())


def parse_leniently(data: bytes) -> Any:
    """Return the root element of XML with faults in it, or None if nothing is left of it."""
    return etree.fromstring(data, _parser(recover=True))


def _parser(recover: bool = False) -> Any:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def local(element: Any) -> str:
    """Return an element's name without its namespace; empty for what is not an element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return default


def resolve(base: str, target: str) -> str:
    """Return the name of the part that `target` means, seen from the part `base`."""
    target = unquote(target.partition("#")[0])
    path = PurePosixPath("/") / PurePosixPath(base).parent / target
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def relations(data: bytes, base: str) -> dict[str, tuple[str, str]]:
    """Return an Office part's relations: id to (kind, name of the part it leads to)."""
    found = {}
    for relation in parse(data):
        if relation.get("TargetMode") != "External" and relation.get("Target"):
            kind = relation.get("Type", "").rpartition("/")[2]
            found[relation.get("Id", "")] = kind, resolve(base, relation.get("Target"))
    return found


def relations_name(part: str) -> str:
    """Return the name of the part that holds the relations of `part`."""
    path = PurePosixPath(part)
    return str(path.parent / "_rels" / f"{path.name}.rels").removeprefix("./")
