"""Zip archives: what is unpacked, what is not and why."""

import io
import stat
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import refusal, unpack, zip_file

from ingest.loading import archive


def member(name: str, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits |= flags
    return info


def written(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for info, data in members:
            file.writestr(info, data)
    return buffer.getvalue()


def test_members_become_documents_under_their_names() -> None:
    data = zip_file({"a.txt": b"one", "b/": b"", "b/c.txt": b"two", "b/empty": b""})
    document, files = unpack("things.zip", data)
    assert files == {"a.txt": b"one", "b/c.txt": b"two"}
    assert document.kind == "archive"
    assert document.text == (
        "Archive things.zip\n\na.txt (3 bytes)\nb/c.txt (3 bytes)\nb/empty (left out: empty)\n"
    )


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (member("/etc/passwd"), "leads out"),
        (member("../up.txt"), "leads out"),
        (member("a/../../up.txt"), "leads out"),
        (member("C:/a.txt"), "leads out"),
        (member("a\\..\\..\\up.txt"), "leads out"),
        (member("link", stat.S_IFLNK | 0o777), "a link"),
        (member("good.txt"), "a second file of this name"),
        (member("__MACOSX/._a.txt"), "file manager"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_not_unpacked_are_named(info: zipfile.ZipInfo, reason: str) -> None:
    document, files = unpack("a.zip", written(("good.txt", b"one"), (info, b"two")))
    assert files == {"good.txt": b"one"}
    assert reason in document.text.splitlines()[-1]


def test_a_protected_archive() -> None:
    data = bytearray(written(("a.txt", b"one"), ("b.txt", b"two")))
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    document, files = unpack("a.zip", bytes(data))
    assert files == {"b.txt": b"two"}
    assert "a.txt (left out: protected by a password)" in document.text
    at = data.index(b"PK\1\2", at + 1)
    data[at + 8] |= 1
    assert refusal("a.zip", bytes(data)).what == "a.zip is protected by a password."


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 5_000)
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 6_000)
    monkeypatch.setattr(archive, "_RATIO_FROM", 1_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 50)
    words = bytes(range(256)) * 20
    data = zip_file({"a": words[:4000], "b": words[:3000], "c": words[:5001], "d": b"", "e": b""})
    document, files = unpack("a.zip", data)
    assert list(files) == ["a"]
    assert "b (left out: the archive unpacks to too much)" in document.text
    assert "c (left out: the archive unpacks to too much)" in document.text
    assert "larger than 0 MB" in unpack("a.zip", zip_file({"c": words[:5001]}))[0].text
    assert "Left out: 2 more files; 3 are taken." in document.text
    assert "small" in unpack("a.zip", zip_file({"a": bytes(4_000)}))[0].text


def test_a_member_that_is_damaged_costs_no_other() -> None:
    data = zip_file({"a.txt": b"one one one", "b.txt": b"two"})
    at = data.index(b"a.txt") + 5
    document, files = unpack("a.zip", data[:at] + b"\xff" + data[at + 1 :])
    assert files == {"b.txt": b"two"}
    assert "a.txt (left out: damaged)" in document.text


def test_an_empty_archive_is_refused() -> None:
    assert refusal("a.zip", zip_file({})).what == "a.zip is an empty archive."


@settings(deadline=None)
@given(st.dictionaries(st.text("ab./\\: é", min_size=1, max_size=8), st.just(b"x"), max_size=5))
def test_names_stay_within_the_archive(parts: dict[str, bytes]) -> None:
    data = zip_file({"ok": b"x"} | dict.fromkeys(parts, b"x"))
    for name in unpack("a.zip", data)[1]:
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert "\\" not in name
        assert name == str(path)
