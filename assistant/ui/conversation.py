"""One browser tab's conversation: what was asked, and how far each answer is."""

from dataclasses import dataclass, field

from assistant.events import Answer


@dataclass
class Turn:
    """A question and its answer so far.

    Attributes:
        stage: what is being done, in words, until there is text.
        text: the answer's text so far.
        answer: the finished answer.
        failure: why there is no answer.
        stopped: whether the person stopped it.
    """

    question: str
    stage: str = ""
    text: str = ""
    answer: Answer | None = None
    failure: str | None = None
    stopped: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.answer is not None or self.failure is not None or self.stopped


@dataclass
class Conversation:
    """The turns of one tab, oldest first. Kept by Gradio per session, never shared."""

    turns: list[Turn] = field(default_factory=list)

    def history(self) -> list[tuple[str, str]]:
        """Return the (question, answer) pairs that a model may build on."""
        return [
            (turn.question, turn.answer.text)
            for turn in self.turns
            if turn.answer is not None and not turn.answer.abstained
        ]
