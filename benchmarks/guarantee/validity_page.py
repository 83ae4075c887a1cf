"""The sections of the results page on broken promises, and on precision targets."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def guarantee_validity(figures: Figures) -> list[str]:
    """Settings by modes, the share of broken promises; then audits that were used wrongly."""
    rows = figures["rows"]
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    cells = {(row["setting"], row["mode"]): row for row in rows}
    over = [row for row in rows if row["broken"] > row["limit"]]
    wrong = figures["misused"]
    return [
        f"{figures['audits']:,} simulated audits in each of {len(settings)} settings, for every "
        "mode that promises something: the share of audits after which more labels are wrong than "
        f"was promised, at epsilon = alpha = {figures['epsilon']:.0%}. It may be "
        f"{figures['alpha']:.1%}, and by chance up to {rows[0]['limit']:.1%} (two standard "
        "errors). In brackets: the share of the pool that no person had to label. *Precision by "
        "asking* is `PrecisionAudit` with the labels of the audit as its most: what it asks about "
        "is up to it, so here people are asked about everything, with which its walks go furthest "
        "and no way to ask can break the promise more often. Pools are fixed, "
        "and each audit is a new draw. *Worst* is a pool made to break the rule: one wrong label "
        "more than allowed, alone at the top of the order. *Three looks* is `pool_error` with "
        "nested looks, all of which are made. In settings with duplicates the first four modes and "
        "recall draw groups whole. *fdr* promises an average, so its column has the mean share of "
        "wrong labels among those that stay. "
        + (
            "Nothing is over its limit."
            if not over
            else f"{len(over)} of {len(rows)} are over their limit: "
            + "; ".join(f"{row['setting']}, {row['mode']}: {row['broken']:.2%}" for row in over)
            + "."
        ),
        "",
        *table(
            ["setting", *modes],
            (
                [
                    setting,
                    *(_cell(cells.get((setting, mode))) for mode in modes),
                ]
                for setting in settings
            ),
        ),
        "",
        "The same promise where the audit is not used as it says (2,000 labels, 8 % wrong, 200 "
        "audited; of the duplicates, 400 of 2,000 items are in groups of ten). "
        "`llmal.guarantee.certify` refuses what it can see of this; here its checks are gone "
        "around.",
        "",
        *table(
            ["what is done", "broken promises", "needs no person"],
            (
                [row["words"], f"{row['broken']:.1%}", f"{row['kept']:.2f}"]
                for row in sorted(wrong, key=lambda row: (row["misuse"] != "none", row["broken"]))
            ),
        ),
    ]


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{row['broken']:.1%}" + ("" if row["kept"] is None else f" ({row['kept']:.2f})")


def guarantee_precision(figures: Figures) -> list[str]:
    """Cases by methods: the share of the pool that stays, and of broken promises."""
    rows = figures["rows"]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    cases = list(dict.fromkeys(row["case"] for row in rows))
    cells = {(row["case"], row["method"]): row for row in rows}
    counts = {method: next(row["audits"] for row in rows if row["method"] == method)
              for method in methods}  # fmt: skip
    left_out = figures["left out"]
    asking = (
        "; so does llmal *asking as it goes* (`PrecisionAudit`), which ends when more labels do "
        "not pay (last in its column: for how many it asked on average)"
        if any(_asks(row) for row in rows)
        else ""
    )
    return [
        "`accepted_precision` beside MAPIE's `BinaryClassificationController` (precision; its "
        "default, and its fixed sequence over the same thresholds as llmal's) and BARGAIN's "
        "precision target, as their packages have them, with the same number of labels by people "
        "at most. llmal and MAPIE get the same uniform draw, and BARGAIN chooses what it asks "
        f"about as it goes{asking}. *Audit of the "
        "surest half* is llmal with the audit drawn from there, which caps what can stay. Shares "
        "of the pool that stay and no person has seen; in brackets broken "
        f"promises, which may be {figures['alpha']:.0%}. Promises for future items (MAPIE's, and "
        "llmal's for future items) are judged on the pool too. Audits: "
        + ", ".join(f"{method} {count}" for method, count in counts.items())
        + "."
        + (f" Left out, as the package was not there: {', '.join(left_out)}." if left_out else ""),
        "",
        *table(
            ["labels", "audited", "error", "precision wanted", "hindsight", *methods],
            (
                [
                    case,
                    next(row["audited"] for row in rows if row["case"] == case),
                    f"{next(row['error'] for row in rows if row['case'] == case):.1%}",
                    f"{next(row['precision'] for row in rows if row['case'] == case):.0%}",
                    f"{next(row['hindsight'] for row in rows if row['case'] == case):.2f}",
                    *(_kept(cells[case, method]) for method in methods),
                ]
                for case in cases
            ),
        ),
    ]


def _kept(row: dict[str, Any]) -> str:
    words = f"{row['kept']:.2f} ± {row['spread']:.2f} ({row['broken']:.0%})"
    return words + (f", {row['asked']:.0f}" if _asks(row) else "")


def _asks(row: dict[str, Any]) -> bool:
    return bool(row["method"].endswith("asking as it goes"))
