"""Hits to passages: a hit is shown with what stands around it, and joined with its neighbours.

An answer that a hit lacks stands most often right beside it: the text that answers begins in
one chunk and ends in the next. So small chunks are searched, and the good ones are shown with
their surroundings: the better a hit, the wider. What each constant buys is in
docs/retrieval.md. Pure.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.index.documents import REACH, Chunk

WIDTH = 870
"""Characters by which the best hit is widened on either side, on average. Of what is
shown, 6 % are the words that answer; wider, there are fewer."""

STEEPNESS = 2
"""A hit that scores a share s of the best one's score is widened by s**2 of its width."""

STRONG = 0.55
"""A hit that scores a smaller share is shown as it is, and only while there is room."""

ROOM = 400
"""Characters that passages may hold, for each passage asked for, before weak hits are left out:
the passages of short documents fit into it, those of long ones do not."""

LONGEST = 4_000
"""Most characters of a passage that is joined from several: beyond it there are two, side by
side, so that a model with little room can be shown one of them."""

_BEFORE = 0.8
_AFTER = 1.2
"""Shares of the width; a text explains itself onwards more than backwards."""

_SENTENCE_END = re.compile(r"[.!?][\"'”’»)\]]*(?=\s)|[。！？][」』”]?|\n")

assert WIDTH * _AFTER <= REACH


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is shown as one passage.

    Attributes:
        best: the best hit in it.
        start, end: its span in the document.
    """

    best: Chunk
    start: int
    end: int
    text: str
    page: int | None


def neighbours(hits: Iterable[tuple[Chunk, float]]) -> list[str]:
    """Return the ids of the chunks that `stretches` wants beside these hits.

    Args:
        hits: chunks with their scores as shares of the best one's, in [0, 1].
    """
    hits = list(hits)
    known = {(chunk.document_id, chunk.start) for chunk, _ in hits}
    wanted = []
    for chunk, share in hits:
        if share < STRONG:
            continue
        first, last = _limits(chunk.start, chunk.end, share)
        before = sum(start < chunk.start for start, _ in chunk.around)
        for place, (start, end) in enumerate(chunk.around):
            if end > first and start < last and (chunk.document_id, start) not in known:
                known.add((chunk.document_id, start))
                # Those before it and those after follow each other without a gap.
                ordinal = chunk.ordinal - before + place + (place >= before)
                wanted.append(chunk.id_at(ordinal))
    return wanted


def stretches(
    hits: Sequence[tuple[Chunk, float]], others: Iterable[Chunk], k: int
) -> list[Stretch]:
    """Return at most `k` stretches of text that hold the best hits, best first.

    Args:
        hits: chunks with their scores as shares of the best one's, in [0, 1], best first.
        others: the chunks around them, as far as they are there.
    """
    runs = _runs([*(chunk for chunk, _ in hits), *others])
    shown: list[_Part] = []
    for rank, (chunk, share) in enumerate(hits):
        run = runs[chunk.document_id, chunk.start]
        start, end = chunk.start, chunk.end
        if any(part.run is run and part.start <= start and end <= part.end for part in shown):
            continue
        if share >= STRONG:
            start, end = run.widened(start, end, share)
        elif sum(part.end - part.start for part in shown) + end - start > ROOM * k:
            break
        shown = _joined(shown, _Part(run, start, end, rank))
        if len(shown) == k:
            break
    shown.sort(key=lambda part: part.rank)
    return [
        Stretch(
            hits[part.rank][0],
            part.start,
            part.end,
            part.run.slice(part.start, part.end),
            part.run.page_at(part.start),
        )
        for part in shown
    ]


class _Run:
    """Chunks of one document with nothing but white space between them."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._starts = [chunk.start for chunk in chunks]
        self._pages = [chunk.page for chunk in chunks]
        self._text = chunks[0].text + "".join(chunk.lead + chunk.text for chunk in chunks[1:])
        self._end = chunks[-1].end

    def slice(self, start: int, end: int) -> str:
        """Return what stands from `start` to `end`."""
        return self._text[start - self._starts[0] : end - self._starts[0]]

    def page_at(self, position: int) -> int | None:
        """Return the page of a position that `widened` returned."""
        return self._pages[bisect_right(self._starts, position) - 1]

    def widened(self, start: int, end: int, share: float) -> tuple[int, int]:
        """Return the span around a hit, from the start of a sentence to the end of one."""
        offset = self._starts[0]
        first, last = _limits(start, end, share)
        if first <= offset:
            first = offset
        else:
            cut = _SENTENCE_END.search(self._text, first - offset, start - offset)
            first = self.on_known_page(cut.end() + offset, start) if cut else start
        if last >= self._end:
            last = self._end
        else:
            # The character after the stretch tells whether its last mark ends a sentence.
            marks = _SENTENCE_END.finditer(self._text, end - offset, last - offset + 1)
            cuts = [mark.end() + offset for mark in marks]
            last = max((cut for cut in cuts if cut <= last), default=end)
        return self.stripped(first, last)

    def stripped(self, start: int, end: int) -> tuple[int, int]:
        """Return a span without outer white space."""
        text = self.slice(start, end)
        return end - len(text.lstrip()), start + len(text.rstrip())

    def on_known_page(self, position: int, most: int) -> int:
        """Return the first position from `position`, at most `most`, whose page is known.

        Pages are known where chunks start; a chunk may go on to the next page.
        """
        place = bisect_right(self._starts, position) - 1
        following = min(place + 1, len(self._starts) - 1)
        if position == self._starts[place] or self._pages[place] == self._pages[following]:
            return position
        return min(self._starts[following], most)


