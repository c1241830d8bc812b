"""What the page and the endpoints work with, put together once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from assistant.answering import Answerer
from assistant.conversations import Conversations, conversations_url
from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from ingest.index.index import Index


@dataclass
class Services:
    """One index, opened, and the ways to ask it.

    Attributes:
        index: owned by this process where it is embedded.
        add_examples: adds the example documents; None where there are none.
        closing: what to call when the program ends.
    """

    settings: AssistantSettings
    index: Index
    add_examples: Callable[[], None] | None = None
    models: ChatModels = field(init=False)
    answerer: Answerer = field(init=False)
    closing: list[Callable[[], None]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.models = ChatModels(self.settings)
        self.answerer = Answerer(self.index, self.models, self.settings)

    @cached_property
    def conversations(self) -> Conversations:
        """The conversations that were kept; opened on first use.

        Raises:
            DataFolderError: they cannot be opened.
        """
        url = self.settings.database_url or conversations_url(self.settings.data_dir)
        return Conversations(url)

    def close(self) -> None:
        """Let go of what was opened here; the index is its owner's to close."""
        for close in self.closing:
            close()
        if "conversations" in self.__dict__:
            self.conversations.close()
