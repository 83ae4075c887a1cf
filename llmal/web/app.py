"""The HTTP side of the labelling page: pages, items out, answers in; nothing from other hosts."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from llmal.core.fingerprint import digest
from llmal.core.records import Item
from llmal.errors import LlmalError
from llmal.web.access import Access, check_name
from llmal.web.desk import Desk, Given
from llmal.web.overview import overview

log = logging.getLogger("llmal.web")

HERE = Path(__file__).parent
COOKIE = "llmal-page"
_MOST_BYTES = 1_000_000
_MOST_ANSWERS = 200
_WAIT = 10.0

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. `no-referrer` keeps the token in a link from other hosts."""


class AnswerBody(BaseModel):
    """One answer as the page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=1, max_length=10_000)]
    label: Annotated[str, Field(max_length=10_000)] | list[str] | None
    note: Annotated[str, Field(max_length=10_000)] = ""
    unclear: bool = False
    guideline: bool = False
    seconds: Annotated[float, Field(ge=0, le=1e7)] | None = None
    again: bool = False
    saw_suggestion: bool = False

    def given(self) -> Given:
        """The same for the desk."""
        flags = [name for name in ("unclear", "guideline") if getattr(self, name)]
        label = tuple(self.label) if isinstance(self.label, list) else self.label
        return Given(
            self.id,
            label,
            self.note,
            tuple(flags),
            self.seconds,
            self.again,
            self.saw_suggestion,
        )


class AnswersBody(BaseModel):
    """Several answers."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[list[AnswerBody], Field(max_length=_MOST_ANSWERS)]


class WorkBody(BaseModel):
    """What a page has, when it asks for more."""

    model_config = ConfigDict(extra="forbid")

    have: Annotated[list[str], Field(max_length=1000)] = []
    wait: bool = True


