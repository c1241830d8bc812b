"""E-mails (.eml, .mht): sender, receivers, subject, date, the body; attachments beside them."""

import email.policy
import mimetypes
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from ingest.index.errors import DocumentError
from ingest.loading.attachments import AttachmentFolder, safe_name
from ingest.loading.builder import Builder
from ingest.loading.loaded import Attachment, Loaded
from ingest.loading.markup import from_markup
from ingest.loading.text import clean, decode
from ingest.loading.web import decode_markup

_SHOWN = ("From", "To", "Cc", "Date")
_SIGNATURES = frozenset(
    {
        *("application/pgp-signature", "application/pkcs7-signature"),
        *("application/x-pkcs7-signature", "message/delivery-status", "text/rfc822-headers"),
    }
)
_MAX_PARTS = 5_000


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read an e-mail, or a web page that was saved as one."""
    with path.open("rb") as file:
        message = BytesParser(policy=email.policy.compat32).parse(file)
    folder = AttachmentFolder(scratch)
    parts = _Parts(folder)
    parts.take(message)
    builder = Builder("email", name)
    header = [(key, " ".join(_header(message, key).split())) for key in ("Subject", *_SHOWN)]
    add_header(builder, dict(header))
    parts.add_bodies(builder, name)
    add_names(builder, folder.found)
    return Loaded(builder.document(), tuple(folder.found))


def add_header(builder: Builder, header: dict[str, str]) -> None:
    """Add the subject as a heading, and the other lines of a message's header."""
    if header.get("Subject"):
        builder.heading(1, header["Subject"], f"Subject: {header['Subject']}")
    builder.lines(f"{key}: {header[key]}" for key in _SHOWN if header.get(key))


def add_names(builder: Builder, attachments: list[Attachment]) -> None:
    """Add a line with the names of the files that came with a message."""
    if attachments:
        builder.paragraph("Attachments: " + ", ".join(found.name for found in attachments))


class _Parts:
    """Sorts the parts of a message into bodies and attachments."""

    def __init__(self, folder: AttachmentFolder) -> None:
        self._folder = folder
        self._bodies: list[tuple[str, str]] = []
        self._count = 0

    def take(self, message: Message) -> None:
        """Take a message with everything in it."""
        stack = [(message, True)]
        while stack and self._count < _MAX_PARTS:
            part, readable = stack.pop()
            self._count += 1
            kind = part.get_content_type()
            if kind == "message/rfc822":
                self._take_message(part)
            elif part.is_multipart():
                children = _children(part)
                shown = _best(children) if kind == "multipart/alternative" else None
                stack += [
                    (child, readable and shown in {None, child}) for child in reversed(children)
                ]
            else:
                self._take_leaf(part, kind, readable)

    def _take_leaf(self, part: Message, kind: str, readable: bool) -> None:
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes) or not data or kind in _SIGNATURES:
            return
        filename = _filename(part)
        attached = part.get_content_disposition() == "attachment" or filename
        if kind in {"text/plain", "text/html"} and not attached:
            text = _text_of(part, data, html=kind == "text/html")
            if readable and text.strip():
                self._bodies.append((kind, text))
            return
        ending = mimetypes.guess_extension(kind, strict=False) or ""
        instead = f"attachment {len(self._folder.found) + 1}{ending}"
        self._folder.add(safe_name(filename, instead), data)

    def _take_message(self, part: Message) -> None:
        inner = part.get_payload()
        for message in inner if isinstance(inner, list) else []:
            if isinstance(message, Message):
                subject = " ".join(_header(message, "Subject").split())
                name = safe_name(subject.replace("/", "-"), "message").removesuffix(".eml")
                self._folder.add(f"{name}.eml", message.as_bytes())

    def add_bodies(self, builder: Builder, name: str) -> None:
        """Add the text of the message."""
        for kind, text in self._bodies:
            if kind == "text/html":
                builder.append(from_markup(text, "email", name), lower=1)
            else:
                builder.paragraph(text.replace("\r\n", "\n"))


def _children(part: Message) -> list[Message]:
    inner = part.get_payload()
    parts = inner if isinstance(inner, list) else []
    return [child for child in parts if isinstance(child, Message)]


def _best(alternatives: list[Message]) -> Message | None:
    """Return the plain text among alternatives, or else the page; None without either."""
    for wanted in ("text/plain", "text/html"):
        for child in alternatives:
            if child.get_content_type() == wanted and _has_words(child):
                return child
    return None


def _has_words(part: Message) -> bool:
    data = part.get_payload(decode=True)
    return isinstance(data, bytes) and bool(data.strip())


def _text_of(part: Message, data: bytes, html: bool) -> str:
    codec = part.get_content_charset()
    if codec:
        try:
            return clean(data.decode(codec))
        except (LookupError, ValueError):  # an unknown name, or not what the bytes are in
            pass
    try:
        return decode_markup(data, "") if html else decode(data, "")
    except DocumentError:  # not text at all; the message around it still is
        return ""


def _filename(part: Message) -> str:
    try:
        return "".join(_decoded(part.get_filename() or ""))
    except (LookupError, ValueError, TypeError):  # a name in an encoding that is none
        return ""


def _header(message: Message, key: str) -> str:
    """Return a header in readable characters; several of one name as a list."""
    values = [value for name, value in message.raw_items() if name.lower() == key.lower()]
    return ", ".join("".join(_decoded(value)) for value in values)


def _decoded(value: object) -> Iterator[str]:
    """Yield the pieces of a header, whatever is wrong with it.

    Bytes beyond ASCII are UTF-8, or else Western.
    """
    text = str(value)
    if not text.isascii():
        data = text.encode("utf-8", "surrogateescape")
        yield data.decode("utf-8") if _is_utf8(data) else data.decode("cp1252", "replace")
        return
    try:
        pieces = decode_header(text)
    except HeaderParseError:
        pieces = [(text, None)]
    for piece, codec in pieces:
        if isinstance(piece, str):
            yield piece
            continue
        try:
            yield piece.decode(codec or "ascii", "replace")
        except LookupError:
            yield piece.decode("ascii", "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
