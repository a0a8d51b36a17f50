"""README and its neighbours say what is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import discord
import pytest

import engine
from bot.config import Config
from engine.catalog import BUILT_IN

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_invitation_asks_for_the_permissions_it_names() -> None:
    found = re.search(r"permissions=(\d+)", README)
    assert found
    assert discord.Permissions(int(found[1])) == discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        attach_files=True,
        read_message_history=True,
    )


@pytest.mark.parametrize("spec", BUILT_IN, ids=lambda spec: spec.key)
def test_the_table_of_models_is_the_catalogue(spec: engine.ModelSpec) -> None:
    defaults = spec.defaults
    size = "comes with Easel" if spec.key == "tiny" else f"{(spec.size_bytes or 0) / 1e9:.1f} GB"
    numbers = f"{defaults.num_inference_steps} / {defaults.guidance_scale:g} / {defaults.width}²"
    assert (
        f"| `{spec.key}` | {numbers} | {size} | {'★' * spec.speed} | {'★' * spec.quality} | {spec.best_for} |" in README
    )


def test_the_python_in_the_readme_uses_names_that_the_engine_offers() -> None:
    programs = [ast.parse(program) for program in re.findall(r"```python\n(.*?)```", README, re.DOTALL)]
    nodes = [node for program in programs for node in program.body]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "engine"]
    assert imports
    assert {name.name for node in imports for name in node.names} <= set(dir(engine))


def test_every_option_that_the_readme_names_exists() -> None:
    tables = {name: field.annotation for name, field in Config.model_fields.items()}
    known = set(tables) | {option for table in tables.values() for option in getattr(table, "model_fields", {})}
    named = {"drain_s", "keep_days", "keep_gb", "guild_ids", "proxy", "vae_tiling", "cpu_offload", "attention_slicing"}
    named |= {"default_model", "repositories", "models_dir", "port"}
    assert all(f"`{name}`" in README or f"[{name}]" in README for name in named)
    assert named <= known


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_layout_names_only_modules_that_are_there() -> None:
    there = {path.name for room in ("bot", "engine", "tests") for path in (ROOT / room).rglob("*.py")}
    named = set(re.findall(r"\b(\w+\.py)\b", CONTRIBUTING)) - {"discord.py"}
    assert named - there == set()
