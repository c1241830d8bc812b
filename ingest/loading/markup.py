"""HTML, of web pages and of converted files: its content as Markdown, without the furniture."""

import re
from collections.abc import Iterable
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString
from markdownify import MarkdownConverter

from ingest.index.documents import Document
from ingest.loading.markdown import scan_headings
from ingest.loading.text import clean

_NOT_CONTENT = frozenset(
    {
        *("script", "style", "noscript", "template", "svg", "nav", "dialog", "canvas"),
        *("iframe", "object", "embed", "audio", "video"),
        *("input", "select", "textarea", "datalist"),
    }
)
_FURNITURE = ["header", "footer", "aside"]
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_BLOCKS = [*_HEADINGS, "p", "table", "article", "main"]
_SECTIONS = ["header", "footer", "aside", "main", "figure", "details", "summary", "address", "form"]
_INVISIBLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_POWER = re.compile(r"\s*[-+−]?\d")
_OPTIONS: dict[str, Any] = {
    "heading_style": "atx",
    "strip": ["a", "b", "strong", "i", "em"],
    "table_infer_header": True,
    "wrap": True,  # line ends of the source are spaces
    "wrap_width": None,  # but no new ones are made
}
_LOOKS_LIKE_HEADING = re.compile(r"^([ ]{0,3})(#{1,6}\s|(?:=+|-+)[ ]*$)", re.MULTILINE)


def from_markup(markup: str, kind: str) -> Document:
    """Return the document of kind `kind` whose canonical text is `markup` as Markdown."""
    # The doctype in front keeps the parser from guessing that XHTML is XML.
    soup = BeautifulSoup("<!doctype html>" + markup, "lxml")
    root = _content(soup)
    title = soup.title.extract().get_text(" ", strip=True) if soup.title else ""
    _simplify(root)
    text = _Converter(**_OPTIONS).convert_soup(root)
    if title and text.strip() and not root.find("h1"):
        text = f"# {' '.join(title.split())}\n\n{text}"
    text = re.sub(r"[ \t]+$", "", clean(text), flags=re.MULTILINE)
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return Document(text, kind, headings=scan_headings(text))


class _Converter(MarkdownConverter):
    """Markdown that a person reads: characters stay as they are where nothing hangs on them."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Escape only what would make a heading or a table cell out of ordinary text."""
        if "td" in parent_tags or "th" in parent_tags:
            return text.replace("|", r"\|")
        if "_inline" in parent_tags:
            return text
        return _LOOKS_LIKE_HEADING.sub(r"\1\\\2", text)


def _content(soup: BeautifulSoup) -> Tag:
    """Remove what is not content; return the element that holds the rest."""
    for node in soup.find_all(string=lambda string: isinstance(string, PreformattedString)):
        node.extract()
    _remove(soup.find_all(_is_not_content))
    candidates = soup.find_all("main") or soup.find_all(role="main")
    mains = [main for main in candidates if main.get_text(strip=True)]
    if len(mains) == 1:
        return mains[0]
    content = ["main", "article"]
    if soup.find(content):
        furniture = soup.find_all(_FURNITURE)
        _remove(tag for tag in furniture if not (tag.find_parent(content) or tag.find(content)))
    return soup.body or soup


def _is_not_content(tag: Tag) -> bool:
    if tag.name in _NOT_CONTENT or _INVISIBLE.search(str(tag.get("style", ""))):
        return True
    if tag.name == "form":  # some sites wrap the whole page in one
        return tag.find(_BLOCKS) is None
    if tag.name == "button":  # accordions put their headings into buttons
        return tag.find_parent([*_HEADINGS, "summary"]) is None
    return tag.get("hidden", "until-found") != "until-found"


def _remove(tags: Iterable[Tag]) -> None:
    for tag in tags:
        if not tag.decomposed:
            tag.decompose()


def _simplify(root: Tag) -> None:
    """Bring what Markdown has no words for into a form that survives the conversion."""
    for string in root.find_all(string=re.compile("[\xa0\xad]")):
        string.replace_with(string.replace("\xa0", " ").replace("\xad", ""))
    for tag in root.find_all(_SECTIONS):
        tag.name = "div"
    for image in root.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))
    for power in root.find_all("sup"):
        before = power.previous_sibling
        if before and before.get_text()[-1:].isdigit() and _POWER.match(power.get_text()):
            power.insert(0, "^")  # 10<sup>5</sup> is not 105
    for table in root.find_all("table"):
        rows = table.find_all("tr")
        if table.find([*_HEADINGS, "pre", "table"]) or all(_cells(row) < 2 for row in rows):
            _unwrap_layout(table)


def _cells(row: Tag) -> int:
    return len(row.find_all(["td", "th"]))


def _unwrap_layout(table: Tag) -> None:
    """Turn a table that arranges blocks on the page into those blocks."""
    parts = table.find_all(["caption", "thead", "tbody", "tfoot", "tr", "td", "th"])
    for part in [part for part in parts if part.find_parent("table") is table]:
        part.name = "div"
    table.name = "div"
