"""Settings of the assistant."""

from pydantic import Field, field_validator

from ingest.index.settings import IndexSettings


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
    llm: str | None = Field(
        default=None,
        description="Chat model: an Ollama model's name, or `provider:name` for another provider "
        "of LangChain. Unset: the first chat model that Ollama has.",
    )
    llm_base_url: str | None = Field(
        default=None, description="Address of an OpenAI-compatible server, with `openai:name`."
    )
    llm_context: int = Field(
        default=8192, ge=1024, description="Tokens of context that the chat model is given."
    )
    llm_temperature: float = Field(
        default=0.0, ge=0.0, le=2.0, description="0 keeps to the sources; higher is freer."
    )
    llm_timeout: float = Field(
        default=300.0, gt=0, description="Seconds to wait for the model's next word."
    )

    @field_validator("llm", "llm_base_url", mode="before")
    @classmethod
    def _empty_model_is_unset(cls, value: object) -> object:
        return None if value == "" else value
