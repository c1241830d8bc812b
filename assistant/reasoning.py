"""Reasoning that a model writes into its answer, `<think>…</think>`, told from the answer.

Ollama keeps most models' reasoning apart by itself. What comes from a server that does not,
or from a model whose template does not know the tags, is taken apart here. Pure.
"""

import re
from dataclasses import dataclass

_OPEN = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_TAGS = ("<think>", "<thinking>", "<thought>", "<reasoning>")


@dataclass(frozen=True, slots=True)
class Piece:
    """What a model wrote next: a piece of its answer, of its reasoning, or of both."""

    text: str = ""
    reasoning: str = ""


NOTHING = Piece()


class ReasoningSplitter:
    """Takes one model's text apart as it streams in; reasoning stands at the beginning only.

    However the text is cut into pieces, the result is the same.
    """

    def __init__(self) -> None:
        self._held = ""
        self._close = ""
        self._begun = False

    def feed(self, piece: str) -> Piece:
        """Take the next piece of the model's text; return what is decided."""
        text = self._held + piece
        self._held = ""
        if self._begun:
            return self._closed(text) if self._close else Piece(text)
        opened = _OPEN.match(text)
        if opened:
            self._begun, self._close = True, f"</{opened[1].lower()}>"
            return self._closed(text[opened.end() :])
        start = text.lstrip().lower()
        if any(tag.startswith(start) for tag in _TAGS):
            self._held = text
            return Piece()
        self._begun = True
        return Piece(text)

    def end(self) -> Piece:
        """Return what was held back, after the last piece."""
        rest, self._held = self._held, ""
        return Piece(reasoning=rest) if self._close else Piece(rest)

    def _closed(self, text: str) -> Piece:
        """Split reasoning at its closing tag; hold back what may be the start of the tag."""
        lower = text.lower()
        at = lower.find(self._close)
        if at >= 0:
            after = text[at + len(self._close) :]
            self._close = ""
            return Piece(after, text[:at])
        for length in range(min(len(self._close) - 1, len(text)), 0, -1):
            if self._close.startswith(lower[-length:]):
                self._held = text[-length:]
                return Piece(reasoning=text[:-length])
        return Piece(reasoning=text)
