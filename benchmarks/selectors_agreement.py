"""Picks of llmal's selectors beside those of scikit-activeml and small-text, on the same inputs.

    python benchmarks/selectors_agreement.py [--data dbpedia14] [--items 2000] [--labelled 60]
        [-k 50] [--seeds 50]

MiniLM embeddings of random train texts; the labelled among them at random, one of each label in any
case; probabilities of a logistic regression and a committee of ten on bootstrap draws: every side
gets the same arrays.

Where a method leaves nothing to chance: the share of the picks that both have, and utilities side
by side. Where it does: picks of so many seeds each, described by numbers that do not depend on who
picked, with the mean, the standard deviation and two-sided tests that both sides draw from one
distribution (Mann-Whitney and Kolmogorov-Smirnov). With so many tests some are small by chance:
a pair *differs* if a p-value is below 0.01 divided by the number of all tests.

Every difference is followed by an experiment on its cause: the same comparison with the option of
one side given to the other, or with the rule of the one computed plainly.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results
from scipy import stats
from selectors_data import MEMBERS, real_round
from selectors_peers import BY_PEER, Picks, Round

from llmal.selectors import REGISTRY, RoundState, UtilitySelector, make

ROOT = Path(__file__).resolve().parents[1]
LEVEL = 0.01
RADII = 10
Side = Callable[[int], Picks]


# Who picks ----------------------------------------------------------------------------------------


def _state(given: Round) -> RoundState:
    return RoundState.from_arrays(
        embeddings=given.embeddings,
        probabilities=given.probabilities,
        committee=given.committee,
        predict=given.predict,
        labelled=given.labelled,
        labels=given.labels,
    )


def ours(given: Round, name: str, **options: Any) -> Side:
    state, selector = _state(given), make(name, **options)

    def pick(seed: int) -> Picks:
        rng = np.random.default_rng(seed)
        values = None
        if isinstance(selector, UtilitySelector):
            values = selector.utilities(state, rng).values
        made = selector.select(state, given.k, np.random.default_rng(seed))
        return Picks(made.indices, values, why=made.why)

    return pick


def theirs(given: Round, peer: str, name: str, **options: Any) -> Side:
    return lambda seed: BY_PEER[peer][name](given, seed, utilities=True, **options)


# Rules of peers, computed plainly -----------------------------------------------------------------


def _gradients(given: Round, hot: bool = True) -> np.ndarray:
    """Gradient embeddings of the unlabelled; without the one-hot label, p ⊗ h."""
    errors = given.probabilities[given.unlabelled].astype(np.float64)
    if hot:
        errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1
    rows = given.embeddings[given.unlabelled]
    return (errors[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)


def _squared_distances(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    squares = (rows**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)
    np.fill_diagonal(apart, 0)
    return apart


def drawn_seeds(given: Round) -> Side:
    """k-means++ as it is written down: the longest gradient, then by squared distance."""
    gradients = _gradients(given)
    apart = _squared_distances(gradients)
    longest = int(np.einsum("ij,ij->i", gradients, gradients).argmax())

    def pick(seed: int) -> Picks:
        rng = np.random.default_rng(seed)
        rows = [longest]
        while len(rows) < given.k:
            nearest = apart[rows].min(axis=0)
            rows.append(int(rng.choice(len(nearest), p=nearest / nearest.sum())))
        return Picks(given.unlabelled[rows])

    return pick


def seeds_of_sklearn(given: Round, *, hot: bool, squared: bool, trials: int | None) -> Side:
    """scikit-learn's seeding of gradients, told their squared lengths, or their lengths for them.

    Args:
        given: The round.
        hot: Whether the one-hot label is taken off p.
        squared: Whether the lengths are squared, as they should be.
        trials: Draws of which a step keeps the best; scikit-learn's number if None.
    """
    from sklearn.cluster import kmeans_plusplus

    gradients = _gradients(given, hot)
    lengths = np.linalg.norm(gradients, axis=1)

    def pick(seed: int) -> Picks:
        _, rows = kmeans_plusplus(
            gradients,
            given.k,
            x_squared_norms=lengths**2 if squared else lengths,
            random_state=seed,
            n_local_trials=trials,
        )
        return Picks(given.unlabelled[rows])

    return pick


def contrast_with_pool(given: Round, neighbours: int = 10) -> Side:
    """CAL with neighbours from the whole pool, each item its own first."""
    from sklearn.neighbors import NearestNeighbors

    places = np.concatenate([given.unlabelled, given.labelled])
    rows = given.embeddings[places]
    near = (
        NearestNeighbors()
        .fit(rows)
        .kneighbors(rows[: len(given.unlabelled)], neighbours, return_distance=False)
    )
    p = given.probabilities[places].astype(np.float64)
    of = p[: len(given.unlabelled), None]
    values = (p[near] * np.log(p[near] / of)).sum(axis=2).mean(axis=1)
    return lambda seed: Picks(given.unlabelled[np.argsort(-values)[: given.k]], values)


# What describes picks -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Measures:
    """Numbers about picks that do not depend on who made them."""

    given: Round

    @cached_property
    def apart(self) -> np.ndarray:
        """(N, N) squared distances."""
        return _squared_distances(self.given.embeddings)

    @cached_property
    def gradients_apart(self) -> np.ndarray:
        """(U, U) squared distances of gradient embeddings."""
        return _squared_distances(_gradients(self.given))

    @cached_property
    def entropies(self) -> np.ndarray:
        p = self.given.probabilities.astype(np.float64)
        return -(p * np.log(p)).sum(axis=1)

    @cached_property
    def density(self) -> np.ndarray:
        """Mean distance of each item to its 20 nearest others."""
        return np.sqrt(np.sort(self.apart, axis=1)[:, 1:21]).mean(axis=1)

    def k_means_cost(self, picks: np.ndarray) -> float:
        known = np.concatenate([self.given.labelled, picks])
        return float(self.apart[:, known].min(axis=1).mean())

    def cover_radius(self, picks: np.ndarray) -> float:
        known = np.concatenate([self.given.labelled, picks])
        return float(np.sqrt(self.apart[:, known].min(axis=1).max()))

    def entropy(self, picks: np.ndarray) -> float:
        return float(self.entropies[picks].mean())

    def gradient_cost(self, picks: np.ndarray) -> float:
        rows = np.searchsorted(self.given.unlabelled, picks)
        return float(self.gradients_apart[:, rows].min(axis=1).mean())

    def crowding(self, picks: np.ndarray) -> float:
        return float(self.density[picks].mean())

    def covered(self, picks: np.ndarray, delta: float) -> float:
        known = np.concatenate([self.given.labelled, picks])
        return float((self.apart[:, known].min(axis=1) <= delta**2).mean())


MEANING = {
    "k_means_cost": "mean squared distance to the nearest labelled or picked item",
    "cover_radius": "largest distance to the nearest labelled or picked item",
    "entropy": "mean entropy of the picks' probabilities, nats",
    "gradient_cost": "mean squared distance of gradients to the nearest picked one",
    "crowding": "mean distance of the picks to their 20 nearest neighbours",
    "covered": "share of the items within the radius of a labelled or picked one",
}
DIVERSITY = ("k_means_cost", "cover_radius", "entropy")


# Comparisons --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """llmal's picks beside those of a peer.

    Attributes:
        name: llmal's selector.
        peer: Whose picks they are compared with.
        setting: Options of both, in words.
        left: llmal's, or in an experiment what stands for them.
        right: The peer's.
        why: Where they differ, what the experiments say of the cause.
        measures: Of picks that are left to chance; none where nothing is.
        scale: Unit of llmal's utilities in the peer's.
        shift: What the peer's are above llmal's.
    """

    name: str
    peer: str
    setting: str
    left: Side
    right: Side
    why: str = ""
    measures: tuple[str, ...] = ()
    scale: float = 1.0
    shift: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


ACTIVEML, SMALL = "scikit-activeml", "small-text"
PLAIN = "plain numpy"


def uncertain(given: Round) -> list[Pair]:
    return [
        Pair(
            name,
            peer,
            "",
            ours(given, name),
            theirs(given, peer, name),
            # small-text's are the confidence with its sign turned.
            shift=-1.0 if peer == SMALL and name != "entropy" else 0.0,
        )
        for name in ("least_confidence", "margin", "entropy")
        for peer in (ACTIVEML, SMALL)
    ]


def of_committees(given: Round) -> list[Pair]:
    return [
        Pair("bald", ACTIVEML, "GreedyBALD", ours(given, "bald"), theirs(given, ACTIVEML, "bald")),
        Pair(
            "bald",
            SMALL,
            "utilities of theirs in bits",
            ours(given, "bald"),
            _bits(given, theirs(given, SMALL, "bald")),
            scale=1 / np.log(2),
        ),
        *(
            Pair(
                "query_by_committee",
                ACTIVEML,
                way,
                ours(given, "query_by_committee", disagreement=way),
                theirs(given, ACTIVEML, "query_by_committee", method=method),
                "picks among equal utilities are drawn",
            )
            for way, method in (("kl", "KL_divergence"), ("vote_entropy", "vote_entropy"))
        ),
        Pair(
            "variation_ratio",
            ACTIVEML,
            "",
            ours(given, "variation_ratio"),
            theirs(given, ACTIVEML, "variation_ratio"),
            "picks among equal utilities are drawn",
        ),
    ]


def _bits(given: Round, side: Side) -> Side:
    """small-text's BALD with the utilities, which its class does not keep."""
    from small_text.query_strategies.bayesian import _bald

    values = _bald(given.committee.transpose(1, 0, 2))[given.unlabelled]
    return lambda seed: Picks(side(seed).indices, values)


