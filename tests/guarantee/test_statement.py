"""A promise in its parts, and certificates that kept it as one paragraph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmal.guarantee import Certificate, ClassFound, certify
from llmal.guarantee.statement import Statement


def test_a_statement_is_put_together_from_its_parts():
    whole = Statement("all is right", "once it is done", ("2 others are not",), "It means this.")
    assert whole.brief == "all is right, once it is done; 2 others are not"
    assert str(whole) == f"{whole.brief}. It means this."
    assert str(Statement("all is right")) == "all is right."


def _made(mode, **more):
    order, audited = np.arange(900), np.arange(0, 900, 6)
    return certify(order, audited, audited > 700, mode=mode, **more)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("pool_error", {}),
        ("looks", {"looks": (60, 150)}),
        ("anytime", {}),
        ("accepted_precision", {}),
        ("recall", {"found": ClassFound(by_people=400)}),
        ("fdr", {}),
        ("estimate_only", {}),
        ("pool_error", {"epsilon": 0.001}),
    ],
)
def test_a_certificate_that_kept_its_promise_as_one_paragraph_is_read(mode, options):
    now = _made(mode, **options)
    kept = now.as_dict()
    assert kept["promise"] == now.promise
    assert Certificate.from_dict(kept).as_dict() == kept
    for name in ("claim", "condition", "meaning"):
        del kept[name]
    if mode == "recall":  # Its claim went on behind the condition.
        kept["promise"] = kept["promise"].replace("them. At least", "them: at least")
    old = Certificate.from_dict(kept)
    assert old.statement == now.statement
    # The condition goes once people have labelled what it names, and nothing else does.
    assert replace(old, condition="").promise == replace(now, condition="").promise


def test_a_condition_is_a_part_of_its_own():
    certificate = _made("pool_error")
    named = f"{len(certificate.to_people):,} items that are named for them"
    assert certificate.condition == f"once people have labelled the {named}"
    assert certificate.claim.endswith("are wrong")
    assert f"are wrong, {certificate.condition}. A label is wrong" in certificate.promise
