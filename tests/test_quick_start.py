"""quick_start.sh, with a Python that only writes down what it was asked for."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TOOLS = ("awk", "basename", "bash", "cat", "cksum", "cp", "dirname", "env", "grep", "mkdir", "sh", "uname")
"""What the script may take for granted. Nothing else is in its PATH: no Python, conda or GPU of this machine."""

PYTHON = """\
#!/usr/bin/env bash
printf '%s\\n' "$(basename "$0")$(printf '|%s' "$@")" >>"$CALLS"
case "$*" in
*version_info*) exit "${TOO_OLD:-0}" ;;
*sys.prefix*) dirname "$(dirname "$0")" ;;
--version) echo "Python 3.9.2" ;;
"-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip config list") echo "${SOURCES-}" ;;
"-m pip --version") ;;
*) [[ -z ${FAILS:-} || "$*" != *"$FAILS"* ]] ;;
esac
"""


@dataclass
class Machine:
    """A checkout with the script in it, and a PATH with a Python of the test's making."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.home / "a check out"

    def program(self, name: str, text: str = PYTHON) -> Path:
        path = self.home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def start(self, *arguments: str, program: str = "quick_start.sh") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.checkout / program, *arguments],
            cwd=self.home,
            env={"PATH": f"{self.home}/bin:{self.home}/tools", "CALLS": str(self.home / "calls"), **self.settings},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What Python was asked for since the last look, without questions about itself."""
        path = self.home / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        questions = ("-c|", "--version", "-m|pip|config", "-m|pip|--version")
        return [line for line in lines if not line.partition("|")[2].startswith(questions)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.checkout.mkdir()
    for name in ("quick_start.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, machine.checkout / name)
    (tmp_path / "tools").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "tools" / tool).symlink_to(found)
    machine.program("python3")
    return machine


def test_the_first_start_makes_the_environment_installs_and_opens_the_bot(machine: Machine) -> None:
    assert machine.start().returncode == 0
    made, installed, opened = machine.calls()
    assert made == f"python3|-m|venv|--clear|{machine.checkout}/.venv"
    assert installed.endswith(f"|-c|{machine.checkout}/constraints.txt|-e|{machine.checkout}[engine,service,sandbox]")
    assert opened == "python|-m|bot"


def test_a_second_start_installs_nothing(machine: Machine) -> None:
    machine.start()
    machine.calls()
    assert machine.start().returncode == 0
    assert machine.calls() == ["python|-m|bot"]


@pytest.mark.parametrize("changed", ["constraints.txt", "pyproject.toml"])
def test_it_installs_again_when_the_versions_changed(machine: Machine, changed: str) -> None:
    machine.start()
    machine.calls()
    with (machine.checkout / changed).open("a", encoding="utf-8") as file:
        file.write("# new\n")
    machine.start()
    installed, opened = machine.calls()
    assert "|-m|pip|install|" in installed
    assert opened == "python|-m|bot"


def test_an_installation_that_failed_is_taken_up_again(machine: Machine) -> None:
    machine.settings["FAILS"] = "pip install"
    failed = machine.start("models")
    assert failed.returncode == 1
    assert "the installation failed" in failed.stderr
    machine.settings.clear()
    machine.calls()
    machine.start("models")
    installed, opened = machine.calls()
    assert "|-m|pip|install|" in installed
    assert opened == "python|-m|engine|models"


def test_the_image_service_is_a_command_of_the_engine(machine: Machine) -> None:
    machine.start("serve", "--port", "5002")
    assert machine.calls()[-1] == "python|-m|engine|serve|--port|5002"
    machine.start("keys", "add", "ann")
    assert machine.calls()[-1] == "python|-m|engine|keys|add|ann"


def test_words_reach_the_command_as_they_were_typed(machine: Machine) -> None:
    machine.start("imagine", "a red apple", "--out", "my apple.png")
    assert machine.calls()[-1] == "python|-m|engine|imagine|a red apple|--out|my apple.png"


def test_the_checks_run_in_order_after_installing_their_tools(machine: Machine) -> None:
    assert machine.start("test").returncode == 0
    _, installed, *checks = machine.calls()
    assert installed.endswith("[engine,service,sandbox,dev]")
    assert checks == [
        "python|-m|ruff|format|--check|.",
        "python|-m|ruff|check|.",
        "python|-m|mypy",
        "python|-m|pytest",
    ]
    machine.start()
    assert machine.calls() == ["python|-m|bot"], "what the tests need holds what the bot needs"


@pytest.mark.parametrize("check", ["ruff format", "ruff check", "mypy", "pytest"])
def test_a_check_that_fails_ends_the_run_with_its_failure(machine: Machine, check: str) -> None:
    machine.settings["FAILS"] = check
    assert machine.start("test").returncode != 0
    assert check.replace(" ", "|") in machine.calls()[-1]


def test_an_old_python_is_told_what_to_do(machine: Machine) -> None:
    for name in ("python3.11", "python3.12", "python3.13"):
        machine.program(name)
    machine.settings["TOO_OLD"] = "1"
    refused = machine.start()
    assert refused.returncode == 1
    assert "needs Python 3.11 or newer, and this machine has Python 3.9.2" in refused.stderr
    assert "EASEL_PYTHON" in refused.stderr
    assert machine.calls() == []


def test_the_python_that_is_named_is_taken_as_it_is(machine: Machine) -> None:
    machine.settings["EASEL_PYTHON"] = str(machine.program("mine"))
    machine.start("history")
    installed, opened = machine.calls()
    assert installed.startswith("mine|-m|pip|install|")
    assert opened == "mine|-m|engine|history"
    assert not (machine.checkout / ".venv").exists()


def test_the_conda_environment_named_easel_goes_before_a_venv(machine: Machine) -> None:
    folder = machine.home / "conda easel"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(machine.program("python"), folder / "bin" / "python")
    listed = f"# conda environments:\\nbase  /opt/conda\\neasel  {folder}\\n"
    machine.program("conda", f"#!/bin/sh\nprintf '{listed}'\n")
    machine.start()
    assert [call.partition("|")[0] for call in machine.calls()] == ["python", "python"]
    assert (folder / "easel-installed").is_file()
    assert not (machine.checkout / ".venv").exists()


SMALL_BUILD = "|--extra-index-url=https://download.pytorch.org/whl/cpu|"


def test_without_a_gpu_torch_comes_in_its_small_build(machine: Machine) -> None:
    machine.program("uname", "#!/bin/sh\necho Linux\n")
    machine.start()
    assert SMALL_BUILD in machine.calls()[1]


@pytest.mark.parametrize("why", ["a GPU", "a package source of its own", "no way there", "macOS"])
def test_torch_comes_from_the_usual_source_where_there_is(machine: Machine, why: str) -> None:
    machine.program("uname", f"#!/bin/sh\necho {'Darwin' if why == 'macOS' else 'Linux'}\n")
    if why == "a GPU":
        machine.program("nvidia-smi")
    machine.settings |= {
        "a package source of its own": {"SOURCES": "global.index-url='https://packages.example'"},
        "no way there": {"FAILS": "urlopen"},
    }.get(why, {})
    assert machine.start().returncode == 0
    assert SMALL_BUILD not in machine.calls()[1]


def test_an_unknown_command_says_which_there_are_and_installs_nothing(machine: Machine) -> None:
    refused = machine.start("paint")
    assert refused.returncode == 2
    assert "no command 'paint'" in refused.stderr
    assert "quick_start.sh imagine" in refused.stderr
    assert machine.calls() == []


def test_help_needs_no_python(machine: Machine) -> None:
    shown = machine.start("--help")
    assert shown.returncode == 0
    assert "quick_start.sh test" in shown.stdout
    assert machine.calls() == []


def test_ci_installs_a_browser_and_then_runs_the_one_command_with_its_verdict(machine: Machine) -> None:
    (machine.checkout / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", machine.checkout / ".ci" / "run")
    machine.program("apt-get", '#!/bin/sh\necho "apt-get $*"\n')
    machine.program("id", "#!/bin/sh\necho 0\n")
    passed = machine.start(program=".ci/run")
    assert passed.returncode == 0
    assert passed.stdout.startswith("apt-get update\napt-get install -y --no-install-recommends chromium ")
    assert machine.calls()[-1] == "python|-m|pytest"
    machine.settings["FAILS"] = "pytest"
    assert machine.start(program=".ci/run").returncode != 0
