"""How many labels people will have to give, for several promises, each with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError
from llmal.guarantee.audit import allowed_wrong, check_rates
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.doubt import Doubt
from llmal.guarantee.error_rates import Spread, independent, learnt_from
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.nested_looks import critical_counts
from llmal.guarantee.planning import check_probabilities
from llmal.guarantee.scored import ScoredPool
from llmal.guarantee.seeding import UniformSeed
from llmal.guarantee.simulated_audit import play
from llmal.guarantee.simulated_procedure import Path, Steps, simulate_procedure

Basis = Literal["guess", "pilot", "audit", "certificate"]

EPSILONS = (0.01, 0.02, 0.05, 0.10)
PATHS = 200

BEFORE = independent(0.7, 0.35, mean=(0.0, 0.8))
"""How confidences that no label has borne out lie beside the truth."""
PILOT = independent(1.0, 0.3)
"""How predictions that were learnt from a pilot do, before its labels are held against them."""
FROZEN = independent(0.35, 0.15, mean=(-0.3, 1.0))
"""How predictions do that the doubtful phase has ended with."""
GAIN = (1.5, 0.2)
"""Shape and scale of how much is learnt every time that people's labels become e times as many."""


@dataclass(frozen=True)
class Rates:
    """What a label of a person takes.

    Attributes:
        money: For one label.
        seconds: For one label.
        currency: Of the money.
    """

    money: float = 0.0
    seconds: float = 0.0
    currency: str = ""

    def __post_init__(self) -> None:
        if self.money < 0 or self.seconds < 0:
            raise ConfigError(
                f"a label takes {self.money} in money and {self.seconds} seconds",
                fix="give numbers from 0",
            )


@dataclass(frozen=True)
class Needed:
    """What one promise takes.

    Attributes:
        epsilon: The share of wrong labels that is allowed.
        people: Labels that people give in all, those of before included: the middle of what may
            come.
        low: The lower end of the interval.
        high: The upper end.
        audited: How many of them are audit labels: the middle.
        saved: The share of items that need no person: the middle.
    """

    epsilon: float
    people: int
    low: int
    high: int
    audited: int
    saved: float


