"""Documents and the spans over them: the nouns that every room shares.

A document has one canonical text. Pages, headings, chunks, passages and quotes are
spans of it, counted in characters (Python string indices), end exclusive:
`document.text[chunk.start:chunk.end] == chunk.text` holds for all of them, always.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f0f7c52-4b1c-5d5e-9d55-0c2a4f0e7a11")
"""Root of all derived ids. Changing it orphans every index ever written."""

REACH = 1_200
"""Characters before and after a chunk in which it knows the other chunks."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document; pages are numbered from 1, as printed on screen."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading line: `title` without marks, `level` 1 (highest) to 6, and its line's span."""

    level: int
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """The canonical text of one file, with what is known about its places.

    Attributes:
        text: the canonical text. For UTF-8 plain text and Markdown, the file's own text.
        kind: what it was read as: `text`, `markdown`, `html`, `pdf`, `docx`, and so on
            (docs/formats.md).
        pages: in order, without overlap; empty where the format has no pages.
        headings: in order of appearance; empty where none are known.
    """

    text: str
    kind: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()

    def page_at(self, position: int) -> int | None:
        """Return the number of the page that holds `position`, or None without pages."""
        index = bisect_right(self.pages, position, key=lambda page: page.start) - 1
        return self.pages[index].number if index >= 0 else None

    def heading_path_at(self, position: int) -> tuple[str, ...]:
        """Return the titles of the sections around `position`, outermost first."""
        path: list[Heading] = []
        last = bisect_right(self.headings, position, key=lambda heading: heading.start)
        for heading in reversed(self.headings[:last]):
            if not path or heading.level < path[-1].level:
                path.append(heading)
            if path[-1].level == 1:
                break
        return tuple(heading.title for heading in reversed(path))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of a document that is embedded and retrieved as a whole.

    Attributes:
        document_id: the document's identity, which outlives its versions.
        version: SHA-256 of the file that the slice was taken from.
        ordinal: place among the document's chunks, from 0.
        page: page on which the chunk starts.
        heading: titles of the sections around its start, outermost first.
        lead: the white space between the chunk before and this one.
        around: spans of the chunks within REACH characters, in order, without its own.
        language: ISO 639-1 code of its document's; empty where that does not tell.
        cut: digest of all chunks of the version. Cut in another way, they have other ids, so that
            none takes the place of an old one before all of them are written.
    """

    document_id: str
    version: str
    ordinal: int
    start: int
    end: int
    text: str
    page: int | None = None
    heading: tuple[str, ...] = ()
    lead: str = ""
    around: tuple[tuple[int, int], ...] = ()
    language: str = ""
    cut: str = ""

    @property
    def id(self) -> str:
        """A UUID: 24 digits derived from document, version and cut, and 8 of the ordinal.

        Writing twice is writing once. As numbers, the ids of a cut follow each other.
        """
        return self.id_at(self.ordinal)

    def id_at(self, ordinal: int) -> str:
        """Return the id of the chunk at another place of this cut."""
        return f"{_id_of_cut(self.document_id, self.version, self.cut)}{ordinal:08x}"


# A search asks for the ids of a few chunks several times over, and working one out takes long.
@lru_cache(maxsize=10_000)
def _id_of_cut(document_id: str, version: str, cut: str) -> str:
    return str(uuid5(UUID(document_id), f"{version}:{cut}"))[:-8]


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document as shown to a person or a model, under the number to cite it by.

    Attributes:
        number: from 1 in order of relevance; one number is one passage in one answer.
        document: the document's name.
        chunk_id: the chunk that was found; the passage shows it with what stands around it.
        page: page on which the passage starts.
        heading: titles of the sections around the start of that chunk, outermost first.
        score: fused relevance in [0, 1]; comparable within one search only.
        language: of its document, as in `Chunk`.
    """

    number: int
    document: str
    document_id: str
    chunk_id: str
    text: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...] = field(default=())
    score: float = 0.0
    language: str = ""


def document_id(collection: str, name: str) -> str:
    """Return the identity of the document called `name` in `collection`, a UUID."""
    return str(uuid5(_NAMESPACE, f"{collection}\0{name}"))
