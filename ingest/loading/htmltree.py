"""HTML as a tree of what a person reads: the parser, and the pruning of everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = HEADINGS | {
    *("html", "body", "main", "article", "section", "header", "footer", "aside", "div", "p"),
    *("ul", "ol", "menu", "dir", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody"),
    *("tfoot", "tr", "td", "th", "pre", "listing", "plaintext", "xmp", "blockquote", "figure"),
    *("figcaption", "details", "summary", "address", "form", "fieldset", "legend", "center"),
    *("hr", "hgroup", "optgroup", "title", "head", "frameset", "noframes", "search"),
}

_NOT_CONTENT = frozenset(
    {
        *("script", "style", "noscript", "template", "svg", "nav", "dialog", "canvas"),
        *("iframe", "object", "embed", "audio", "video", "map", "applet"),
        *("input", "select", "textarea", "datalist", "rp"),
    }
)
_NOT_CONTENT_ROLES = frozenset({"navigation", "search", "menu", "menubar"})
_FURNITURE = frozenset({"header", "footer", "aside"})
_INVISIBLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)

MAX_DEPTH = 100
"""Levels that are kept apart; what is nested deeper joins the last of them."""


@dataclass(slots=True, eq=False)
class Node:
    """An element: its name, its attributes, and text and elements in their order."""

    tag: str
    attributes: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)
    holds_blocks: bool = False

    @property
    def is_block(self) -> bool:
        """Whether it stands on lines of its own."""
        return self.tag in BLOCKS or self.holds_blocks

    def elements(self) -> Iterator["Node"]:
        """Yield this element and all within, in the order of the page."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += [child for child in reversed(node.children) if isinstance(child, Node)]

    def find(self, *tags: str) -> "Node | None":
        """Return the first element within that has one of these names."""
        return next((node for node in self.elements() if node.tag in tags), None)

    def text(self) -> str:
        """Return all text within as it stands."""
        parts: list[str] = []
        stack: list[Node | str] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                parts.append(item)
            else:
                parts.append("\n" if item.tag == "br" else "")
                stack += reversed(item.children)
        return "".join(parts)


def parse_html(markup: str) -> Node:
    """Return the tree of a page, without scripts, navigation and the like."""
    target = _Target()
    if markup.strip():
        parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
        # The doctype in front keeps the parser from guessing that XHTML is XML.
        etree.fromstring(b"<!doctype html>" + markup.encode("utf-8", "replace"), parser)
    return target.root


def content_of(page: Node) -> Node:
    """Remove what is not content; return the element that holds the rest."""
    _prune(page, labelled=False)
    candidates = [node for node in page.elements() if node.tag == "main"]
    candidates = candidates or [
        node for node in page.elements() if node.attributes.get("role") == "main"
    ]
    mains = [main for main in candidates if main.text().strip()]
    if len(mains) == 1:
        return mains[0]
    if page.find("main", "article"):
        _remove_furniture(page)
    return page.find("body") or page


class _Target:
    """Builds the tree from the parser's events."""

    def __init__(self) -> None:
        self.root = Node("html", {})
        self._open: list[Node] = [self.root]
        self._beyond: list[str] = []  # names of open elements that are nested too deep
        self._ignored = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        tag = str(tag).rpartition(":")[2].lower()
        if self._ignored or tag in _NOT_CONTENT:
            self._ignored += 1
        elif self._beyond or len(self._open) > MAX_DEPTH:
            self._beyond.append(tag)
            if tag == "br":
                self._open[-1].children.append(Node("br", {}))
        else:
            node = Node(tag, dict(attributes))
            self._open[-1].children.append(node)
            self._open.append(node)

    def end(self, _tag: str) -> None:
        """Close the element that was opened last."""
        if self._ignored:
            self._ignored -= 1
        elif self._beyond:
            self._beyond.pop()
        elif len(self._open) > 1:
            node = self._open.pop()
            self._open[-1].holds_blocks |= node.is_block

    def data(self, text: str) -> None:
        """Take a run of text."""
        if self._ignored:
            return
        if self._beyond and self._beyond[-1] in BLOCKS:
            self._open[-1].children.append(Node("div", {}, [text]))
            self._open[-1].holds_blocks = True
        else:
            self._open[-1].children.append(text)

    def comment(self, _text: str) -> None:
        """Leave comments out."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Leave processing instructions out."""

    def close(self) -> Node:
        """Return the whole tree."""
        while len(self._open) > 1:
            self.end("")
        return self.root


def _prune(node: Node, labelled: bool) -> None:
    """Remove the elements that are not there to be read.

    Args:
        node: where to begin.
        labelled: whether this is within a heading.
    """
    labelled = labelled or node.tag in HEADINGS or node.tag == "summary"
    kept: list[Node | str] = []
    for child in node.children:
        if isinstance(child, str):
            kept.append(child)
        elif not _is_not_content(child, labelled):
            _prune(child, labelled)
            kept.append(child)
    node.children = kept


def _is_not_content(node: Node, labelled: bool) -> bool:
    attributes = node.attributes
    if _INVISIBLE.search(attributes.get("style") or ""):
        return True
    if attributes.get("role") in _NOT_CONTENT_ROLES:
        return True
    if node.tag == "form":  # some sites wrap the whole page in one
        return node.find(*HEADINGS, "p", "table", "article", "main") is None
    if node.tag == "button":  # accordions put their headings into buttons
        return not labelled
    return attributes.get("hidden", "until-found") != "until-found"


def _remove_furniture(node: Node) -> None:
    """Remove the page's own header and footer, but not those of its articles."""
    if node.tag in {"main", "article"}:
        return
    kept: list[Node | str] = []
    for child in node.children:
        if isinstance(child, Node):
            if child.tag in _FURNITURE and not child.find("main", "article"):
                continue
            _remove_furniture(child)
        kept.append(child)
    node.children = kept
