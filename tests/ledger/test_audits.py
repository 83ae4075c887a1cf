"""Frozen labels and certificates in the ledger."""

from __future__ import annotations

from dataclasses import replace

from llmal.ledger import FrozenLabels, Ledger, RecordedCertificate

_FROZEN = FrozenLabels(
    round=3,
    fingerprint="abc",
    labels={"order": [2, 0, 1], "labels": [0, 1, 0], "epsilon": 0.05, "about": {"k": None}},
    item_ids=("a", "b", "ü 3"),
    contents=("x", "y", "z"),
    task_version=1,
    pool_version=2,
)
_CERTIFICATE = RecordedCertificate({"holds": True, "epsilon": 0.05, "looks": [3, 4]}, "abc", 4)


def test_frozen_labels_are_read_back_as_they_were(place: str) -> None:
    with Ledger.open(place) as ledger:
        assert ledger.frozen() == []
        stored = ledger.add_frozen(_FROZEN)
        assert replace(stored, time=0.0) == _FROZEN
        assert stored.time > 1e9
        later = replace(_FROZEN, round=7, fingerprint="def")
        ledger.add_frozen(later)
    with Ledger.open(place) as ledger:
        assert [replace(one, time=0.0) for one in ledger.frozen()] == [_FROZEN, later]


def test_the_labels_of_a_round_are_frozen_once(ledger: Ledger) -> None:
    first = ledger.add_frozen(_FROZEN)
    assert ledger.add_frozen(replace(_FROZEN, fingerprint="other")) == first
    assert ledger.frozen() == [first]


def test_certificates_are_added_to_and_the_same_is_not_added_again(ledger: Ledger) -> None:
    assert ledger.certificates() == []
    assert ledger.add_certificate(_CERTIFICATE)
    assert not ledger.add_certificate(_CERTIFICATE)
    # As tuples, which JSON reads back as lists, it is the same.
    assert not ledger.add_certificate(
        replace(_CERTIFICATE, certificate={**_CERTIFICATE.certificate, "looks": (3, 4)})
    )
    other = replace(_CERTIFICATE, certificate={"holds": False})
    assert ledger.add_certificate(other)
    assert ledger.add_certificate(_CERTIFICATE)
    found = ledger.certificates()
    assert [replace(one, time=0.0) for one in found] == [_CERTIFICATE, other, _CERTIFICATE]
    assert found[0].time <= found[-1].time
