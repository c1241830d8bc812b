"""Documents to chunks: slices that the embedding model can read as a whole."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from ingest.index.documents import REACH, Chunk, Document

MAX_CHARACTERS = 2_000
"""A tokenizer may count a run of any length without spaces as one unknown token (WordPiece
does, past 100 characters); a passage that a person cannot take in is cut all the same."""

_LONGEST_WORD = 64
"""Characters of the longest word whose count is remembered; bounds the memory for that."""

_STRETCH = 1_000_000
"""Most characters that are split at a time."""

_MOST_AROUND = 8
"""Most chunks that a chunk knows on either side, where they are very short."""

_Splitter = MarkdownSplitter | TextSplitter

_MARKED_UP = frozenset(
    {
        *("markdown", "html", "docx", "pptx", "xlsx", "xls", "csv", "odt", "ods", "odp"),
        *("rtf", "epub", "notebook"),
    }
)
"""Kinds whose canonical text is Markdown."""


class Chunker:
    """Splits at the highest boundary that fits: section, paragraph, sentence, word.

    Args:
        tokenizer: the embedding model's, without truncation.
        tokens: the most tokens in a chunk, the model's special tokens included.
    """

    def __init__(self, tokenizer: Tokenizer, tokens: int) -> None:
        # The splitters count a text's own tokens only.
        capacity = tokens - tokenizer.num_special_tokens_to_add(is_pair=False)
        if _counts_by_words(tokenizer):
            count = _word_counter(tokenizer)
            self._markdown = MarkdownSplitter.from_callback(count, capacity)
            self._plain = TextSplitter.from_callback(count, capacity)
        else:
            self._markdown = MarkdownSplitter.from_huggingface_tokenizer(tokenizer, capacity)
            self._plain = TextSplitter.from_huggingface_tokenizer(tokenizer, capacity)
        self._characters = TextSplitter(MAX_CHARACTERS)

    def split(self, document: Document, document_id: str, version: str) -> Iterator[Chunk]:
        """Yield the document's chunks in order; each is the exact slice of its span."""
        splitter = self._markdown if document.kind in _MARKED_UP else self._plain
        before = 0
        for ordinal, (span, around) in enumerate(with_others(self._spans(splitter, document))):
            start, end = span
            yield Chunk(
                document_id=document_id,
                version=version,
                ordinal=ordinal,
                start=start,
                end=end,
                text=document.text[start:end],
                page=document.page_at(start),
                heading=document.heading_path_at(start),
                lead=document.text[before:start] if start - before <= REACH else "",
                around=around,
            )
            before = end

    def _spans(self, splitter: _Splitter, document: Document) -> Iterator[tuple[int, int]]:
        for first, last in _stretches(document.text):
            for offset, text in self._split(splitter, document.text[first:last]):
                # Python's white space has a few control characters more than the splitter's.
                if not text.isspace():
                    yield first + offset, first + offset + len(text)

    def _split(self, splitter: _Splitter, stretch: str) -> Iterator[tuple[int, str]]:
        for start, text in splitter.chunk_indices(stretch):
            if len(text) <= MAX_CHARACTERS:
                yield start, text
                continue
            # Cut from its run, an end counts more tokens than it did within.
            for first, part in self._characters.chunk_indices(text):
                for offset, piece in splitter.chunk_indices(part):
                    yield start + first + offset, piece


_Span = tuple[int, int]


def with_others(spans: Iterable[_Span]) -> Iterator[tuple[_Span, tuple[_Span, ...]]]:
    """Yield each span with those that begin or end within REACH of it."""
    known: deque[_Span] = deque()
    waiting: deque[_Span] = deque()
    for span in chain(spans, [None]):
        while waiting and (span is None or span[0] > waiting[0][1] + REACH):
            done = waiting.popleft()
            while known[0][1] < done[0] - REACH:
                known.popleft()
            yield done, _nearest(known, done)
        if span is not None:
            known.append(span)
            waiting.append(span)


def _nearest(spans: Iterable[_Span], around: _Span) -> tuple[_Span, ...]:
    before = [span for span in spans if span < around]
    after = [span for span in spans if span > around]
    return (*before[-_MOST_AROUND:], *after[:_MOST_AROUND])


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Cut a long text between paragraphs: splitters hold several copies of what they split."""
    first = 0
    while len(text) - first > _STRETCH:
        last = first + _STRETCH
        for boundary in ("\n\n", "\n", " "):
            found = text.rfind(boundary, first + _STRETCH // 2, last)
            if found >= 0:
                last = found + len(boundary)
                break
        yield first, last
        first = last
    yield first, len(text)


def _counts_by_words(tokenizer: Tokenizer) -> bool:
    """Whether a text has as many tokens as its words, cut at spaces, have one by one.

    BERT's tokenizers cut there before anything else; others count a space as a part of a word.
    """
    parts = json.loads(tokenizer.to_str())
    kinds = [(parts[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and not any(
        len(token["content"].split()) > 1 for token in parts["added_tokens"]
    )


def _word_counter(tokenizer: Tokenizer) -> Callable[[str], int]:
    """Return a count of tokens that remembers words.

    To find boundaries a splitter measures a text about nine times over; the tokenizer took
    2.2 s of that for 0.86 MB, and this takes 0.3 s.
    """

    def count(word: str) -> int:
        return len(tokenizer.encode(word, add_special_tokens=False).ids)

    remembered = lru_cache(maxsize=1 << 15)(count)

    def size(text: str) -> int:
        words = text.replace("\n", " ").split(" ")
        return sum(
            remembered(word) if len(word) <= _LONGEST_WORD else count(word)
            for word in words
            if word
        )

    return size
