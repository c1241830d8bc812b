"""Answers, sources and documents to what a browser shows.

Everything that a document, a model or a person wrote is escaped here, before it is
put between tags of ours.
"""

import re
from collections.abc import Sequence
from html import escape

from assistant.citations import MARK, without_marks
from assistant.events import Answer, Citation
from assistant.sentences import sentence_spans
from assistant.ui.conversation import Conversation, Turn
from assistant.verification import Support
from ingest.index.documents import Document, Passage
from ingest.index.tables import Record, State

CONTEXT = 320
"""Characters of a document shown on either side of a passage."""

SHOWN_DOCUMENTS = 200
"""Rows drawn of a long list of documents."""

_BLOCK_START = re.compile(r"\s*(?:[-*+]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>\s*)*")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#+\-!|>~$:@.])")
_LINKING = re.compile(r"(?<=!)\[|(?<=\])[(:]|:(?=//)|(?<=www)\.|@", re.IGNORECASE)
"""What makes images and links of a model's text, written out or not."""

_HEADING_LINE = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)
_PAGE_LINE = re.compile(r"(?<!\n)\n(?=.)(?!\s*(?:\n|\d+[.)\d]*\s|\(\w{1,3}\)|[-•*–]\s))")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_EXPLAINED = {
    Support.PARTLY: "Only in part found in its source",
    Support.UNSUPPORTED: "Not found in the source that it cites",
    Support.UNCITED: "Cites no source",
}


def messages(conversation: Conversation) -> list[dict[str, str]]:
    """Return the conversation as `gr.Chatbot` takes it."""
    shown: list[dict[str, str]] = []
    for number, turn in enumerate(conversation.turns):
        shown.append({"role": "user", "content": _plain(turn.question)})
        shown.append({"role": "assistant", "content": _turn(turn, number)})
    return shown


def sources(conversation: Conversation, turn_number: int, chosen: int | None = None) -> str:
    """Return the source panel of one answer: its citations, or the closest passages.

    Args:
        turn_number: index of the turn.
        chosen: index of the citation that is opened elsewhere in the panel.
    """
    answer = conversation.turns[turn_number].answer if conversation.turns else None
    if answer is None:
        return _EMPTY_SOURCES
    if not answer.citations:
        cards = [_passage_card(passage) for passage in answer.passages]
        title = "Closest passages" if answer.passages else "Sources"
        return f"<h2>{title}</h2>{''.join(cards) or _EMPTY_SOURCES}"
    cards = [
        _citation_card(citation, turn_number, order)
        for order, citation in enumerate(answer.citations)
        if order != chosen
    ]
    if not cards:
        return ""
    return f"<h2>Sources</h2>{''.join(cards)}"


def opened_source(citation: Citation, passage: Passage, document: Document | None) -> str:
    """Return the card of one opened citation: its passage in place, the quote highlighted.

    Args:
        document: as it is now; None, or changed since, shows the quote alone.
    """
    start, end = citation.start, citation.end
    note = ""
    if document is not None and document.text[start:end] == citation.quote:
        text = document.text
        first, last = passage.start, max(passage.end, end)
        before, after = _around(text, first, last)
        body = (
            f'<span class="around">{_prose(before, document)}</span>'
            f"{_prose(text[first:start], document)}"
            f'<mark id="quote">{_prose(text[start:end], document)}</mark>'
            f"{_prose(text[end:last], document)}"
            f'<span class="around">{_prose(after, document)}</span>'
        )
    else:
        body = f'<mark id="quote">{escape(citation.quote)}</mark>'
        note = '<p class="note">The document has changed since; this is what it said.</p>'
    return (
        f'<article class="source opened" aria-label="Source {citation.number}">'
        f"{_card_head(citation.number, citation.document, citation.page, citation.heading)}"
        f'<div class="passage">{body}</div>{note}</article>'
    )


def documents(records: Sequence[Record]) -> str:
    """Return the list of documents with their states."""
    if not records:
        return '<p class="note">No documents yet. Drop some files below.</p>'
    failed = sum(record.state == State.FAILED for record in records)
    busy = sum(record.state in (State.QUEUED, State.RUNNING) for record in records)
    counts = [f"{len(records)} document{'s' if len(records) != 1 else ''}"]
    counts += [f"{busy} in work"] if busy else []
    counts += [f"{failed} failed"] if failed else []
    rows = "".join(_document_row(record) for record in records[:SHOWN_DOCUMENTS])
    more = len(records) - SHOWN_DOCUMENTS
    rest = f'<p class="note">and {more:,} more</p>' if more > 0 else ""
    return f'<p class="counts">{" · ".join(counts)}</p><ul class="documents">{rows}</ul>{rest}'


_EMPTY_SOURCES = (
    '<p class="note">The sources of an answer appear here. '
    "Click a number in it to see the sentence that it rests on.</p>"
)


def _turn(turn: Turn, number: int) -> str:
    if turn.failure is not None:
        return f'<span class="failure">{escape(turn.failure)}</span>'
    if turn.answer is not None:
        return _answer(turn.answer, number)
    if turn.text:
        stopped = '\n\n<span class="notice">Stopped.</span>' if turn.stopped else ""
        return f"{_safe_markdown(turn.text)}{stopped}"
    return f'<span class="stage">{"Stopped." if turn.stopped else escape(turn.stage)}</span>'