@dataclass(frozen=True, repr=False)
class Forecast:
    """How many labels people will have to give.

    Attributes:
        basis: What it rests on: "guess", the machine's confidence alone; "pilot", labels of people;
            "audit", labels and order that are frozen, and what their audit has shown;
            "certificate", where nothing is open any more.
        items: N, all items.
        labelled: Labels that people have given so far, audit labels included.
        alpha: With what probability a promise may fail.
        level: How often the interval should hold what will be needed.
        needed: One for each promise.
        rates: What a label takes.
    """

    basis: Basis
    items: int
    labelled: int
    alpha: float
    level: float
    needed: tuple[Needed, ...]
    rates: Rates = Rates()

    def at(self, epsilon: float) -> Needed:
        """What one promise takes.

        Raises:
            ConfigError: It was not asked for.
        """
        for one in self.needed:
            if one.epsilon == epsilon:
                return one
        raise ConfigError(f"there is no forecast for {epsilon:g}", fix="name it in epsilons")

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them, with money and hours."""
        return {
            "basis": self.basis,
            "items": self.items,
            "labelled": self.labelled,
            "alpha": self.alpha,
            "level": self.level,
            "rates": asdict(self.rates),
            "needed": [
                {
                    **asdict(one),
                    **({"money": one.people * self.rates.money} if self.rates.money else {}),
                    **(
                        {"hours": one.people * self.rates.seconds / 3600}
                        if self.rates.seconds
                        else {}
                    ),
                }
                for one in self.needed
            ],
        }

    def __repr__(self) -> str:
        needed = ", ".join(f"{one.epsilon:.4g}: {one.people:,}" for one in self.needed)
        return (
            f"<Forecast by {self.basis}, {self.items:,} items, {self.labelled:,} labelled; labels "
            f"of people in all {{{needed}}}>"
        )

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """A table for people."""
        head = ["wrong at most", "people's labels", f"{self.level:.0%} interval", "audit",
                "no person", *(["money"] if self.rates.money else []),
                *(["hours"] if self.rates.seconds else [])]  # fmt: skip
        rows = [
            [
                f"{one.epsilon:.1%}",
                f"{one.people:,}",
                f"{one.low:,} to {one.high:,}",
                f"{one.audited:,}",
                f"{one.saved:.0%}",
                *(
                    [f"{one.people * self.rates.money:,.2f} {self.rates.currency}".strip()]
                    if self.rates.money
                    else []
                ),
                *([f"{one.people * self.rates.seconds / 3600:,.1f}"] if self.rates.seconds else []),
            ]
            for one in self.needed
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        table = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in (head, *rows)
        ]
        return "\n".join([self.title, *table])

    def show(self) -> None:
        """Print it."""
        print(self.text())

    @property
    def title(self) -> str:
        """What it is, and what it rests on, in a line."""
        on = {
            "guess": "a GUESS from the machine's confidence, which no label has borne out yet",
            "pilot": f"by {self.labelled:,} labels of people so far",
            "audit": f"by the audit as it stands, {self.labelled:,} labels of people so far",
            "certificate": "as the certificate says",
        }[self.basis]
        return (
            f"labels of people for {self.items:,} items at a confidence of "
            f"{1 - self.alpha:.0%}, {on}:"
        )


def forecast(
    probability_wrong: ArrayLike,
    *,
    items: int | None = None,
    pilot: tuple[ArrayLike, ArrayLike] | None = None,
    epsilons: Sequence[float] = EPSILONS,
    alpha: float = 0.05,
    level: float = 0.9,
    rates: Rates | None = None,
    steps: Steps | None = None,
    first: int | None = None,
    gain: tuple[float, float] = GAIN,
    prior: Spread | None = None,
    paths: int = PATHS,
    rng: np.random.Generator | None = None,
) -> Forecast:
    """Work out how many labels people will have to give for each of several promises.

    The procedure is played many times from here: how far predicted errors are off is drawn from
    what the pilot's labels leave open, what is learnt from the doubtful items on the way from what
    learning has brought elsewhere, then the audit and its errors are drawn, and the very rule says
    what may stay. The interval holds the middle of what people were asked for in these runs.

    Args:
        probability_wrong: Of the M items that no person has labelled, shape (M,).
        items: N, where people have labelled others; these are the pilot.
        pilot: Of n uniformly drawn labelled items, probabilities that were predicted without
            their labels, and whether they were wrong, each of shape (n,). Without it, and without
            labelled items, it is a guess: `probability_wrong` is the machine's doubt, and people
            begin with a seed.
        epsilons: The promises.
        alpha: With what probability one may fail.
        level: How often the interval should hold what will be needed.
        rates: What a label takes.
        steps: How the procedure goes on; by default as `Procedure` does.
        first: How many items people label first, where nothing is labelled; by default as many as
            `UniformSeed` draws.
        gain: Shape and scale of the gamma distribution that learning is drawn from.
        prior: How predictions may lie beside the truth, before the pilot's labels; by default what
            was measured on other sets.
        paths: How often it is played.
        rng: Draws; by default by a fixed seed.

    Raises:
        ConfigError: An option is not usable.
        DataError: The probabilities are none, or the pilot does not fit.
    """
    probability = check_probabilities(probability_wrong)
    total = len(probability) if items is None else items
    labelled = total - len(probability)
    if labelled < 0:
        raise DataError(f"{total:,} items, and {len(probability):,} without a person's label",
                        fix="items counts all, those by people included")  # fmt: skip
    _check(epsilons, alpha, level, paths)
    rng = np.random.default_rng(0) if rng is None else rng
    spread = prior or (BEFORE if labelled == 0 else PILOT)
    if pilot is not None:
        spread = learnt_from(*_pilot(pilot), spread)
    seed = 0
    if labelled == 0:
        usual = UniformSeed()
        seed = min(total, max(usual.least, round(usual.share * total)) if first is None else first)
    left = 1 - seed / total
    played = [
        [
            simulate_procedure(
                one,
                one,
                labelled + seed,
                total,
                epsilon=epsilon,
                alpha=alpha,
                gain=strength,
                steps=steps or Steps(BestShare(alpha=alpha)),
                rng=rng,
            )
            for one, strength in (
                (Doubt.of(probability, *spread.draw(rng)).kept(left), float(rng.gamma(*gain)))
                for _ in range(paths)
            )
        ]
        for epsilon in epsilons
    ]
    return Forecast(
        "guess" if labelled == 0 else "pilot",
        total,
        labelled,
        alpha,
        level,
        tuple(
            _needed(epsilon, found, total, level)
            for epsilon, found in zip(epsilons, played, strict=True)
        ),
        rates or Rates(),
    )


def forecast_pool(evidence: Evidence, scored: ScoredPool, **options: Any) -> Forecast:
    """The same for a pool in the hands of a procedure, before its labels are frozen.

    Args:
        evidence: What is known of it.
        scored: What the error score says of it (`Procedure.score`).
        options: As for `forecast`.
    """
    rest = ~evidence.by_people
    if not rest.any():
        raise DataError("people have labelled every item", fix="there is nothing to forecast")
    pilot = None
    if scored.held_out is not None:
        drawn = evidence.uniform[scored.held_out.positions]
        if drawn.any():
            pilot = scored.held_out.probability_wrong[drawn], scored.held_out.wrong[drawn]
    return forecast(
        np.clip(scored.probability_wrong[rest], 0, 1), items=len(evidence), pilot=pilot, **options
    )


def forecast_audit(
    frozen: Frozen,
    wrong: NDArray[np.bool_] | None = None,
    *,
    level: float = 0.9,
    rates: Rates | None = None,
    spread: Spread = FROZEN,
    paths: int = PATHS,
    rng: np.random.Generator | None = None,
) -> Forecast:
    """The same once labels and order are frozen, for the promise of the run alone.

    What is to be drawn is known, as the seed decides it; how wrong the predicted errors are is
    learnt from what the audit has shown so far.

    Args:
        frozen: What is audited.
        wrong: Whether the labels of `frozen.drawn()[:m]` are wrong.
        level: How often the interval should hold what will be needed.
        rates: What a label takes.
        spread: How predictions lie beside the truth, before the audit.
        paths: How often the audit is played.
        rng: Draws; by default by a fixed seed.
    """
    _check((frozen.epsilon,), frozen.alpha, level, paths)
    rng = np.random.default_rng(0) if rng is None else rng
    seen = np.zeros(0, dtype=bool) if wrong is None else np.asarray(wrong, dtype=bool)
    rest, allowed = len(frozen.order), allowed_wrong(frozen.epsilon, frozen.items)
    labelled = frozen.items - rest
    if rest <= allowed or not frozen.looks:
        ready = Path(0, 0, labelled if rest <= allowed else frozen.items)
        needed = _needed(frozen.epsilon, [ready], frozen.items, level)
        return Forecast("audit", frozen.items, labelled, frozen.alpha, level, (needed,),
                        rates or Rates())  # fmt: skip
    rank = np.empty(frozen.items, dtype=np.int64)
    rank[frozen.order] = np.arange(rest)
    ranks = rank[frozen.drawn()]
    predicted = frozen.probability_wrong[ranks]
    if len(seen):
        spread = learnt_from(predicted[: len(seen)], seen, spread)
    belief = Doubt.of(frozen.probability_wrong)
    counts = critical_counts(rest, allowed, frozen.looks, frozen.alpha)
    played = []
    for _ in range(paths):
        intercept, slope = spread.draw(rng)
        errors = rng.random(len(ranks)) < _mapped(predicted, intercept, slope)
        errors[: len(seen)] = seen
        found = play(belief, ranks, errors, allowed, frozen.looks, counts)
        played.append(Path(0, found.audited, frozen.items - found.saved))
    return Forecast(
        "audit",
        frozen.items,
        labelled + len(seen),
        frozen.alpha,
        level,
        (_needed(frozen.epsilon, played, frozen.items, level),),
        rates or Rates(),
    )


def settled(
    epsilon: float,
    alpha: float,
    *,
    items: int,
    labelled: int,
    people: int,
    audited: int,
    rates: Rates | None = None,
) -> Forecast:
    """Where nothing is open any more: what a certificate has sent to people is known.

    Args:
        epsilon: The share of wrong labels that is promised.
        alpha: With what probability the promise may fail.
        items: N.
        labelled: Labels of people so far.
        people: Labels of people in all.
        audited: How many of them are audit labels.
        rates: What a label takes.
    """
    needed = _needed(epsilon, [Path(0, audited, people)], items, 0.9)
    return Forecast("certificate", items, labelled, alpha, 0.9, (needed,), rates or Rates())


def if_wrong_on(
    share: float,
    items: int,
    *,
    epsilon: float,
    alpha: float = 0.05,
    telling: float = 0.7,
    paths: int = 60,
) -> Needed:
    """What a promise takes if the machine errs on a share of the items and is as telling as most.

    For plans before a machine has answered anything.

    Args:
        share: Of wrong labels.
        items: N.
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        telling: The strength of its confidence as evidence (`Doubt.sharpened`): .7 ranks a wrong
            label above a right one with a probability of .72, as stated confidences of large
            language models do.
        paths: How often it is played.
    """
    _check((epsilon,), alpha, 0.9, paths)
    rng = np.random.default_rng(0)
    usual = UniformSeed()
    seed = min(items, max(usual.least, round(usual.share * items)))
    doubt = Doubt.of(np.array([share])).kept(items - seed).sharpened(telling)
    played = [
        simulate_procedure(doubt, doubt, seed, items, epsilon=epsilon, alpha=alpha,
                           gain=float(rng.gamma(*GAIN)), steps=Steps(BestShare(alpha=alpha)),
                           rng=rng)
        for _ in range(paths)
    ]  # fmt: skip
    return _needed(epsilon, played, items, 0.9)


def _mapped(
    probability: NDArray[np.float64], intercept: float, slope: float
) -> NDArray[np.float64]:
    from llmal.guarantee.doubt import log_odds

    return np.asarray(1 / (1 + np.exp(-(intercept + slope * log_odds(probability)))))


def _needed(epsilon: float, played: Sequence[Path], items: int, level: float) -> Needed:
    people = np.array([one.people for one in played])
    low, middle, high = np.quantile(people, [(1 - level) / 2, 0.5, (1 + level) / 2])
    audited = int(np.median([one.audited for one in played]))
    return Needed(epsilon, round(float(middle)), int(np.floor(low)), int(np.ceil(high)), audited,
                  1 - float(middle) / max(1, items))  # fmt: skip


def _pilot(pilot: tuple[ArrayLike, ArrayLike]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    predicted = check_probabilities(pilot[0], "the pilot's probability")
    wrong = np.asarray(pilot[1])
    if wrong.shape != predicted.shape or not np.isin(wrong, (0, 1)).all():
        raise DataError(
            f"the pilot has {len(predicted):,} probabilities, and what is wrong has shape "
            f"{wrong.shape}",
            fix="give one truth value for each",
        )
    return predicted, wrong.astype(bool)


def _check(epsilons: Sequence[float], alpha: float, level: float, paths: int) -> None:
    for epsilon in epsilons:
        check_rates(epsilon, alpha)
    if not 0 < level < 1:
        raise ConfigError(f"the level is {level!r}", fix="give a number between 0 and 1")
    if paths < 1:
        raise ConfigError(f"it cannot be played {paths} times", fix="give 1 or more")
