from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from llmal.annotators import (
    Context,
    LabellingPrograms,
    Program,
    ProgramWriter,
    Sandbox,
    read_programs,
    save_programs,
)
from llmal.annotators.programs import child
from llmal.annotators.programs.votes import Combination, coded, judge
from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.lm import TransformersLM
from llmal.task import Task

TEXTS = ["a good film", "a bad film", "a film"]
GOOD = """
import re
WORDS = re.compile("good|great")

def label(text):
    found = 0
    for word in text.split():
        found += 1
    if found and WORDS.search(text):
        return "pos"
    if "bad" in text:
        return "neg"
"""


def _label(body: str) -> str:
    return "def label(text):\n    " + body.replace("\n", "\n    ") + "\n"


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(seconds=1, memory=256)


def test_a_program_labels_what_it_knows(sandbox: Sandbox):
    found = sandbox.run(GOOD, TEXTS)
    assert found.votes == ("pos", "neg", None)
    assert not found.errors
    assert found.fault is None
    assert sandbox.run(GOOD, []).votes == ()
    pairs = sandbox.run(_label("return text['a'] + text['b']"), [{"a": "x", "b": "y"}])
    assert pairs.votes == ("xy",)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (_label("while True: pass"), "more than 1 seconds for 3 texts"),
        ("while True: pass", "more than 1 seconds for 3 texts"),
        (
            "import re\n" + _label("return re.match('(a+)+$', 'a' * 40 + 'b')"),
            "more than 1 seconds",
        ),
        (_label("return sum(n for n in range(10 ** 12))"), "more than 1 seconds"),
        (_label("return 'a' * 10 ** 10"), "more memory"),
        (
            _label("kept = []\nwhile True: kept.append('a' * 10 ** 6 + str(len(kept)))"),
            "more memory",
        ),
        ("import os\n" + _label("return 'pos'"), "may be imported, not os"),
        ("import socket\n" + _label("return 'pos'"), "may be imported, not socket"),
        (_label("return ().__class__.__bases__"), 'starts with "_"'),
        (_label("exec('x = 1')"), "Exec calls are not allowed"),
        ("def label(text:", "never closed"),
        ("x = " + "(" * 5000 + ")" * 5000, "too many nested"),
        ("x = 1", "defines no function label"),
        (_label("raise SystemExit(0)"), "SystemExit"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_program_that_cannot_be_used_says_why(sandbox: Sandbox, source: str, fault: str):
    found = sandbox.run(source, TEXTS)
    assert found.fault is not None
    assert fault in found.fault
    assert not found.votes


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("open('touched', 'w').write('x')", "name 'open' is not defined"),
        ("return eval('1')", "Eval calls"),
        (
            "import re\nreturn re.enum.sys.modules['os'].system('touch touched')",
            "no attribute 'enum'",
        ),
        ("return '{0.__class__}'.format(text)", "format"),
        ("return getattr(text, '__class__')", "name 'getattr' is not defined"),
        ("return label(text)", "recursion"),
        ("return 1 / 0", "division by zero"),
    ],
)
def test_what_fails_on_a_text_abstains_from_it(sandbox: Sandbox, body: str, error: str):
    found = sandbox.run(_label(body), TEXTS)
    if found.fault is not None:  # refused as a whole is as good
        assert error in found.fault
        return
    assert found.votes == (None, None, None)
    assert error in next(iter(found.errors))
    assert sum(found.errors.values()) == 3


def test_what_is_printed_or_long_does_no_harm(sandbox: Sandbox):
    found = sandbox.run(_label("print(text * 1000)\nreturn 'x' * 10 ** 7"), TEXTS)
    assert [len(one) for one in found.votes] == [200] * 3
    assert sandbox.run(_label("return [1]"), TEXTS).votes == (None, None, None)


