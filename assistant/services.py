"""What the page and the endpoints work with, put together once."""

from dataclasses import dataclass, field

from assistant.answering import Answerer
from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from ingest.index.index import Index


@dataclass
class Services:
    """One index, opened, and the ways to ask it.

    Attributes:
        index: owned by this process where it is embedded.
    """

    settings: AssistantSettings
    index: Index
    models: ChatModels = field(init=False)
    answerer: Answerer = field(init=False)

    def __post_init__(self) -> None:
        self.models = ChatModels(self.settings)
        self.answerer = Answerer(self.index, self.models, self.settings)
