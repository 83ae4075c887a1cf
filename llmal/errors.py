"""Errors that llmal raises, each one sentence: what is wrong, where, and what to do about it."""

from __future__ import annotations


class LlmalError(Exception):
    """Base of every error that llmal raises on purpose.

    Args:
        what: What is wrong, in plain words.
        where: The file, line and field it was found at, if there is one.
        fix: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what = what
        self.where = where
        self.fix = fix
        message = f"{where}: {what}" if where else what
        if fix:
            message = f"{message}; {fix}"
        super().__init__(message)


class ConfigError(LlmalError):
    """The configuration, a parameter or the task is not usable."""


class DataError(LlmalError, ValueError):
    """A data file, a column, a row or an array is not usable."""


class LedgerError(LlmalError):
    """The ledger cannot be read or written, or belongs to something else."""


class LanguageModelError(LlmalError):
    """A language model cannot be loaded, reached or used."""


class ServerError(LanguageModelError):
    """A model server died, cannot be reached, or keeps answering with an error."""


class UnaffordableRetryError(ServerError):
    """An answer was lost on the way, and the budget does not reach for asking again."""


class ContextLengthError(LanguageModelError):
    """A prompt does not fit into the context of the model."""


class UnsupportedError(LanguageModelError):
    """The backend cannot do what was asked of it."""


class SelectionError(LlmalError):
    """A selector was asked for something that the pool or its signals cannot give."""


class AnnotationError(LlmalError):
    """An annotator gave, or was given, something that is not a valid annotation."""


class BudgetError(LlmalError):
    """The budget does not allow what was asked."""