def _answer(answer: Answer, number: int) -> str:
    parts = [_marked_text(answer, number)]
    if answer.cut is not None:
        parts.append(f'<span class="failure">{escape(answer.cut)}</span>')
    if answer.mode == "model" and answer.sentences:
        good = sum(sentence.support == Support.SUPPORTED for sentence in answer.sentences)
        total = len(answer.sentences)
        noun = "sentence" if total == 1 else "sentences"
        parts.append(f'<span class="verdict">{good} of {total} {noun} supported</span>')
    if answer.notice is not None:
        parts.append(f'<span class="notice">{_code(escape(answer.notice))}</span>')
    return "\n\n".join(parts)


def _marked_text(answer: Answer, number: int) -> str:
    """Return the answer as Markdown with links for its marks and doubtful sentences marked."""
    text, shown, last, sentence = answer.text, "", 0, 0
    for start, end in sentence_spans(text):
        piece = text[start:end]
        shown += text[last:start]
        last = end
        if sentence >= len(answer.sentences) or not any(map(str.isalnum, without_marks(piece))):
            shown += _linked(piece, answer, number, sentence)
            continue
        lead = _BLOCK_START.match(piece)
        begins = lead.end() if lead else 0
        support = answer.sentences[sentence].support
        inner = _linked(piece[begins:], answer, number, sentence)
        if support != Support.SUPPORTED:
            inner = f'<span class="{support.value}" title="{_EXPLAINED[support]}">{inner}</span>'
        shown += piece[:begins] + inner
        sentence += 1
    return shown + text[last:]


def _linked(piece: str, answer: Answer, turn_number: int, sentence: int) -> str:
    quoted = answer.mode == "quotes"
    shown, last = "", 0
    for match in MARK.finditer(piece):
        link = _link(answer, turn_number, sentence, int(match[1]))
        if link is None:
            continue
        before = piece[last : match.start()]
        shown += _plain(before) if quoted else _safe_markdown(before)
        shown = shown.rstrip(" ") + link
        last = match.end()
    rest = piece[last:]
    return shown + (_plain(rest) if quoted else _safe_markdown(rest))


def _link(answer: Answer, turn_number: int, sentence: int, number: int) -> str | None:
    """Return the link of a citation, None where a mark is only part of the words."""
    for order, citation in enumerate(answer.citations):
        if citation.sentence == sentence and citation.number == number:
            title = escape(_place(citation.document, citation.page, citation.heading))
            return (
                f'<a class="cite" href="#cite-{turn_number}-{order}" title="{title}">{number}</a>'
            )
    return None


def _citation_card(citation: Citation, turn_number: int, order: int) -> str:
    return (
        f'<a class="source cite-card" href="#cite-{turn_number}-{order}">'
        f"{_card_head(citation.number, citation.document, citation.page, citation.heading)}"
        f'<div class="quote">{escape(_one_line(citation.quote))}</div></a>'
    )


def _passage_card(passage: Passage) -> str:
    return (
        f'<article class="source">'
        f"{_card_head(passage.number, passage.document, passage.page, passage.heading)}"
        f'<div class="quote">{escape(_one_line(passage.text))}</div></article>'
    )


def _card_head(number: int, document: str, page: int | None, heading: Sequence[str]) -> str:
    where = f" · p. {page}" if page is not None else ""
    path = f'<div class="path">{escape(" › ".join(heading))}</div>' if heading else ""
    return (
        f'<header><span class="number">{number}</span>'
        f'<span class="name">{escape(document)}{where}</span></header>{path}'
    )


def _document_row(record: Record) -> str:
    name = escape(record.name)
    if record.state == State.FAILED:
        detail = f'<div class="reason">{escape(record.error or "")}</div>'
    elif record.state == State.READY:
        pages = f" · {record.pages} pages" if record.pages else ""
        detail = f'<div class="detail">{_passages(record.chunks)}{pages}</div>'
    else:
        words = f"{record.stage} {record.fraction:.0%}" if record.stage else "queued"
        waits = f" · {escape(record.error)}" if record.error else ""
        detail = (
            f'<div class="detail">{words}{waits}</div>'
            f'<progress value="{record.fraction:.3f}" max="1" aria-label="{name}"></progress>'
        )
    return (
        f'<li class="{record.state.value}"><div class="name" title="{name}">{name}</div>'
        f'<button type="button" data-remove="{record.id}" data-name="{name}" '
        f'aria-label="Remove {name}" title="Remove">×</button>{detail}</li>'
    )


def _passages(count: int) -> str:
    return f"{count:,} passage{'s' if count != 1 else ''}"


def _place(document: str, page: int | None, heading: Sequence[str]) -> str:
    parts = [document, f"p. {page}" if page is not None else "", " › ".join(heading)]
    return " · ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Return text that Markdown leaves as it is."""
    return _MARKDOWN.sub(r"\\\1", escape(text, quote=False)).replace("\n", "<br>")


def _safe_markdown(text: str) -> str:
    """Return a model's Markdown without HTML, images and links; emphasis and lists stay."""
    return _LINKING.sub(r"\\\g<0>", escape(text, quote=False))


def _one_line(text: str, most: int = 180) -> str:
    line = " ".join(_HEADING_LINE.sub(r"\1", text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the neighbourhood of a span, cut at words, with dots where more follows."""
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    if start > CONTEXT:
        before = "…" + before[before.find(" ") + 1 :]
    if end + CONTEXT < len(text):
        after = after[: after.rfind(" ") + 1] + "…"
    return before, after


def _prose(text: str, document: Document) -> str:
    """Return a piece of a document: Markdown headings drawn as such, a page's lines joined."""
    shown = escape(text)
    if document.kind == "pdf":
        shown = _PAGE_LINE.sub(" ", shown)
    elif document.kind != "text":
        shown = _HEADING_LINE.sub(r"<b>\1</b>", shown)
    return _BLANK_LINES.sub("\n\n", shown)
