"""Who may import whom, read from the source, so that the rooms stay rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WORKER_SIDE = {
    "engine.compiled",
    "engine.device",
    "engine.download",
    "engine.embeddings",
    "engine.forwards",
    "engine.latents",
    "engine.loading",
    "engine.peak",
    "engine.pipelines",
    "engine.samebits",
    "engine.schedulers",
    "engine.tiny",
}
"""What runs in the worker process, or trains the embedded model: torch is at home here, and nowhere else."""

AT_HOME = {
    "torch": WORKER_SIDE,
    "transformers": WORKER_SIDE,
    "diffusers": {"engine.loading", "engine.peak", "engine.pipelines", "engine.schedulers", "engine.tiny"},
    "compel": {"engine.embeddings"},
    "discord": {"bot"},
    "fastapi": {"engine.service"},
    "starlette": {"engine.service"},
    "uvicorn": {"engine.service"},
    "prometheus_client": {"engine.service"},
    "simcord": {"bot.sandbox", "bot.simulated"},
    "aiosqlite": {"engine.database", "engine.ledger", "engine.rows", "engine.schema", "bot.store"},
    "sd_parsers": {"bot.metadata"},
    "typer": {"engine.__main__", "engine.shell", "engine.service.commands", "bot.__main__", "engine.tiny"},
    "rich": {"engine.__main__", "engine.shell", "engine.service.commands"},
}
"""Libraries, and the only rooms that know them."""

NEVER = {
    "engine": {"bot"},
    "engine.errors": {"engine"},
    "engine.types": {"engine"},
    "engine.fairness": {"aiosqlite", "asyncio"},
    "engine.catalog": {"asyncio", "engine.ledger", "engine.dispatch", "engine.local"},
    "engine.ledger": {"engine.dispatch", "engine.local", "engine.worker"},
    "engine.images": {"engine.ledger", "engine.dispatch", "engine.local", "engine.worker"},
    "engine.dispatch": {"engine.local", "engine.worker", "engine.loading", "engine.pipelines"},
    "engine.line": {"asyncio", "threading", "time", "engine.ledger", "engine.dispatch", "engine.local"},
    "engine.local": {"engine.ledger", "engine.dispatch"},
    "engine.prompting": {"engine", "asyncio", "numpy"},
    "engine.residency": {"engine", "asyncio", "threading", "time"},
    "engine.affinity": {"asyncio", "threading", "time", "engine.ledger", "engine.dispatch", "engine.local"},
    "engine.rowplan": {"engine", "threading", "time", "numpy"},
    "engine.stepper": {"engine.worker", "engine.local", "engine.loading", "engine.pipelines"},
    "engine.samebits": {"engine.forwards", "engine.stepper", "engine.worker", "engine.loading", "engine.pipelines"},
    "engine.forwards": {"engine.stepper", "engine.worker", "engine.loading", "engine.pipelines"},
    "engine.remote": {"engine.ledger", "engine.dispatch", "engine.local", "engine.service"},
    "engine.service.keys": {"fastapi", "starlette", "asyncio"},
    "engine.worker": {"engine.ledger", "engine.dispatch", "engine.local"},
    "engine.pipelines": {"engine.loading", "engine.ledger", "engine.dispatch", "engine.local"},
    "engine.loading": {"engine.ledger", "engine.dispatch", "engine.local"},
    "bot.permissions": {"discord", "asyncio"},
    "bot.options": {"discord", "asyncio"},
    "bot.styles": {"discord", "asyncio"},
    "bot.defaults": {"discord", "asyncio"},
    "bot.wording": {"discord", "asyncio"},
    "bot.explain": {"discord", "asyncio"},
    "bot.metadata": {"discord", "asyncio"},
    "bot.pages": {"asyncio", "bot.client", "bot.delivery"},
    "bot.messages": {"asyncio", "bot.client", "bot.delivery"},
    "bot.store": {"discord"},
}
"""What a room must not know: the ground nothing of the house, pure rooms no event loop, the engine no Discord."""


def inside(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): ast.parse(path.read_bytes()) for room in ("bot", "engine") for path in (ROOT / room).rglob("*.py")
}


def imported(node: ast.AST, *, lazily: bool = True) -> Iterator[str]:
    """The modules that `node` imports, with `lazily` also in a function or a `try`; never those of type checks."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module, names, level):
                assert level == 0, "imports are absolute here"
                assert module
                for name in names:
                    whole = f"{module}.{name.name}"
                    yield whole if whole in MODULES else module
            case ast.If(ast.Name("TYPE_CHECKING")):
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Try() if not lazily:
                pass
            case _:
                yield from imported(child, lazily=lazily)