def coreset(given: Round) -> list[Pair]:
    return [
        Pair("coreset", peer, "", ours(given, "coreset"), theirs(given, peer, "coreset"))
        for peer in (ACTIVEML, SMALL)
    ]


def cal(given: Round) -> list[Pair]:
    five = partial(theirs, given, ACTIVEML, "cal")
    return [
        Pair(
            "cal",
            ACTIVEML,
            "defaults of both: 10 and 5 neighbours",
            ours(given, "cal"),
            five(),
            "theirs looks at 5 neighbours unless told otherwise",
        ),
        Pair(
            "cal",
            ACTIVEML,
            "10 neighbours",
            ours(given, "cal"),
            five(nearest_neighbors_dict={"n_neighbors": 10}),
        ),
        Pair("cal", ACTIVEML, "5 neighbours", ours(given, "cal", neighbours=5), five()),
        Pair(
            "cal",
            SMALL,
            "10 neighbours",
            ours(given, "cal", normalise=True),
            theirs(given, SMALL, "cal"),
            "their neighbours come from the whole pool, the item itself among them, where the "
            "paper's are labelled items",
        ),
        Pair(
            "cal",
            SMALL,
            "experiment: that rule, computed plainly, beside theirs",
            contrast_with_pool(given),
            theirs(given, SMALL, "cal"),
        ),
    ]


