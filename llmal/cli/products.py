"""What `llmal generate` makes of synthetic items besides their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llmal.errors import ConfigError
from llmal.generators.record import SyntheticRecord


@dataclass(frozen=True)
class Products:
    """What is made of the items, and where it goes.

    Attributes:
        report: A page.
        audit: The sample that a person judges, for the page.
        chat: Chat messages.
        dataset: A folder that `datasets.load_dataset` reads.
    """

    report: Path | None = None
    audit: Path | None = None
    chat: Path | None = None
    dataset: Path | None = None

    @property
    def any(self) -> bool:
        """Whether something is wanted."""
        return any((self.report, self.chat, self.dataset))

    def check(self, *, force: bool) -> None:
        """See that all can be written, before work is spent on it.

        Raises:
            ConfigError: One cannot.
        """
        from llmal.exporters.chat import check_chat
        from llmal.exporters.dataset_folder import check_dataset
        from llmal.functions.generated_report import check_report

        if self.audit is not None and self.report is None:
            raise ConfigError(
                "--audit is the sample of a report, and there is none", fix="add --report"
            )
        if self.report is not None:
            check_report(self.report, self.audit, force=force)
        if self.chat is not None:
            check_chat(self.chat, force=force)
        if self.dataset is not None:
            check_dataset(self.dataset, force=force)

    def write(self, record: SyntheticRecord, *, force: bool) -> dict[str, str]:
        """Write what is wanted; gives the places by name.

        Raises:
            LlmalError: Something cannot be written, or an audit cannot be read.
        """
        from llmal.exporters.chat import write_chat
        from llmal.exporters.dataset_folder import write_dataset
        from llmal.functions.generated_report import write_synthetic_report

        places: dict[str, str] = {}
        if self.chat is not None:
            places["chat"] = str(write_chat(self.chat, record, force=force))
        if self.dataset is not None:
            places["dataset"] = str(write_dataset(self.dataset, record, force=force))
        if self.report is not None:
            places["report"] = str(write_synthetic_report(record, self.report, self.audit))
        if self.audit is not None:
            places["audit"] = str(self.audit)
        return places


def products_in_words(places: dict[str, str]) -> str:
    """A line for each."""
    called = {
        "chat": "chat messages",
        "dataset": "data set",
        "report": "report",
        "audit": "sample to be judged",
    }
    return "".join(f"\n{called[name]}: {place}" for name, place in places.items())
