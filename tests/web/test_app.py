"""The HTTP side of the page: who may come in, what is refused, what is shown."""

from __future__ import annotations

import html
import json
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from llmal.errors import ConfigError, DataError
from llmal.web.access import SECRET, Access, check_name
from llmal.web.app import HEADERS, link, make_app
from llmal.web.desk import Desk

HOST = "127.0.0.1:8000"
PAGE = {"X-Llmal": "1"}


@pytest.fixture
def access(desk: Desk) -> Access:
    return Access(desk.campaign.directory)


@pytest.fixture
def client(desk: Desk, access: Access) -> TestClient:
    """A browser that nobody has let in."""
    return TestClient(make_app(desk, access, [HOST]), base_url=f"http://{HOST}")


@pytest.fixture
def anna(client: TestClient, access: Access) -> TestClient:
    """One that Anna's link has let in."""
    assert client.get(link(access, "anna")).status_code == 200
    return client


@pytest.fixture
def lead(client: TestClient, access: Access) -> TestClient:
    """One that the lead's link has let in."""
    assert client.get(link(access, "lea", leads=True)).status_code == 200
    return client


def _items(client: TestClient) -> list[dict[str, Any]]:
    found = client.post("/api/work", json={"have": [], "wait": True}, headers=PAGE)
    assert found.status_code == 200
    return found.json()["items"]


def _answer(client: TestClient, **answer: Any) -> Any:
    return client.post("/api/answers", json={"answers": [answer]}, headers=PAGE)


# Who may come in


def test_nobody_comes_in_without_a_link(client: TestClient) -> None:
    assert client.get("/").status_code == 401
    assert "open the link that you were given" in client.get("/").text
    for path in ("/api/work", "/api/answers", "/api/people"):
        body = {"name": "x"} if path == "/api/people" else {"answers": []}
        body = {} if path == "/api/work" else body
        assert client.post(path, json=body, headers=PAGE).status_code == 401


def test_a_link_is_good_for_its_name_and_role_alone(client: TestClient, access: Access) -> None:
    token = access.token("anna")
    for path in (
        f"/enter?name=ben&token={token}",
        f"/enter?name=anna&token={token[:-1]}A",
        "/enter?name=anna",
        "/enter",
        f"/enter?name=anna&token={token}\u00e9",
    ):
        assert client.get(path).status_code == 401
    assert access.leads("anna", token) is False
    assert access.leads("anna", access.token("anna", leads=True)) is True


def test_who_guesses_is_not_listened_to(client: TestClient, access: Access) -> None:
    for _ in range(10):
        client.get("/enter?name=anna&token=guess")
    assert client.get("/enter?name=anna&token=guess").status_code == 429
    assert client.get(link(access, "anna")).status_code == 429


def test_whoever_is_in_stays_in_when_another_guesses(anna: TestClient) -> None:
    for _ in range(11):
        anna.get("/enter?name=ben&token=guess")
    assert anna.get("/enter?name=ben&token=guess").status_code == 429
    assert anna.get("/").status_code == 200


def test_the_cookie_is_for_this_page_alone(client: TestClient, access: Access) -> None:
    response = client.get(link(access, "anna"), follow_redirects=False)
    assert response.status_code == 303
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    # The token is out of the address bar.
    assert response.headers["location"] == "/"


def test_names_in_other_scripts_come_in(client: TestClient, access: Access) -> None:
    name = "Zoë | 王; x"
    assert client.get(link(access, name)).status_code == 200
    assert "Zoë | 王; x" in client.get("/").text


def test_links_stay_good_and_go_with_the_secret(tmp_path: Path) -> None:
    first = Access(tmp_path)
    assert stat.S_IMODE((tmp_path / SECRET).stat().st_mode) == 0o600
    assert Access(tmp_path).token("anna") == first.token("anna")
    (tmp_path / SECRET).unlink()
    assert Access(tmp_path).token("anna") != first.token("anna")
    (tmp_path / SECRET).write_text("broken")
    with pytest.raises(ConfigError, match="delete the file"):
        Access(tmp_path)


def test_servers_that_start_at_once_agree(tmp_path: Path) -> None:
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(Access(tmp_path).token("anna")))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("name", ["", " ", " anna", "anna\n", "\u200b", "x" * 81])
def test_what_is_no_name_is_said(name: str) -> None:
    with pytest.raises(DataError, match="is no name for a person"):
        check_name(name)


# What comes from elsewhere


def test_requests_of_other_sites_are_refused(anna: TestClient) -> None:
    body = {"answers": []}
    assert anna.post("/api/answers", json=body, headers=PAGE).status_code == 200
    for headers in (
        {},
        {**PAGE, "Origin": "http://evil.example"},
        {**PAGE, "Origin": "null"},
        {**PAGE, "Host": "evil.example"},
    ):
        response = anna.post("/api/answers", json=body, headers=headers)
        assert response.status_code == 403
    assert anna.get("/", headers={"Host": "evil.example:8000"}).status_code == 403


def test_every_answer_has_the_headers(anna: TestClient) -> None:
    for path in ("/", "/static/label.js", "/lead", "/nothing", "/api/work"):
        response = anna.get(path)
        for name, value in HEADERS.items():
            assert response.headers[name] == value
    assert "no-store" in anna.get("/").headers["Cache-Control"]


