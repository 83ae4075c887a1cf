"""How many labels the promise of a campaign is forecast to take, as its ledger grows."""

from __future__ import annotations

from pathlib import Path

from promised import SMALL, campaign_of, finish
from told_answers import pool_of

from llmal.guarantee import Guarantee
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.forecast import Rates

PROMISE = Guarantee(parts={**SMALL, "score": ConfidenceScore()})


def test_a_forecast_goes_by_the_ledger(tmp_path: Path) -> None:
    pool = pool_of(300, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", seed=4, guarantee=PROMISE) as campaign:
        assert campaign.forecast() is None, "nobody has answered yet"
        finish(campaign, until="doubtful")
        first = campaign.forecast(rates=Rates(money=2.0))
        assert first is not None
        assert (first.basis, first.items, first.labelled) == ("pilot", 300, 20)
        assert [one.epsilon for one in first.needed] == [0.01, 0.02, 0.05, 0.10]
        assert first.rates.money == 2.0
        finish(campaign, until="audit")
        second = campaign.forecast()
        assert second is not None
        assert second.basis == "audit"
        assert [one.epsilon for one in second.needed] == [0.05]
        finish(campaign)
        last = campaign.forecast()
        assert last is not None
        asked = sum(one.kind == "human" for one in campaign.open().annotations())
        assert last.basis == "certificate"
        needed = last.at(0.05)
        assert needed.low == needed.people == needed.high == asked
        assert first.at(0.05).low <= asked <= first.at(0.05).high


def test_a_promise_of_another_share_is_forecast_too(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", guarantee=PROMISE) as campaign:
        finish(campaign, until="doubtful")
        found = campaign.forecast(epsilons=(0.2,))
        assert found is not None
        assert [one.epsilon for one in found.needed] == [0.05, 0.2]


def test_where_nothing_is_promised_nothing_is_forecast(tmp_path: Path) -> None:
    with campaign_of(
        pool_of(40, tmp_path / "cache"), tmp_path / "run", guarantee="off"
    ) as campaign:
        assert campaign.forecast() is None