def dal(given: Round) -> list[Pair]:
    balanced = {"class_weight": "balanced", "max_iter": 1000}
    peer = partial(theirs, given, ACTIVEML, "dal")
    own = partial(ours, given, "dal", per_labelled=None)
    return [
        Pair(
            "dal",
            ACTIVEML,
            "defaults of both, theirs with scikit-learn's LogisticRegression as it comes",
            ours(given, "dal"),
            peer(),
            "theirs fits on all unlabelled items, after each pick, with unbalanced classes; "
            "llmal's default is the authors' way: 10 sub-queries, each fitted on 10 unlabelled "
            "items for each labelled one",
            measures=DIVERSITY,
        ),
        Pair(
            "dal",
            ACTIVEML,
            "one fit on all, balanced classes",
            own(batches=1),
            peer(greedy_selection=True, logistic=balanced),
        ),
        Pair(
            "dal",
            ACTIVEML,
            "fitted on all after each pick, balanced classes",
            own(batches=given.k),
            peer(logistic=balanced),
        ),
        Pair(
            "dal",
            SMALL,
            "10 sub-queries; theirs with scikit-learn's LogisticRegression as it comes",
            ours(given, "dal"),
            theirs(given, SMALL, "dal"),
            "theirs does not balance the classes",
            measures=DIVERSITY,
        ),
        Pair(
            "dal",
            SMALL,
            "10 sub-queries, balanced classes",
            ours(given, "dal"),
            theirs(given, SMALL, "dal", logistic=balanced),
            measures=DIVERSITY,
        ),
    ]