@dataclass(frozen=True, slots=True)
class _Part:
    """A span of a run, and the rank of the best hit in it."""

    run: _Run
    start: int
    end: int
    rank: int

    def within(self, start: int, end: int) -> "_Part | None":
        """Return this part cut to a span, or None where nothing is left of it."""
        start, end = max(start, self.start), min(end, self.end)
        if start < end:
            start = self.run.on_known_page(start, end)
            start, end = self.run.stripped(start, end)
        return replace(self, start=start, end=end) if start < end else None


def _limits(start: int, end: int, share: float) -> tuple[int, int]:
    width = WIDTH * share**STEEPNESS
    return start - round(_BEFORE * width), end + round(_AFTER * width)


def _runs(chunks: Iterable[Chunk]) -> Mapping[tuple[str, int], _Run]:
    """Return the run that each chunk lies in, by the chunk's document and start."""
    groups: list[list[Chunk]] = []
    for chunk in sorted(chunks, key=lambda chunk: (chunk.document_id, chunk.start)):
        before = groups[-1][-1] if groups else None
        if (
            before is not None
            and before.document_id == chunk.document_id
            and before.end + len(chunk.lead) == chunk.start
        ):
            groups[-1].append(chunk)
        else:
            groups.append([chunk])
    found = {}
    for group in groups:
        run = _Run(group)
        found.update({(chunk.document_id, chunk.start): run for chunk in group})
    return found


def _joined(parts: Sequence[_Part], new: _Part) -> list[_Part]:
    """Return the parts with a new one, which takes in those that it touches.

    Where that would be too long, it is cut to what they lack.
    """
    apart: list[_Part] = []
    for part in parts:
        first, second = sorted((part, new), key=lambda one: one.start)
        end = max(part.end, new.end)
        if part.run is not new.run or new.run.slice(first.end, second.start).strip():
            apart.append(part)
        elif end - first.start > LONGEST and first.end < second.end:
            apart.append(part)
            left = new.within(part.end, end) if first is part else new.within(0, part.start)
            if left is None:
                return list(parts)
            new = left
        else:
            new = _Part(new.run, first.start, max(part.end, new.end), min(part.rank, new.rank))
    return [*apart, new]