def test_behind_the_first_wall_stands_another(tmp_path: Path):
    """Python without restrictions, as if a program had got round RestrictedPython."""
    server = subprocess.Popen(
        [sys.executable, "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); "
         "s.listen(); print(s.getsockname()[1], flush=True); s.accept(); print('reached')"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    port = server.stdout.readline().strip()
    code = f"""
import json, os, runpy, socket, subprocess, sys, ctypes
child = runpy.run_path({child.__file__!r})
tried = {{
    "write": lambda: open("touched", "w"),
    "read": lambda: open("/etc/hostname").read(),
    "list": lambda: os.listdir("/"),
    "system": lambda: os.system("touch touched"),
    "fork": lambda: os.fork(),
    "run": lambda: subprocess.run(["touch", "touched"]),
    "socket": lambda: socket.create_connection(("127.0.0.1", {port})),
    "import": lambda: __import__("sqlite3"),
    "library": lambda: ctypes.CDLL(None),
    "frames": lambda: sys._getframe(),
}}
child["arm"]()
refused = []
for name, act in tried.items():
    try:
        act()
    except PermissionError:
        refused.append(name)
print(json.dumps(refused))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    server.terminate()
    refused = json.loads(done.stdout)
    assert sorted(refused) == sorted(
        ["write", "read", "list", "system", "fork", "run", "socket", "import", "library", "frames"]
    )
    assert not list(tmp_path.iterdir())
    assert "reached" not in server.stdout.read()


def test_limits_that_cannot_be_are_refused(monkeypatch):
    with pytest.raises(ConfigError, match="seconds is 0"):
        Sandbox(seconds=0)
    with pytest.raises(ConfigError, match="memory is 10"):
        Sandbox(memory=10)
    find = "llmal.annotators.programs.sandbox.importlib.util.find_spec"
    monkeypatch.setattr(find, lambda name: None if name == "RestrictedPython" else object())
    with pytest.raises(ConfigError, match=r"pip install \"llmal\[programs\]\""):
        Sandbox()


def test_votes_are_names_in_any_case_or_numbers():
    table = coded([["POS ", "neg", None, "?"], [1, -1, 7, 0]], ["neg", "pos"])
    assert table.tolist() == [[1, 1], [0, -1], [-1, -1], [-1, 0]]
    assert coded([], ["a", "b"]).shape == (0, 0)


def test_a_program_no_better_than_chance_is_dropped():
    labels = np.array([0, 0, 0, 1] * 2)
    always = np.zeros(8, dtype=int)  # right as often as the label is frequent
    right = np.array([-1, -1, 0, 1] * 2)
    wrong = 1 - labels
    silent = np.full(8, -1)
    found = judge(np.stack([always, right, wrong, silent], axis=1), labels, 2)
    assert [one.dropped is None for one in found] == [False, True, False, False]
    assert (found[0].votes, found[0].right, found[0].chance) == (8, 6, 0.75)
    assert "right on 6 of 8 labelled items, which may be chance (75% would be)" in found[0].dropped
    rng = np.random.default_rng(0)
    guesses = rng.integers(2, size=(400, 60))
    kept = [one.dropped is None for one in judge(guesses, rng.integers(2, size=400), 2)]
    assert sum(kept) <= 20  # of 60 at 0.2 each; 21 and more with a probability below 0.01
    assert "no answer for any labelled item" in found[3].dropped


def test_programs_are_combined_by_bayes_rule():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=60)
    votes = np.where(rng.random((60, 4)) < 0.7, labels[:, None], rng.integers(3, size=(60, 4)))
    votes[rng.random((60, 4)) < 0.4] = -1

    found = Combination.fit(votes, labels, 3)

    for row in range(5):
        expected = found.shares.copy()
        for program, vote in enumerate(votes[row]):
            if vote >= 0:
                accuracy = found.accuracies[program]
                expected *= [accuracy if one == vote else (1 - accuracy) / 2 for one in range(3)]
        expected **= 1 / found.temperature
        assert found.probabilities(votes[row : row + 1])[0] == pytest.approx(
            expected / expected.sum()
        )
    told = (votes >= 0).any(axis=1)
    said = found.probabilities(votes)
    assert (said.argmax(axis=1) == labels)[told].mean() > 0.75
    np.testing.assert_allclose(
        found.probabilities(np.full((1, 4), -1))[0], _warmer(found.shares, found)
    )


def _warmer(shares: np.ndarray, found: Combination) -> np.ndarray:
    warm = shares ** (1 / found.temperature)
    return warm / warm.sum()


def test_copies_of_a_program_do_not_make_it_surer_for_long():
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=200)
    one = np.where(rng.random(200) < 0.7, labels, 1 - labels)
    alone = Combination.fit(one[:, None], labels, 2).probabilities(one[:, None]).max(axis=1).mean()
    copies = np.repeat(one[:, None], 8, axis=1)
    together = Combination.fit(copies, labels, 2).probabilities(copies).max(axis=1).mean()
    assert alone == pytest.approx(0.7, abs=0.03)
    assert together == pytest.approx(alone, abs=0.03)


TASK = Task("films", ["neg", "pos"])
LABELLED = [Item(f"l{n}", f"a {word} film", gold=gold) for n, (word, gold) in enumerate(
    [("good", "pos"), ("bad", "neg"), ("great", "pos"), ("dull", "neg")] * 5)]  # fmt: skip
ITEMS = [Item(f"i{n}", text) for n, text in enumerate(TEXTS)]


def test_the_annotator_drops_what_is_of_no_use_and_says_so(caplog):
    annotator = LabellingPrograms(
        TASK,
        [
            Program("words", GOOD),
            Program("contrary", _label("return 'neg' if 'good' in text else 'pos'")),
            Program("endless", _label("while True: pass")),
            Program("broken", _label("return text.nothing")),
        ],
        seconds=1,
    )
    context = Context(demonstrations=LABELLED, round=2)
    assert annotator.needs() == {"labelled"}

    found = annotator.annotate(ITEMS, context)

    assert [one.label for one in found] == ["pos", "neg", None]
    assert found[0].probabilities["pos"] > 0.8
    assert found[0].provenance == {"votes": {"words": "pos"}}
    assert found[2].flags == ("no program knows it",)
    assert found[2].probabilities is None
    assert {one.round for one in found} == {2}
    assert [one.verdict.dropped is None for one in annotator.reports_] == [
        True,
        False,
        False,
        False,
    ]
    assert "'contrary' is dropped: it is right on 5 of 20 labelled items" in caplog.text
    assert "'endless' is dropped: it took more than 1 seconds" in caplog.text
    assert "'broken' is dropped: it has no answer" in caplog.text
    assert annotator.reports_[0].coverage == 0.75
    assert annotator.plan(ITEMS, context).highest.prompt_tokens == 0


def test_the_annotator_needs_something_to_judge_by(tmp_path: Path):
    nothing = LabellingPrograms(TASK, [Program("words", GOOD)]).annotate(ITEMS)
    assert [one.label for one in nothing] == [None] * 3
    assert nothing[0].flags == ("no labels to judge programs by",)
    with pytest.raises(ConfigError, match="there is no labelling program"):
        LabellingPrograms(TASK, [])
    with pytest.raises(DataError, match="cannot be read"):
        LabellingPrograms(TASK, tmp_path / "gone.json")
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(DataError, match="holds no labelling programs"):
        read_programs(tmp_path / "other.json")


def test_programs_are_kept_in_a_file(tmp_path: Path):
    programs = [Program("words", GOOD, {"model": "m"}), Program("other", "x = 1")]
    save_programs(tmp_path / "programs.json", programs)
    assert read_programs(tmp_path / "programs.json") == programs
    (tmp_path / "own.py").write_text(GOOD)
    assert read_programs(tmp_path / "own.py") == [Program("own", GOOD)]


def test_a_model_writes_programs_and_nonsense_is_dropped(tiny_lm_path: Path, caplog):
    lm = TransformersLM(tiny_lm_path, device="cpu")
    writer = ProgramWriter(TASK, lm, shots=4, max_tokens=24)
    plan = writer.plan(3, LABELLED, seed=1)

    programs = plan.execute()

    again = writer.plan(3, LABELLED, seed=1)
    assert [one.source for one in again.execute()] == [one.source for one in programs]
    assert again.prompts == plan.prompts
    assert writer.plan(3, LABELLED, seed=2).prompts != plan.prompts
    assert [one.name for one in programs] == ["1: neg", "2: pos", "3: neg"]
    assert programs[0].provenance["model"] == lm.fingerprint
    assert plan.highest.completion_tokens == 3 * 24
    found = LabellingPrograms(TASK, programs, seconds=1).annotate(
        ITEMS, Context(demonstrations=LABELLED)
    )
    assert [one.label for one in found] == [None] * 3
    assert "no labelling program is left" in caplog.text


def test_the_program_is_taken_out_of_what_a_chat_model_writes(tiny_lm_path: Path):
    writer = ProgramWriter(TASK, TransformersLM(tiny_lm_path, device="cpu"))
    writer.style = "chat"
    assert writer._source("Sure!\n```python\nx = 1\n```\nIt works.") == "x = 1\n"
    assert writer._source("```\nx = 1") == "x = 1\n"
    assert writer._source("x = 1") == "x = 1\n"
    writer.style = "completion"
    assert writer._source("\n    return None\n\n# next\ny = 2") == (
        "import re\n\ndef label(text):\n    return None\n"
    )
