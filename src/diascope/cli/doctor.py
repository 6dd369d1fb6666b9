"""``pipeline doctor``: show what is installed, what is missing, and how to install it."""

import json
import platform
import sys
from typing import Any

import click

from diascope.cli.streams import stdout_to_stderr
from diascope.extras import EXTRAS, install_command

_CORE = ("diascope", "torch", "monai", "numpy", "pillow", "scikit-image", "safetensors", "fsspec")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> None:
    """Show what is installed, what is missing, and how to install it.

    \b
    Examples:
      pipeline doctor
      pipeline doctor --json
    """
    findings = _findings()
    if as_json:
        click.echo(json.dumps(findings, indent=1))
    else:
        _print(findings)
    sys.exit(2 if findings["broken"] else 0)


@stdout_to_stderr()
def _findings() -> dict[str, Any]:
    from diascope.engines.open_engines import PACKAGES, installed
    from diascope.plugin_health import examine, find_misplaced
    from diascope.plugins import find_plugins
    from diascope.versions import installed_version

    health = [*examine(find_plugins()), *find_misplaced()]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: installed_version(name) for name in _CORE},
        "devices": _devices(),
        "engines": [name for name in PACKAGES if installed(name)],
        "extras": _extras(),
        "plugins": len(health),
        "broken": [
            {"plugin": entry.plugin.title, "cause": entry.cause, "hint": entry.hint}
            for entry in health
            if entry.cause
        ],
    }


def _extras() -> dict[str, dict[str, Any]]:
    return {
        name: {
            "installed": not extra.missing,
            "for": extra.purpose,
            "install": install_command(name),
        }
        for name, extra in EXTRAS.items()
    }


def _devices() -> list[str]:
    try:
        import torch
    except (ImportError, OSError):  # an OSError if one of CUDA's libraries is missing
        return []
    devices = ["cpu"]
    devices += [
        f"cuda:{index} ({torch.cuda.get_device_name(index)})"
        for index in range(torch.cuda.device_count())
    ]
    return devices + (["mps"] if torch.backends.mps.is_available() else [])


def _print(findings: dict[str, Any]) -> None:
    click.echo(f"Python {findings['python']} on {findings['platform']}")
    for name, found in findings["versions"].items():
        click.echo(f"  {name:<14} {found or 'missing: pip install ' + name}")
    click.echo(f"Devices  {', '.join(findings['devices']) or 'none: torch cannot be imported'}")
    click.echo(f"Engines  {', '.join(findings['engines'])}")
    click.echo("Extras")
    for name, extra in findings["extras"].items():
        state = "installed" if extra["installed"] else f"missing: {extra['install']}"
        click.echo(f"  {name:<9} {extra['for']:<26} {state}")
    click.echo(f"Plugins  {findings['plugins']}, {len(findings['broken'])} of them broken")
    for broken in findings["broken"]:
        click.secho(f"  {broken['cause']}", fg="red")
        click.echo(f"    {broken['hint']}")
