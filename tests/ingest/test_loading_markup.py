"""Markdown and web pages: headings where they are, content without its frame."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import read

from ingest.index.documents import Document

LINES = st.sampled_from(
    [
        "# One",
        "### Three ##",
        "Two",
        "---",
        "===",
        "```",
        "~~~~",
        "- item",
        "",
        "  ",
        "#",
        "> x",
        "x",
    ]
)

PIECES = [
    "<b>",
    "<h1>",
    "</h1>",
    "<td>",
    "</p>",
    "<table>",
    "<li>",
    "<pre>",
    "x",
    "#",
    "<!--",
    "<?",
]


def outline(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in document.headings]


def page(body: str, head: str = "") -> Document:
    return read("a.html", f"<!doctype html><head>{head}</head><body>{body}".encode())


@settings(deadline=None)
@given(st.lists(LINES, min_size=1), st.sampled_from(["\n", "\r\n", "\r"]))
def test_headings_are_spans_in_order(lines: list[str], line_end: str) -> None:
    document = read("a.md", ("start" + line_end + line_end.join(lines)).encode())
    end = 0
    for heading in document.headings:
        assert heading.title in document.text[heading.start : heading.end]
        assert end <= heading.start < heading.end <= len(document.text)
        end = heading.end


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_atx_and_setext_headings(line_end: str) -> None:
    lines = ["# One", "## Two ##", "text", "", "Three", "=====", "Four", "---", "   ###### C# #"]
    document = read("a.md", line_end.join(lines).encode())
    assert outline(document) == [(1, "One"), (2, "Two"), (1, "Three"), (2, "Four"), (6, "C#")]
    three = document.headings[2]
    assert document.text[three.start : three.end] == f"Three{line_end}====="


@pytest.mark.parametrize(
    "text",
    [
        "```\n# comment\n```",
        "~~~sh\n# comment\n```\n# comment\n~~~",
        "- item\n\n    ```sh\n# comment\n    ```",
        "````\n```\n# comment\n````",
        "```\n# never closed",
        "---\ntitle: x\n# comment\n---\n",
        "---\r\ntitle: x\r\ndate\r\n---\r\n",
        "#hashtag",
        "####### seven",
        "#",
        "two lines\nof text\n---",
        "- item\n---",
        "> quote\n---",
        "| a |\n---",
        "\n---\n",
        "---\n---",
    ],
)
def test_what_only_looks_like_a_heading(text: str) -> None:
    document = read("a.md", f"{text}\n".encode())
    assert document.headings == ()
    assert document.text == f"{text}\n"


def test_headings_after_fences_and_front_matter_are_found() -> None:
    text = "---\ntitle: x\n---\nOne\n===\n```\n# no\n```\nTwo\n---\n## Three\n"
    assert outline(read("a.md", text.encode())) == [(1, "One"), (2, "Two"), (2, "Three")]


def test_a_web_page_becomes_markdown_without_its_frame() -> None:
    document = page(
        """
        <header>Site name</header> <nav>Menu</nav>
        <main><h1>Bees &amp; wasps</h1><aside>A note.</aside>
        <p>They <b>fly</b> to a <a href="https://example.org/x">flower</a>
        <img src="https://example.org/y.png" alt="(a rose)"> in <code>May</code>.</p>
        <script>track()</script><style>p {}</style><noscript>no</noscript><template>no</template>
        <svg><title>no</title></svg><form>Search <input value="no"></form><p hidden>no</p>
        <div style="color: red; DISPLAY : none">no</div><!-- no --><?php no ?>
        <h2>Kinds</h2><ul><li>one<li>two</ul><pre># no
