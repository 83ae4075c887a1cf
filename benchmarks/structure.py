"""The structure of the package in figures: how large its parts are, and how they know each other.

    python benchmarks/structure.py [--before FOLDER]

FOLDER is a checkout of an earlier version, for figures beside those of this one. Printed and
written to results/structure.json. Everything is read from the source; nothing is imported.

- lines of files and of functions, the docstring of a function counted apart; arguments without self
- `Any`: uses of the name, not its imports
- isinstance: calls that name a class of the package that is neither a protocol nor abstract, nor an
  exception, and no plain record (a dataclass without methods of its own)
- getattr: calls with a default
- import cycles: sets of modules that import each other, when loaded, and with imports inside of
  functions and for type checkers too
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results_file import write_results

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 5
_LONG_FILE, _LONG_FUNCTION, _MANY_ARGUMENTS = 500, 60, 12


@dataclass
class Module:
    """One file of the package."""

    name: str
    tree: ast.Module
    lines: int
    is_package: bool
    names: dict[str, str] = field(default_factory=dict)
    """What a name in it stands for: "module:Class"."""


def read_package(folder: Path) -> dict[str, Module]:
    """The modules of a package by name."""
    modules: dict[str, Module] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = list(path.relative_to(folder.parent).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        text = path.read_text(encoding="utf-8")
        modules[name] = Module(name, ast.parse(text), text.count("\n"), is_package)
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    module.names[one.asname or one.name] = f"{node.module}:{one.name}"
            elif isinstance(node, ast.ClassDef):
                module.names[node.name] = f"{module.name}:{node.name}"
    return modules


def functions(modules: dict[str, Module]) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method, with where it stands."""
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{module.name}:{node.name}", node


