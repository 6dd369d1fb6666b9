"""``pipeline completion``: print the shell completion script."""

import click
from click.shell_completion import get_completion_class

from diascope.cli.command_line import program_name


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell completion script.

    \b
    Examples:
      pipeline completion bash >> ~/.bashrc
      pipeline completion fish > ~/.config/fish/completions/pipeline.fish
    """
    from diascope.cli import pipeline

    shell_class = get_completion_class(shell)
    if shell_class is None:
        raise click.UsageError(f"click has no completion for {shell}")
    click.echo(shell_class(pipeline, {}, program_name(), "_PIPELINE_COMPLETE").source())
