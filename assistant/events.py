"""What happens on a question's way, and the answer that it ends in.

`Answerer.stream` yields these; the web page, the endpoints, the command line and LangChain
read them.
"""

from dataclasses import dataclass, field

from assistant.verification import Support
from ingest.index.documents import Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of one sentence, a span of a document's canonical text.

    Attributes:
        number: the passage's.
        sentence: index of the sentence in the answer's sentences.
        quote: `document.text[start:end]`, verbatim.
    """

    number: int
    sentence: int
    document: str
    document_id: str
    start: int
    end: int
    quote: str
    page: int | None
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the answer without its marks, and what its sources say of it."""

    text: str
    citations: tuple[int, ...]
    support: Support


@dataclass(slots=True)
class Usage:
    """Counts and times of one answer, filled while it comes about; None where unknown.

    Attributes:
        context_tokens: size of the model's context, as it was asked for.
        estimated_prompt_tokens: of the prompt, counted before it was sent.
        prompt_tokens: of the prompt, as the model counted them.
        answer_tokens: written, reasoning included, as the model counted them.
        passages_used: that the model was shown, or that quotes were chosen from.
        passages_dropped: found, but without room in the context.
        rewrite_seconds: spent on making a follow-up question stand alone.
        search_seconds: spent on the search.
        first_token_seconds: from the question to the model's first token.
        total_seconds: from the question to the end of the answer.
        tokens_per_second: between the model's first token and its last.
    """

    context_tokens: int | None = None
    estimated_prompt_tokens: int | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    passages_used: int = 0
    passages_dropped: int = 0
    rewrite_seconds: float | None = None
    search_seconds: float | None = None
    first_token_seconds: float | None = None
    total_seconds: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        question: as the person put it.
        text: with citation marks, `[1]`.
        mode: `model`, or `quotes` where no chat model could be reached.
        passages: all that were found, best first.
        notice: one line for the person about how the answer came to be, or None.
        cut: why the answer ends early, and what to do; None where it does not.
        standalone: the follow-up question as it was rewritten to be understood without the
            conversation, None where it was used as it is.
        reasoning: what a thinking model thought before it wrote. Never checked, never cited.
        dropped: numbers of the passages that did not fit the model's context.
        evidence: how likely the passages hold an answer, in [0, 1].
    """

    question: str
    text: str
    abstained: bool
    mode: str
    model: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    notice: str | None = None
    cut: str | None = None
    standalone: str | None = None
    reasoning: str = ""
    dropped: tuple[int, ...] = ()
    evidence: float = 0.0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Searching:
    """The question was taken; this many passages will be searched."""

    passages: int


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A follow-up question was rewritten to stand alone, and is searched for like this."""

    question: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The passages are found; the model begins to read."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thinking model has not begun its answer; `text` is all of its reasoning so far."""

    text: str
    model: str


@dataclass(frozen=True, slots=True)
class Writing:
    """More of the answer is there.

    Attributes:
        text: all of it so far, its marks all real.
        sentences: those that are finished and have been checked, in order.
    """

    text: str
    model: str
    sentences: tuple[Sentence, ...] = ()


Event = Searching | Rewritten | Reading | Thinking | Writing | Answer
"""What `Answerer.stream` yields; an `Answer` comes last, once."""
