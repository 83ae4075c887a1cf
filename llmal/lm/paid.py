"""Which questions to a language model are paid for, so that nobody is charged for them twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from llmal.lm.cache import ResponseCache, cache_key


class PaidQuestions:
    """Questions that were asked before: their answers come out of the response cache.

    What is asked counts as paid for at once. It is written down only when its cost is in the
    ledger (`keep`): a process that is killed in between charges for it when it asks again, as the
    ledger has nothing of it yet.

    Without `kept_in` they are known to this process alone.
    """

    def __init__(self) -> None:
        self._cache: ResponseCache | None = None
        self._new: set[bytes] = set()
        self._known: set[bytes] = set()

    @contextlib.contextmanager
    def kept_in(self, path: Path) -> Iterator[None]:
        """Keep the questions in the file of a response cache, inside a `with` block.

        Raises:
            LanguageModelError: The file cannot be used as a cache.
        """
        self._cache = ResponseCache(path)
        try:
            yield
        finally:
            cache, self._cache = self._cache, None
            cache.close()

    def among(self, questions: Iterable[bytes]) -> set[bytes]:
        """Those of the questions that are paid for.

        Raises:
            LanguageModelError: The cache cannot be read.
        """
        wanted = {*questions}
        if self._cache is not None:
            marks = {_mark(one): one for one in wanted - self._known - self._new}
            self._known.update(marks[mark] for mark in self._cache.get(marks))
        return wanted & (self._known | self._new)

    def add(self, questions: Iterable[bytes]) -> None:
        """Count questions as paid for, until `keep` or `drop` says what becomes of them."""
        self._new.update(questions)

    def keep(self) -> None:
        """Write down what was added: its cost is in the ledger.

        Raises:
            LanguageModelError: The cache cannot be written.
        """
        if self._cache is not None and self._new:
            self._cache.put({_mark(one): b"" for one in self._new})
        self._known |= self._new
        self._new = set()

    def drop(self) -> None:
        """Forget what was added: nobody has booked its cost."""
        self._new = set()

    def trial(self) -> Self:
        """A copy for a plan: questions that are added to it are not added here."""
        made = type(self)()
        made._cache = self._cache
        made._known, made._new = self._known, {*self._new}
        return made


def _mark(question: bytes) -> bytes:
    return cache_key("", "paid", question)
