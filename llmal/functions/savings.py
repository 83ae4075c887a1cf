"""What a promise has saved: people's labels that were spent, against labelling everything."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.core.words import counted
from llmal.errors import ConfigError


@dataclass(frozen=True)
class Savings:
    """People's labels that were spent against those that labelling all would take.

    Attributes:
        texts: Different texts: what people would label if they labelled all.
        labels_spent: Labels that people have given so far.
        machine_money: What the machines have cost so far.
        cost_per_label: Money that a label by a person costs.
        seconds_per_label: Time that a label takes a person.
        labels_expected: Labels that the promise is expected to take of people in all, by the
            forecast; None where it is kept, or where nothing can be said yet.
        reached: Whether the promise is kept. Until it is, nothing is saved but what the forecast
            says.

    Raises:
        ConfigError: A rate is negative or not a number.
    """

    texts: int
    labels_spent: int
    machine_money: float = 0.0
    cost_per_label: float | None = None
    seconds_per_label: float | None = None
    labels_expected: int | None = None
    reached: bool = True

    def __post_init__(self) -> None:
        for name in ("cost_per_label", "seconds_per_label"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate < float("inf"):
                raise ConfigError(f"{name} is {rate}", fix="give a number that is not negative")

    @property
    def labels_saved(self) -> int:
        """Labels that people have not had to give, or will not have to by the forecast; below 0 if
        they gave more than one a text.
        """
        if self.reached:
            return self.texts - self.labels_spent
        return 0 if self.labels_expected is None else self.texts - self.labels_expected

    @property
    def share_saved(self) -> float:
        """The same as a share of all texts."""
        return self.labels_saved / max(1, self.texts)

    @property
    def money_saved(self) -> float | None:
        """Money for these labels, less what the machines have cost; None without a rate."""
        if self.cost_per_label is None:
            return None
        return self.labels_saved * self.cost_per_label - self.machine_money

    @property
    def hours_saved(self) -> float | None:
        """Hours of people's time for these labels; None without a rate."""
        if self.seconds_per_label is None:
            return None
        return self.labels_saved * self.seconds_per_label / 3600

    def __str__(self) -> str:
        if not self.reached and self.labels_expected is None:
            return f"people gave {counted(self.labels_spent, 'label')}; nothing is saved yet"
        all_of_them = f"{self.texts:,} to label everything"
        fewer = f"{self.labels_saved:,} fewer ({self.share_saved:.1%})"
        words = f"people gave {counted(self.labels_spent, 'label')}"
        if self.reached:
            words += f", and would give {all_of_them}: {fewer}"
        else:
            words += (
                f", and by the forecast the promise takes {self.labels_expected:,} in all, against "
                f"{all_of_them}: {fewer}"
            )
        if self.money_saved is not None:
            words += f"; {self.money_saved:,.2f} money less at {self.cost_per_label:,g} a label"
            if self.machine_money:
                words += f", the {self.machine_money:,.2f} for machines taken off"
        if self.hours_saved is not None:
            words += (
                f"; {self.hours_saved:,.1f} hours less at {self.seconds_per_label:,g} seconds a "
                "label"
            )
        return words
