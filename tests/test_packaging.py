"""What a user installs: light to import, complete, documented, and in its layers."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import llmal
from llmal.core.registry import Registry
from llmal.loading import KnownModel

PACKAGE = Path(llmal.__file__).parent
REPOSITORY = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = [
    "torch", "transformers", "sklearn", "faiss", "datasets", "sqlalchemy", "matplotlib", "pandas",
    "vllm", "pyarrow", "sentence_transformers", "peft", "outlines", "langchain_core", "accelerate",
]  # fmt: skip


def _loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_importing_llmal_loads_nothing_heavy():
    assert _loaded_by("import llmal").isdisjoint(HEAVY)


def test_asking_for_help_loads_nothing_heavy():
    program = (
        "import contextlib, io, sys\n"
        "from llmal.cli import main\n"
        "sys.argv = ['llmal', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()"
    )
    assert _loaded_by(program).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", llmal.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(llmal, name) is not None
    assert name in dir(llmal)


def test_dir_shows_what_is_meant_to_be_used():
    parts = [getattr(llmal, name) for name in llmal.__all__]
    for package in [llmal, *(one for one in parts if hasattr(one, "__path__"))]:
        assert dir(package) == sorted(package.__all__), package.__name__
    assert {"TYPE_CHECKING", "annotations", "attributes"}.isdisjoint(dir(llmal))
    assert {"annotate", "Task", "Pool", "selectors"} <= set(dir(llmal))


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="module 'llmal' has no attribute 'Poool'"):
        llmal.Poool  # noqa: B018


def test_rooms_import_downwards_only():
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: pip install 'llmal[dev]'")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--no-cache"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_pickle(path: Path):
    banned = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    assert banned.isdisjoint(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_everything_public_has_a_docstring(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path} says nothing of what it holds"
    assert list(_undocumented(tree)) == []


def _undocumented(scope: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in scope.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not _speaks_for_itself(node):
            yield f"{node.name}, line {node.lineno}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node)


def _speaks_for_itself(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A property or an overload, or a hook that SQLAlchemy's own pages describe."""
    marks = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
    return bool(marks & {"property", "overload"}) or node.name.startswith("process_")


def _registries() -> list[tuple[Registry, str]]:
    """Every name of every registry, in whatever module it stands."""
    found: dict[str, Registry] = {}
    for module in pkgutil.walk_packages(llmal.__path__, "llmal."):
        path = Path(*module.name.split("."))
        sources = [REPOSITORY / path.with_suffix(".py"), REPOSITORY / path / "__init__.py"]
        source = next(one for one in sources if one.is_file())
        if "Registry(" in source.read_text(encoding="utf-8"):
            holder = importlib.import_module(module.name)
            found |= {
                value.room: value for value in vars(holder).values() if isinstance(value, Registry)
            }
    return [(registry, name) for _, registry in sorted(found.items()) for name in registry.names()]


def test_every_name_of_every_registry_can_be_loaded():
    pairs = _registries()
    rooms = {registry.room for registry, _ in pairs}
    assert rooms >= {"annotators", "selectors", "learners", "stopping", "demonstrations", "embed"}
    for registry, name in pairs:
        named = registry.get(name)
        usable = isinstance(named, KnownModel) if registry.room == "models" else callable(named)
        assert usable, f"{name} among the {registry.room}"


def test_the_wheel_holds_prompts_and_templates(tmp_path: Path):
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install hatchling")
    if not (REPOSITORY / "pyproject.toml").is_file():
        pytest.skip("llmal is tested as it is installed, without its sources")
    program = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    prompts = {f"llmal/prompts/{one.name}" for one in (REPOSITORY / "prompts").glob("*.yaml")}
    beside_code = {
        one.relative_to(REPOSITORY).as_posix()
        for one in PACKAGE.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts
    }
    assert len(prompts) >= 3
    assert any(name.endswith(".j2") for name in beside_code)
    assert names >= prompts | beside_code
    assert not any(name.split("/")[0] in {"tests", "benchmarks", "examples"} for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_names_of_the_former_room_still_work_and_say_where_they_are():
    import llmal.icl
    import llmal.icl.langchain
    from llmal.few_shot import prepare
    from llmal.integrations.langchain import ExampleSelector

    with pytest.warns(DeprecationWarning, match=r"llmal\.icl\.prepare is now llmal\.few_shot\.pre"):
        assert llmal.icl.prepare is prepare
    with pytest.warns(DeprecationWarning, match=r"now llmal\.integrations\.langchain\.Example"):
        assert llmal.icl.langchain.ExampleSelector is ExampleSelector
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        llmal.icl.Nothing  # noqa: B018
