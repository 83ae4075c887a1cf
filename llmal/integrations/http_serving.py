"""Serving an application on a port of this machine."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmal.errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches."""


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; who connects before something serves it waits.

    Args:
        host: Where to listen.
        port: The port; 0 takes one that is free.

    Raises:
        ConfigError: The port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
            made.listen()
        except (OSError, OverflowError) as error:
            said = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"nothing can listen at {host}, port {port} ({said})",
                fix="name another --port, or stop what uses it",
            ) from error
        yield made


def serve_app(app: FastAPI, made: socket.socket) -> None:
    """Serve an application until it is interrupted.

    Raises:
        ConfigError: uvicorn is not installed.
    """
    check_installed()
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[made])


def check_installed() -> None:
    """See that what serves is there.

    Raises:
        ConfigError: FastAPI or uvicorn is not installed.
    """
    for name in ("fastapi", "uvicorn"):
        try:
            __import__(name)
        except ImportError as error:
            raise ConfigError(
                f"{name} is not installed", fix="pip install 'llmal[serve]'"
            ) from error
