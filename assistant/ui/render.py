"""Conversations to what `gr.Chatbot` shows.

Everything that a document, a model or a person wrote is escaped here, before it is
put between tags of ours. What can be clicked is known by its id: `cite-<turn>-<citation>`,
`copy-<turn>` and so on; `static/chat.js` listens. Gradio's sanitizer leaves no other mark.
"""

import re
from collections.abc import Sequence
from html import escape

from assistant.citations import MARK, without_marks
from assistant.conversations import Conversation, Turn
from assistant.events import Answer
from assistant.sentences import sentence_spans
from assistant.verification import Support

_BLOCK_START = re.compile(r"\s*(?:[-*+]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>\s*)*")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#+\-!|>~$:@.])")
_LINKING = re.compile(r"(?<=!)\[|(?<=\])[(:]|:(?=//)|(?<=www)\.|@", re.IGNORECASE)
"""What makes images and links of a model's text, written out or not."""

_OVERRIDE = re.compile("[\u202d\u202e]")

_NO_SENTENCE = ("|", "```")
"""How lines begin that tags of ours would spoil: rows of tables, code."""

_EXPLAINED = {
    Support.PARTLY: "Only in part found in its source",
    Support.UNSUPPORTED: "Not found in the source that it cites",
    Support.UNCITED: "Cites no source",
}


def messages(
    conversation: Conversation, start: int = 0, end: int | None = None
) -> list[dict[str, str]]:
    """Return the turns from `start` to `end` as `gr.Chatbot` takes them."""
    shown: list[dict[str, str]] = []
    for number, turn in list(enumerate(conversation.turns))[start:end]:
        shown.append({"role": "user", "content": _question(turn, number)})
        shown.append({"role": "assistant", "content": _turn(turn, number)})
    return shown


def _question(turn: Turn, number: int) -> str:
    return f'{_plain(turn.question)}\n\n<span class="tools">{_tool("edit", number, "Edit")}</span>'


def _turn(turn: Turn, number: int) -> str:
    if turn.answer is not None:
        parts = [_answer(turn.answer, number), _seen(turn.answer, number), _tools(turn, number)]
        return "\n\n".join(part for part in parts if part)
    if not turn.over:
        if turn.text:
            return f'{_safe_markdown(turn.text)}\n\n<span class="growing"></span>'
        return f'<span class="stage growing">{escape(turn.stage)}</span>'
    if turn.failure is not None:
        ending = f'<span class="failure">{escape(turn.failure)}</span>'
    elif turn.stopped:
        ending = '<span class="notice">Stopped.</span>'
    else:
        ending = '<span class="notice">This answer broke off when the page was left.</span>'
    again = f'<span class="tools">{_tool("retry", number, "Retry")}</span>'
    return "\n\n".join(part for part in (_safe_markdown(turn.text), ending, again) if part)


def _seen(answer: Answer, number: int) -> str:
    if not answer.passages:
        return ""
    title = "What the model saw" if answer.mode == "model" else "What was found"
    return (
        f'<details class="seen" id="seen-{number}"><summary>{title}</summary>'
        '<div class="seen-body"></div></details>'
    )


def _tools(turn: Turn, number: int) -> str:
    good = _tool("up", number, "Good answer", "chosen" if turn.rating == "up" else "")
    bad = _tool("down", number, "Bad answer", "chosen" if turn.rating == "down" else "")
    copy, again = _tool("copy", number, "Copy"), _tool("retry", number, "Retry")
    return f'<span class="tools">{copy}{again}{good}{bad}</span>'


def _tool(action: str, number: int, label: str, classes: str = "") -> str:
    return (
        f'<button type="button" class="tool {action} {classes}" id="{action}-{number}" '
        f'title="{label}"></button>'
    )


def _answer(answer: Answer, number: int) -> str:
    parts = [_marked_text(answer, number)]
    if answer.cut is not None:
        parts.append(f'<span class="failure">{escape(answer.cut)}</span>')
    if answer.mode == "model" and answer.sentences:
        good = sum(sentence.support == Support.SUPPORTED for sentence in answer.sentences)
        total = len(answer.sentences)
        noun = "sentence" if total == 1 else "sentences"
        why = f' · <button type="button" class="why" id="why-{number}">why?</button>'
        parts.append(
            f'<span class="verdict">{good} of {total} {noun} supported'
            f"{why if good < total else ''}</span>"
        )
    if answer.abstained and answer.passages:
        parts.append(
            f'<button type="button" class="why" id="near-{number}">Closest passages</button>'
        )
    if answer.notice is not None:
        parts.append(f'<span class="notice">{_code(escape(answer.notice))}</span>')
    return "\n\n".join(parts)


def _marked_text(answer: Answer, number: int) -> str:
    """Return the answer as Markdown with links for its marks and doubtful sentences marked."""
    if answer.mode == "quotes":
        return _quotes(answer, number) or _plain(answer.text)
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
        inner = _linked(piece[begins:], answer, number, sentence)
        if not piece.lstrip().startswith(_NO_SENTENCE):
            inner = _said(inner, answer.sentences[sentence].support, f"said-{number}-{sentence}")
        shown += piece[:begins] + inner
        sentence += 1
    return shown + text[last:]


def _quotes(answer: Answer, number: int) -> str:
    """Return quotes with their links: what stands in them is no mark and ends no sentence."""
    shown = []
    for order, sentence in enumerate(answer.sentences):
        # Where a line ended on its page means nothing here.
        words = _plain(" ".join(sentence.text.split()))
        links = "".join(_link(answer, number, order, one) or "" for one in sentence.citations)
        shown.append(_said(f"“{words}”{links}", sentence.support, f"said-{number}-{order}"))
    return "\n\n".join(shown)


def _said(inner: str, support: Support, key: str) -> str:
    why = f' title="{_EXPLAINED[support]}"' if support in _EXPLAINED else ""
    return f'<span class="said {support.value}" id="{key}"{why}>{inner}</span>'


def _linked(piece: str, answer: Answer, turn_number: int, sentence: int) -> str:
    shown, last = "", 0
    for match in MARK.finditer(piece):
        link = _link(answer, turn_number, sentence, int(match[1]))
        if link is None:
            continue
        shown += _safe_markdown(piece[last : match.start()])
        shown = shown.rstrip(" ") + link
        last = match.end()
    return shown + _safe_markdown(piece[last:])


def _link(answer: Answer, turn_number: int, sentence: int, number: int) -> str | None:
    """Return the link of a citation, None where a mark is only part of the words."""
    for order, citation in enumerate(answer.citations):
        if citation.sentence == sentence and citation.number == number:
            title = escape(_legible(_place(citation.document, citation.page, citation.heading)))
            return (
                f'<a class="cite" href="#cite-{turn_number}-{order}" title="{title}">{number}</a>'
            )
    return None


def _place(document: str, page: int | None, heading: Sequence[str]) -> str:
    parts = [document, f"p. {page}" if page is not None else "", " › ".join(heading)]
    return " · ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Return text that Markdown leaves as it is."""
    return _MARKDOWN.sub(r"\\\1", escape(_legible(text), quote=False)).replace("\n", "<br>")


def _safe_markdown(text: str) -> str:
    """Return a model's Markdown without HTML, images and links; emphasis and lists stay."""
    return _LINKING.sub(r"\\\g<0>", escape(_legible(text), quote=False))


def _legible(text: str) -> str:
    """Return text with overrides of the direction of writing in sight, not in force."""
    return _OVERRIDE.sub("\ufffd", text)


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
