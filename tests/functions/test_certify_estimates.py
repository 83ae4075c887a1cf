from __future__ import annotations

import numpy as np
import pytest

import llmal


def test_estimates_of_a_table_have_the_shares_of_classes() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(["no", "yes"], 400, p=[0.7, 0.3])
    machine = np.where(rng.random(400) < 0.9, truth, np.where(truth == "no", "yes", "no"))
    audited = rng.permutation(400)[:200]
    rows = [
        {"llm": said, "p": float(rng.random()), "checked": None, "before": None}
        for said in machine.tolist()
    ]
    for row in audited[:150].tolist():
        rows[row]["checked"] = str(truth[row])
    for row in audited[150:].tolist():
        rows[row]["before"] = "yes"
    made = llmal.certify(
        rows, label="llm", score="p", audit="checked", people="before", mode="estimate_only"
    )
    estimates = made.certificate.details["estimates"]
    assert (estimates["items"], estimates["audited"]) == (350, 150)
    assert not made.certificate.holds
    # The rows that people had labelled are all called yes, and counted as they are.
    rest = np.setdiff1d(np.arange(400), audited[150:])
    share = ((truth[rest] == "yes").sum() + 50) / 400
    by_label = {one["label"]: one["share"] for one in estimates["classes"]}
    assert by_label["yes"]["low"] <= share <= by_label["yes"]["high"]
    assert by_label["no"]["low"] == pytest.approx(1 - by_label["yes"]["high"], abs=0.02)
    assert "Shares of the classes among the rows" in made.certificate.promise
