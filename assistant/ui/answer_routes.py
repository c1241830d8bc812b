"""What the page asks about answers that are being written."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from assistant.ui.chats import Chats
from assistant.ui.conversation_routes import Person
from assistant.ui.person import asking


def answer_routes(chats: Chats) -> APIRouter:
    """Return the routes that keep an answer going while it is out of sight, and that stop it."""
    routes = APIRouter(prefix="/ui")

    @routes.post("/conversations/{conversation_id}/stop")
    async def stop(conversation_id: str, person: Person) -> None:
        await chats.stop(person, conversation_id)

    @routes.get("/held/{tab}", dependencies=[Depends(asking)])
    async def held(tab: str) -> Response:
        """Hold the answers that a tab waits for until it hangs up; see `Chats.hold`."""

        async def lines() -> AsyncGenerator[str, None]:
            async with aclosing(chats.hold(tab)) as holding:
                async for _ in holding:
                    yield "held\n"

        return StreamingResponse(lines(), media_type="text/plain")

    return routes
