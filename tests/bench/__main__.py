"""`python -m tests.bench cpu | gpu | fairness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(add_completion=False, no_args_is_help=True, help="How fast it is, each arm beside its rival.")

JsonOption = Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")]
OnlyOption = Annotated[str, typer.Option(help="Some of the parts, such as c1,c3.")]


def chosen(only: str, parts: set[str]) -> set[str]:
    names = {name.strip().lower() for name in only.split(",") if name.strip()}
    if names - parts:
        raise typer.BadParameter(
            f"there is no {', '.join(sorted(names - parts))}: choose from {', '.join(sorted(parts))}"
        )
    return names


@app.command()
def cpu(json: JsonOption = None, only: OnlyOption = "") -> None:
    """C1 to C9, anywhere, in less than six minutes. Ends with 1 where a goal was missed."""
    from tests.bench import cpu as suite

    reports = suite.run(json, chosen(only, set(suite.PARTS)))
    if any(report.get("met") is False for report in reports.values()):
        raise typer.Exit(1)


@app.command()
def gpu(
    json: JsonOption = None,
    only: OnlyOption = "",
    minutes: Annotated[float, typer.Option(help="How long it may take.")] = 7.0,
    tiny: Annotated[bool, typer.Option(help="Rehearse with small models, also on a CPU.")] = False,
) -> None:
    """G1 to G6, on the GPU of this machine; full-size models with random weights, without a download."""
    import torch

    from tests.bench import gpu as suite

    if not tiny and not torch.cuda.is_available():
        raise typer.BadParameter("there is no GPU here; --tiny rehearses on the CPU")
    suite.main(json, chosen(only, set(suite.PARTS)), minutes, tiny=tiny)


@app.command()
def fairness(
    jobs: Annotated[int, typer.Option(min=1)] = 50_000,
    gpus: Annotated[int, typer.Option(min=1)] = 16,
    load: Annotated[float, typer.Option(min=0.01, help="Work that comes ÷ what the GPUs can do.")] = 0.8,
    seed: int = 0,
) -> None:
    """Plays the queue on many GPUs: waiting times and Jain's index, beside first come, first served."""
    from tests.bench.fairness import compared

    found = compared(jobs, gpus, load, seed)
    table = Table(box=None, title=f"{jobs} jobs, {gpus} GPUs, load {load:g}")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for row in next(iter(found.values())):
        table.add_row(row, *(f"{figures[row]:g}" for figures in found.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    app()
