"""What the page asks about chat models: which there are, and getting one."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from assistant.languages import LANGUAGES
from assistant.models import SUGGESTED
from assistant.services import Services
from assistant.ui.person import asking
from ingest.index.errors import FootnoteError


class Pull(BaseModel):
    """The model to get, by the name that Ollama's library has for it."""

    name: str = Field(min_length=1, max_length=200)


def model_routes(services: Services) -> APIRouter:
    """Return the routes under `/ui/models`."""
    routes = APIRouter(prefix="/ui/models", dependencies=[Depends(asking)])
    settings = services.settings

    @routes.get("")
    async def models() -> dict[str, Any]:
        installed = await services.models.available()
        return {
            "models": [model.name for model in installed or []],
            "ollama": installed is not None,
            "chosen": settings.llm,
            "suggested": SUGGESTED,
            "passages": settings.top_k,
            "temperature": settings.llm_temperature,
            "languages": dict(LANGUAGES),
        }

    @routes.post("/pull")
    async def pull(wanted: Pull) -> StreamingResponse:
        return StreamingResponse(progress(wanted.name), media_type="application/x-ndjson")

    async def progress(name: str) -> AsyncGenerator[str, None]:
        # A page that goes away closes this, and with it the download; the next goes on from there.
        try:
            async with aclosing(services.models.pull(name)) as steps:
                async for step in steps:
                    yield json.dumps({"status": step.status, "fraction": step.fraction}) + "\n"
        except FootnoteError as error:
            yield json.dumps({"error": str(error)}) + "\n"

    return routes
