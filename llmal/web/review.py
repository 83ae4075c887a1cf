"""`llmal review`: the page of a run, served until it is stopped."""

from __future__ import annotations

import getpass
import webbrowser
from collections.abc import Callable, Sequence

from llmal.integrations.http_serving import LOOPBACK, check_installed, listening, serve_app
from llmal.run.orchestrator import Orchestrator
from llmal.web.access import Access, check_name
from llmal.web.desk import Desk, Suggestions

_ALL = ("0.0.0.0", "::", "")


def serve_page(
    make: Callable[[], Orchestrator],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    name: str | None = None,
    suggestions: Suggestions = "after",
    browser: bool = True,
    on_ready: Callable[[str], None] = print,
) -> None:
    """Serve the labelling page of a run until it is interrupted.

    Args:
        make: Makes the run; called twice, for what asks and for what is told.
        host: Where it listens; with any but loopback's, whoever has a link can come in from there.
        port: 0 takes one that is free.
        name: Who labels by the address that is told; by default the name of the user.
        suggestions: When a machine's label is shown: "after" the person's own, "before", "never".
        browser: Whether to open the address in a browser.
        on_ready: Told the address, with its token, once it can be opened.

    Raises:
        LlmalError: The run cannot be opened, or the port cannot be had.
    """
    check_installed()
    from llmal.web.app import link, make_app

    desk = Desk(make, suggestions=suggestions)
    who = check_name(name or _user())
    desk.check_worker(who)
    access = Access(desk.campaign.directory)
    with listening(host, port) as made:
        bound = made.getsockname()[1]
        app = make_app(desk, access, _names(host, bound))
        desk.start()
        try:
            shown = "127.0.0.1" if host in _ALL else host
            address = f"http://{_with_port(shown, bound)}{link(access, who, leads=True)}"
            on_ready(address)
            if browser:
                webbrowser.open(address)
            serve_app(app, made)
        finally:
            desk.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "me"


def _names(host: str, port: int) -> Sequence[str]:
    """The names by which a browser may call the server; any, where it listens for all."""
    if host in _ALL:
        return ()
    names = {host, *LOOPBACK} if host in LOOPBACK else {host}
    return [_with_port(one, port) for one in sorted(names)]


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
