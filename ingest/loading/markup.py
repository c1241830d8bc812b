"""HTML, of web pages and of converted files: its content as Markdown, without the furniture."""

import re

from ingest.index.documents import Document
from ingest.loading import limits
from ingest.loading.htmltables import only_arranges, table_text
from ingest.loading.htmltree import HEADINGS, Node, content_of, parse_html
from ingest.loading.markdown import scan_headings
from ingest.loading.text import clean

_BREAK = "\x1e"  # a line break that is meant, until white space is collapsed
_WHITE = re.compile(r"[ \t\r\n\f\v]+")
_BREAKS = re.compile(rf" ?{_BREAK} ?")
_POWER = re.compile(r"\s*[-+−]?\d")
_FENCE = re.compile(r"`{3,}")
_LOOKS_LIKE_MARKUP = re.compile(r"^([ ]{0,3})(#{1,6}\s|(?:=+|-+)[ ]*$|```|~~~)", re.MULTILINE)
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_DEEP_QUOTE = "> > > > "  # deeper ones say nothing more, and cost their square
_PREFORMATTED = frozenset({"pre", "listing", "plaintext", "xmp"})


def from_markup(markup: str, kind: str, name: str) -> Document:
    """Return the document of kind `kind` whose canonical text is `markup` as Markdown."""
    page = parse_html(clean(markup))
    title_node = page.find("title")
    title = " ".join(title_node.text().split()) if title_node else ""
    if title_node:
        title_node.children.clear()
    root = content_of(page)
    text = "\n\n".join(_blocks(root))
    if title and text.strip() and not root.find("h1"):
        text = f"# {title}\n\n{text}"
    text = re.sub(r"[ \t]+$", "", clean(text), flags=re.MULTILINE)
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    if len(text) > limits.MAX_CHARACTERS:
        raise limits.too_long(name)
    return Document(text, kind, headings=scan_headings(text))


def fenced(text: str) -> str:
    """Return `text` as a block of code, whatever fences there are in it."""
    fence = "`" * (max([2, *map(len, _FENCE.findall(text))]) + 1)
    return f"{fence}\n{text}\n{fence}"


def _blocks(node: Node) -> list[str]:
    """Return the blocks within an element: paragraphs, headings, lists, tables."""
    blocks: list[str] = []
    run: list[str] = []

    def end_run() -> None:
        if text := _collapsed(run):
            blocks.append(_escaped(text))
        run.clear()

    for child in node.children:
        if isinstance(child, str) or not child.is_block:
            _inline(child, run)
            continue
        end_run()
        if child.tag in HEADINGS:
            if title := " ".join(_flat(child).split()):
                blocks.append(f"{'#' * int(child.tag[1])} {title}")
        elif child.tag in _LISTS:
            blocks += _list(child)
        elif child.tag in _PREFORMATTED:
            blocks += _preformatted(child)
        elif child.tag == "blockquote":
            inner = "\n\n".join(_blocks(child))
            mark = "" if inner.startswith(_DEEP_QUOTE) else "> "
            blocks += ["\n".join(mark + line for line in inner.split("\n"))] if inner else []
        elif child.tag == "table":
            blocks += _table(child)
        else:
            blocks += _blocks(child)
    end_run()
    return blocks


def _inline(item: Node | str, run: list[str]) -> None:
    """Add the text of an element that stands within a line."""
    if isinstance(item, str):
        run.append(item.replace("\xa0", " ").replace("\xad", ""))
    elif item.tag == "br":
        run.append(_BREAK)
    elif item.tag == "img":
        run.append(item.attributes.get("alt") or "")
    elif item.tag in _CODE and item.text().strip():
        run.append(f"`{item.text().strip()}`")
    else:
        if item.tag == "sup" and _POWER.match(item.text()):
            before = next((part for part in reversed(run) if part), "")
            run.append("^" if before[-1:].isdigit() else "")  # 10<sup>5</sup> is not 105
        for child in item.children:
            _inline(child, run)


def _collapsed(run: list[str]) -> str:
    return _BREAKS.sub("\n", _WHITE.sub(" ", "".join(run))).strip()


def _escaped(text: str) -> str:
    """Escape only what would make a heading or code out of ordinary text."""
    return _LOOKS_LIKE_MARKUP.sub(r"\1\\\2", text)


def _flat(node: Node) -> str:
    """Return everything in an element on one line."""
    if not node.holds_blocks:
        run: list[str] = []
        for child in node.children:
            _inline(child, run)
        return " ".join(_collapsed(run).split())
    return " ".join(" ".join(_blocks(node)).split())


def _list(node: Node) -> list[str]:
    """Return a list as one block, or the blocks of a list that only arranges them."""
    items = [child for child in node.children if isinstance(child, Node)]
    if node.find(*HEADINGS):
        return [block for item in items for block in _blocks(Node("div", {}, [item], True))]
    number = node.attributes.get("start") or "1"
    counter = int(number) if number.isdecimal() and len(number) < 9 else 1
    lines = []
    for child in node.children:
        item = child if isinstance(child, Node) else Node("li", {}, [child])
        blocks = _list(item) if item.tag in _LISTS else _blocks(item)
        if not blocks:
            continue
        marker = f"{counter}. " if node.tag == "ol" else "* "
        counter += 1
        text = blocks[0]
        for block in blocks[1:]:
            text += ("\n" if block.startswith(("* ", "1. ")) else "\n\n") + block
        if item.tag in _LISTS:  # a list right in a list belongs to the item above
            marker = " " * len(marker)
            text = marker + text
        lines.append(
            (text if item.tag in _LISTS else marker + text).replace("\n", "\n" + " " * len(marker))
        )
    return ["\n".join(lines)] if lines else []


def _preformatted(node: Node) -> list[str]:
    text = node.text().replace("\r\n", "\n").strip("\n").rstrip()
    if not text.strip():
        return []
    return [fenced(text)]


def _table(node: Node) -> list[str]:
    """Return a table with its columns' words in each row, or the blocks that it arranges."""
    if only_arranges(node):
        parts = [part for part in node.children if isinstance(part, Node)]
        return [block for part in parts for block in _blocks(Node("div", {}, [part], True))]
    captions = [
        _flat(part) for part in node.children if isinstance(part, Node) and part.tag == "caption"
    ]
    lines = [_escaped(line) for line in table_text(node, _flat) if line.strip()]
    return [block for block in (*captions, "\n".join(lines)) if block]
