"""Selectors around other selectors, on cases worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from llmal.core.plans import Plan
from llmal.core.records import Usage
from llmal.errors import ConfigError, SelectionError
from llmal.selectors import (
    ClassBalanced,
    CostAware,
    Diverse,
    Entropy,
    KMeansCentres,
    LeastConfidence,
    Margin,
    Mixture,
    NearDuplicates,
    Random,
    RoundState,
    Selection,
    Subsample,
    Switch,
    TypiClust,
    Utilities,
    UtilitySelector,
    make,
)
from llmal.selectors.picking import most_useful


@dataclass(frozen=True)
class Given:
    """Utilities by position in the pool, at a price for each item looked at."""

    values: tuple[float, ...]
    tokens: int = 0
    name = "given"
    requires = frozenset()

    def utilities(self, state, rng):
        values = np.array(self.values)[state.unlabelled]
        usage = Usage(requests=len(values), prompt_tokens=self.tokens * len(values))
        return Utilities(values, lambda row: f"worth {values[row]:g}", usage)

    def select(self, state, k, rng):
        return most_useful(state, self.utilities(state, rng), k, rng)

    def plan(self, state, k, rng):
        count = len(state.unlabelled)
        highest = Usage(requests=count, prompt_tokens=self.tokens * count)
        return Plan(lambda: self.select(state, k, rng), highest=highest)


@dataclass(frozen=True)
class InOrder:
    """The first k of the pool, each time it is asked; one request for each ask."""

    name = "in_order"
    requires = frozenset()

    def select(self, state, k, rng):
        return Selection(
            state.unlabelled[:k], -np.arange(k, dtype=float), ["first"] * k, Usage(requests=1)
        )

    def plan(self, state, k, rng):
        return Plan(lambda: self.select(state, k, rng), highest=Usage(requests=1))


def _state(size, labelled=(), labels=None, **signals):
    return RoundState.from_arrays(
        size=size,
        labelled=np.array(labelled, dtype=int),
        labels=np.zeros(len(labelled), dtype=int) if labels is None else np.array(labels),
        **signals,
    )


def _rng(seed=0):
    return np.random.default_rng(seed)


def _directions(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


def _falling(size):
    return Given(tuple(np.linspace(1, 0, size)))


# Subsample


def test_a_subsample_keeps_picks_within_a_random_part():
    state, selector = _state(100), Subsample(_falling(100), items=10)
    picks = selector.select(state, 10, _rng())
    assert picks.indices.tolist() == sorted(picks.indices)  # best first: the lowest positions
    assert picks.indices.max() > 30
    firsts = [selector.select(state, 1, _rng(seed)).indices[0] for seed in range(200)]
    # The lowest of 10 of 100 positions is 101/11 - 1 = 8.2 on average, 8 its standard deviation.
    assert np.mean(firsts) == pytest.approx(8.2, abs=2)


def test_a_subsample_is_never_smaller_than_the_picks():
    picks = Subsample(_falling(30), items=2).select(_state(30), 20, _rng())
    assert len(picks) == 20


def test_a_subsample_of_more_than_there_is_changes_nothing():
    state, selector = _state(50, embeddings=_rng().normal(size=(50, 3))), KMeansCentres()
    plain = selector.select(state, 5, _rng(1)).indices.tolist()
    assert Subsample(selector, items=50).select(state, 5, _rng(1)).indices.tolist() == plain


def test_signals_are_computed_for_the_subsample_alone():
    from llmal.pool import Pool

    asked = []

    def probabilities(positions):
        asked.append(len(positions))
        return np.full((len(positions), 2), 0.5)

    state = RoundState.from_pool(
        Pool.from_texts([f"text {n}" for n in range(200)]),
        labelled=[],
        labels=[],
        probabilities=probabilities,
    )
    Subsample(Margin(), items=20).select(state, 3, _rng())
    assert asked == [20]


def test_a_subsample_costs_less_and_says_so():
    state = _state(100, texts=["word"] * 100)
    selector = Subsample(Given(tuple(range(100)), tokens=3), items=10)
    assert selector.select(state, 2, _rng()).usage == Usage(requests=10, prompt_tokens=30)


@dataclass(frozen=True)
class Reader(Given):
    """Asks a language model about each text, at a token for each letter."""

    requires = frozenset({"scorer", "texts"})

    def plan(self, state, k, rng):
        texts = [one.text for one in state.items(state.unlabelled)]
        highest = Usage(requests=len(texts), prompt_tokens=sum(map(len, texts)))
        return Plan(lambda: self.select(state, k, rng), highest=highest)


class Letters:
    """A language model whose tokens are letters."""

    def count_tokens(self, prompts):
        return np.array([len(one) for one in prompts])


class Asker:
    """What asks it."""

    lm = Letters()

    def at_full_price(self):
        return self


def test_the_most_that_a_subsample_can_cost_is_that_of_the_longest_texts():
    texts = ["a" * (n % 7) for n in range(70)]
    state = _state(70, labelled=[6], texts=texts, scorer=Asker())
    selector = Subsample(Reader((0.0,) * 70), items=12)
    # Nine texts of six letters are not labelled; then come three of five.
    assert selector.plan(state, 4, None).highest == Usage(requests=12, prompt_tokens=9 * 6 + 3 * 5)
    assert selector.plan(state, 69, None).highest.requests == 69


# NearDuplicates


def test_picks_near_a_labelled_item_or_another_pick_are_passed_over():
    # cos 10° = 0.985, cos 20° = 0.940: ten degrees apart is too near, twenty is not.
    state = _state(7, labelled=[6], embeddings=_directions(0, 5, 20, 25, 45, 90, 50))
    picks = NearDuplicates(_falling(7), threshold=0.95).select(state, 3, _rng())
    assert picks.indices.tolist() == [0, 2, 5]
    assert picks.scores == pytest.approx([1, 4 / 6, 1 / 6])
    assert picks.why == ["worth 1", "worth 0.666667", "worth 0.166667"]


def test_where_no_distinct_item_is_left_the_best_refused_fill_the_rest(caplog):
    state = _state(5, labelled=[4], embeddings=_directions(0, 2, 50, 90, 92))
    picks = NearDuplicates(_falling(5), threshold=0.95).select(state, 4, _rng())
    assert picks.indices.tolist() == [0, 2, 1, 3]
    # Refused ones come last, so that their score may not be above the last kept one's.
    assert picks.scores.tolist() == [1.0, 0.5, 0.5, 0.25]
    assert picks.why[2:] == [
        "worth 0.75; cosine 0.999 to another pick, but no distinct item was found",
        "worth 0.25; cosine 0.999 to a labelled item, but no distinct item was found",
    ]
    assert "2 of 4 picks are near-duplicates" in caplog.text


def _greedy(embeddings, labelled, order, threshold, k):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    kept, seen = [], list(labelled)
    for row in order:
        if len(kept) < k and (not seen or (unit[seen] @ unit[row]).max() < threshold):
            kept.append(row)
            seen.append(row)
    return kept


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [5, 40, 90])
def test_utilities_are_walked_down_as_a_plain_loop_would(seed, k):
    rng = _rng(seed)
    centres = rng.normal(size=(110, 8))
    # 1500 items around 110 centres: far more copies than are looked at in one go.
    embeddings = centres[rng.integers(110, size=1500)] + rng.normal(scale=0.02, size=(1500, 8))
    embeddings *= rng.uniform(0.5, 2, size=(1500, 1))
    values = rng.normal(size=1500)
    labelled = rng.choice(1500, size=10, replace=False)
    state = _state(1500, labelled=labelled, embeddings=embeddings.astype("float32"))
    picks = NearDuplicates(Given(tuple(values)), threshold=0.95).select(state, k, rng)
    order = [row for row in np.argsort(-values) if row not in labelled]
    assert picks.indices.tolist() == _greedy(embeddings, labelled, order, 0.95, k)


def test_a_selector_without_utilities_is_asked_again_for_what_is_missing():
    # The first five are one text; asked again, it must not name a sixth of them.
    state = _state(9, embeddings=_directions(0, 0, 0, 0, 0, 1, 40, 80, 120))
    picks = NearDuplicates(InOrder(), threshold=0.99).select(state, 4, _rng())
    assert picks.indices.tolist() == [0, 6, 7, 8]
    assert picks.usage == Usage(requests=2)
    assert (np.diff(picks.scores) <= 0).all()


def test_it_is_asked_no_more_often_than_allowed(caplog):
    state = _state(9, embeddings=_directions(0, 0, 0, 0, 0, 1, 40, 80, 120))
    selector = NearDuplicates(InOrder(), threshold=0.99, asks=1)
    picks = selector.select(state, 4, _rng())
    assert picks.indices.tolist() == [0, 1, 2, 3]
    assert "in_order was asked 1 times" in caplog.text
    assert selector.plan(state, 4, None).highest == Usage(requests=1)
    assert NearDuplicates(InOrder(), asks=7).plan(state, 4, None).highest == Usage(requests=7)


def test_copies_are_refused_at_a_threshold_of_one():
    rows = _rng(2).normal(size=(3, 50)).astype("float32")
    state = _state(9, embeddings=np.repeat(rows, 3, axis=0) * np.array([[1], [2], [7]] * 3))
    picks = NearDuplicates(_falling(9), threshold=1.0).select(state, 3, _rng())
    assert picks.indices.tolist() == [0, 3, 6]


def test_items_without_a_direction_are_no_copies_of_anything():
    state = _state(3, embeddings=np.array([[0, 0], [1, 0], [0, 0]], dtype="float32"))
    picks = NearDuplicates(_falling(3)).select(state, 3, _rng())
    assert picks.indices.tolist() == [0, 1, 2]


# Diverse


def _two_groups():
    """Ten items near (0, 0), ten near (9, 9); the first group is of more use."""
    noise = _rng(1).normal(scale=0.1, size=(20, 2))
    return (noise + np.repeat([[0.0], [9.0]], 10, axis=0)).astype("float32")


def test_the_best_of_each_cluster_is_picked():
    state = _state(20, embeddings=_two_groups())
    picks = Diverse(_falling(20)).select(state, 2, _rng())
    assert picks.indices.tolist() == [0, 10]
    assert picks.scores == pytest.approx([1, 9 / 19])
    assert picks.why[0] == "worth 1; the best of a cluster of 10 items"


def test_only_the_most_useful_are_clustered():
    state = _state(20, embeddings=_two_groups())
    picks = Diverse(_falling(20), factor=5).select(state, 2, _rng())
    assert 0 in picks.indices
    assert picks.indices.max() < 10
    assert Diverse(_falling(20), factor=1).select(state, 3, _rng()).indices.tolist() == [0, 1, 2]


def test_fewer_places_than_picks_are_filled_by_utility():
    embeddings = np.repeat(np.eye(2, dtype="float32"), 5, axis=0)
    picks = Diverse(_falling(10)).select(_state(10, embeddings=embeddings), 4, _rng())
    assert picks.indices.tolist() == [0, 1, 2, 5]
    assert "fewer distinct embeddings than picks" in picks.why[1]


def test_weighted_clusters_are_drawn_to_items_of_high_utility():
    # One cluster of three on a line; the weight of the last pulls the centre to it.
    embeddings = np.array([[0.0], [1.0], [2.0]], dtype="float32")
    state = _state(3, embeddings=embeddings)
    level = Diverse(Given((1.0, 1.0, 1.0)), factor=3, weighted=True)
    heavy = Diverse(Given((1.0, 1.0, 9.0)), factor=3, weighted=True)
    assert level.select(state, 1, _rng()).indices.tolist() == [1]
    assert heavy.select(state, 1, _rng()).indices.tolist() == [2]


def test_weights_of_zero_are_weights():
    state = _state(20, embeddings=_two_groups())
    picks = Diverse(Given((0.0,) * 20), weighted=True).select(state, 2, _rng())
    assert sorted(picks.indices // 10) == [0, 1]


def test_negative_utilities_cannot_weight():
    state = _state(4, embeddings=np.eye(4, dtype="float32"))
    with pytest.raises(SelectionError, match="utilities of given: some are negative; use weighted"):
        Diverse(Given((-1.0, 0.0, 1.0, 2.0)), weighted=True).select(state, 1, _rng())


# ClassBalanced


def test_picks_make_labelled_and_picked_items_even():
    predicted = [0] * 5 + [1] * 3 + [2] * 2
    probabilities = np.eye(3)[predicted] * 0.7 + 0.1
    # Labels so far: three of 0, one of 1, none of 2.
    state = _state(
        14,
        labelled=[10, 11, 12, 13],
        labels=[0, 0, 0, 1],
        probabilities=np.vstack([probabilities, np.full((4, 3), 1 / 3)]),
    )
    picks = ClassBalanced(_falling(14)).select(state, 6, _rng())
    # 2 alone is at 0; then 1 (5) and 2 (9) are level at 1, then 1 (6) at 2, and 2 has none left;
    # then 0 (0) and 1 (7) are level at 3.
    assert picks.indices.tolist() == [8, 5, 9, 6, 0, 7]
    assert (np.diff(picks.scores) <= 0).all()
    assert picks.why[0] == "worth 0.384615; predicted label 2, which has 0"


@pytest.mark.parametrize("seed", range(5))
def test_no_other_choice_would_be_more_even(seed):
    rng = _rng(seed)
    probabilities = rng.dirichlet(np.full(4, 0.3) * [4, 2, 1, 0.5], size=200)
    labels = rng.integers(4, size=20)
    state = _state(200, labelled=np.arange(20), labels=labels, probabilities=probabilities)
    picks = ClassBalanced(Margin()).select(state, 60, rng).indices
    predicted = probabilities.argmax(axis=1)
    available = np.bincount(predicted[20:], minlength=4)
    start = np.bincount(labels, minlength=4)
    counts = start + np.bincount(predicted[picks], minlength=4)
    # No label could give an item to another that is short by two.
    for giver in np.flatnonzero(counts > start):
        for taker in np.flatnonzero(counts - start < available):
            assert counts[giver] - counts[taker] < 2


def test_labels_of_the_language_model_are_balanced_too():
    lm_scores = np.log(np.eye(2)[[0, 0, 0, 1]] * 0.8 + 0.1)
    picks = ClassBalanced(_falling(4), of="lm").select(_state(4, lm_scores=lm_scores), 2, _rng())
    assert picks.indices.tolist() == [0, 3]


def test_an_item_between_two_labels_counts_under_either():
    state = _state(1, probabilities=np.array([[0.4, 0.4, 0.2]]))
    why = {ClassBalanced(Margin()).select(state, 1, _rng(s)).why[0][-26:] for s in range(20)}
    assert why == {f"predicted label {label}, which has 0"[-26:] for label in (0, 1)}


def test_a_label_beyond_the_predictions_is_refused():
    state = _state(3, labelled=[0], labels=[4], probabilities=np.full((3, 2), 0.5))
    with pytest.raises(SelectionError, match="labelled 4, and predictions have 2 columns"):
        ClassBalanced(Margin()).select(state, 1, _rng())


# CostAware


def test_utility_is_divided_by_the_cost():
    state = _state(3, costs=[1.0, 2.0, 8.0])
    picks = CostAware(Given((1.0, 3.0, 4.0))).select(state, 3, _rng())
    assert picks.indices.tolist() == [1, 0, 2]
    assert picks.scores.tolist() == [1.5, 1.0, 0.5]
    assert picks.why[0] == "worth 3, at a cost of 2"
    half = CostAware(Given((1.0, 3.0, 4.0)), power=0.5).select(state, 3, _rng())
    assert half.scores == pytest.approx([3 / 2**0.5, 2**0.5, 1])
    none = CostAware(Given((1.0, 3.0, 4.0)), power=0).select(state, 3, _rng())
    assert none.indices.tolist() == [2, 1, 0]


def test_a_high_cost_does_not_help_a_negative_utility():
    state = _state(4, costs=[1.0, 10.0, 1.0, 10.0])
    picks = CostAware(Given((-2.0, -2.0, 2.0, 2.0))).select(state, 4, _rng())
    assert picks.indices.tolist() == [2, 3, 0, 1]
    assert picks.scores.tolist() == [2.0, 0.2, -2.0, -20.0]


def test_the_unit_of_costs_does_not_matter():
    rng = _rng(4)
    values, costs = tuple(rng.normal(size=50)), rng.uniform(1, 9, size=50)
    picks = [
        CostAware(Given(values)).select(_state(50, costs=costs * unit), 50, _rng()).indices
        for unit in (1, 1000)
    ]
    assert picks[0].tolist() == picks[1].tolist()


def test_a_cost_from_the_words_of_the_text():
    state = _state(3, texts=["one", "one  two\nthree", ""])
    selector = CostAware(Given((2.0, 2.0, 2.0)), price=1.0, price_per_word=0.5)
    assert selector.requires == {"texts"}
    values = selector.utilities(state, _rng()).values
    assert values == pytest.approx([2 / 1.5, 2 / 2.5, 2 / 1.5])


def test_costs_that_are_too_far_apart():
    state = _state(2, costs=[1e-300, 1.0])
    with pytest.raises(SelectionError, match="too far apart to divide by; use a lower power"):
        CostAware(Given((1.0, 1.0)), power=2).select(state, 1, _rng())


# Mixture


def test_each_gets_its_share_and_no_item_is_picked_twice():
    state = _state(20)
    up, down = Given(tuple(range(20))), Given(tuple(range(20, 0, -1)))
    picks = Mixture([up, down, up], weights=[1, 2, 1]).select(state, 8, _rng())
    # 19 and 18, then 0 to 3, then what is left at the top: 17 and 16.
    assert set(picks.indices.tolist()) == {19, 18, 0, 1, 2, 3, 17, 16}
    assert picks.scores.tolist() == [0.875, 0.75, 0.75, 0.625, 0.375, 0.25, 0.25, 0.125]
    assert picks.indices[[0, 3, 4, 7]].tolist() == [0, 1, 2, 3]
    assert picks.why[0] == "given: worth 20"
    assert picks.usage.requests == 20 + 18 + 14


def test_what_is_left_over_is_drawn_by_the_fractions():
    state, rng = _state(30), _rng(3)
    mixture = Mixture([_falling(30), Random()], weights=[0.95, 0.05])
    counts = [
        sum(why.startswith("random") for why in mixture.select(state, 5, rng).why)
        for _ in range(400)
    ]
    assert set(counts) == {0, 1}
    # A quarter of a pick on average; the standard error is 0.02.
    assert np.mean(counts) == pytest.approx(0.25, abs=0.07)


@pytest.mark.parametrize("k", range(1, 13))
def test_shares_are_never_off_by_a_whole_pick(k):
    weights = [3, 1, 1, 2]
    for seed in range(20):
        picks = Mixture([_named(n) for n in "abcd"], weights).select(_state(40), k, _rng(seed))
        got = [sum(why.startswith(n) for why in picks.why) for n in "abcd"]
        assert sum(got) == k
        assert all(abs(n - k * w / 7) < 1 for n, w in zip(got, weights, strict=True))


def _named(name):
    named = type("Named", (Given,), {"name": name})
    return named(tuple(range(40)))


def test_a_weight_of_zero_is_never_asked():
    picks = Mixture([Random(), _falling(9)], weights=[0, 1]).select(_state(9), 9, _rng())
    assert not any(why.startswith("random") for why in picks.why)


def test_costs_of_a_mixture_add_up():
    state = _state(10)
    mixture = Mixture([Given((0.0,) * 10, tokens=2), InOrder(), Random()])
    assert mixture.plan(state, 4, None).highest == Usage(requests=11, prompt_tokens=20)
    assert mixture.select(state, 3, _rng()).usage == Usage(requests=11, prompt_tokens=20)


# Switch


def test_the_second_takes_over_once_there_are_labels():
    switch = Switch(InOrder(), Given(tuple(range(9))), labels=2)
    assert switch.select(_state(9, labelled=[0]), 1, _rng()).indices.tolist() == [1]
    assert switch.select(_state(9, labelled=[0, 1]), 1, _rng()).indices.tolist() == [8]


def test_a_round_needs_what_the_one_that_picks_needs():
    switch = Switch(TypiClust(), Margin(), labels=3)
    assert switch.requires == {"embeddings", "probabilities"}
    few = _state(9, labelled=[0], embeddings=np.eye(9, dtype="float32"))
    assert switch.needs(few) == {"embeddings"}
    assert len(switch.select(few, 2, _rng())) == 2
    many = _state(9, labelled=[0, 1, 2], embeddings=np.eye(9, dtype="float32"))
    with pytest.raises(SelectionError, match="selector switch needs probabilities"):
        switch.select(many, 2, _rng())


def test_a_switch_inside_others_needs_no_more():
    inner = Switch(TypiClust(), Margin(), labels=3)
    nested = Subsample(NearDuplicates(Mixture([inner, Random()])), items=5)
    few = _state(9, labelled=[0], embeddings=np.eye(9, dtype="float32"))
    assert nested.requires == {"embeddings", "probabilities"}
    assert len(nested.select(few, 4, _rng())) == 4


def test_every_label_must_have_been_seen():
    switch = Switch(InOrder(), Given(tuple(range(9))), per_label=2)
    probabilities = np.full((9, 3), 1 / 3)

    def acts(labels):
        state = _state(
            9, labelled=np.arange(len(labels)), labels=labels, probabilities=probabilities
        )
        return switch.acting(state).name

    assert acts([0, 0, 0, 1, 1]) == "in_order"
    assert acts([0, 0, 2, 1, 1]) == "in_order"
    assert acts([0, 0, 2, 2, 1, 1]) == "given"


def test_the_learner_must_be_sure_of_what_it_has_not_seen():
    # Margins 0.8, 0.4 and 0 are 0.4 on average; the labelled item's is not counted.
    probabilities = [[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [1.0, 0.0]]
    state = _state(4, labelled=[3], probabilities=probabilities)
    for confidence, name in ((0.39, "margin"), (0.41, "in_order")):
        assert Switch(InOrder(), Margin(), confidence=confidence).acting(state).name == name


def test_every_condition_must_hold():
    state = _state(4, labelled=[3], probabilities=np.full((4, 2), [0.9, 0.1]))
    assert Switch(InOrder(), Margin(), labels=1, confidence=0.7).acting(state).name == "margin"
    assert Switch(InOrder(), Margin(), labels=2, confidence=0.7).acting(state).name == "in_order"


def test_while_there_are_no_probabilities_nobody_is_sure():
    switch = Switch(InOrder(), Margin(), confidence=0.1)
    assert switch.select(_state(4), 1, _rng()).indices.tolist() == [0]


# All of them


def test_wrappers_nest_by_name():
    made = make("subsample", items=50, selector={"name": "diverse", "selector": "margin"})
    assert made == Subsample(Diverse(Margin()), items=50)
    assert made.requires == {"embeddings", "probabilities"}
    rng = _rng()
    state = _state(
        200,
        embeddings=rng.normal(size=(200, 4)),
        probabilities=rng.dirichlet(np.ones(3), size=200),
    )
    assert len(made.select(state, 5, rng)) == 5
    deep = make(
        "switch",
        first={"name": "mixture", "selectors": ["random", "typiclust"], "weights": [1, 3]},
        then={"name": "class_balanced", "selector": {"name": "cost_aware", "selector": "entropy"}},
        labels=20,
    )
    assert deep.requires == {"embeddings", "probabilities", "costs"}
    assert deep.then == ClassBalanced(CostAware(Entropy()))
    assert deep.first.selectors == (Random(), TypiClust())


def test_cost_aware_utilities_can_be_built_on_and_others_cannot():
    assert isinstance(CostAware(Margin()), UtilitySelector)
    assert Diverse(CostAware(LeastConfidence())).requires >= {"costs"}
    for one in (Subsample(Margin()), Diverse(Margin()), ClassBalanced(Margin())):
        assert not isinstance(one, UtilitySelector)


@pytest.mark.parametrize("wrapper", [Diverse, ClassBalanced, CostAware])
def test_a_selector_without_utilities_is_refused_where_they_are_needed(wrapper):
    with pytest.raises(
        ConfigError, match=f"{wrapper.name} needs a selector .* typiclust gives none; put it around"
    ):
        wrapper(TypiClust())


@pytest.mark.parametrize("value", ["margin", Margin, None])
def test_what_is_no_selector_is_refused(value):
    for wrapper in (Subsample, NearDuplicates, CostAware):
        with pytest.raises(ConfigError, match=f"{wrapper.name}: .* is no selector; give an object"):
            wrapper(value)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: Subsample(Random(), items=0), "subsample: items is 0"),
        (lambda: NearDuplicates(Random(), threshold=1.1), "threshold is 1.1; above 0, at most 1"),
        (lambda: NearDuplicates(Random(), asks=0), "asks is 0; at least 1"),
        (lambda: Diverse(Margin(), factor=0), "factor is 0; at least 1"),
        (lambda: ClassBalanced(Margin(), of="crowd"), "no predictions of 'crowd'; use learner"),
        (lambda: CostAware(Margin(), power=-1), "power is -1; zero or more"),
        (lambda: CostAware(Margin(), price=2.0), "the price is the same for all items"),
        (lambda: Mixture([]), "mixture has no selectors"),
        (lambda: Mixture(Random()), "selectors is no list"),
        (lambda: Mixture([Random()], weights=[1, 2]), "1 selectors and 2 weights"),
        (lambda: Mixture([Random()], weights=[0]), "one must be above zero"),
        (lambda: Mixture([Random(), Random()], weights=[-1, 2]), "none may be negative"),
        (lambda: Switch(Random(), Margin()), "switch has no condition; give labels, per_label"),
        (lambda: Switch(Random(), Margin(), labels=0), "labels is 0; at least 1"),
        (lambda: Switch(Random(), Margin(), confidence=1.0), "confidence is 1.0; between 0"),
    ],
)
def test_options_out_of_range_are_refused(make_it, message):
    with pytest.raises(ConfigError, match=message):
        make_it()


@pytest.mark.parametrize(
    "made",
    [
        lambda inner: Diverse(inner),
        lambda inner: ClassBalanced(inner),
        lambda inner: CostAware(inner),
        lambda inner: NearDuplicates(inner),
        lambda inner: Switch(Random(), inner, labels=1),
    ],
)
def test_what_the_inner_selector_costs_is_passed_on(made):
    rng = _rng()
    state = _state(
        12,
        labelled=[0],
        embeddings=rng.normal(size=(12, 3)),
        probabilities=rng.dirichlet(np.ones(3), size=12),
        costs=np.ones(12),
    )
    paid = Usage(requests=11, prompt_tokens=55)
    selector = made(Given(tuple(range(12)), tokens=5))
    assert selector.select(state, 3, rng).usage == paid
    assert selector.plan(state, 3, None).highest == paid
    assert made(Margin()).plan(state, 3, None).highest == Usage()
