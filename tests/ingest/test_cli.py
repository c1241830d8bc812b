"""The `ingest` command: what it prints, where, and how it exits."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from commands import Cli, Ran, command_line
from site_pages import Site, answer

import ingest.worker
from ingest.__main__ import main
from ingest.index.embedding import Embedder
from ingest.index.errors import DataFolderError, DocumentError
from ingest.index.index import Index
from ingest.index.tables import Record
from ingest.pipeline import Pipeline
from ingest.reader import Reading
from ingest.settings import IngestSettings

HARE = "The hare ran over the field."
TORTOISE = "The tortoise walked on."
FIELDS = {
    *("id", "name", "collection", "state", "stage", "fraction"),
    *("chunks", "embedded", "pages", "size", "modified", "kind", "error", "notice"),
    *("language", "attempts", "sha256", "parent"),
}


OwnerProcess = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def cli(
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """Return a function that runs `ingest` with arguments, in this process."""
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    return command_line("ingest", main, embedder, monkeypatch, capfd)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "hare.txt").write_text(HARE)
    (folder / "tortoise.md").write_text(TORTOISE)
    return folder


# -- add -------------------------------------------------------------------------------------


def test_add_prints_each_document_as_json(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs, "--wait", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.states == {"hare.txt": "ready", "tortoise.md": "ready"}
    for document in ran.documents:
        assert set(document) == FIELDS
        assert (document["chunks"], document["pages"], document["error"]) == (1, None, None)
        assert document["collection"] == "default"
    assert ran.documents[0]["size"] == len(HARE)


def test_add_prints_a_line_a_document(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs / "hare.txt")
    assert (ran.code, ran.out, ran.err) == (0, "ready  hare.txt  1 passage\n", "")


def test_add_puts_documents_into_a_collection(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs / "hare.txt", "--collection", "fables", "--json")
    assert [document["collection"] for document in ran.documents] == ["fables"]


def test_add_again_changes_nothing(cli: Cli, docs: Path) -> None:
    first = cli("add", docs, "--wait", "--json")
    assert cli("add", docs, "--wait", "--json") == first


def test_add_keeps_the_same_content_once_and_says_so(cli: Cli, docs: Path) -> None:
    (docs / "twin.txt").write_text(HARE)
    ran = cli("add", docs, "--wait")
    assert ran.code == 0
    assert ran.out.splitlines() == ["ready  hare.txt  1 passage", "ready  tortoise.md  1 passage"]
    assert ran.err == "twin.txt has the same content as hare.txt; it is kept once.\n"


def test_add_says_that_a_file_replaces_its_earlier_version(cli: Cli, docs: Path) -> None:
    before = cli("add", docs / "hare.txt", "--json").documents
    (docs / "hare.txt").write_text("Another hare.")
    ran = cli("add", docs / "hare.txt")
    assert "hare.txt replaces its earlier version" in ran.err
    after = cli("list", "--json").documents
    assert after[0]["id"] == before[0]["id"]
    assert after[0]["sha256"] != before[0]["sha256"]


def test_a_file_that_cannot_be_read_fails_and_the_others_do_not(cli: Cli, docs: Path) -> None:
    (docs / "empty.txt").touch()
    (docs / "program.bin").write_bytes(bytes(range(32)) * 100)
    ran = cli("add", docs, "--wait", "--json")
    assert ran.code == 1
    assert ran.states == {
        "empty.txt": "failed",
        "hare.txt": "ready",
        "program.bin": "failed",
        "tortoise.md": "ready",
    }
    errors = {document["name"]: document["error"] for document in ran.documents}
    assert errors["empty.txt"] == "empty.txt is empty. Add a file that has text in it."
    assert errors["program.bin"].startswith("program.bin is not a type of file that can be read. ")
    assert "Add a PDF" in errors["program.bin"]


def test_a_missing_path_is_one_sentence_and_nothing_is_added(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs / "hare.txt", docs / "missing.txt")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"There is no file or folder {docs / 'missing.txt'}. Check the path.\n"
    assert cli("list", "--json").documents == []


def test_a_file_that_is_too_large_is_refused_and_the_others_are_not(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_MAX_FILE_MB", "1")
    (docs / "large.txt").write_bytes(b"x" * (3 << 20))
    ran = cli("add", docs, "--wait", "--json")
    assert ran.code == 1
    assert ran.states == {"hare.txt": "ready", "tortoise.md": "ready"}
    assert ran.err == (
        "large.txt: The file has 3 MB, more than the 1 MB that are taken. "
        "Split it, or raise FOOTNOTE_MAX_FILE_MB.\n"
    )


def test_a_collection_without_a_name_is_refused(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs / "hare.txt", "--collection", " ", "--json")
    assert (ran.code, ran.documents) == (1, [])
    assert "A collection's name takes 1 to 400 characters. Choose another name." in ran.err


def test_adding_a_failed_file_again_does_not_speak_of_an_earlier_version(
    cli: Cli, docs: Path
) -> None:
    (docs / "empty.txt").touch()
    cli("add", docs / "empty.txt")
    assert "stays searchable" not in cli("add", docs / "empty.txt").err


def test_add_waits_for_a_disk_that_is_away_and_says_why(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    read = Pipeline.read

    def away_at_first(self: Pipeline, record: Record, *more: Any) -> Reading:
        tries.append(record.name)
        if len(tries) == 1:
            raise DataFolderError("The disk is away.", "Wait.")
        return read(self, record, *more)

    monkeypatch.setattr(Pipeline, "read", away_at_first)
    monkeypatch.setattr(ingest.worker, "_RETRY_SECONDS", 0.0)
    ran = cli("add", docs / "hare.txt", "--json")
    assert ran.states == {"hare.txt": "ready"}
    assert len(tries) == 2


def test_a_file_that_cannot_be_taken_in_is_all_that_is_said(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise DataFolderError("The disk is full.", "Free some space.")

    monkeypatch.setattr(Index, "add_file", full)
    ran = cli("add", docs / "hare.txt")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "hare.txt: The disk is full. Free some space.\n"


def test_ctrl_c_while_files_are_taken_in_keeps_those_that_were(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Index.add_file

    def interrupted(self: Index, stream: BinaryIO, name: str, *more: Any, **named: Any) -> Any:
        if name == "tortoise.md":
            raise KeyboardInterrupt
        return take(self, stream, name, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Index, "add_file", interrupted)
        ran = cli("add", docs)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "Stopped. What is done is kept; `ingest worker` goes on with the rest.\n"
    assert cli("list", "--json").states == {"hare.txt": "queued"}
    assert cli("add", docs, "--json").states == {"hare.txt": "ready", "tortoise.md": "ready"}


# -- pages ----------------------------------------------------------------------------------


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A web site on this machine, which may be read."""
    monkeypatch.setenv("FOOTNOTE_PRIVATE_URLS", "true")
    with Site() as served:
        yield served