def badge(given: Round) -> list[Pair]:
    pair = partial(Pair, "badge", measures=(*DIVERSITY, "gradient_cost"))
    seeds = partial(seeds_of_sklearn, given)
    return [
        pair(
            PLAIN,
            "the rule of the paper, computed plainly on gradients",
            ours(given, "badge"),
            drawn_seeds(given),
        ),
        pair(
            ACTIVEML,
            "defaults",
            ours(given, "badge"),
            theirs(given, ACTIVEML, "badge"),
            "theirs takes the squared length of a gradient for its first distance, so that the "
            "zero gradient counts as picked",
        ),
        pair(
            ACTIVEML,
            "llmal with zero_centre",
            ours(given, "badge", zero_centre=True),
            theirs(given, ACTIVEML, "badge"),
        ),
        pair(
            SMALL,
            "defaults",
            ours(given, "badge"),
            theirs(given, SMALL, "badge"),
            "theirs seeds p ⊗ h without the one-hot label, draws the first, keeps the best of "
            "several draws at each step, and hands scikit-learn lengths for squared lengths",
        ),
        pair(
            SMALL,
            "experiment: scikit-learn's seeding with all of that, in place of llmal",
            seeds(hot=False, squared=False, trials=None),
            theirs(given, SMALL, "badge"),
        ),
        pair(
            SMALL,
            "experiment: the same, told squared lengths",
            seeds(hot=False, squared=True, trials=None),
            theirs(given, SMALL, "badge"),
            "so the lengths in place of squared ones are part of the cause",
        ),
        pair(
            PLAIN,
            "experiment: scikit-learn's seeding of the right gradients, one draw a step",
            ours(given, "badge"),
            seeds(hot=True, squared=True, trials=1),
        ),
    ]


def typiclust(given: Round) -> list[Pair]:
    pair = partial(Pair, "typiclust", ACTIVEML, measures=(*DIVERSITY, "crowding"))
    return [
        pair(
            setting="defaults of both: 20 and 5 neighbours",
            left=ours(given, "typiclust"),
            right=theirs(given, ACTIVEML, "typiclust"),
            why="theirs looks at 5 neighbours, and serves clusters of 5 items or fewer as others",
        ),
        pair(
            setting="20 neighbours",
            left=ours(given, "typiclust", small_cluster=0),
            right=theirs(given, ACTIVEML, "typiclust", k=20),
        ),
        pair(
            setting="5 neighbours, small clusters not set aside",
            left=ours(given, "typiclust", small_cluster=0, neighbours=5),
            right=theirs(given, ACTIVEML, "typiclust"),
        ),
    ]


def probcover(given: Round) -> list[Pair]:
    labels = given.probabilities.shape[1]
    own = ours(given, "probcover", clusters=labels)
    peer = theirs(given, ACTIVEML, "probcover", n_classes=labels)
    found = [float(peer(seed).strategy.delta_max_) for seed in range(RADII)]
    radii = [_radius(own(seed)) for seed in range(RADII)]
    often = ", ".join(
        f"{radius:.1f} in {found.count(radius)}" for radius in sorted(set(found), reverse=True)
    )
    pair = partial(Pair, "probcover", ACTIVEML, measures=(*DIVERSITY, "covered"))
    return [
        pair(
            setting="defaults",
            left=own,
            right=peer,
            why=f"radii are chosen by clusters that are drawn, theirs in steps of 0.2: of {RADII} "
            f"seeds {often}; llmal's is {np.mean(radii):.3f} ± {np.std(radii, ddof=1):.3f}",
            extra={"delta": max(found)},
        ),
        *(
            pair(
                setting=f"radius {delta}",
                left=ours(given, "probcover", delta=delta),
                right=theirs(given, ACTIVEML, "probcover", deltas=[delta]),
                extra={"delta": delta},
            )
            for delta in (0.9, 1.0, 1.1)
        ),
    ]


