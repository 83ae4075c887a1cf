from __future__ import annotations

import subprocess
import sys

import pytest

import llmal as package

COMMANDS = ["run", "plan", "annotate", "select", "strategies", "generate", "report", "export"]
COMMANDS += [
    "doctor",
    "train",
    "export-learner",
    "predict",
    "serve",
    "models",
    "trial",
    "label",
    "certify",
    "forecast",
]
HEAVY = ["numpy", "torch", "transformers", "sklearn", "datasets", "sqlalchemy", "pyarrow", "pandas"]


def test_help_names_every_command(llmal):
    result = llmal("--help")
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(llmal, command):
    result = llmal(command, "--help")
    assert result.exit_code == 0
    assert f"llmal {command} " in result.stdout
    assert "--json" in result.stdout


def test_version(llmal):
    assert llmal("--version").stdout == f"llmal {package.__version__}\n"


def test_wrong_usage_exits_with_2(llmal):
    assert llmal("run").exit_code == 2
    assert llmal("select", "--data", "x.csv", "--out", "y.csv", "-k", "0").exit_code == 2
    assert llmal("report", "no-such-directory").exit_code == 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom llmal.cli.app import app\ntry:\n  app(['run', '--help'])\n"
        "except SystemExit: pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.endswith("loaded: []\n")