def test_a_page_is_added_under_its_address_and_replaced_by_its_next_version(
    cli: Cli, docs: Path, site: Site
) -> None:
    site.pages["/tale?p=1"] = answer(f"<html><body><p>{HARE}</p></body></html>".encode())
    url = f"{site.url}/tale?p=1"
    ran = cli("add", url, docs / "tortoise.md", f"{url}#end", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.states == {url: "ready", "tortoise.md": "ready"}
    site.pages["/tale?p=1"] = answer(f"<html><body><p>{TORTOISE}</p></body></html>".encode())
    again = cli("add", url)
    assert (again.code, again.out) == (0, f"ready  {url}  1 passage\n")
    assert again.err.startswith(f"{url} replaces its earlier version")
    assert len(cli("list", "--json").documents) == 2


def test_the_extension_in_an_address_counts_as_that_of_a_file(cli: Cli, site: Site) -> None:
    rows = b"tower,built\nArnholm,1871\n"
    site.pages["/towers.csv?year=1871"] = site.pages["/towers"] = answer(rows)
    named, unnamed = f"{site.url}/towers.csv?year=1871", f"{site.url}/towers"
    ids = {name: _only(cli("add", name, "--json"))["id"] for name in (named, unnamed)}
    assert len(set(ids.values())) == 1  # the same content
    with closing(Index(IngestSettings())) as index:
        document = index.document(ids[named])
    assert document is not None
    assert "tower: Arnholm" in document.text


def test_a_page_that_does_not_come_fails_and_the_others_do_not(
    cli: Cli, docs: Path, site: Site
) -> None:
    ran = cli("add", f"{site.url}/none", docs / "hare.txt", "--json")
    assert (ran.code, ran.states) == (1, {"hare.txt": "ready"})
    assert ran.err.startswith(f"{site.url}/none: {site.url}/none answers with 404 Not Found. ")
    assert ran.err.count("\n") == 1


def test_a_page_of_this_machine_is_refused_unless_it_is_allowed(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOOTNOTE_PRIVATE_URLS")
    site.pages["/"] = answer(HARE.encode())
    ran = cli("add", site.url)
    assert ran.code == 1
    assert "127.0.0.1 is an address of this machine or of the local network." in ran.err
    assert site.asked == []


def test_an_address_of_no_page_is_refused_before_anything_is_added(cli: Cli, docs: Path) -> None:
    ran = cli("add", docs, "ftp://pages.example/a.txt")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("ftp://pages.example/a.txt is no address of a page. ")
    assert cli("list", "--json").documents == []


# -- the data folder -------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["add", "hare.txt"], ["list"], ["status"]])
def test_a_data_folder_that_cannot_be_written_is_one_sentence(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(docs)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(docs / "hare.txt" / "data"))
    ran = cli(*command)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"The data folder {docs / 'hare.txt' / 'data'} cannot be written (Not a directory). "
        "Correct its permissions, or name another with FOOTNOTE_DATA_DIR.\n"
    )


def test_a_misspelt_setting_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_CHUNK_TOKEN", "100")
    ran = cli("list")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("There is no setting FOOTNOTE_CHUNK_TOKEN. ")


def test_add_leaves_the_work_to_the_owner_of_the_folder(
    cli: Cli, docs: Path, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    owner_process(settings.data_dir, "assistant serve")
    ran = cli("add", docs, "--json")
    assert ran.code == 0
    assert set(ran.states.values()) == {"queued"}
    assert "`assistant serve` is at work on this data folder and goes on from here." in ran.err


def test_a_second_worker_is_refused_with_the_name_of_the_first(
    cli: Cli, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    owner = owner_process(settings.data_dir, "ingest worker")
    ran = cli("worker")
    assert (ran.code, ran.out) == (1, "")
    assert f"is in use by `ingest worker` (process {owner.pid}). Stop that process" in ran.err


# -- list, status, remove, retry -------------------------------------------------------------


def test_list_of_nothing_says_how_to_begin(cli: Cli) -> None:
    assert cli("list").out == "No documents. Add some with `ingest add FOLDER`.\n"
    assert cli("list", "--json").documents == []


def test_list_shows_one_collection(cli: Cli, docs: Path) -> None:
    cli("add", docs / "hare.txt")
    cli("add", docs / "tortoise.md", "--collection", "fables")
    assert set(cli("list", "--json").states) == {"hare.txt", "tortoise.md"}
    assert set(cli("list", "--collection", "fables", "--json").states) == {"tortoise.md"}
    refused = cli("list", "--collection", "fable")
    assert refused.code == 2
    assert "There is no collection called fable. Choose one of: default, fables" in refused.err


def test_list_shows_why_a_document_failed(cli: Cli, docs: Path) -> None:
    (docs / "empty.txt").touch()
    cli("add", docs / "empty.txt")
    ran = cli("list")
    assert ran.code == 0
    assert ran.out == "failed  empty.txt  empty.txt is empty. Add a file that has text in it.\n"


def test_status_counts_states_and_passages(cli: Cli, docs: Path) -> None:
    (docs / "empty.txt").touch()
    cli("add", docs)
    assert json.loads(cli("status", "--json").out) == {
        "documents": {"queued": 0, "running": 0, "ready": 2, "failed": 1},
        "passages": 2,
        "owner": None,
        "reindex": None,
    }
    assert cli("status").out == (
        "0 queued, 0 running, 2 ready, 1 failed\n2 passages can be searched.\n"
    )


def test_status_names_the_owner(
    cli: Cli, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    owner = owner_process(settings.data_dir, "assistant serve")
    assert json.loads(cli("status", "--json").out)["owner"] == "assistant serve"
    assert f"In use by `assistant serve` (process {owner.pid}).\n" in cli("status").out


def test_remove_takes_a_document_by_name_or_id(
    cli: Cli, docs: Path, settings: IngestSettings
) -> None:
    hare, _ = cli("add", docs, "--json").documents
    ran = cli("remove", hare["id"], "tortoise.md")
    assert (ran.code, ran.out) == (0, "hare.txt removed.\ntortoise.md removed.\n")
    assert cli("list", "--json").documents == []
    assert [p for p in (settings.data_dir / "files").rglob("*") if p.is_file()] == []


def test_remove_refuses_a_name_that_is_unknown_or_ambiguous(cli: Cli, docs: Path) -> None:
    cli("add", docs / "hare.txt")
    cli("add", docs / "hare.txt", "--collection", "fables")
    unknown = cli("remove", "hair.txt")
    assert unknown.code == 2
    assert unknown.err == (
        "There is no document called hair.txt. See `ingest list` for the names.\n"
    )
    ambiguous = cli("remove", "hare.txt")
    assert ambiguous.code == 2
    assert "hare.txt is in several collections. Name one with --collection" in ambiguous.err
    assert len(cli("list", "--json").documents) == 2
    assert cli("remove", "hare.txt", "--collection", "fables").code == 0
    assert [d["collection"] for d in cli("list", "--json").documents] == ["default"]


def test_retry_takes_what_failed_and_leaves_the_rest(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "read", _damaged)
        assert cli("add", docs / "hare.txt").code == 1
    cli("add", docs / "tortoise.md")
    assert cli("retry", "--json").states == {"hare.txt": "ready"}


def test_retry_takes_a_name_or_all(cli: Cli, docs: Path) -> None:
    cli("add", docs)
    assert cli("retry", "--json").documents == []
    assert cli("retry", "hare.txt", "--json").states == {"hare.txt": "ready"}
    assert len(cli("retry", "--all", "--json").documents) == 2
    assert cli("retry", "hair.txt").code == 2


def test_retry_exits_1_when_a_document_fails_again(cli: Cli, docs: Path) -> None:
    (docs / "empty.txt").touch()
    cli("add", docs / "empty.txt")
    assert cli("retry").code == 1


# -- collections -----------------------------------------------------------------------------


def test_collections_are_listed_with_what_they_hold(cli: Cli, docs: Path) -> None:
    assert "No collections. Add documents with" in cli("collections").out
    (docs / "empty.txt").touch()
    cli("add", docs, "--collection", "fables")
    cli("add", docs / "hare.txt")
    assert cli("collections").out == (
        "default  1 document, 1 passage\nfables  3 documents, 2 passages, 1 failed\n"
    )
    assert cli("collections", "--json").json == {
        "collections": [
            {"name": "default", "documents": 1, "passages": 1, "failed": 0},
            {"name": "fables", "documents": 3, "passages": 2, "failed": 1},
        ]
    }


def test_documents_are_moved_without_embedding_them_anew(cli: Cli, docs: Path) -> None:
    cli("add", docs)
    ran = cli("move", "hare.txt", "--to", "fables", "--json")
    assert (ran.code, ran.err) == (0, "")
    moved = _only(ran)
    assert (moved["collection"], moved["state"], moved["embedded"]) == ("fables", "ready", 0)
    assert cli("list", "--collection", "default", "--json").states == {"tortoise.md": "ready"}
    everything = cli("move", "--collection", "default", "--all", "--to", "fables")
    assert (everything.code, everything.out) == (0, "ready  tortoise.md  1 passage\n")
    assert [one["name"] for one in cli("collections", "--json").json["collections"]] == ["fables"]


def test_a_move_that_cannot_be_is_one_sentence_and_the_others_go(cli: Cli, docs: Path) -> None:
    cli("add", docs)
    (docs / "hare.txt").write_text("Another hare.")
    cli("add", docs / "hare.txt", "--collection", "fables")
    ran = cli("move", "hare.txt", "tortoise.md", "--collection", "default", "--to", "fables")
    assert (ran.code, ran.out) == (1, "ready  tortoise.md  1 passage\n")
    assert ran.err == (
        "hare.txt: fables has another document called hare.txt. Remove one of the two first.\n"
    )


def test_a_collection_is_removed_with_all_it_holds(
    cli: Cli, docs: Path, settings: IngestSettings
) -> None:
    cli("add", docs, "--collection", "fables")
    unasked = cli("remove", "--collection", "fables", "--all")
    assert (unasked.code, unasked.out) == (2, "")
    assert unasked.err == "There is no terminal to ask on. Say --yes if it is meant.\n"
    assert len(cli("list", "--json").documents) == 2
    ran = cli("remove", "--collection", "fables", "--all", "--yes")
    assert (ran.code, ran.out, ran.err) == (0, "2 documents of fables removed.\n", "")
    assert cli("collections", "--json").json == {"collections": []}
    assert [p for p in (settings.data_dir / "files").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["remove"],
        ["remove", "--all"],
        ["remove", "hare.txt", "--collection", "fables", "--all"],
        ["move", "--to", "fables"],
        ["move", "--to", "fables", "--all"],
    ],
)
def test_what_is_not_clear_is_refused(cli: Cli, docs: Path, arguments: list[str]) -> None:
    cli("add", docs / "hare.txt", "--collection", "fables")
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("It is not clear which documents are meant. ")
    assert len(cli("list", "--json").documents) == 1


# -- the command itself ----------------------------------------------------------------------


def test_no_arguments_show_the_help(cli: Cli) -> None:
    assert "Put documents into Footnote" in cli().out


def test_names_are_not_read_as_markup(cli: Cli, docs: Path) -> None:
    (docs / "[red]hare.txt").write_text("A red hare.")
    assert cli("add", docs / "[red]hare.txt").out.startswith("ready  [red]hare.txt  ")


@pytest.mark.slow
def test_the_installed_command_prints_nothing_but_json(
    docs: Path, settings: IngestSettings
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ingest", "add", str(docs), "--wait", "--json"],
        env={**os.environ, "FOOTNOTE_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [document["state"] for document in json.loads(ran.stdout)["documents"]] == ["ready"] * 2


def test_commands_that_embed_nothing_load_no_model(settings: IngestSettings) -> None:
    with closing(Index(settings)) as index:
        index.add_file(BytesIO(HARE.encode()), "hare.txt", "default")
    script = (
        "import sys; sys.argv = ['ingest', 'status']; from ingest.__main__ import app; "
        "app(standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "FOOTNOTE_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("1 queued, ")


def _damaged(_: Pipeline, record: Record) -> Reading:
    raise DocumentError(f"{record.name} is damaged.", "Add a new copy.")


def _only(ran: Ran) -> dict[str, Any]:
    [document] = ran.documents
    return document
