"""What certificates and forecasts look like where they are printed."""

from __future__ import annotations

import numpy as np

from llmal.guarantee import certify
from llmal.guarantee.forecast import Forecast, Needed
from llmal.guarantee.standing import in_short


def test_a_certificate_is_short_however_long_the_pool() -> None:
    order = np.arange(2000)
    certificate = certify(order, order[::5], np.zeros(400, dtype=bool))
    assert repr(certificate) == (
        "<Certificate pool_error: holds=True, epsilon=0.05, alpha=0.05, items=2,000, audited=400, "
        "wrong=0, accepted=2,000, to_people=0>"
    )
    assert str(certificate) == certificate.promise
    void = certificate.void("the task has changed")
    assert str(void) == "VOID: the task has changed"
    assert repr(void).endswith(", voided_by='the task has changed'>")


def test_a_promise_in_short_says_what_is_certain() -> None:
    order = np.arange(100)
    drawn, right = order[::1][:60], np.zeros(60, dtype=bool)
    kept = "of 100 labels 5 at most (5 %) are wrong, with a probability of 95 % or more"
    assert in_short(certify(order, drawn, right)) == kept
    certain = "which is certain, as people gave all others"
    some = certify(order[:4], [], [], items=100)
    assert in_short(some) == f"of 100 labels 5 at most (5 %) are wrong, {certain}"
    one = certify(order[:1], [], [], items=20)
    assert in_short(one) == f"of 20 labels 1 at most (5 %) is wrong, {certain}"


def test_a_forecast_prints_its_table() -> None:
    needed = Needed(epsilon=0.05, people=1200, low=900, high=1500, audited=200, saved=0.4)
    found = Forecast("pilot", 2000, 100, 0.05, 0.9, (needed,))
    assert repr(found) == (
        "<Forecast by pilot, 2,000 items, 100 labelled; labels of people in all {0.05: 1,200}>"
    )
    assert str(found) == found.text()
    assert "900 to 1,500" in str(found)
