"""The official client and LangChain's against both forms of the test server.

What the two read is Ollama's wire protocol as its users' programs know it; a stand-in that
they do not work with would prove nothing.
"""

import asyncio
import time

import httpx
import ollama
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_ollama import ChatOllama
from ollama_wire import VERSION, OllamaServer

from assistant.ollama_models import http_options

MODEL = "smollm2:135m"
QUESTION = "Capital of France?"
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
OPTIONS = {"temperature": 0.0, "num_ctx": 2048, "num_predict": 40}


@pytest.fixture
def client(server: OllamaServer) -> ollama.Client:
    """The official client; it leaves no connection open behind it."""
    return ollama.Client(host=server.address, **http_options())


# -- the official client ----------------------------------------------------------------------


def test_a_chat_is_written_and_counted(client: ollama.Client) -> None:
    said = client.chat(MODEL, MESSAGES, options=OPTIONS)
    assert "Paris" in str(said.message.content)
    assert said.message.role == "assistant"
    assert said.model == MODEL
    assert (said.done, said.done_reason) == (True, "stop")
    assert said.prompt_eval_count is not None
    assert 5 < said.prompt_eval_count < 100
    assert said.eval_count is not None
    assert 1 < said.eval_count <= 40
    assert said.total_duration is not None
    assert said.eval_duration is not None
    assert said.total_duration >= said.eval_duration > 0


def test_a_streamed_chat_is_the_same_in_pieces(client: ollama.Client) -> None:
    whole = client.chat(MODEL, MESSAGES, options=OPTIONS)
    pieces = list(client.chat(MODEL, MESSAGES, options=OPTIONS, stream=True))
    assert len(pieces) > 3
    assert "".join(str(one.message.content) for one in pieces) == whole.message.content
    assert [one.done for one in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].done_reason == "stop"
    assert pieces[-1].eval_count == whole.eval_count
    assert pieces[0].eval_count is None


def test_generate_answers_a_prompt(client: ollama.Client) -> None:
    asked = {"prompt": QUESTION, "system": "Be brief.", "options": OPTIONS}
    said = client.generate(MODEL, **asked)
    assert "Paris" in said.response
    pieces = list(client.generate(MODEL, **asked, stream=True))
    assert "Paris" in "".join(one.response for one in pieces)
    assert pieces[-1].done


def test_what_is_installed_is_listed_and_shown(client: ollama.Client) -> None:
    [listed] = client.list().models
    assert listed.model == MODEL
    assert listed.size
    assert listed.digest is not None
    assert len(listed.digest) == 64
    shown = client.show(MODEL)
    assert shown.capabilities is not None
    assert "completion" in shown.capabilities
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 8192


def test_a_loaded_model_is_listed_with_its_context(client: ollama.Client) -> None:
    client.chat(MODEL, MESSAGES, options={**OPTIONS, "num_ctx": 1024})
    [running] = client.ps().models
    assert (running.model, running.context_length) == (MODEL, 1024)


def test_a_model_is_pulled_to_the_end(client: ollama.Client) -> None:
    steps = list(client.pull(MODEL, stream=True))
    assert steps[0].status == "pulling manifest"
    assert steps[-1].status == "success"
    whole = [step for step in steps if step.completed]
    assert whole[-1].completed == whole[-1].total
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        list(client.pull("no-such-model", stream=True))


def test_the_server_says_who_it_is(server: OllamaServer) -> None:
    with httpx.Client(base_url=server.address, trust_env=False) as http:
        assert http.get("/").text == "Ollama is running"
        assert http.head("/").status_code == 200
        assert http.get("/api/version").json() == {"version": VERSION}


@pytest.mark.parametrize(
    ("name", "options", "status", "words"),
    [
        ("gone", {}, 404, "model 'gone' not found"),
        (MODEL, {"num_ctx": "big"}, 500, 'option "num_ctx" must be of type integer'),
    ],
)
def test_errors_have_ollamas_status_and_words(
    name: str, options: dict[str, object], status: int, words: str, client: ollama.Client
) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(name, MESSAGES, options=options)
    assert (caught.value.status_code, caught.value.error) == (status, words)


def test_no_messages_load_the_model(client: ollama.Client) -> None:
    said = client.chat(MODEL, [])
    assert (said.done, said.done_reason, said.message.content) == (True, "load", "")
    assert client.chat(MODEL, [], keep_alive=0).done_reason == "unload"


def test_leaving_in_mid_answer_is_seen(client: ollama.Client, server: OllamaServer) -> None:
    told = [{"role": "user", "content": "Tell a long story about the sea."}]
    stream = client.chat(MODEL, told, options={**OPTIONS, "num_predict": 1000}, stream=True)
    next(iter(stream))
    left = time.monotonic()
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    chat = server.chats[-1]
    assert chat.over.wait(5)
    # A scripted answer may be over before anybody can leave.
    assert chat.closed_after is None or chat.received + chat.closed_after - left < 0.2


# -- LangChain's client -----------------------------------------------------------------------


def test_langchain_streams_with_counts(server: OllamaServer) -> None:
    chat = ChatOllama(
        model=MODEL,
        temperature=0.0,
        num_ctx=2048,
        num_predict=40,
        base_url=server.address,
        client_kwargs=http_options(),
    )

    async def chunks() -> list[AIMessageChunk]:
        return [
            chunk
            async for chunk in chat.astream([SystemMessage("Be brief."), HumanMessage(QUESTION)])
        ]

    pieces = asyncio.run(chunks())
    assert "Paris" in "".join(str(piece.text) for piece in pieces)
    counted = [piece.usage_metadata for piece in pieces if piece.usage_metadata]
    assert len(counted) == 1
    assert counted[0]["input_tokens"] > 5
    assert counted[0]["output_tokens"] > 1
    assert server.chats[-1].options["num_ctx"] == 2048


def test_langchain_invokes(server: OllamaServer) -> None:
    chat = ChatOllama(
        model=MODEL,
        temperature=0.0,
        num_predict=40,
        base_url=server.address,
        client_kwargs=http_options(),
    )
    said = chat.invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])
    assert "Paris" in str(said.text)
    assert said.response_metadata["done_reason"] == "stop"
