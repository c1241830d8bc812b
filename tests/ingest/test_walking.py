"""Which files paths stand for, and what each is called."""

from pathlib import Path

import pytest

from ingest.index.errors import InputError
from ingest.walking import named_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(*paths: Path) -> list[str]:
    return [name for _, name in named_files(paths)]


def test_files_in_a_folder_are_named_by_their_way_from_it(tmp_path: Path) -> None:
    make(tmp_path / "docs", "b.txt", "a.txt", "reports/2024.pdf", "reports/old/1999.pdf")
    assert names(tmp_path / "docs") == [
        "a.txt",
        "b.txt",
        "reports/2024.pdf",
        "reports/old/1999.pdf",
    ]


def test_a_file_by_itself_is_named_by_its_own_name(tmp_path: Path) -> None:
    make(tmp_path, "reports/2024.pdf")
    [(path, name)] = named_files([tmp_path / "reports" / "2024.pdf"])
    assert (path.read_text(), name) == ("reports/2024.pdf", "2024.pdf")


def test_paths_may_be_relative(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.txt")
    assert names(Path("docs")) == ["a.txt"]
    assert names(Path()) == ["docs/a.txt"]


def test_hidden_files_and_folders_are_left_out_unless_named(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", ".hidden.txt", ".git/config", "deep/.cache/b.txt")
    assert names(tmp_path) == ["a.txt"]
    assert names(tmp_path / ".hidden.txt") == [".hidden.txt"]


def test_a_file_given_twice_comes_once(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.txt", "docs/b.txt")
    (tmp_path / "docs" / "link.txt").symlink_to("a.txt")
    assert names(tmp_path / "docs", tmp_path / "docs" / "a.txt") == ["a.txt", "b.txt"]


def test_two_of_one_name_get_the_folder_in_front(tmp_path: Path) -> None:
    make(tmp_path, "x/a.txt", "y/a.txt", "y/b.txt")
    assert names(tmp_path / "x", tmp_path / "y") == ["x/a.txt", "y/a.txt", "b.txt"]


def test_folders_are_added_until_names_differ(tmp_path: Path) -> None:
    make(tmp_path, "one/docs/a.txt", "two/docs/a.txt")
    both = (tmp_path / "one" / "docs", tmp_path / "two" / "docs")
    assert names(*both) == ["one/docs/a.txt", "two/docs/a.txt"]


def test_a_broken_link_in_a_folder_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "broken.txt").symlink_to("nowhere")
    assert names(tmp_path) == ["a.txt"]


def test_a_missing_path_is_refused_by_name(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    missing = tmp_path / "missing.txt"
    with pytest.raises(InputError, match=f"no file or folder {missing}. Check the path"):
        named_files([tmp_path / "a.txt", missing])


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="Name a folder that holds documents"):
        named_files([tmp_path / "empty"])
