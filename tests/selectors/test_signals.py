"""The table of signals is the only list of them, and takes those of others."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import llmal
from llmal.errors import ConfigError, SelectionError
from llmal.selectors import SIGNALS, RoundState, SignalKind, add_signal
from llmal.selectors.signals import with_made

SELECTING = Path(__file__).resolve().parents[2] / "docs" / "selecting.md"

DOUBT = SignalKind(
    "how unsure the first label is",
    "give the run a learner",
    supplier="made from the probabilities",
    shape="(U,)",
    rows="unlabelled",
    needs=frozenset({"probabilities"}),
    learnt=True,
    make=lambda state: 1 - state.signal("probabilities")[:, 0],
)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(SIGNALS, "doubt", DOUBT)  # so that it is gone after the test
    add_signal("doubt", DOUBT)
    return "doubt"


def test_rounds_take_what_is_in_the_table_and_nothing_else() -> None:
    arrays = set(inspect.signature(RoundState.from_arrays).parameters)
    suppliers = set(inspect.signature(RoundState.from_pool).parameters)
    assert arrays - set(SIGNALS) == {"labelled", "size", "space", "others"}
    assert suppliers - set(SIGNALS) == {
        "pool",
        "labelled",
        "exclude",
        "space",
        "forecasts",
    }
    assert set(SIGNALS) <= arrays
    assert set(SIGNALS) - suppliers == {"texts"}  # the pool has them
    for name in set(SIGNALS) - {"texts"}:  # which `items` gives
        assert hasattr(RoundState, name)


def test_the_documents_have_the_table() -> None:
    written = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", SELECTING.read_text(), re.M)
    known = [(name, kind.shape or "–", kind.supplier) for name, kind in SIGNALS.items()]
    assert written == known


def test_what_can_be_made_is_there() -> None:
    assert with_made({"embeddings"}) == {"embeddings", "features"}
    assert with_made({"probabilities"}) == {"probabilities", "uncertainty"}
    assert with_made({"labels"}) == {"labels"}


def _state() -> RoundState:
    return RoundState.from_arrays(
        probabilities=np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [0.2, 0.8]]),
        labelled=[0],
        labels=[0],
    )


def test_an_added_signal_is_made_from_others(added: str) -> None:
    state = _state()
    assert added in state.signals
    assert np.allclose(state.signal(added), [0.7, 0.5, 0.8])
    assert np.allclose(state.among(np.array([2])).signal(added), [0.8])
    bare = RoundState.from_arrays(labelled=[0], labels=[0], size=4)
    with pytest.raises(SelectionError, match="this round has no doubt; give the run a learner"):
        bare.signal(added)
    with pytest.raises(SelectionError, match="selector mine needs doubt, and this round has none"):
        bare.need(frozenset({added}), "mine")


def test_an_added_signal_is_taken_from_the_caller(added: str) -> None:
    given = np.array([3.0, 4.0, 5.0])
    state = RoundState.from_arrays(labelled=[0], labels=[0], size=4, others={added: given})
    assert (state.signal(added) == given).all()
    assert (state.among(np.array([0, 2])).signal(added) == [3.0, 5.0]).all()


def test_a_run_has_an_added_signal(added: str, tmp_path: Path) -> None:
    class Doubtful:
        """Picks what is least sure to be of the first label."""

        name = "doubtful"
        requires = frozenset({added})
        spaces = ("single",)

        def select(
            self, state: RoundState, k: int, rng: np.random.Generator
        ) -> llmal.selectors.Selection:
            doubt = state.signal(added)
            rows = np.argsort(-doubt, kind="stable")[:k]
            return llmal.selectors.Selection(state.unlabelled[rows], doubt[rows], ["doubt"] * k)

    rows = [{"text": f"{word} {n}", "gold": word} for n in range(8) for word in ("cat", "soup")]
    pool = llmal.Pool.from_pandas(rows, gold="gold", cache=tmp_path)
    run = llmal.Orchestrator(
        llmal.Task("farm", ["cat", "soup"]),
        pool,
        directory=tmp_path / "run",
        annotator=llmal.annotators.SimulatedHuman(),
        start=llmal.selectors.Random(),
        selector=Doubtful(),
        budget=llmal.Budget(human_labels=8, batch=4),
    )
    assert len(run.run().annotations) == 8


def test_names_of_signals_are_checked() -> None:
    with pytest.raises(ConfigError, match="there is a signal 'costs' already"):
        add_signal("costs", DOUBT)
    broken = SignalKind("x", "y", supplier="z", needs=frozenset({"probabilites"}))
    with pytest.raises(ConfigError, match="did you mean 'probabilities'"):
        add_signal("mine", broken)
    with pytest.raises(ConfigError, match=r"there is no signal 'cost'.*did you mean 'costs'"):
        _state().signal("cost")
    with pytest.raises(ConfigError, match="there is no signal 'doubt'"):
        RoundState.from_arrays(labelled=[0], labels=[0], size=4, others={"doubt": [1, 2, 3]})


def test_the_former_name_of_the_table_still_works() -> None:
    with pytest.warns(DeprecationWarning, match="now llmal.selectors.SIGNALS"):
        assert llmal.selectors.KINDS is SIGNALS
