"""E-books (.epub): their chapters in reading order, each as the page that it is."""

from pathlib import Path

from ingest.index.errors import DocumentError
from ingest.loading.builder import Builder
from ingest.loading.containers import Container, open_container
from ingest.loading.loaded import Loaded
from ingest.loading.markup import from_markup
from ingest.loading.web import decode_markup
from ingest.loading.xmltree import local, parse_leniently, resolve

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_MEANINGLESS = frozenset({"cover", "unknown", "unknown title", "untitled", "untitled document"})


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read an e-book."""
    builder = Builder("epub", name)
    with open_container(path, name) as container:
        title, chapters = _chapters(container)
        locked = _locked(container)
        pages = [
            from_markup(decode_markup(container.read(part), name), "epub", name)
            for part in chapters
            if part not in locked
        ]
        if any(heading.title == title for page in pages[:1] for heading in page.headings):
            title = ""  # the book says it itself
        if title:
            builder.heading(1, title)
        for page in pages:
            builder.append(page, lower=1 if title else 0)
    if chapters and not pages:
        raise DocumentError(
            f"{name} is locked by its seller (DRM).", "Add a copy without such protection."
        )
    if not chapters:
        raise DocumentError(
            f"{name} names no chapters.", "Save it again in the program it came from."
        )
    return Loaded(builder.document())


def _chapters(container: Container) -> tuple[str, list[str]]:
    """Return the book's title and the parts of its chapters, in reading order."""
    package = _package(container)
    root = parse_leniently(container.read(package))
    items: dict[str, str] = {}
    order: list[str] = []
    title = ""
    for element in root.iter() if root is not None else ():
        kind = local(element)
        if kind == "title" and not title:
            title = " ".join("".join(element.itertext()).split())
        elif kind == "item" and element.get("media-type") in _PAGES:
            items[element.get("id", "")] = resolve(package, element.get("href", ""))
        elif kind == "itemref":
            order.append(element.get("idref", ""))
    listed = [items[key] for key in order if key in items] or items.values()
    parts = [part for part in dict.fromkeys(listed) if part in container]
    return ("" if title.lower() in _MEANINGLESS else title), parts


def _package(container: Container) -> str:
    if _CONTAINER in container:
        root = parse_leniently(container.read(_CONTAINER))
        for element in root.iter("{*}rootfile") if root is not None else ():
            if element.get("full-path", "") in container:
                return str(element.get("full-path"))
    return next(part for part in container.names if part.lower().endswith(".opf"))


def _locked(container: Container) -> frozenset[str]:
    """Return the parts that are encrypted; fonts often are, in books that open freely."""
    if _ENCRYPTION not in container:
        return frozenset()
    root = parse_leniently(container.read(_ENCRYPTION))
    references = root.iter("{*}CipherReference") if root is not None else ()
    return frozenset(resolve("", element.get("URI", "")) for element in references)