def test_a_page_asks_no_other_host(lead: TestClient) -> None:
    for path in ("/", "/lead", "/static/label.js", "/static/lead.js", "/static/page.css"):
        text = lead.get(path).text
        assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text.replace("http://www.w3.org", ""))
        assert "style=" not in text
        assert not re.search(r"\son\w+=", text)
    # Scripts are files, as the policy wants.
    assert not re.search(r"<script(?![^>]*\bsrc=)", lead.get("/").text)


# Answers


def test_items_go_out_and_answers_come_in(anna: TestClient, desk: Desk) -> None:
    items = _items(anna)
    assert items[0]["texts"][0]["text"]
    found = _answer(anna, id=items[0]["id"], label="food", note="hm", unclear=True, seconds=2.5)
    receipt = found.json()["receipts"][0]
    assert receipt == {"id": items[0]["id"], "kept": True, "problem": "", "suggestion": None}
    assert found.json()["labelled"] == "1 label by people"
    [kept] = desk.campaign.open().annotations()
    assert (kept.annotator, kept.label, kept.rationale) == ("anna", "food", "hm")
    assert kept.flags == ("unclear",)
    assert kept.provenance == {"page": 1, "suggestion": "hidden", "seconds": 2.5}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"answers": {}}',
        b'{"answers": [{}]}',
        b'{"answers": [{"id": "i1"}]}',
        b'{"answers": [{"id": "i1", "label": 7}]}',
        b'{"answers": [{"id": "i1", "label": "food", "again": "yes"}]}',
        b'{"answers": [{"id": "i1", "label": "food", "seconds": -1}]}',
        b'{"answers": [{"id": "i1", "label": "food", "seconds": 1e400}]}',
        b'{"answers": [{"id": "i1", "label": "food", "more": 1}]}',
        b"\xff\xfe",
    ],
)
def test_half_a_form_is_one_sentence_and_keeps_nothing(
    anna: TestClient, desk: Desk, body: bytes
) -> None:
    headers = {**PAGE, "Content-Type": "application/json"}
    response = anna.post("/api/answers", content=body, headers=headers)
    assert response.status_code in (400, 422)
    assert "\n" not in response.json()["error"]
    assert desk.campaign.open().annotation_count() == 0


def test_too_much_at_once_is_refused(anna: TestClient) -> None:
    headers = {**PAGE, "Content-Type": "application/json"}
    assert anna.post("/api/answers", content=b"x" * 1_000_001, headers=headers).status_code == 403
    many = [{"id": "i1", "label": "food"}] * 201
    assert anna.post("/api/answers", json={"answers": many}, headers=PAGE).status_code == 422


def test_an_answer_that_is_not_taken_says_why(anna: TestClient) -> None:
    item = _items(anna)[0]["id"]
    receipt = _answer(anna, id=item, label="mineral").json()["receipts"][0]
    assert not receipt["kept"]
    assert "'mineral' is not a label" in receipt["problem"]


# The lead


def test_the_lead_sees_people_and_makes_links(lead: TestClient, access: Access) -> None:
    item = _items(lead)[0]["id"]
    _answer(lead, id=item, label=None, note="<script>alert(1)</script>", guideline=True)
    page = lead.get("/lead").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "the guidelines do not say" in page
    assert ">lea<" in page
    made = lead.post("/api/people", json={"name": "Ben Ü"}, headers=PAGE).json()["path"]
    assert made == link(access, "Ben Ü")
    wrong = lead.post("/api/people", json={"name": " "}, headers=PAGE)
    assert wrong.status_code == 400
    assert "is no name for a person" in wrong.json()["error"]


def test_a_person_is_not_the_lead(anna: TestClient) -> None:
    assert anna.get("/lead").status_code == 403
    assert anna.post("/api/people", json={"name": "ben"}, headers=PAGE).status_code == 403
    assert 'href="/lead"' not in anna.get("/").text


def test_labels_and_guidelines_are_text(
    make_run: Callable[..., Any], access: Access, tmp_path: Path
) -> None:
    from llmal import Orchestrator, Pool, Task
    from llmal.annotators import Outside

    odd = ["<b>a|b</b>", '"quoted"', "{{7*7}}", "</template><script>alert(1)</script>"]
    task = Task("<odd>", odd, guidelines="<img src=x onerror=alert(1)> {{7*7}}")

    def made() -> Orchestrator:
        pool = Pool.from_texts(["a", "b"], cache=tmp_path / "odd")
        return Orchestrator(task, pool, directory=tmp_path / "odd-run", annotator=Outside("human"))

    desk = Desk(made)
    client = TestClient(make_app(desk, access, [HOST]), base_url=f"http://{HOST}")
    client.get(link(access, "anna"))
    page = client.get("/").text
    assert "<b>a|b</b>" not in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "{{7*7}}" in page
    settings = re.search(r'<template id="settings">(.*?)</template>', page, re.S)
    assert settings is not None
    labels = json.loads(html.unescape(settings.group(1)))["labels"]
    assert [one["name"] for one in labels] == odd
