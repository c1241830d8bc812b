"""JSON, XML, notebooks, reStructuredText and Org."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import outline, read, refusal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:\n é", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            [{"sku": "A1", "price": 12.5}, {"sku": "B2", "price": 3}],
            "sku: A1 | price: 12.5\n\nsku: B2 | price: 3\n",
        ),
        ({"a": {"b": {"c": [1, 2, None]}}}, "a.b.c: 1, 2, null\n"),
        (
            {"name": "Ada", "at": {"city": "London", "zip": 1}},
            "name: Ada\nat: city: London | zip: 1\n",
        ),
        (
            {"people": [{"name": "Ada", "tags": ["x", "y"]}]},
            "people.name: Ada\npeople.tags: x, y\n",
        ),
        ("words", "words\n"),
        ({"a": {"b": "two  words"}, "c": ["one\n  two"]}, "a: b: two words\nc: one\n  two\n"),
        ([1, 2, 3], "1, 2, 3\n"),
        ({"n": ["x" * 400, "y" * 400]}, f"n: {'x' * 400}\nn: {'y' * 400}\n"),
        (["x" * 400, "y" * 400], f"{'x' * 400}\n{'y' * 400}\n"),
    ],
)
def test_values_stand_behind_the_names_that_lead_to_them(value: object, text: str) -> None:
    document = read("a.json", json.dumps(value).encode())
    assert (document.kind, document.text) == ("json", text)


@settings(deadline=None)
@given(VALUES)
def test_no_value_of_a_json_file_is_lost(value: object) -> None:
    text = read("a.json", json.dumps(["start", value]).encode()).text

    def leaves(item: object) -> list[str]:
        if isinstance(item, dict):
            return [leaf for inner in item.values() for leaf in leaves(inner)]
        if isinstance(item, list):
            return [leaf for inner in item for leaf in leaves(inner)]
        return item.split() if isinstance(item, str) else [json.dumps(item)]

    assert all(leaf in text for leaf in leaves(value))


def test_json_a_line() -> None:
    data = b'{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n'
    for name in ["a.jsonl", "a.ndjson", "a"]:
        assert read(name, data).text == "a: 1 | b: x\n\na: 2 | b: y\n"


@pytest.mark.parametrize(
    "data", [b"{broken", b"[" * 50_000, b"[" + b"9" * 5_000 + b"]", b"{'a': 1}"]
)
def test_what_is_no_json_is_the_text_that_it_is(data: bytes) -> None:
    document = read("a.json", data)
    assert (document.kind, document.text) == ("text", data.decode())


def test_xml() -> None:
    document = read(
        "a.xml",
        b"""<?xml version="1.0"?><!DOCTYPE f SYSTEM "http://127.0.0.1:9/none.dtd">
        <factbook xmlns:x="urn:x"
        x:schemaLocation="no" note=""><country code="ca"><name>Canada</name>
        <capital>Ottawa</capital>
        </country><x:text>Running <b>text</b> here.</x:text><deep><er><leaf unit="km">5</leaf></er>
        </deep><!-- no --><empty/></factbook>""",
    )
    assert document.kind == "xml"
    assert document.text == (
        "country: code: ca | name: Canada | capital: Ottawa\n"
        "text: Running text here.\ndeep.er.leaf: unit: km | 5\n"
    )


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>one</b><c>&x;</c></a>',
        '<!DOCTYPE a [<!ENTITY x "many">]><a><b>one</b><c>&x;&x;&x;</c></a>',
    ],
)
def test_entities_stay_closed(xml: str) -> None:
    text = read("a.xml", f'<?xml version="1.0"?>{xml}'.encode()).text
    assert "root:" not in text
    assert text.count("many") <= 1
    assert "one" in text


@pytest.mark.parametrize("xml", ["<a><b>one</a>", "<a>" * 300 + "one", "<a>one"])
def test_what_is_no_xml_is_the_text_that_it_is(xml: str) -> None:
    document = read("a.xml", f'<?xml version="1.0"?>{xml}'.encode())
    assert document.kind == "text"
    assert document.text.endswith(xml)


def test_a_picture_in_xml_says_only_its_words() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/><text>Words</text></svg>'
    assert read("a.svg", svg).text == "Words\n"
    assert "no text" in refusal("a.svg", svg.replace(b"Words", b"")).what


def notebook(*cells: object, **more: object) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, **more}).encode()


def test_a_notebook() -> None:
    html = "<table><tr><th>a<th>b<tr><td>1<td>2</table>"
    outputs = [
        {"output_type": "stream", "text": ["printed\n", "twice"]},
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=" * 99}},
        {"output_type": "execute_result", "data": {"text/html": html, "text/plain": "x"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[0m"]},
    ]
    document = read(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "source": ["# Title\n", "Words."]},
            {"cell_type": "code", "source": "x = 1", "outputs": outputs},
        ),
    )
    assert document.kind == "notebook"
    assert outline(document) == [(1, "Title")]
    assert document.text == (
        "# Title\nWords.\n\n```\nx = 1\n```\n\nOutput:\nprinted\ntwice\n\n"
        "a | b\na: 1 | b: 2\n\nOutput:\nValueError: no\n"
    )
    assert read("a", notebook({"cell_type": "raw", "source": "raw"})).kind == "notebook"
    fence = read("a.ipynb", notebook({"cell_type": "code", "source": "'```'"}))
    assert fence.text == "````\n'```'\n````\n"


@pytest.mark.parametrize(
    "data",
    [
        b"[1]",
        notebook(5, None),
        notebook({"source": 5, "outputs": {"a": 1}}),
        b'{"cells": {"a": 1}}',
    ],
)
def test_a_notebook_without_text_is_refused(data: bytes) -> None:
    assert refusal("a.ipynb", data).what == "a.ipynb has no text in it."


def test_restructured_text_headings() -> None:
    text = (
        "=====\nTitle\n=====\n\nPart\n----\n\nwords\n\n========  ===\nA table\n========  ===\n\n"
        "Deeper\n~~~~~~\n\nAgain\n-----\n\n.. note::\n\n   quoted\n\n:field: x\n"
    )
    document = read("a.rst", text.encode())
    assert document.text == text
    assert outline(document) == [(1, "Title"), (2, "Part"), (3, "Deeper"), (2, "Again")]


def test_org_headings() -> None:
    text = (
        "#+TITLE: Notes\n\n* One :tag:\nwords\n*bold*\n"
        "#+BEGIN_SRC sh\n* no\n#+END_SRC\n** Two\n*** \n"
    )
    document = read("a.org", text.encode())
    assert document.text == text
    assert outline(document) == [(1, "Notes"), (1, "One"), (2, "Two")]
