"""`assistant pull`: a chat model's download, as a person watches it in a terminal."""

import asyncio
from contextlib import aclosing

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from assistant.ollama_models import OllamaModels


def pull(name: str) -> None:
    """Let Ollama download a model; a bar on standard error shows how far it is.

    Raises:
        ModelError: Ollama does not run, or cannot get the model.
    """
    asyncio.run(_followed(name))


async def _followed(name: str) -> None:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        task = progress.add_task("Asking Ollama", total=None)
        async with aclosing(OllamaModels().pull(name)) as steps:
            async for step in steps:
                words = step.status[:1].upper() + step.status[1:]
                total = step.total or None
                progress.update(task, description=words, total=total, completed=step.completed)
