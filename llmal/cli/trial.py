"""`llmal trial`."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.cli.annotate import label_names
from llmal.cli.data_file import DataFile
from llmal.cli.telling import give, results_only_on_stdout
from llmal.errors import ConfigError
from llmal.functions.trials import trial as run
from llmal.guarantee.trial import EPSILON, Expertise


@dataclass(frozen=True)
class Answers:
    """Whose answers stand where in the file.

    Attributes:
        machines: Columns of machines.
        people: Columns of people, as a line of CSV.
        worker: Where each row is one answer: the column that says whose.
        item: And about what.
        label: And the answer.
    """

    machines: tuple[str, ...]
    people: str | None
    worker: str | None
    item: str | None
    label: str


def trial(
    file: DataFile,
    answers: Answers,
    *,
    numbers: bool,
    epsilon: str,
    level: float,
    fewest_items: int,
    as_json: bool,
) -> None:
    """Test whether a machine may stand in for a person."""
    with results_only_on_stdout(as_json):
        found = run(
            file.path,
            machine=answers.machines,
            people=None if answers.people is None else label_names(answers.people),
            worker=answers.worker,
            item=answers.item,
            label=answers.label,
            labels=file.labels,
            kind=file.kind,
            numbers=numbers,
            epsilon=_epsilon(epsilon),
            level=level,
            fewest_items=fewest_items,
            reading=file.reading,
        )
    give(found.as_dict(), found.text(), as_json=as_json)


def _epsilon(word: str) -> Expertise | float:
    for name in EPSILON:
        if word == name:
            return name  # type: ignore[return-value]
    try:
        return float(word)
    except ValueError:
        raise ConfigError(
            f"--epsilon is {word!r}", fix=f"give a number, or {', '.join(EPSILON)}"
        ) from None