@pytest.mark.parametrize(("library", "homes"), AT_HOME.items())
def test_a_library_is_known_only_where_it_is_at_home(library: str, homes: set[str]) -> None:
    users = {module for module, tree in MODULES.items() if any(inside(name, {library}) for name in imported(tree))}
    assert users, f"nobody imports {library}: take it off the table"
    assert {module for module in users if not inside(module, homes)} == set()


@pytest.mark.parametrize(("room", "others"), NEVER.items())
def test_a_room_does_not_know_what_it_must_not(room: str, others: set[str]) -> None:
    trees = [tree for module, tree in MODULES.items() if inside(module, {room})]
    assert trees, f"there is no {room}: take it off the table"
    assert [name for tree in trees for name in imported(tree) if inside(name, others)] == []


def test_no_module_needs_itself_to_be_imported() -> None:
    needs = {module: set(imported(tree, lazily=False)) & set(MODULES) for module, tree in MODULES.items()}
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


def reached(*starts: str, lazily: bool = True) -> set[str]:
    """Everything that is imported by name from these modules on, at once or ever."""
    seen, open_ = set(), list(starts)
    while open_:
        module = open_.pop()
        if module not in seen:
            seen.add(module)
            if module in MODULES:
                open_ += imported(MODULES[module], lazily=lazily)
    return seen


def test_the_bot_and_the_shell_never_reach_the_workers_side() -> None:
    programs = ("bot.__main__", "engine.__main__", "engine.diffusion_service", "engine.remote")
    assert {name for name in reached(*programs) if inside(name, WORKER_SIDE | {"torch"})} == set()


def test_the_bot_reaches_nothing_of_the_web_server() -> None:
    servers = {"engine.service", "fastapi", "starlette", "uvicorn", "prometheus_client"}
    assert {name for name in reached("bot.__main__") if inside(name, servers)} == set()


def test_the_worker_is_tied_to_its_parent_before_anything_heavy_is_imported() -> None:
    first = {name.partition(".")[0] for name in imported(MODULES["engine.leash"], lazily=False)}
    assert first <= sys.stdlib_module_names
    assert {name for name in reached("engine", lazily=False) if name in MODULES} == {"engine"}


def declared() -> dict[str, set[str]]:
    """The distributions that pyproject.toml names, by extra; "" is what everybody gets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: {canonical(re.split(r"[\[<>=~; ]", line)[0]) for line in lines} for extra, lines in lists.items()}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_library_that_is_imported_is_declared() -> None:
    homes = packages_distributions()
    extras = declared()
    everything = set().union(*extras.values()) - extras["dev"]
    at_once = reached("bot.__main__", "engine.__main__", lazily=False)
    for module, tree in MODULES.items():
        needed = set(imported(tree, lazily=False)) if module in at_once else set()
        for name in imported(tree):
            library = name.partition(".")[0]
            if library in sys.stdlib_module_names or library in ("bot", "engine"):
                continue
            allowed = extras[""] if name in needed else everything
            found = {canonical(home) for home in homes.get(library, [library])}
            assert found & allowed, f"{module} imports {library}, which pyproject.toml does not declare for it"


def test_every_library_that_a_test_imports_is_declared() -> None:
    homes = packages_distributions()
    everything = set().union(*declared().values())
    for path in (ROOT / "tests").rglob("*.py"):
        for name in imported(ast.parse(path.read_bytes())):
            library = name.partition(".")[0]
            if library not in sys.stdlib_module_names | {"bot", "engine", "tests"}:
                found = {canonical(home) for home in homes.get(library, [library])}
                assert found & everything, f"{path.name} imports {library}, which pyproject.toml does not declare"


def test_every_declared_library_has_its_version_in_the_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonical(line.partition("==")[0]): line for line in lines if line and not line.startswith("#")}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in pinned.values()), "a build, a path or a range"
    assert set().union(*declared().values()) <= set(pinned)


def test_opening_the_bot_and_the_shell_loads_neither_torch_nor_the_simulated_discord() -> None:
    program = "import sys, bot.__main__, engine.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "discord" in loaded
    heavy = {"torch", "diffusers", "transformers", "huggingface_hub", "simcord", "playwright", "fastapi"}
    assert loaded & heavy == set()
