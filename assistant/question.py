"""One question on its way to its answer, and what is known of it so far."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.events import Answer, Citation, Sentence, Usage
from assistant.evidence import NONE, Evidence
from assistant.models import Counts
from ingest.index.documents import Passage


@dataclass(slots=True)
class Question:
    """One question on its way, and what is known of it so far."""

    text: str
    started: float = field(default_factory=time.monotonic)
    passages: tuple[Passage, ...] = ()
    evidence: Evidence = NONE
    dropped: tuple[int, ...] = ()
    standalone: str | None = None
    reasoning: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def understood(self) -> str:
        """The question that is searched for and answered."""
        return self.standalone or self.text

    def leans_on(self, history: Sequence[tuple[str, str]]) -> bool:
        """Whether it may lean on what was said before, and so find little by itself."""
        return bool(history) and self.standalone is None

    def since(self) -> float:
        """Return the seconds since it was asked."""
        return round(time.monotonic() - self.started, 4)

    def show(self, passages: Sequence[Passage]) -> None:
        """Note which of the passages, the first ones, are read."""
        self.dropped = tuple(passage.number for passage in self.passages[len(passages) :])
        self.usage.passages_used = len(passages)
        self.usage.passages_dropped = len(self.dropped)

    def count(self, counts: Counts, last: float) -> None:
        """Note what a model counted; its last token came `last` seconds after the question."""
        self.usage.prompt_tokens = counts.prompt_tokens
        self.usage.answer_tokens = counts.answer_tokens
        seconds = last - (self.usage.first_token_seconds or 0.0)
        if counts.answer_tokens is not None and counts.answer_tokens > 1 and seconds > 0:
            self.usage.tokens_per_second = round((counts.answer_tokens - 1) / seconds, 1)

    def answer(
        self,
        text: str,
        *,
        model: str | None,
        abstained: bool = False,
        sentences: tuple[Sentence, ...] = (),
        citations: tuple[Citation, ...] = (),
        notice: str | None = None,
        cut: str | None = None,
    ) -> Answer:
        """Return its answer; without a model it is made of quotes."""
        return Answer(
            question=self.text,
            text=text,
            abstained=abstained,
            mode="model" if model else "quotes",
            model=model,
            sentences=sentences,
            citations=citations,
            passages=self.passages,
            notice=notice,
            cut=cut,
            standalone=self.standalone,
            reasoning=self.reasoning,
            dropped=self.dropped,
            evidence=self.evidence.score,
            usage=self.usage,
        )

    def silence(self, words: str, model: str | None) -> Answer:
        """Return an answer that says that there is none."""
        return self.answer(words, model=model, abstained=True)