def _lines(node: ast.FunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _docstring_lines(node: ast.FunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return 0
    assert first.end_lineno is not None
    return first.end_lineno - first.lineno + 1


def _arguments(node: ast.FunctionDef) -> int:
    given = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([one for one in given if one not in ("self", "cls")])


def _base_names(node: ast.ClassDef) -> set[str]:
    named = (ast.unparse(one).split("[")[0].split(".")[-1] for one in node.bases)
    return set(named)


def concrete_classes(modules: dict[str, Module]) -> set[str]:
    """Classes of one kind that do something: no protocols, abstract classes, errors or records."""
    found: set[str] = set()
    for module in modules.values():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = _base_names(node)
            abstract = bases & {"Protocol", "ABC"} or any(one.endswith("Error") for one in bases)
            own = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
            if not abstract and not node.name.endswith(("Error", "Exception")) and own:
                found.add(f"{module.name}:{node.name}")
    return found


def _resolved(modules: dict[str, Module], target: str) -> str:
    """Where a name that a package hands on is defined."""
    seen: set[str] = set()
    while target not in seen:
        seen.add(target)
        module, _, name = target.partition(":")
        if module not in modules or name not in modules[module].names:
            break
        target = modules[module].names[name]
    return target


def isinstance_of_concrete(modules: dict[str, Module]) -> list[str]:
    """The calls that ask for a concrete class, as "module:line Class"."""
    concrete = concrete_classes(modules)
    found: list[str] = []
    for module in modules.values():
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id != "isinstance" or len(node.args) != 2:
                continue
            for name in ast.walk(node.args[1]):
                if isinstance(name, ast.Name):
                    target = _resolved(modules, module.names.get(name.id, ""))
                    if target in concrete:
                        found.append(f"{module.name}:{node.lineno} {name.id}")
    return found


def uses_of_any(modules: dict[str, Module]) -> int:
    """How often the name stands outside of imports."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for module in modules.values()
        for node in ast.walk(module.tree)
    )


def getattr_with_default(modules: dict[str, Module]) -> list[str]:
    """The calls, as "module:line"."""
    return [
        f"{module.name}:{node.lineno}"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) == 3
    ]


def _when_loaded(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _when_loaded(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from _when_loaded(node.body)
        else:
            yield node


def imports(modules: dict[str, Module], *, everywhere: bool) -> dict[str, set[str]]:
    """For each module those of the package that it imports."""
    graph: dict[str, set[str]] = {}
    for name, module in modules.items():
        nodes = ast.walk(module.tree) if everywhere else _when_loaded(module.tree.body)
        targets: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                for one in node.names:
                    inner = f"{node.module}.{one.name}"
                    targets.add(inner if inner in modules else str(node.module))
            elif isinstance(node, ast.Import):
                targets |= {one.name for one in node.names if one.name in modules}
        graph[name] = targets - {name}
    return graph


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of more than one module that reach each other (Tarjan, 1972)."""
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    names = sorted(graph)
    place = {name: number for number, name in enumerate(names)}
    edges = [(place[a], place[b]) for a in names for b in sorted(graph[a])]
    rows, columns = zip(*edges, strict=True) if edges else ((), ())
    matrix = csr_array((np.ones(len(edges)), (rows, columns)), shape=(len(names), len(names)))
    count, label = connected_components(matrix, directed=True, connection="strong")
    groups = [[names[n] for n in np.flatnonzero(label == one)] for one in range(count)]
    return sorted((one for one in groups if len(one) > 1), key=len, reverse=True)


def measure(folder: Path) -> dict[str, Any]:
    """All figures of a package."""
    modules = read_package(folder)
    by_size = sorted(modules.values(), key=lambda one: (-one.lines, one.name))
    code = {name: _lines(node) - _docstring_lines(node) for name, node in functions(modules)}
    whole = {name: _lines(node) for name, node in functions(modules)}
    arguments = {name: _arguments(node) for name, node in functions(modules)}

    def largest(of: dict[str, int]) -> dict[str, int]:
        return dict(sorted(of.items(), key=lambda one: (-one[1], one[0]))[:SHOWN])

    return {
        "files": len(modules),
        "lines": sum(one.lines for one in modules.values()),
        "largest_files": {one.name: one.lines for one in by_size[:SHOWN]},
        f"files_over_{_LONG_FILE}": sum(one.lines > _LONG_FILE for one in by_size),
        "longest_functions": largest(whole),
        "longest_functions_without_docstring": largest(code),
        f"functions_over_{_LONG_FUNCTION}_without_docstring": sum(
            one > _LONG_FUNCTION for one in code.values()
        ),
        "most_arguments": largest(arguments),
        f"functions_over_{_MANY_ARGUMENTS}_arguments": sum(
            one > _MANY_ARGUMENTS for one in arguments.values()
        ),
        "any": uses_of_any(modules),
        "any_per_1000_lines": round(
            1000 * uses_of_any(modules) / sum(one.lines for one in modules.values()), 1
        ),
        "isinstance_of_concrete": len(isinstance_of_concrete(modules)),
        "getattr_with_default": len(getattr_with_default(modules)),
        "cycles_when_loaded": [len(one) for one in cycles(imports(modules, everywhere=False))],
        "cycles_with_late_imports": [len(one) for one in cycles(imports(modules, everywhere=True))],
    }


def main() -> None:
    """Measure this package, and an earlier one beside it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--before", type=Path, help="a checkout of an earlier version")
    parser.add_argument(
        "--list", action="store_true", help="say where isinstance and getattr stand"
    )
    given = parser.parse_args()
    if given.list:
        modules = read_package(ROOT / "llmal")
        print("\n".join([*isinstance_of_concrete(modules), *getattr_with_default(modules)]))
        for group in cycles(imports(modules, everywhere=True)):
            print(" <-> ".join(group))
        return
    figures = {"now": measure(ROOT / "llmal")}
    if given.before is not None:
        figures["before"] = measure(given.before / "llmal")
    print(json.dumps(figures, indent=1))
    print(write_results("structure", figures))


if __name__ == "__main__":
    main()