heading</pre></main>
        <footer>Imprint</footer>""",
        "<title>Bees | Site</title>",
    )
    assert document.kind == "html"
    assert document.text == (
        "# Bees & wasps\n\nA note.\n\nThey fly to a flower (a rose) in `May`.\n\n"
        "## Kinds\n\n* one\n* two\n\n```\n# no\nheading\n```\n"
    )
    assert outline(document) == [(1, "Bees & wasps"), (2, "Kinds")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<header>a</header><article>b<footer>c</footer></article><aside>d</aside>", "b c"),
        ("<header>a</header><p>b</p><footer>c</footer>", "a b c"),
        ("<aside>a</aside><article>b</article><article>c</article>", "b c"),
        ("<main></main><p>a</p>", "a"),
        ("<p>a</p><div role=main>b</div>", "b"),
        ("<form><p>a</p><select><option>b</select></form>", "a"),
        ("<h2><button>a</button></h2><p>b<button>c</button></p>", "## a b"),
        ("<p># a<br>---</p>", r"\# a \---"),
        ("<p>10<sup>5</sup> m<sup>2</sup>, 2<sup>nd</sup></p>", "10^5 m2, 2nd"),
        ("<p>a&nbsp;b, Donau&shy;dampf</p>", "a b, Donaudampf"),
        ("<p>snake_case * 2 &lt;3</p>", "snake_case * 2 <3"),
        ("<table><tr><td><h2>a</h2><td>b</table>", "## a b"),
        ("<table><tr><td>a<tr><td>b</table>", "a b"),
        ("<p>one\nline</p>", "one line"),
        ("<p>&#xD800;a&#0;</p>", "\ufffda\ufffd"),
    ],
)
def test_what_counts_as_content(body: str, text: str) -> None:
    assert " ".join(page(body).text.split()) == text


def test_each_row_of_a_table_keeps_the_words_of_its_columns() -> None:
    text = page("<table><tr><th>a<th>b|c<tr><td>1<td><p>2</p><p>3</p></table>").text
    assert text == "a | b|c\na: 1 | b|c: 2 3\n"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            "<tr><th><th colspan=2>2023<tr><th>Name<th>in<th>out<tr><td>x<td>1<td>2",
            ["2023", "Name | in | out", "Name: x | 2023 in: 1 | 2023 out: 2"],
        ),
        (
            "<tr><th>Who<th>What<tr><td rowspan=2>Ada<td>1<tr><td>2",
            ["Who | What", "Who: Ada | What: 1", "Who: Ada | What: 2"],
        ),
        (
            "<tr><th>Name<th colspan=2>Cost<tr><td>x<td>$<td>9",
            ["Name | Cost", "Name: x | Cost: $ 9"],
        ),
        ("<tr><th>Name:<td>Ada<tr><th>Born<td>1815", ["Name: Ada", "Born: 1815"]),
        ("<caption>Who</caption><tr><td>a<td>1<tr><td>b<td>2", ["Who", "", "a | 1", "b | 2"]),
        ("<thead><tr><td>1<td>2<tbody><tr><td>3<td>4", ["1 | 2", "1: 3 | 2: 4"]),
        ("<tr><th># <th>b<tr><td>1<td>2", ["\\# | b", "#: 1 | b: 2"]),
    ],
)
def test_which_words_a_cell_stands_under(rows: str, lines: list[str]) -> None:
    assert page(f"<table>{rows}</table>").text.splitlines() == lines


def test_a_cell_that_claims_to_span_a_million_columns_does_not() -> None:
    cell = "<td colspan=1000000 rowspan=1000000>x"
    assert page(f"<table><tr>{cell * 50}<tr><td>y<td>z</table>").text.count("x") <= 5_000


def test_the_title_stands_in_for_a_missing_heading() -> None:
    document = page("<h2>Part</h2><svg><title>no</title></svg>", "<title>\n The\n Page </title>")
    assert outline(document) == [(1, "The Page"), (2, "Part")]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)))
def test_no_markup_is_left_and_headings_are_spans(pieces: list[str]) -> None:
    document = page("words " + " ".join(pieces))
    assert not re.search(r"</?[a-z]", document.text)
    assert all(h.title in document.text[h.start : h.end] for h in document.headings)


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("<meta charset=iso-8859-1>", "cp1252"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', "cp1252"),
        ('<?xml version="1.0" encoding="ISO-8859-15"?>', "iso-8859-15"),
        ("<meta charset=windows-1252>", "utf-8"),
        ("<meta charset=utf-8>", "cp1252"),
        ("<meta charset=no-such-thing>", "cp1252"),
        ("<meta charset=utf-8>", "utf-16"),
        ("", "utf-8-sig"),
    ],
)
def test_encodings_of_a_web_page(declared: str, codec: str) -> None:
    words = "Die schöne Frau ging über die Straße für 5 €"
    document = read("a.html", f"{declared}<html><body><p>{words}</p>".encode(codec))
    assert document.text == f"{words}\n"


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "blockquote", "h1"])
def test_nesting_without_end_loses_no_words(tag: str) -> None:
    text = page(f"<p>one</p><{tag}>" * 3_000 + "two").text
    assert text.count("one") == 3_000
    assert text.split()[-1] == "two"


def test_a_page_is_read_in_time_that_grows_with_its_length() -> None:
    text = page("<p>a<br>b <b>c</b></p>" * 20_000).text
    assert text.count("c") == 20_000
