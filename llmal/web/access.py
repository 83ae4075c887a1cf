"""Who may come in: links with a token, a cookie after that, and nobody who only guesses."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import threading
import time
from collections import deque
from pathlib import Path

from llmal.core.spelling import as_seen
from llmal.errors import ConfigError, DataError

SECRET = "web-secret"
"""The file in the run directory that all tokens are made from."""

_FAILURES = 10
_SECONDS = 60.0
_LONGEST_NAME = 80


class Access:
    """Makes and checks the tokens of a campaign's page.

    A token belongs to a name and a role. All are made from one secret in the run directory, so that
    links stay good when the server is started again; deleting the file makes all of them worthless.

    Args:
        directory: The run directory.

    Raises:
        ConfigError: The secret can neither be read nor written.
    """

    def __init__(self, directory: Path) -> None:
        self._secret = _read_secret(directory / SECRET)
        self._failures: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def token(self, name: str, *, leads: bool = False) -> str:
        """The token of a person, 32 characters."""
        role = "lead" if leads else "person"
        made = hmac.digest(self._secret, f"{role}\0{name}".encode(), "sha256")
        return base64.urlsafe_b64encode(made[:24]).decode()

    def leads(self, name: str, token: str) -> bool | None:
        """Whether a token makes its holder the lead; None if it is not good for this name."""
        for leads in (True, False):
            good = self.token(name, leads=leads)
            if hmac.compare_digest(good.encode(), token.encode("utf-8", "replace")):
                return leads
        return None

    def is_guessing(self, client: str) -> bool:
        """Whether somebody has shown too many bad tokens of late to be listened to."""
        with self._lock:
            return len(self._recent(client)) >= _FAILURES

    def note_failure(self, client: str) -> None:
        """Remember that somebody showed a bad token."""
        with self._lock:
            self._recent(client).append(time.monotonic())

    def _recent(self, client: str) -> deque[float]:
        now = time.monotonic()
        found = self._failures.setdefault(client, deque(maxlen=_FAILURES))
        while found and now - found[0] > _SECONDS:
            found.popleft()
        if len(self._failures) > 10_000:  # An attacker with many addresses must not fill memory.
            for other in [one for one, times in self._failures.items() if not times]:
                del self._failures[other]
        return self._failures.setdefault(client, found)


def check_name(name: str) -> str:
    """A name that a link can be made for.

    Raises:
        DataError: It is empty, too long, or could not be told from another.
    """
    if not as_seen(name) or as_seen(name) != name or len(name) > _LONGEST_NAME:
        raise DataError(
            f"{name[:_LONGEST_NAME]!r} is no name for a person",
            fix=f"write 1 to {_LONGEST_NAME} characters without space around them",
        )
    return name


def _read_secret(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Two servers that start at once must agree: whoever makes the file first has it.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
        for _ in range(50):
            text = path.read_text("ascii").strip()
            if len(text) == 64:
                return bytes.fromhex(text)
            time.sleep(0.02)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the secret of the page's links cannot be used ({error})",
            where=str(path),
            fix="check the rights of the directory, or delete the file: new links are made then",
        ) from error
    raise ConfigError(
        "the secret of the page's links is broken",
        where=str(path),
        fix="delete the file: new links are made then",
    )
