"""What a document says, made safe to stand in a prompt: it is data, never an instruction.

The text stays readable and quotable. What is taken from it is what could be taken for
something else than text: the fence around passages, the marks with which chat templates
begin a turn, characters that no reader sees, and citation marks of the document's own.
Nothing of this touches the document itself: citations are slices of the stored text. Pure.
"""

import re

from ingest.index.documents import Passage

SENTINEL = "NOT_IN_DOCUMENTS"
"""What the model is told to write when the passages do not answer."""

_BETWEEN = "[\u200c\u200d\u0300-\u036f]*"
"""Joiners and accents, which some scripts need, and which hide a word from a program only."""

_FENCE = re.compile(
    rf"[<＜﹤](?={_BETWEEN}\s*[/／]?\s*{_BETWEEN.join('passage')}{_BETWEEN}s?{_BETWEEN}\b)",
    re.IGNORECASE,
)
"""The first character of what could pass for a fence; a look-alike takes its place."""

_TURN = re.compile(
    r"""
    <(?= [|｜] )                                        # <|im_start|>, <|eot_id|>, <｜User｜>
    | <(?= /? (?:start|end)_of_(?:turn|image|text) > )  # Gemma
    | <(?= /? (?:s|bos|eos|pad|unk|think(?:ing)?|thought|reasoning) > )
    | <(?= < /? SYS > > )                               # Llama 2
    | \[(?= /? (?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS) \] )  # Mistral
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The first character of what a chat template takes for the start or the end of a turn."""

_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f"  # controls
    "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"  # no width, direction
    "\U000e0000-\U000e007f]"  # tags, which spell whole sentences that no one sees
)

_REFERENCE = re.compile(
    r"""
    [\[【［] \s{0,8} (?:passages?\s{0,8})?
    (\#?\d{1,4} (?:\s{0,2}[,;，、]\s{0,2}\#?\d{1,4})*)
    \s{0,8} [\]】］]
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What the citation parser would take for a mark."""


def inert(text: str) -> str:
    """Return a text in which no fence and no turn can be opened or closed."""
    # First what is unseen: it may stand in the middle of a mark.
    text = _UNSEEN.sub("", text)
    text = _FENCE.sub("‹", text)
    return _TURN.sub(lambda match: "‹" if match[0] == "<" else "⟦", text)


def fenced(passage: Passage) -> str:
    """Return a passage as it stands in a prompt, with its number and where it comes from."""
    place = [passage.document]
    if passage.page is not None:
        place.append(f"page {passage.page}")
    if passage.heading:
        place.append(" > ".join(passage.heading))
    source = re.sub(r"\s+", " ", _quotable(", ".join(place))).replace('"', "'")
    text = _quotable(passage.text)
    return f'<passage number="{passage.number}" source="{source}">\n{text}\n</passage>'


def _quotable(text: str) -> str:
    """Return a text that a model may copy from: its reference marks would pass for citations,
    and the code word would silence every answer that quotes it."""
    text = _REFERENCE.sub(r"(\1)", inert(text))
    return text.replace(SENTINEL, SENTINEL.replace("_", " "))
