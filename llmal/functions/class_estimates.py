"""How frequent each class is in a table of labels, beside the estimate of their accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.estimates import estimate
from llmal.guarantee.evidence import NONE
from llmal.task.spaces import Space


def with_classes(
    certificate: Certificate,
    space: Space,
    machine: Sequence[Answer | None],
    people: Sequence[Answer | None],
    audit: Sequence[Answer | None],
    audited: NDArray[np.int64],
    order: NDArray[np.int64],
) -> Certificate:
    """An estimate with the share of every class among the rows, in words and in its details.

    Rows that neither the machine nor people have labelled are not counted.

    Args:
        certificate: Of the mode "estimate_only".
        space: What answers are.
        machine: The machine's labels of all rows.
        people: Labels by people that are no audit.
        audit: What people said in the audit; None where they skipped a row.
        audited: Rows of the audit.
        order: Rows that may be audited.
    """
    rows = np.sort(order)
    said = space.targets([one for row in rows.tolist() if (one := machine[row]) is not None])
    answers = [audit[row] for row in audited.tolist()]
    told = np.full((len(answers), *said.shape[1:]), NONE, dtype=np.int64)
    has = np.array([one is not None for one in answers], dtype=np.bool_)
    told[has] = space.targets([one for one in answers if one is not None])
    places = np.searchsorted(rows, audited)
    differing = told != said[places]
    wrong = differing if differing.ndim == 1 else differing.any(axis=1)
    known = [one for one in people if one is not None]
    found = estimate(
        len(rows),
        wrong,
        machine=said,
        audited=places,
        people=told,
        labels=space.labels,
        known=space.targets(known) if known else None,
        level=1 - certificate.alpha,
    )
    shares = "; ".join(
        f"{one.label}: {one.share.low:.1%} to {one.share.high:.1%} ({one.share.method}; the "
        f"machine says {one.said:.1%})"
        for one in found.classes
    )
    return replace(
        certificate,
        meaning=f"{certificate.meaning} Shares of the classes among the rows, each by itself: "
        f"{shares}.",
        details={**certificate.details, "estimates": found.as_dict()},
    )
