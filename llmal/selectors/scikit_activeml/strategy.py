"""Pool strategies of scikit-activeml as selectors of llmal: `pip install 'llmal[scikit-activeml]'`.

What they keep well need not be kept here, too.
"""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError, SelectionError
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import no_higher_than_before

_log = logging.getLogger("llmal.selectors")

_REFUSALS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""What strategies raise where the data or the learner do not suit them."""

_FITTED = {"clf": "fit_clf", "estimator": "fit_estimator", "ensemble": "fit_ensemble"}
"""The models that `query` may ask for, and the names under which it is told to fit them."""

_MODELS = {*_FITTED, "discriminator"}


@dataclass(frozen=True)
class FromScikitActiveml:
    """Any pool strategy of scikit-activeml for classification.

    The strategy sees the features of labelled and unlabelled items, labelled ones first, the labels
    as columns of the task, and the unlabelled as candidates; of items set aside for the round
    it sees nothing. It is cloned for each selection and seeded from the generator, its clustering
    and the strategies inside it, too. What its `query` asks for, it gets:

    - `clf`, `estimator`: the round's learner, asked through the signal "predict" and never fitted;
      or `learner`, fitted by the strategy on the labelled features.
    - `ensemble`: the round's committee; or `learner`.
    - `discriminator`: a logistic regression; or `learner`.

    Strategies that train a model for each candidate (expected error reduction), or want a model
    of a kind of its own, need a `learner`. Strategies for regression are refused.

    Where a strategy picks an item twice (some do among copies), the rest is drawn at random, and
    the log warns.

    Score: the strategy's utility of the pick when it was picked, no higher than that of the pick
    before; where that is not finite, that of the pick before. Most of these strategies copy the
    features, some grow with the square of the items: above some ten thousand, put `Subsample`
    around.

    Args:
        strategy: A strategy, or the name of its class in `skactiveml.pool`.
        options: For the class, where its name is given.
        learner: "round"; "logistic", a logistic regression on the features; or a classifier of
            scikit-learn or scikit-activeml (for an ensemble, a list of them will do).

    Raises:
        ConfigError: scikit-activeml is not installed, has no such strategy, or the strategy is one
            that cannot be used here.
    """

    name = "scikit_activeml"

    strategy: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    learner: Any = "round"

    def __post_init__(self) -> None:
        _installed()
        if isinstance(self.learner, str) and self.learner not in ("round", "logistic"):
            raise ConfigError(
                f"scikit_activeml: there is no learner {self.learner!r}",
                fix="use round, logistic, or a classifier of scikit-learn",
            )
        if self.options and not isinstance(self.strategy, str):
            raise ConfigError(
                "scikit_activeml: options go with the name of a strategy, not with an object",
                fix="give the options to the object, or its name in place of it",
            )
        strategy = self._made()
        kind = type(strategy).__name__
        if not isinstance(strategy, _base().SingleAnnotatorPoolQueryStrategy):
            raise ConfigError(
                f"scikit_activeml: {kind} is no pool strategy for one annotator",
                fix="use one of skactiveml.pool",
            )
        if not hasattr(strategy, "query"):  # a wrapper of theirs without a strategy inside
            raise ConfigError(
                f"scikit_activeml: {kind} has no strategy to wrap",
                fix="give an object with one, or use a selector of llmal around this one",
            )
        asked, needed = _asked(strategy)
        if "reg" in asked:
            raise ConfigError(
                f"scikit_activeml: {kind} is for regression", fix="use one for classification"
            )
        unknown = sorted(needed - _MODELS)
        if unknown:
            raise ConfigError(
                f"scikit_activeml: {kind} asks for {', '.join(unknown)}, which a round has not",
                fix="use another strategy",
            )
        if "ensemble" in asked and isinstance(self.learner, str) and self.learner != "round":
            raise ConfigError(
                f"scikit_activeml: {kind} asks for a committee", fix="use learner: round"
            )
        if (
            "ignore_partial_fit" in asked
            and isinstance(self.learner, str)
            and self.learner == "round"
        ):
            raise ConfigError(
                f"scikit_activeml: {kind} trains a learner for each candidate, "
                "and the round's cannot be trained here",
                fix="use learner: logistic",
            )

    @property
    def requires(self) -> frozenset[Signal]:
        """The features, and what the strategy's `query` asks for."""
        strategy = self._made()
        asked, _ = _asked(strategy)
        signals: set[Signal] = {"features"}
        # One that is told the classes learns from labels in its own way.
        if asked & _MODELS or "classes" in strategy.get_params():
            signals.add("labels")
        if isinstance(self.learner, str) and self.learner == "round":
            if asked & set(_FITTED) - {"ensemble"}:
                signals.add("predict")
            if "ensemble" in asked:
                signals.add("committee")
        return frozenset(signals)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Have the strategy pick.

        Raises:
            SelectionError: It refuses the round, or does not give k unlabelled items.
        """
        k = check_request(state, k, self.name, self.requires)
        strategy = self._made()
        kind = type(strategy).__name__
        _seed(strategy, rng)
        positions = np.concatenate([state.labelled, state.unlabelled])
        n_labelled = len(state.labelled)
        y = np.full(len(positions), np.nan)
        y[:n_labelled] = state.labels
        before = _global_draws()
        try:
            picked, utilities = strategy.query(
                X=state.features[positions],
                y=y,
                candidates=np.arange(n_labelled, len(positions)),
                batch_size=k,
                return_utilities=True,
                **self._models(strategy, state, rng),
            )
        except _REFUSALS as error:
            raise SelectionError(
                f"{kind} of scikit-activeml refuses the round: {error}",
                fix="check its options, or use another learner or strategy",
            ) from error
        if _global_draws() != before:
            _log.warning(
                "%s of scikit-activeml draws from numpy's global generator: the same seed may "
                "give other picks",
                kind,
            )
        places = np.asarray(picked, dtype=np.int64)
        if len(places) != k or places.min() < n_labelled:
            raise SelectionError(
                f"{kind} of scikit-activeml was asked for {k} unlabelled items and gave "
                f"{int((places >= n_labelled).sum())}",
                fix="use another strategy",
            )
        scores = _finite(np.asarray(utilities, dtype=np.float64)[np.arange(k), places])
        why = [f"utility {one:.4g} by {kind} of scikit-activeml" for one in scores.tolist()]
        first = np.sort(np.unique(places, return_index=True)[1])
        repeats = k - len(first)
        if repeats:
            _log.warning(
                "%s of scikit-activeml picked %d of %d items more than once; others were drawn "
                "at random in their place",
                kind,
                repeats,
                k,
            )
            rest = np.setdiff1d(np.arange(n_labelled, len(positions)), places)
            places = np.append(places[first], rng.choice(rest, size=repeats, replace=False))
            scores = np.append(scores[first], [scores.min()] * repeats)
            why = [why[i] for i in first.tolist()]
            why += [f"drawn at random: {kind} picked an item twice"] * repeats
        return Selection(positions[places], no_higher_than_before(scores), why)

    def _made(self) -> Any:
        """A strategy of our own: theirs keep state."""
        from sklearn.base import clone

        if not isinstance(self.strategy, str):
            try:
                return clone(self.strategy)
            except TypeError:
                raise ConfigError(
                    f"scikit_activeml: {self.strategy!r} is no strategy of scikit-activeml",
                    fix="give an object, or the name of its class in skactiveml.pool",
                ) from None
        pool = _installed()
        made = getattr(pool, self.strategy, None) if self.strategy in pool.__all__ else None
        if not isinstance(made, type):
            near = difflib.get_close_matches(self.strategy, pool.__all__, n=1)
            raise ConfigError(
                f"scikit_activeml: there is no strategy {self.strategy!r} in skactiveml.pool",
                fix=f"did you mean {near[0]!r}?" if near else "see its documentation",
            )
        try:
            return made(**self.options)
        except TypeError as error:
            raise ConfigError(
                f"scikit_activeml: {self.strategy}: {error}", fix="check its options"
            ) from error

    def _models(self, strategy: Any, state: RoundState, rng: np.random.Generator) -> dict[str, Any]:
        """What `query` asks for beside the data."""
        asked, _ = _asked(strategy)
        given: dict[str, Any] = {}
        for name in sorted(asked & _MODELS):
            if name == "discriminator":
                given[name] = self._trainable(np.arange(2), rng, missing_label=-1)
            elif isinstance(self.learner, str) and self.learner == "round":
                given[name] = _committee(state) if name == "ensemble" else _learner(state)
                given[_FITTED[name]] = False
            else:
                given[name] = self._trainable(np.unique(state.labels), rng)
        return {name: value for name, value in given.items() if name in asked}

    def _trainable(
        self, classes: NDArray[np.int64], rng: np.random.Generator, missing_label: float = np.nan
    ) -> Any:
        from skactiveml.base import SkactivemlClassifier
        from skactiveml.classifier import SklearnClassifier
        from sklearn.base import clone
        from sklearn.linear_model import LogisticRegression

        if isinstance(self.learner, (list, tuple)):
            found = [clone(one) for one in self.learner]
        elif isinstance(self.learner, str):
            found = [LogisticRegression(max_iter=1000)]
        else:
            found = [clone(self.learner)]
        for place, one in enumerate(found):
            if not isinstance(one, SkactivemlClassifier):
                found[place] = SklearnClassifier(
                    one, classes=classes.tolist(), missing_label=missing_label
                )
            _seed(found[place], rng)
        return found if isinstance(self.learner, (list, tuple)) else found[0]


def _installed() -> Any:
    try:
        import skactiveml.pool
    except ImportError as error:
        raise ConfigError(
            "scikit_activeml needs scikit-activeml, which is not installed",
            fix="pip install 'llmal[scikit-activeml]'",
        ) from error
    return skactiveml.pool


def _base() -> Any:
    import skactiveml.base

    return skactiveml.base


def _asked(strategy: Any) -> tuple[set[str], set[str]]:
    """Names that `query` takes, and those that it cannot do without beside the data.

    A wrapper of theirs hands on what the strategy inside it takes.
    """
    parameters = inspect.signature(strategy.query).parameters.values()
    names = {one.name for one in parameters}
    needed = {
        one.name
        for one in parameters
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    } - {"X", "y"}
    inside = getattr(strategy, "query_strategy", None)
    if inside is not None:
        inner = _asked(inside)
        names, needed = names | inner[0], needed | inner[1]
    return names, needed


def _seed(model: Any, rng: np.random.Generator) -> None:
    """Give every random state in it a seed, that of its clustering included."""
    seeds: dict[str, Any] = {}
    parameters = model.get_params(deep=True)
    for name, value in sorted(parameters.items(), key=lambda one: one[0]):
        if name.endswith("random_state"):
            seeds[name] = int(rng.integers(2**31 - 1))
        elif name.endswith("cluster_algo_dict"):
            kind = parameters[name.removesuffix("_dict")]
            if "random_state" in inspect.signature(kind).parameters:
                seeds[name] = {"random_state": int(rng.integers(2**31 - 1)), **(value or {})}
    model.set_params(**seeds)


def _learner(state: RoundState) -> Any:
    from llmal.selectors.scikit_activeml.round_classifier import RoundClassifier

    count = state.predict(state.features[:1]).shape[1]
    return RoundClassifier(state.predict, classes=list(range(count)))


def _committee(state: RoundState) -> list[Any]:
    from llmal.selectors.scikit_activeml.round_classifier import RoundClassifier

    _, unlabelled, count = state.committee.shape

    def member(number: int) -> Any:
        def answer(features: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
            if len(features) != unlabelled:
                raise SelectionError(
                    f"the committee knows the {unlabelled} unlabelled items, and the strategy "
                    f"asks about {len(features)}",
                    fix="use llmal's subsample in place of scikit-activeml's",
                )
            found: NDArray[np.floating[Any]] = state.committee[number]
            return found

        return RoundClassifier(answer, classes=list(range(count)))

    return [member(number) for number in range(len(state.committee))]


def _global_draws() -> tuple[int, int]:
    """Where numpy's global generator stands; another pair once something has drawn from it."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    return hash(state["state"]["key"].tobytes()), int(state["state"]["pos"])


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each score that is not finite becomes that of the pick before it, or the highest there is."""
    finite = np.isfinite(scores)
    last = scores[finite].max() if finite.any() else 0.0
    found = []
    for score in scores.tolist():
        last = score if np.isfinite(score) else last
        found.append(last)
    return np.array(found)
