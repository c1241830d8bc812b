"""Settings of the assistant."""

import re
from typing import Literal

from pydantic import Field, field_validator

from ingest.index.settings import IndexSettings

ABSTAIN_BELOW = 0.025
"""Evidence below which a question is not answered (docs/retrieval.md)."""

Reasoning = Literal["on", "off", "low", "medium", "high"]

_DURATION = re.compile(r"-?\d+|(\d+(\.\d+)?(ms|s|m|h))+")
"""As Ollama takes it: seconds, or numbers with units."""


class AssistantSettings(IndexSettings):
    """The index's settings, and how questions are answered and served."""

    host: str = Field(default="127.0.0.1", description="Address that the web page listens on.")
    port: int = Field(default=7860, ge=1, le=65535, description="Port of the web page.")
    allowed_hosts: str = Field(
        default="localhost,127.0.0.1,[::1]",
        description="Names, separated by commas, under which the page may be called.",
    )
    workers: int = Field(
        default=1,
        ge=0,
        le=1,
        description="1: the page's process indexes documents too; 0: `ingest worker` does it.",
    )
    upload_mb: int = Field(default=200, ge=1, description="Largest upload, in megabytes.")
    top_k: int = Field(default=5, ge=1, le=50, description="Passages that an answer is made from.")
    abstain_below: float = Field(
        default=ABSTAIN_BELOW,
        ge=0.0,
        le=1.0,
        description="Evidence, from 0 to 1, below which a question is not answered; 0 always "
        "answers.",
    )
    reranker: str | None = Field(
        default=None,
        description="A sentence-transformers CrossEncoder, by name or folder, that orders what "
        "was found anew. Slow on a processor.",
    )
    llm: str | None = Field(
        default=None,
        description="Chat model: an Ollama model's name, or `provider:name` for another provider "
        "of LangChain. Unset: the first chat model that Ollama has.",
    )
    llm_base_url: str | None = Field(
        default=None, description="Address of an OpenAI-compatible server, with `openai:name`."
    )
    llm_api_key: str | None = Field(
        default=None, description="Key for that server, where it asks for one."
    )
    llm_context: int = Field(
        default=8192,
        ge=1024,
        description="Tokens of context that the chat model is given; never more than it has.",
    )
    llm_temperature: float = Field(
        default=0.0, ge=0.0, le=2.0, description="0 keeps to the sources; higher is freer."
    )
    llm_seed: int | None = Field(
        default=None, description="Number that makes the same question give the same words."
    )
    llm_reasoning: Reasoning = Field(
        default="on",
        description="Whether a thinking model of Ollama's thinks first: `on`, `off`, or `low`, "
        "`medium`, `high` for models that take a level.",
    )
    llm_judge: bool = Field(
        default=False,
        description="Let the chat model settle what the check of a sentence finds said in part "
        "only; an answer's last verdicts then take a call each.",
    )
    llm_keep_alive: str | None = Field(
        default=None,
        description="How long Ollama keeps the model in memory: `10m`, `-1` for ever, `0` not at "
        "all. Unset: Ollama's own setting.",
    )
    llm_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without a word after which the model is given up.",
    )

    @field_validator(
        "reranker",
        "llm",
        "llm_base_url",
        "llm_api_key",
        "llm_seed",
        "llm_keep_alive",
        mode="before",
    )
    @classmethod
    def _empty_model_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("llm_keep_alive")
    @classmethod
    def _is_a_duration(cls, value: str | None) -> str | None:
        if value is not None and not _DURATION.fullmatch(value):
            raise ValueError("a number of seconds, or one with a unit such as 10m, is needed")
        return value
