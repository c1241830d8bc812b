"""A conversation as a file to keep: Markdown for people, JSON for programs. Pure."""

import json
from datetime import UTC, datetime

from assistant.conversations import Conversation, Turn
from assistant.events import Answer
from assistant.shapes import answer_shape
from assistant.verification import Support

_DOUBT = {
    Support.PARTLY: "only in part found in its source",
    Support.UNSUPPORTED: "not found in its source",
    Support.UNCITED: "cites no source",
}


def as_json(conversation: Conversation) -> str:
    """Return a conversation with its answers in the shape of `ask`."""
    turns = [
        {
            "question": turn.question,
            "answer": None if turn.answer is None else answer_shape(turn.answer),
            "text": turn.text,
            "failure": turn.failure,
            "stopped": turn.stopped or turn.dropped,
            "rating": turn.rating or None,
            "remark": turn.remark or None,
        }
        for turn in conversation.turns
    ]
    kept = {"title": conversation.title, "created": _when(conversation), "turns": turns}
    return json.dumps(kept, ensure_ascii=False, indent=2) + "\n"


def as_markdown(conversation: Conversation) -> str:
    """Return a conversation as Markdown, each answer followed by its sources and doubts."""
    parts = [f"# {conversation.title}", f"*{_when(conversation)}*"]
    for turn in conversation.turns:
        parts.append("## " + " ".join(turn.question.split()))
        parts.append(_turn(turn))
    return "\n\n".join(parts) + "\n"


def answer_with_sources(answer: Answer) -> str:
    """Return an answer's text with its sources below it, as it is copied and exported."""
    lines = [answer.text]
    if answer.citations:
        lines.append("Sources:")
        lines.append("\n".join(_sources(answer)))
    return "\n\n".join(lines)


def _turn(turn: Turn) -> str:
    if turn.answer is None:
        ending = turn.failure or "This answer was not finished."
        return f"{turn.text}\n\n*{ending}*" if turn.text else f"*{ending}*"
    parts = [answer_with_sources(turn.answer)]
    if doubts := [
        f"- “{sentence.text}”: {_DOUBT[sentence.support]}"
        for sentence in turn.answer.sentences
        if sentence.support in _DOUBT
    ]:
        parts.append("Sentences to check:\n\n" + "\n".join(doubts))
    parts += [f"*{line}*" for line in (turn.answer.notice, turn.answer.cut) if line]
    return "\n\n".join(parts)


def _sources(answer: Answer) -> list[str]:
    lines = {}
    for citation in answer.citations:
        page = f", p. {citation.page}" if citation.page is not None else ""
        heading = f", {' › '.join(citation.heading)}" if citation.heading else ""
        quote = " ".join(citation.quote.split())
        line = f"- [{citation.number}] {citation.document}{page}{heading}: “{quote}”"
        lines[line] = citation.number
    return sorted(lines, key=lambda line: lines[line])


def _when(conversation: Conversation) -> str:
    return datetime.fromtimestamp(conversation.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