def _radius(picks: Picks) -> float:
    """The radius that llmal's ProbCover chose, from its reason for the first pick."""
    return float(picks.why[0].rpartition(" within ")[2])


def dropquery(given: Round) -> list[Pair]:
    pair = partial(Pair, "dropquery", ACTIVEML, measures=DIVERSITY)
    return [
        pair(
            setting="defaults of both: 3 passes rescaled, 5 passes as they are",
            left=ours(given, "dropquery"),
            right=theirs(given, ACTIVEML, "dropquery"),
            why="theirs does not rescale the features that stay, and has 5 passes",
        ),
        pair(
            setting="3 passes, not rescaled",
            left=ours(given, "dropquery", rescale=False),
            right=theirs(given, ACTIVEML, "dropquery", n_dropout_samples=3),
        ),
        pair(
            setting="5 passes, not rescaled",
            left=ours(given, "dropquery", passes=5, rescale=False),
            right=theirs(given, ACTIVEML, "dropquery"),
        ),
    ]


def kmeans(given: Round) -> list[Pair]:
    return [
        Pair(
            "kmeans",
            SMALL,
            "",
            ours(given, "kmeans"),
            theirs(given, SMALL, "kmeans"),
            measures=DIVERSITY,
        )
    ]


COMPARISONS: list[tuple[tuple[str, ...], Callable[[Round], list[Pair]]]] = [
    (("least_confidence", "margin", "entropy"), uncertain),
    (("bald", "query_by_committee", "variation_ratio"), of_committees),
    (("coreset",), coreset),
    (("cal",), cal),
    (("dal",), dal),
    (("badge",), badge),
    (("typiclust",), typiclust),
    (("probcover",), probcover),
    (("dropquery",), dropquery),
    (("kmeans",), kmeans),
]


# Figures ------------------------------------------------------------------------------------------


def fixed_figures(pair: Pair, given: Round, seeds: int) -> dict[str, Any]:
    """Overlap of picks, least over a few seeds, and utilities side by side."""
    overlap, ordered = [], []
    for seed in range(min(seeds, 5)):
        left, right = pair.left(seed), pair.right(seed)
        overlap.append(len(np.intersect1d(left.indices, right.indices)))
        ordered.append(bool((left.indices == right.indices).all()))
    figures: dict[str, Any] = {"same_picks": min(overlap), "same_order": all(ordered)}
    if left.utilities is None:
        return figures
    values = left.utilities
    if right.utilities is not None:
        scaled = values * pair.scale + pair.shift
        figures["utilities"] = {
            "spearman": round(float(stats.spearmanr(scaled, right.utilities)[0]), 6),
            "largest_difference": float(np.abs(scaled - right.utilities).max()),
            "range": [float(scaled.min()), float(scaled.max())],
        }
    rows = [np.searchsorted(given.unlabelled, one.indices) for one in (left, right)]
    chosen = [np.sort(values[one]) for one in rows]
    last = chosen[0][0]
    figures["same_up_to_ties"] = bool(np.allclose(*chosen, rtol=1e-5, atol=1e-9))
    figures["tied_at_last"] = int(np.isclose(values, last, rtol=1e-9, atol=0).sum())
    return figures


