"""Outlook messages (.msg): as e-mails are read.

Properties and their streams: [MS-OXMSG]; compressed rich text: [MS-OXRTFCP].
"""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import olefile

from ingest.loading.attachments import AttachmentFolder, safe_name
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.mail import add_header, add_names
from ingest.loading.markup import from_markup
from ingest.loading.rtf import from_rtf
from ingest.loading.web import decode_markup

_SUBJECT, _SENDER, _SENDER_MAIL, _SENDER_SMTP = "0037", "0C1A", "0C1F", "5D01"
_TO, _CC, _HEADERS, _BODY, _HTML, _RTF = "0E04", "0E03", "007D", "1000", "1013", "1009"
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _DATA = "3707", "3704", "3001", "3701"
_SENT, _RECEIVED, _CODEPAGE = 0x0039, 0x0E06, 0x3FFD
_MAX_DEPTH = 8
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the dictionary of compressed rich text holds at its beginning."""


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read an Outlook message."""
    folder = AttachmentFolder(scratch)
    builder = Builder("email", name)
    with olefile.OleFileIO(path) as file:
        _Storage(file, ()).add_to(builder, folder, name)
    return Loaded(builder.document(), tuple(folder.found))


class _Storage:
    """A message or an attachment: properties, found by their tags."""

    def __init__(self, file: Any, prefix: tuple[str, ...]) -> None:
        self._file = file
        self._prefix = prefix
        self._numbers = self._fixed()
        codepage = self._numbers.get(_CODEPAGE, 1252) & 0xFFFF
        self._codec = "utf-8" if codepage == 65001 else f"cp{codepage}"

    def add_to(self, builder: Builder, folder: AttachmentFolder, name: str) -> None:
        """Add a message to a builder, and its attachments to a folder."""
        add_header(builder, self._header())
        self._add_body(builder, name)
        found: list[Any] = []
        for storage in self._attachments():
            found += storage.save(folder, name)
        add_names(builder, found)

    def save(self, folder: AttachmentFolder, name: str) -> list[Any]:
        """Write an attachment into a folder."""
        instead = f"attachment {len(folder.found) + 1}"
        own = self._text(_LONG_NAME) or self._text(_SHOWN_NAME) or self._text(_SHORT_NAME)
        inner = (*self._prefix, f"__substg1.0_{_DATA}000D")
        if self._file.exists([*inner, "__properties_version1.0"]):
            if len(inner) > _MAX_DEPTH:
                return []
            message = Builder("email", name)
            _Storage(self._file, inner).add_to(message, folder, name)
            text = message.document().text.encode()
            return [folder.add(safe_name(own.replace("/", "-"), "message") + ".txt", text)]
        data = self._bytes(_DATA, "0102")
        return [folder.add(safe_name(own, instead), data)] if data else []

    def _attachments(self) -> "list[_Storage]":
        depth = len(self._prefix)
        names = sorted(
            {
                entry[depth]
                for entry in self._file.listdir(streams=True, storages=True)
                if tuple(entry[:depth]) == self._prefix
                and len(entry) > depth
                and entry[depth].startswith("__attach_version1.0_")
            }
        )
        return [_Storage(self._file, (*self._prefix, name)) for name in names]

    def _header(self) -> dict[str, str]:
        sender = self._text(_SENDER)
        address = self._text(_SENDER_SMTP) or self._text(_SENDER_MAIL)
        if "@" in address and address != sender:
            sender = f"{sender} <{address}>".strip()
        return {
            "Subject": self._text(_SUBJECT),
            "From": sender,
            "To": self._text(_TO),
            "Cc": self._text(_CC),
            "Date": self._date(),
        }

    def _add_body(self, builder: Builder, name: str) -> None:
        if body := self._text(_BODY).strip():
            builder.paragraph(body.replace("\r\n", "\n"))
        elif html := self._bytes(_HTML, "0102").rstrip(b"\0") or self._text(_HTML).encode():
            builder.append(from_markup(decode_markup(html, name), "email", name), lower=1)
        elif packed := self._bytes(_RTF, "0102"):
            builder.append(from_rtf(unpack_rtf(packed), "email", name), lower=1)

    def _date(self) -> str:
        ticks = self._numbers.get(_SENT) or self._numbers.get(_RECEIVED)
        if not ticks:
            return ""
        try:
            moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
        except OverflowError:
            return ""
        return f"{moment:%a, %d %b %Y %H:%M:%S +0000}"

    def _text(self, tag: str) -> str:
        if wide := self._bytes(tag, "001F"):
            return wide.decode("utf-16-le", "replace").rstrip("\0").strip()
        narrow = self._bytes(tag, "001E")
        try:
            return narrow.decode(self._codec, "replace").rstrip("\0").strip()
        except LookupError:
            return narrow.decode("cp1252", "replace").rstrip("\0").strip()

    def _bytes(self, tag: str, kind: str) -> bytes:
        path = [*self._prefix, f"__substg1.0_{tag}{kind}"]
        if self._file.get_type(path) != olefile.STGTY_STREAM:
            return b""
        return bytes(self._file.openstream(path).read())

    def _fixed(self) -> dict[int, int]:
        """Return the properties of fixed size, by their ids."""
        path = [*self._prefix, "__properties_version1.0"]
        if self._file.get_type(path) != olefile.STGTY_STREAM:
            return {}
        data = self._file.openstream(path).read()
        skipped = len(data) % 16 or 16 * (not self._prefix) * 2  # the header's size tells its kind
        return {
            tag >> 16: value
            for tag, _, value in struct.iter_unpack("<IIQ", data[skipped:][: len(data) // 16 * 16])
        }


def unpack_rtf(data: bytes) -> bytes:
    """Return rich text from the form in which messages keep it."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<4xI4s", data)
    if kind == b"MELA":
        return data[16 : 16 + size]
    window = bytearray(_RTF_START.ljust(4096, b" "))
    write, position, out = len(_RTF_START), 16, bytearray()
    while position < len(data):
        flags = data[position]
        position += 1
        for bit in range(8):
            if position >= len(data):
                break
            if not flags >> bit & 1:
                pieces = data[position : position + 1]
                position += 1
            else:
                if position + 2 > len(data):
                    return bytes(out)
                token = data[position] << 8 | data[position + 1]
                position += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == write:
                    return bytes(out)
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    window[write] = byte
                    write = (write + 1) % 4096
                    out.append(byte)
                continue
            out += pieces
            window[write] = pieces[0]
            write = (write + 1) % 4096
    return bytes(out)
