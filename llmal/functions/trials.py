"""`llmal.trial`: may a language model stand in for a person?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmal.annotators.aggregation.agreement import krippendorff_alpha
from llmal.core.records import Answer
from llmal.errors import ConfigError, DataError
from llmal.functions.columns import Cells, read_columns, task_of_cells
from llmal.functions.tasks import Labels
from llmal.guarantee.trial import Expertise, Trial, nearness_in, nearness_of_numbers, run_trial
from llmal.pool.readers import DETECTED, Reading
from llmal.task import Task, TaskKind

ByPerson = dict[str, dict[str, Answer]]


@dataclass(frozen=True, eq=False)
class Trials(Sequence[Trial]):
    """Trials of one or more machines against the same people.

    Attributes:
        trials: One for each machine, the best first.
    """

    trials: tuple[Trial, ...]

    def __len__(self) -> int:
        return len(self.trials)

    def __getitem__(self, index: Any) -> Any:
        return self.trials[index]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    @property
    def passed(self) -> bool:
        """Whether one of the machines may stand in for a person."""
        return any(one.passed for one in self.trials)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain JSON has it."""
        return {"passed": self.passed, "trials": [one.as_dict() for one in self.trials]}

    def text(self) -> str:
        """What people read."""
        return "\n\n".join(_text(one) for one in self.trials)

    def show(self) -> None:
        """Print it."""
        print(self.text())


def trial(
    data: Any,
    *,
    machine: str | Sequence[str],
    people: Sequence[str] | None = None,
    worker: str | None = None,
    item: str | None = None,
    label: str = "label",
    labels: Labels | None = None,
    kind: TaskKind = "single",
    numbers: bool = False,
    epsilon: Expertise | float = "experts",
    level: float = 0.05,
    fewest_items: int = 30,
    encoding: str | None = None,
    reading: Reading = DETECTED,
) -> Trials:
    """Test whether a language model may label in a person's place.

    The alternative annotator test of Calderon, Reichart and Dror (2025): each person is left out in
    turn, and it is tested whether the machine is nearer to the other people than he is, with an
    allowance (epsilon) for what a person costs. Three people or more should label 50 to 100 items
    each; how many it takes is in `size` of each trial.

        llmal.trial("rated.csv", people=["anna", "ben", "cleo"], machine="gpt").show()

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows, with a column for each person
            (`people`), or a row for each answer (`worker`, `item`, `label`).
        machine: Column with the labels of a machine, or several. In a table with a row for each
            answer it stands in all rows of an item, or in one of them.
        people: The columns of people, one for each.
        worker: Column that says who answered.
        item: Column that says what was answered about.
        label: Column with the answers.
        labels: All labels of the task; by default those that occur. Needed for `kind="multi"`.
        kind: What an answer is. Answers are as near as `Space.agreement` says.
        numbers: The labels are numbers, and near is what is a small distance away.
        epsilon: By how much a person may be better: "experts" (.2), "skilled" (.15), "crowd" (.1),
            or a number.
        level: The false discovery rate over people.
        fewest_items: People with fewer items are left out.
        encoding: Of a file.
        reading: Of a file, in full.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable.
    """
    machines = [machine] if isinstance(machine, str) else list(machine)
    if not machines:
        raise ConfigError("there is no machine to try", fix="name the column of its labels")
    if encoding is not None:
        reading = replace(reading, encoding=encoding)
    named = [("machine", one) for one in machines]
    if people is not None and worker is None and item is None:
        twice = next((one for one in people if list(people).count(one) > 1), None)
        if twice is not None:
            raise ConfigError(f"the person {twice!r} is named twice", fix="name each once")
        cells = read_columns(data, [*(("person's", one) for one in people), *named], reading)
        task = task_of_cells(list(cells.values()), labels, kind, "trial")
        answers = {name: _by_row(cells[name], task) for name in people}
        by_machine = {name: _by_row(cells[name], task) for name in machines}
    elif people is None and worker is not None and item is not None:
        wanted = [("worker", worker), ("item", item), ("label", label), *named]
        cells = read_columns(data, wanted, reading)
        task = task_of_cells([cells[label], *(cells[one] for one in machines)], labels, kind,
                             "trial")  # fmt: skip
        answers = _by_worker(cells[worker], cells[item], cells[label], task)
        by_machine = {one: _by_item(cells[item], cells[one], task) for one in machines}
    else:
        raise ConfigError(
            "it is not said whose answer is where",
            fix="name the columns of people, people=['anna', 'ben', 'cleo'], or where each row is "
            "one answer the columns worker= and item=, with label=",
        )
    units = _units(answers)
    alpha = krippendorff_alpha(list(units.values()), task.space)
    nearness = nearness_of_numbers if numbers else nearness_in(task.space)
    trials = [
        run_trial(
            answers,
            found,
            nearness,
            name=name,
            epsilon=epsilon,
            level=level,
            fewest_items=fewest_items,
            agreement=alpha,
        )
        for name, found in by_machine.items()
    ]
    return Trials(tuple(sorted(trials, key=lambda one: (-one.advantage, one.machine))))


def _by_row(cells: Cells, task: Task) -> dict[str, Answer]:
    return {str(row): one for row, one in enumerate(cells.answers(task)) if one is not None}


def _by_worker(workers: Cells, items: Cells, labels: Cells, task: Task) -> ByPerson:
    found: ByPerson = {}
    named, about = workers.names(), items.names()
    for row, answer in enumerate(labels.answers(task)):
        if answer is None:
            continue
        who, what = named[row], about[row]
        if who is None or what is None:
            empty = workers if who is None else items
            raise DataError(
                "the cell is empty", where=empty.where(row), fix="say who answered about what"
            )
        if found.setdefault(who, {}).setdefault(what, answer) != answer:
            raise DataError(
                f"{who!r} has answered about {what!r} before, otherwise",
                where=labels.where(row),
                fix="keep one of the two answers",
            )
    return found


def _by_item(items: Cells, labels: Cells, task: Task) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    about = items.names()
    for row, answer in enumerate(labels.answers(task)):
        what = about[row]
        if answer is None or what is None:
            continue
        if found.setdefault(what, answer) != answer:
            raise DataError(
                f"the machine has labelled {what!r} {found[what]!r} before, and {answer!r} here",
                where=labels.where(row),
                fix="write one label of the machine for each item",
            )
    return found


def _units(people: ByPerson) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answers in people.values():
        for item, answer in answers.items():
            found.setdefault(item, []).append(answer)
    return found


def _text(trial: Trial) -> str:
    width = max([len("person"), *(len(one.person) for one in trial.people)])
    lines = [
        trial.verdict,
        "",
        f"{'person':<{width}}  items  machine as near  person as near       p  machine wins",
    ]
    lines += [
        f"{one.person:<{width}}  {one.items:>5,}  {one.machine:>15.1%}  {one.of_person:>14.1%}  "
        f"{one.p_value:>6.3f}  {'yes' if one.won else 'no':>12}"
        for one in trial.people
    ]
    alpha = "not defined" if trial.agreement is None else f"{trial.agreement:.2f}"
    lines += ["", f"agreement of the people (Krippendorff's alpha): {alpha}", trial.size.advice]
    return "\n".join([*lines, *(f"note: {one}" for one in trial.warnings)])
