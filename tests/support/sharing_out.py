"""Which tests stay together when pytest-xdist shares them out among several processes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

_ASKS_THE_SERVER = re.compile(r"def \w+\([^)]*\bvllm\b|getfixturevalue\(.vllm.\)")


class ByFile(LoadFileScheduling):
    """The tests of a file stay together, and all files that ask the vLLM server stay together.

    So one server is started, and what it answers does not depend on what another process asks it at
    the same time.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "the vLLM server" if _asks_the_server(self.config.rootpath / file) else file


@cache
def _asks_the_server(file: Path) -> bool:
    return _ASKS_THE_SERVER.search(file.read_text(encoding="utf-8")) is not None
