"""Hits shown with what stands around them: exact slices, never twice, never too much."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.widening import LONGEST, ROOM, STRONG, WIDTH, Stretch, neighbours, stretches
from ingest.chunking import Chunker
from ingest.index.documents import Chunk, Document, Page, document_id
from ingest.index.embedding import Embedder

BOOK = document_id("books", "book.txt")
SENTENCES = [f"Sentence number {number} is about hare {number % 7}." for number in range(1_200)]
TEXT = " ".join(SENTENCES)


@pytest.fixture(scope="module")
def chunks(embedder: Embedder) -> list[Chunk]:
    return cut(embedder, Document(TEXT, "text"))


def cut(embedder: Embedder, document: Document, name: str = BOOK) -> list[Chunk]:
    return list(Chunker(embedder.tokenizer, 64).split(document, name, "a" * 64))


def show(chunks: Sequence[Chunk], hits: Sequence[tuple[Chunk, float]], k: int = 5) -> list[Stretch]:
    """Return the stretches, from just the neighbours that were asked for."""
    wanted = set(neighbours(hits))
    assert not wanted & {chunk.id for chunk, _ in hits}
    return stretches(hits, [chunk for chunk in chunks if chunk.id in wanted], k)


def test_the_best_hit_is_widened_by_whole_sentences(chunks: list[Chunk]) -> None:
    hit = chunks[40]
    (shown,) = show(chunks, [(hit, 1.0)])
    assert shown.best == hit
    assert shown.text == TEXT[shown.start : shown.end]
    assert shown.text.startswith("Sentence number")
    assert shown.text.endswith(".")
    assert 0.7 * WIDTH < hit.start - shown.start <= 0.8 * WIDTH
    assert 1.1 * WIDTH < shown.end - hit.end <= 1.2 * WIDTH


def test_the_weaker_a_hit_the_less_is_shown_around_it(chunks: list[Chunk]) -> None:
    lengths = [len(show(chunks, [(chunks[40], share)])[0].text) for share in (1.0, 0.8, STRONG)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 2 * lengths[-1]


def test_at_the_ends_of_a_document_there_is_no_more(chunks: list[Chunk]) -> None:
    (first,) = show(chunks, [(chunks[0], 1.0)])
    assert first.start == 0
    (last,) = show(chunks, [(chunks[-1], 1.0)])
    assert last.end == len(TEXT)


def test_hits_that_touch_are_one_passage_named_after_the_best(chunks: list[Chunk]) -> None:
    (shown,) = show(chunks, [(chunks[41], 1.0), (chunks[46], 0.8), (chunks[40], 0.7)])
    assert shown.best == chunks[41]
    assert shown.start < chunks[40].start
    assert shown.end > chunks[46].end


def test_a_hit_within_another_leaves_its_place_to_the_next(chunks: list[Chunk]) -> None:
    hits = [(chunks[40], 1.0), (chunks[41], 0.9), (chunks[120], 0.8), (chunks[10], 0.7)]
    assert [shown.best for shown in show(chunks, hits, k=2)] == [chunks[40], chunks[120]]


def test_weak_hits_are_shown_while_there_is_room(chunks: list[Chunk]) -> None:
    weak = [(chunks[place], STRONG - 0.01) for place in range(60, 160, 10)]
    shown = show(chunks, [(chunks[20], 1.0), *weak], k=5)
    assert len(shown) == 1
    shown = show(chunks, [(chunks[20], 1.0), *weak], k=10)
    assert 1 < len(shown) < 10
    assert [one.text for one in shown[1:]] == [chunk.text for chunk, _ in weak[: len(shown) - 1]]
    assert sum(len(one.text) for one in shown) <= ROOM * 10


def test_many_hits_side_by_side_do_not_become_one_endless_passage(chunks: list[Chunk]) -> None:
    shown = show(chunks, [(chunk, 1.0) for chunk in chunks], k=20)
    assert len(shown) > 2
    assert max(len(one.text) for one in shown) <= LONGEST
    require_apart(shown)


def test_a_neighbour_that_is_gone_ends_the_passage_there(chunks: list[Chunk]) -> None:
    hit = chunks[40]
    (shown,) = stretches([(hit, 1.0)], [chunks[38], chunks[41]], 5)
    assert (shown.start, shown.end) == (hit.start, chunks[41].end)


def test_documents_are_never_mixed(embedder: Embedder, chunks: list[Chunk]) -> None:
    other = cut(embedder, Document(TEXT, "text"), document_id("books", "other.txt"))
    shown = show([*chunks, *other], [(chunks[40], 1.0), (other[40], 1.0)])
    assert [one.best.document_id for one in shown] == [BOOK, other[40].document_id]
    assert shown[0].text == shown[1].text


@settings(deadline=None, max_examples=60)
@given(data=st.data(), pages=st.lists(st.integers(1, 900), max_size=40))
def test_passages_are_slices_on_their_pages_and_apart(
    embedder: Embedder, data: st.DataObject, pages: list[int]
) -> None:
    starts = [0]
    for length in pages:
        starts.append(starts[-1] + length)
    starts = [start for start in starts if start < len(TEXT)] + [len(TEXT)]
    spans = [Page(number, a, b) for number, (a, b) in enumerate(pairwise(starts), start=1)]
    document = Document(TEXT, "pdf", tuple(spans))
    chunks = cut(embedder, document)
    places = data.draw(
        st.lists(st.integers(0, len(chunks) - 1), min_size=1, max_size=20, unique=True)
    )
    shares = data.draw(
        st.lists(st.floats(0.3, 1), min_size=len(places), max_size=len(places)).map(
            lambda drawn: sorted(drawn, reverse=True)
        )
    )
    k = data.draw(st.integers(1, 12))
    hits = [(chunks[place], share) for place, share in zip(places, shares, strict=True)]
    shown = show(chunks, hits, k)
    assert 1 <= len(shown) <= k
    for one in shown:
        assert one.text == document.text[one.start : one.end] == one.text.strip()
        assert one.page == document.page_at(one.start)
    ranks = [
        hits.index((one.best, share)) for one in shown for hit, share in hits if hit == one.best
    ]
    assert ranks == sorted(ranks)
    require_apart(shown)


def require_apart(shown: Sequence[Stretch]) -> None:
    ordered = sorted(shown, key=lambda one: one.start)
    assert all(one.end <= other.start for one, other in pairwise(ordered))