class PersonBody(BaseModel):
    """Somebody a link is made for."""

    model_config = ConfigDict(extra="forbid")

    name: str


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: Of HTTP.
        sentence: For people.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def make_app(desk: Desk, access: Access, hosts: Sequence[str]) -> FastAPI:
    """The page of a campaign.

    Args:
        desk: Hands out and takes.
        access: Says who may come in.
        hosts: Names, with ports, by which browsers may reach it; others are refused, so that no
            other site can lead a browser here under a name of its own.
    """
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    app = FastAPI(title="llmal", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(template).render(**values), status)

    @app.middleware("http")
    async def guard(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        sentence = _foreign(request, hosts)
        if sentence:
            response: Response = JSONResponse({"error": sentence}, 403)
        else:
            response = await follow(request)
        response.headers.update(HEADERS)
        if not request.url.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.exception_handler(Refused)
    async def refuse(request: Request, error: Refused) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": error.sentence}, error.status)
        return page("refused.html.j2", error.status, sentence=error.sentence)

    @app.exception_handler(404)
    async def missing(request: Request, error: Exception) -> Response:
        return await refuse(request, Refused(404, "there is no such page"))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse({"error": f"{where or 'the request'}: {first['msg']}"}, 422)

    @app.exception_handler(LlmalError)
    async def mistaken(request: Request, error: LlmalError) -> Response:
        return JSONResponse({"error": str(error)}, 400)

    def who(request: Request) -> tuple[str, bool]:
        """The name of whoever asks, and whether it is the lead."""
        name, _, token = request.cookies.get(COOKIE, "").rpartition("|")
        leads = access.leads(unquote(name), token) if token else None
        # Whoever is in stays in, though somebody guesses from behind the same address.
        if leads is None:
            client = request.client.host if request.client else ""
            if access.is_guessing(client):
                raise Refused(429, "too many wrong links from here; wait a minute")
            if token:
                access.note_failure(client)
            raise Refused(401, "open the link that you were given: it lets this browser in")
        return unquote(name), leads

    @app.get("/enter")
    def enter(request: Request, name: str = "", token: str = "") -> Response:
        client = request.client.host if request.client else ""
        if access.is_guessing(client):
            raise Refused(429, "too many wrong links from here; wait a minute")
        if access.leads(name, token) is None:
            access.note_failure(client)
            raise Refused(401, "this link is not good, or no longer; ask for a new one")
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE,
            f"{quote(name, safe='')}|{token}",
            max_age=30 * 24 * 3600,
            httponly=True,
            samesite="strict",
            path="/",
        )
        return response

    @app.get("/")
    def label(request: Request) -> Response:
        name, leads = who(request)
        task = desk.campaign.task
        key = digest(f"{desk.campaign.directory.resolve()}\0{name}", 8).hex()
        return page(
            "label.html.j2",
            name=name,
            leads=leads,
            task=task,
            settings=json.dumps(
                {
                    "key": key,
                    "several": task.space.kind == "multi",
                    "labels": [
                        {"name": one.name, "description": one.description} for one in task.labels
                    ],
                    "before": desk.suggests_before,
                }
            ),
        )

    @app.post("/api/work")
    def work(request: Request, body: WorkBody) -> dict[str, Any]:
        name, _ = who(request)
        handed = desk.hand_out(name, body.have, wait=_WAIT if body.wait else 0.0)
        return {
            "items": [_shown(desk, one) for one in handed.items],
            "state": handed.state,
            "message": handed.message,
            "labelled": desk.progress(),
        }

    @app.post("/api/answers")
    def answers(request: Request, body: AnswersBody) -> dict[str, Any]:
        name, _ = who(request)
        receipts = desk.take(name, [one.given() for one in body.answers])
        return {
            "labelled": desk.progress(),
            "receipts": [
                {
                    "id": one.item_id,
                    "kept": one.kept,
                    "problem": one.problem,
                    "suggestion": one.suggestion,
                }
                for one in receipts
            ],
        }

    @app.get("/lead")
    def lead(request: Request) -> Response:
        name, leads = who(request)
        if not leads:
            raise Refused(403, "this page is for who leads the project")
        return page("lead.html.j2", name=name, **overview(desk.campaign))

    @app.post("/api/people")
    def people(request: Request, body: PersonBody) -> dict[str, str]:
        _, leads = who(request)
        if not leads:
            raise Refused(403, "links are made by who leads the project")
        person = check_name(body.name)
        desk.check_worker(person)
        return {"path": link(access, person)}

    return app


def link(access: Access, name: str, *, leads: bool = False) -> str:
    """The path by which somebody comes in."""
    return f"/enter?name={quote(name, safe='')}&token={access.token(name, leads=leads)}"


def _foreign(request: Request, hosts: Sequence[str]) -> str | None:
    """Why a request is not from a page of ours; None if it may be."""
    host = request.headers.get("host", "")
    if hosts and host not in hosts:
        return f"this server is not called {host[:100]!r}"
    if request.method in ("GET", "HEAD"):
        return None
    if int(request.headers.get("content-length") or 0) > _MOST_BYTES:
        return "the request is too large"
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "the request comes from another site"
    # No form of another site can send this header, and no script without being asked about it.
    if request.headers.get("x-llmal") != "1":
        return "the request does not come from the page"
    return None


def _shown(desk: Desk, item: Item) -> Mapping[str, Any]:
    names = desk.campaign.pool.text_columns
    texts = [item.fields.get(name, item.text) for name in names] if len(names) > 1 else [item.text]
    found: dict[str, Any] = {
        "id": item.id,
        "texts": [
            {"name": name if len(names) > 1 else "", "text": text}
            for name, text in zip(names or ("text",), texts, strict=False)
        ],
        "context": [
            [name, str(value)]
            for name, value in item.extra.items()
            if isinstance(value, str | int | float | bool) and str(value).strip()
        ],
        "why": desk.why(item.id),
    }
    if desk.suggests_before:
        found["suggestion"] = desk.suggestion(item.id)
    return found
