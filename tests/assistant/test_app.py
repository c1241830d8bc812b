"""The application's guards: headers, hosts, origins, and what it never serves."""

import subprocess
import sys
from unittest.mock import patch

import httpx
import pytest
from fastapi import FastAPI
from serving import Page

from assistant.guard import CONTENT_SECURITY_POLICY


def directives() -> dict[str, list[str]]:
    named = [directive.split() for directive in CONTENT_SECURITY_POLICY.split("; ")]
    return {name: sources for name, *sources in named}


def test_every_answer_carries_the_guarding_headers(page: Page) -> None:
    for place in ("/", "/healthz", "/gradio_api/info", "/theme.css", "/nothing-here"):
        headers = httpx.get(page.url + place).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY, place
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_policy_lets_the_page_reach_no_other_machine() -> None:
    policy = directives()
    assert policy["default-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["object-src"] == ["'none'"]
    for name, sources in policy.items():
        for source in sources:
            assert source.startswith("'") or source in ("data:", "blob:"), (name, source)
    for name in ("connect-src", "form-action", "base-uri"):
        assert policy[name] == ["'self'"]


def test_the_page_is_healthy_and_ready(page: Page) -> None:
    answer = httpx.get(f"{page.url}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "ready": True})
    front = httpx.get(page.url)
    assert front.status_code == 200
    assert 'content="Footnote"' in front.text


def test_a_call_under_another_name_is_refused(page: Page) -> None:
    for place in ("/", "/healthz", "/gradio_api/info"):
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:7860"):
            answer = httpx.get(page.url + place, headers={"Host": host})
            assert answer.status_code == 400, (place, host)
    port = page.url.rsplit(":", 1)[1]
    assert httpx.get(f"{page.url}/healthz", headers={"Host": f"localhost:{port}"}).is_success


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1:1", "null"])
def test_a_call_that_another_sites_page_makes_is_refused(page: Page, origin: str) -> None:
    headers = {"Origin": origin}
    for place in ("call/v2/documents", "upload", "queue/join", "run/documents"):
        sent = httpx.post(f"{page.url}/gradio_api/{place}", json={}, headers=headers)
        assert sent.status_code == 403, place
        assert sent.text == "This page takes no calls from other sites."
    read = httpx.get(f"{page.url}/gradio_api/info", headers=headers)
    assert "access-control-allow-origin" not in read.headers


def test_a_call_of_the_page_itself_is_taken(page: Page) -> None:
    sent = httpx.post(
        f"{page.url}/gradio_api/call/v2/documents", json={}, headers={"Origin": page.url}
    )
    assert sent.status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        "/gradio_api/file=http://127.0.0.1:9/",
        "/gradio_api/file=https://example.com/",
        "/gradio_api/file=HTTP://example.com/",
        "/gradio_api/file%3Dhttp://example.com/",
        "/gradio_api/proxy=http://127.0.0.1:9/",
        "/gradio_api/proxy=https://example.com/",
        "/file=http://example.com/",
        "/proxy=http://example.com/",
    ],
)
def test_the_page_fetches_nothing_for_others(page: Page, place: str) -> None:
    answer = httpx.get(page.url + place)
    assert answer.status_code in (403, 404)
    assert "location" not in answer.headers


def test_files_of_the_server_are_not_served(page: Page) -> None:
    data_dir = page.services.settings.data_dir
    for path in ("/etc/passwd", data_dir / "catalogue.sqlite3", data_dir / "owner.json"):
        assert httpx.get(f"{page.url}/gradio_api/file={path}").status_code == 403


@pytest.mark.parametrize("place", ["/docs", "/redoc", "/openapi.json"])
def test_there_are_no_pages_about_the_server(page: Page, place: str) -> None:
    assert httpx.get(page.url + place).status_code == 404
    assert httpx.get(f"{page.url}/monitoring").status_code == 403


def test_a_file_larger_than_the_limit_is_refused(page: Page) -> None:
    assert page.services.settings.upload_mb == 200
    app_limit = httpx.get(f"{page.url}/config").json()["max_file_size"]
    assert app_limit == 200 << 20


@pytest.mark.parametrize("module", ["assistant", "assistant.__main__", "assistant.app"])
def test_importing_loads_no_model_library(module: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == ("False\n", 0), ran.stderr


def test_what_is_asked_is_written_into_no_traces(page: Page) -> None:
    with patch("opentelemetry.trace.get_tracer_provider", object):
        assert FastAPI()._native_telemetry.enabled()
        for part in (page.gradio, page.server.config.app):
            assert isinstance(part, FastAPI)
            assert not part._native_telemetry.enabled()


def test_a_connection_stays_open_longer_than_its_clients_keep_it(page: Page) -> None:
    assert page.server.config.timeout_keep_alive > 15
