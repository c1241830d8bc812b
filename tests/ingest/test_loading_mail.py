"""E-mails of both kinds: what a person reads of them, and what came with them."""

import struct
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import ole_file, outline, read, refusal, unpack

from ingest.loading.outlook import unpack_rtf


def message(body: str = "Hello.\n", **header: str) -> EmailMessage:
    mail = EmailMessage()
    for key, value in {"Subject": "Bees", "From": "Ada <ada@example.org>", **header}.items():
        mail[key] = value
    mail.set_content(body)
    return mail


def test_a_message_in_full() -> None:
    mail = message(
        To="bo@example.org", Cc="Zoë <z@example.org>", Date="Mon, 01 Jan 2024 10:00:00 +0000"
    )
    mail["X-Mailer"] = "noise"
    mail.add_alternative("<p>Hello <b>page</b>.</p>", subtype="html")
    mail.add_attachment(b"three", maintype="application", subtype="pdf", filename="a b.pdf")
    mail.add_attachment("note", filename="../../up.txt")
    inner = message("Inner words.", Subject="Re: a/b")
    mail.add_attachment(inner)
    document, files = unpack("a.eml", mail.as_bytes())
    assert document.kind == "email"
    assert document.text == (
        "Subject: Bees\n\nFrom: Ada <ada@example.org>\nTo: bo@example.org\n"
        "Cc: Zoë <z@example.org>\n"
        "Date: Mon, 01 Jan 2024 10:00:00 +0000\n\nHello.\n\n"
        "Attachments: a b.pdf, up.txt, Re: a-b.eml\n"
    )
    assert outline(document) == [(1, "Bees")]
    assert files["a b.pdf"] == b"three"
    assert files["up.txt"].strip() == b"note"
    assert "Inner words." in read("b.eml", files["Re: a-b.eml"]).text


def test_a_message_that_is_only_a_page() -> None:
    mail = message()
    mail.set_content(
        "<h1>Bees</h1><p>They <i>fly</i>.</p><style>p{}</style>", subtype="html", cte="base64"
    )
    document = read("a.eml", mail.as_bytes())
    assert document.text.endswith("\n\n## Bees\n\nThey fly.\n")
    assert outline(document) == [(1, "Bees"), (2, "Bees")]


def test_attachments_beside_an_alternative_are_kept() -> None:
    mail = message()
    mail.add_alternative("<p>Hello.</p><img src='cid:x'>", subtype="html")
    page = mail.get_payload()[1]
    page.add_related(b"png", maintype="image", subtype="png", cid="<x>")
    document, files = unpack("a.eml", mail.as_bytes())
    assert document.text.count("Hello.") == 1
    assert list(files) == ["attachment 1.png"]


def test_two_attachments_of_one_name() -> None:
    mail = message()
    for data in [b"1", b"2"]:
        mail.add_attachment(data, maintype="image", subtype="png", filename="a.png")
    assert unpack("a.eml", mail.as_bytes())[1] == {"a.png": b"1", "a (2).png": b"2"}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"Subject: =?utf-8?b?WsO8cmljaA==?= =?iso-8859-1?q?_=FCber?=", "Zürich über"),
        ("Subject: Zürich".encode(), "Zürich"),
        ("Subject: Zürich".encode("cp1252"), "Zürich"),
        (b"Subject: =?no-such-thing?q?a?=", "a"),
        (b"Subject: =?utf-8?b?x?=", "Subject: "),
        (b"Subject: folded\n line", "folded line"),
    ],
)
def test_headers_in_any_encoding(header: bytes, text: str) -> None:
    assert text in read("a.eml", header + b"\nMIME-Version: 1.0\n\nwords\n").text


@pytest.mark.parametrize("codec", ["utf-8", "cp1252", "koi8-r", "no-such-thing", ""])
def test_bodies_in_any_encoding(codec: str) -> None:
    words = "Привет" if codec == "koi8-r" else "schöne Grüße aus Köln"
    actual = codec if codec in {"cp1252", "koi8-r"} else "utf-8"
    header = f"Content-Type: text/plain; charset={codec}\nContent-Transfer-Encoding: 8bit\n\n"
    assert words in read("a.eml", header.encode() + words.encode(actual)).text


def test_a_message_is_known_by_its_content() -> None:
    data = b"Received: from x\n by y\nFrom: ada@example.org\n" + message().as_bytes()
    assert read("message", data).kind == "email"
    assert read("message.txt", data).kind == "text"
    assert refusal("a.eml", b"MIME-Version: 1.0\n\n").what == "a.eml has no text in it."


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"--b",
                b"--b--",
                b"\n",
                b"Content-Type: multipart/mixed; boundary=b",
                b"Content-Type: message/rfc822",
                b"Content-Transfer-Encoding: base64",
                b"x",
                b"Subject: y",
            ]
        ),
        max_size=30,
    )
)
def test_any_parts_are_read(lines: list[bytes]) -> None:
    data = b"Subject: words\nContent-Type: multipart/mixed; boundary=b\n\n" + b"\n".join(lines)
    assert "words" in read("a.eml", data).text


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


INNER = "__attach_version1.0_#00000001/__substg1.0_3701000D/"
MSG = {
    "__substg1.0_0037001F": wide("Bees"),
    "__substg1.0_0C1A001F": wide("Ada"),
    "__substg1.0_5D01001F": wide("ada@example.org"),
    "__substg1.0_0E04001F": wide("Bo"),
    "__properties_version1.0": bytes(32)
    + struct.pack("<IIQ", 0x00390040, 6, 133_485_408_000_000_000),
}


def test_an_outlook_message() -> None:
    data = ole_file(
        MSG
        | {
            "__substg1.0_1000001F": wide("Hello.\r\nBye."),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": wide("C:\\up\\a.pdf"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"%PDF-x",
            "__attach_version1.0_#00000001/__substg1.0_3001001F": wide("Re: b"),
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F": wide(
                "Inner."
            ),
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0": bytes(24),
        }
    )
    for name in ["a.msg", "a"]:
        document, files = unpack(name, data)
        assert document.kind == "email"
        assert document.text == (
            "Subject: Bees\n\nFrom: Ada <ada@example.org>\nTo: Bo\n"
            "Date: Mon, 01 Jan 2024 00:00:00 +0000\n\nHello.\nBye.\n\n"
            "Attachments: a.pdf, Re: b.txt\n"
        )
        assert files["a.pdf"].startswith(b"%PDF-x")
        assert files["Re: b.txt"] == b"Inner.\n"


def test_an_outlook_message_that_is_only_a_page_or_rich_text() -> None:
    page = {"__substg1.0_10130102": b"<html><body><p>They fly.</p></body></html>"}
    assert read("a.msg", ole_file(MSG | page)).text.endswith("\n\nThey fly.\n")
    plain = b"{\\rtf1\\ansi They fly.}"
    packed = struct.pack("<II4sI", len(plain) + 12, len(plain), b"MELA", 0) + plain
    rich = {"__substg1.0_10090102": packed}
    assert read("a.msg", ole_file(MSG | rich)).text.endswith("\n\nThey fly.\n")


def test_compressed_rich_text() -> None:
    """The example of [MS-OXRTFCP], 3.1.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af3206865"
        "6c090020627705b06c647d0a800fa0"
    )
    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_compressed_bytes_end(data: bytes) -> None:
    assert len(unpack_rtf(struct.pack("<II4sI", 0, 9, b"LZFu", 0) + data)) <= 60 * 17


def test_a_damaged_outlook_message_is_refused() -> None:
    data = ole_file(MSG)
    assert refusal("a.msg", data[:700]).what == "a.msg is damaged and cannot be read."