def drawn_figures(pair: Pair, measures: Measures, seeds: int) -> dict[str, Any]:
    """Each measure over the seeds: mean and standard deviation of both sides, and tests."""
    sides = []
    for side, first in ((pair.left, 0), (pair.right, 10_000)):
        sides.append([side(first + seed).indices for seed in range(seeds)])
    figures: dict[str, Any] = {}
    for name in pair.measures:
        options = {"delta": pair.extra["delta"]} if name == "covered" else {}
        left, right = (
            np.array([getattr(measures, name)(picks, **options) for picks in side])
            for side in sides
        )
        same = len(np.unique(np.concatenate([left, right]))) == 1
        figures[name] = {
            "llmal": [float(left.mean()), float(left.std(ddof=1))],
            "peer": [float(right.mean()), float(right.std(ddof=1))],
            "mann_whitney": 1.0 if same else float(stats.mannwhitneyu(left, right).pvalue),
            "kolmogorov_smirnov": 1.0 if same else float(stats.ks_2samp(left, right).pvalue),
        }
    return {"measures": figures}


def judge(rows: list[dict[str, Any]]) -> int:
    """Say of each row whether the sides differ; gives the number of tests."""
    tests = 2 * sum(len(row["measures"]) for row in rows if "measures" in row)
    for row in rows:
        if "measures" in row:
            least = min(
                min(one["mann_whitney"], one["kolmogorov_smirnov"])
                for one in row["measures"].values()
            )
            row["least_p"] = least
            row["differs"] = least < LEVEL / tests
        else:
            row["differs"] = row["same_picks"] < row["k"] and not row.get("same_up_to_ties", False)
        if not row["differs"] and row.get("same_picks") in (None, row["k"]):
            row["why"] = ""
    return tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="dbpedia14")
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--labelled", type=int, default=60)
    parser.add_argument("-k", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--only", nargs="+", help="selectors to compare")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    given, _ = real_round(
        Path(options.shared),
        options.data,
        items=options.items,
        labelled=options.labelled,
        k=options.k,
    )
    measures = Measures(given)
    known = set(REGISTRY.names())
    for name in known:  # read now, so that a run of an hour is a run of one version
        REGISTRY.get(name)
    rows: list[dict[str, Any]] = []
    for names, compare in COMPARISONS:
        if options.only and not set(options.only) & set(names):
            continue
        if not known >= set(names):
            print(f"{', '.join(names)}: skipped, not all are registered")
            continue
        for pair in compare(given):
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                figures = (
                    drawn_figures(pair, measures, options.seeds)
                    if pair.measures
                    else fixed_figures(pair, given, options.seeds)
                )
            row = {
                "selector": pair.name,
                "peer": pair.peer,
                "setting": pair.setting,
                "k": options.k,
                **figures,
                "why": pair.why,
                **pair.extra,
            }
            rows.append(row)
            _print(row, time.perf_counter() - started)
    tests = judge(rows)
    for row in rows:
        if row["differs"]:
            print("differs:", row["selector"], row["peer"], row["setting"], "|", row["why"] or "?")
    if options.dry:
        return
    write_results(
        "selectors_agreement",
        {
            "data": options.data,
            "items": options.items,
            "labelled": options.labelled,
            "k": options.k,
            "members": MEMBERS,
            "seeds": options.seeds,
            "tests": tests,
            "level": LEVEL,
            "meaning": MEANING,
            "rows": rows,
        },
    )


def _print(row: dict[str, Any], seconds: float) -> None:
    print(f"{row['selector']} | {row['peer']} | {row['setting']} ({seconds:.0f} s)")
    if "measures" not in row:
        print(
            f"    {row['same_picks']} of {row['k']} picks, same order: {row['same_order']}, "
            f"up to ties: {row.get('same_up_to_ties')} ({row.get('tied_at_last')} tied), "
            f"{row.get('utilities')}",
            flush=True,
        )
        return
    for name, one in row["measures"].items():
        print(
            f"    {name:<14}{one['llmal'][0]:.4f} ± {one['llmal'][1]:.4f}   "
            f"{one['peer'][0]:.4f} ± {one['peer'][1]:.4f}   p {one['mann_whitney']:.3g} "
            f"{one['kolmogorov_smirnov']:.3g}",
            flush=True,
        )


if __name__ == "__main__":
    main()
