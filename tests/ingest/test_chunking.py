"""Chunks: exact slices that lose nothing and that the model reads to their end."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from ingest.chunking import MAX_CHARACTERS, Chunker, _counts_by_words, _word_counter
from ingest.index.documents import REACH, Chunk, Document, Heading, Page, document_id
from ingest.index.embedding import Embedder

BOOK, VERSION = document_id("books", "book.md"), "a" * 64
LIMITS = [16, 64, 200]

PIECES = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=400),
    st.text(st.sampled_from("🐇👩‍🚀🇩🇪é\u0301\u200b\u200d"), max_size=60),
    st.builds(str.__mul__, st.sampled_from("aQ7_=é界"), st.integers(90, MAX_CHARACTERS + 100)),
    st.sampled_from(
        [
            *("# Heading\n", "## Sub\n\n", "- item\n", "1. first\n", "> quoted\n", "***\n"),
            *("| a | b |\n|---|---|\n| 1 | 2 |\n", "```py\nx = 1\n```\n", "[link](http://a.b)"),
            *(" ", "\n", "\r\n", "\n\n", "\t", "\u2028", "\u00a0", "\x0c", "\x1c"),
            "It was the best of times, it was the worst of times. " * 20,
            "word " * 150,
        ]
    ),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
KINDS = st.sampled_from(["text", "markdown", "pdf"])
HARE = "The hare ran over the field. " * 30


@pytest.fixture(scope="module")
def chunkers(embedder: Embedder) -> dict[int, Chunker]:
    return {limit: Chunker(embedder.tokenizer, limit) for limit in LIMITS}


def split(chunker: Chunker, document: Document) -> list[Chunk]:
    return list(chunker.split(document, BOOK, VERSION))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, kind=KINDS, limit=st.sampled_from(LIMITS))
@example(text="\x1f", kind="text", limit=16)
def test_chunks_are_slices_in_order_that_lose_nothing(
    chunkers: dict[int, Chunker], text: str, kind: str, limit: int
) -> None:
    chunks = split(chunkers[limit], Document(text, kind))
    assert [chunk.text for chunk in chunks] == [text[chunk.start : chunk.end] for chunk in chunks]
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text.strip() for chunk in chunks)
    borders = [0, *(border for chunk in chunks for border in (chunk.start, chunk.end)), len(text)]
    assert borders == sorted(borders)
    gaps = [text[a:b] for a, b in list(pairwise(borders))[::2]]
    assert not "".join(gaps).strip()
    # A gap that is longer than anything to show is not carried along.
    assert [chunk.lead for chunk in chunks] == [
        gap if len(gap) <= REACH else "" for gap in gaps[:-1]
    ]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, kind=KINDS, limit=st.sampled_from(LIMITS))
@example(text="hare. " * 2000, kind="text", limit=200)
@example(text="hare\n\n" + "\n" * 2 * REACH + "hare", kind="text", limit=200)
def test_a_chunk_knows_the_chunks_around_it(
    chunkers: dict[int, Chunker], text: str, kind: str, limit: int
) -> None:
    chunks = split(chunkers[limit], Document(text, kind))
    for place, chunk in enumerate(chunks):
        before = [(c.start, c.end) for c in chunks[:place] if c.end >= chunk.start - REACH]
        after = [(c.start, c.end) for c in chunks[place + 1 :] if c.start <= chunk.end + REACH]
        assert chunk.around == (*before[-8:], *after[:8])
        assert [chunk.id_at(c.ordinal) for c in chunks] == [c.id for c in chunks]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, kind=KINDS, limit=st.sampled_from(LIMITS))
@example(text="x" * (MAX_CHARACTERS + 60) + " the hare" * 90, kind="text", limit=200)
def test_chunks_are_never_longer_than_the_limit(
    embedder: Embedder, chunkers: dict[int, Chunker], text: str, kind: str, limit: int
) -> None:
    for chunk in split(chunkers[limit], Document(text, kind)):
        assert len(embedder.tokenizer.encode(chunk.text).ids) <= limit
        assert len(chunk.text) <= MAX_CHARACTERS


def test_chunks_of_plain_prose_are_nearly_full(
    embedder: Embedder, chunkers: dict[int, Chunker]
) -> None:
    chunks = split(chunkers[200], Document(HARE * 5, "text"))
    lengths = [len(embedder.tokenizer.encode(chunk.text).ids) for chunk in chunks]
    assert min(lengths[:-1]) > 180


def test_splitting_twice_gives_the_same_ids(chunkers: dict[int, Chunker]) -> None:
    document = Document(HARE * 5, "text")
    first, second = (split(chunkers[64], document) for _ in range(2))
    assert first == second
    assert len({chunk.id for chunk in first}) == len(first)


def test_a_heading_starts_a_chunk_in_markdown(chunkers: dict[int, Chunker]) -> None:
    text = f"# One\n\n{HARE}\n\n# Two\n\n{HARE}"
    starts = [chunk.start for chunk in split(chunkers[200], Document(text, "markdown"))]
    assert text.index("# Two") in starts


def test_page_and_heading_path_of_the_start_travel_along(chunkers: dict[int, Chunker]) -> None:
    parts = [f"# One\n\n{HARE}\n\n", f"## Inner\n\n{HARE}\n\n", f"# Two\n\n{HARE}"]
    first, second = len(parts[0]), len(parts[0]) + len(parts[1])
    text = "".join(parts)
    document = Document(
        text,
        "markdown",
        pages=(Page(1, 0, first), Page(4, first, len(text))),
        headings=(
            Heading(1, "One", 0, 5),
            Heading(2, "Inner", first, first + 8),
            Heading(1, "Two", second, second + 5),
        ),
    )
    chunks = split(chunkers[64], document)
    for chunk in chunks:
        assert chunk.page == (1 if chunk.start < first else 4)
        path = [("One",), ("One", "Inner"), ("Two",)]
        assert chunk.heading == path[(chunk.start >= first) + (chunk.start >= second)]
    assert {chunk.document_id for chunk in chunks} == {BOOK}
    assert {chunk.version for chunk in chunks} == {VERSION}


def test_without_pages_and_headings_there_are_none(chunkers: dict[int, Chunker]) -> None:
    for chunk in split(chunkers[64], Document(HARE, "text")):
        assert (chunk.page, chunk.heading) == (None, ())


@pytest.mark.parametrize("text", ["", " \n\t\r\n "])
def test_no_text_gives_no_chunks(chunkers: dict[int, Chunker], text: str) -> None:
    assert split(chunkers[200], Document(text, "markdown")) == []


@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
@example(text="don't [SEP] x\u00a0y\tz  e\u0301 漢字 \u200b ##ing")
def test_words_counted_one_by_one_make_the_tokenizer_s_count(embedder: Embedder, text: str) -> None:
    tokenizer = embedder.tokenizer
    assert _counts_by_words(tokenizer)
    counted = _word_counter(tokenizer)(text)
    assert counted == len(tokenizer.encode(text, add_special_tokens=False).ids)


def test_a_tokenizer_that_counts_spaces_is_not_taken_for_one_that_does_not() -> None:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel()
    assert not _counts_by_words(tokenizer)
