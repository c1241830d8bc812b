"""A check-up: each part that an answer needs, and what to do where one is missing."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from ingest.index.errors import FootnoteError, IndexInUseError
from ingest.index.index import Index


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part."""

    part: str
    good: bool
    words: str


def check_up(settings: AssistantSettings) -> Iterator[Finding]:
    """Yield a finding for each part, in the order in which an answer needs them."""
    try:
        index = Index(settings)
    except FootnoteError as error:
        yield Finding("data folder", False, str(error))
        return
    with closing(index):
        free = shutil.disk_usage(settings.data_dir).free
        yield Finding("data folder", True, f"{settings.data_dir}, {free >> 30} GB free")
        documents = sum(index.catalogue.totals().values())
        passages = index.catalogue.passages()
        yield Finding("catalogue", True, f"{documents} documents, {passages} passages")
        yield _embedding(index)
        yield _store(index)
    yield _chat_model(settings)


def _embedding(index: Index) -> Finding:
    try:
        return Finding("embedding model", True, str(index.embedder.fingerprint))
    except FootnoteError as error:
        return Finding("embedding model", False, str(error))


def _store(index: Index) -> Finding:
    try:
        index.own("assistant doctor")
        _ = index.store
    except IndexInUseError as error:
        owner = index.ownership.current()
        serving = owner is not None and owner.url is not None
        words = f"open in `{owner.command}` at {owner.url}" if owner and serving else str(error)
        return Finding("vector store", serving, words)
    except FootnoteError as error:
        return Finding("vector store", False, str(error))
    kind = "Qdrant Edge, in this process" if index.embedded else "a Qdrant server"
    return Finding("vector store", True, kind)


def _chat_model(settings: AssistantSettings) -> Finding:
    choice = asyncio.run(ChatModels(settings).choose())
    return Finding("chat model", choice.model is not None, choice.model or str(choice.notice))
