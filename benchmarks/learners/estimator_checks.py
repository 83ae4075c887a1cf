"""What scikit-learn's check_estimator finds in each learner, and why what fails must.

    python benchmarks/learners/estimator_checks.py

The checks hand tables of numbers; learners over texts are checked through a subclass that turns
each row into words (`tests/support/estimator_checks.py`). Models have random weights.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2]))

from results_file import write_results

from tests.support.estimator_checks import EXPECTED, SOMETIMES, checked_learners, run_checks


def main() -> None:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in checked_learners(Path(folder)).items():
            found = run_checks(make())
            counts = {
                status: sum(one.status == status for one in found)
                for status in ("passed", "failed", "skipped")
            }
            failed = sorted({one.name for one in found if one.status == "failed"})
            why = {**SOMETIMES, **EXPECTED[name]}
            reasons = {check: why.get(check, "not known") for check in failed}
            skipped = {one.name: one.said for one in found if one.status == "skipped"}
            rows.append({"learner": name, **counts, "reasons": reasons, "why_skipped": skipped})
            print(rows[-1], flush=True)
    write_results("learners_estimator_checks", {"rows": rows})


if __name__ == "__main__":
    main()
