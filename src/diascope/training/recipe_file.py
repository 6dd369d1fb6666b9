"""``recipe.yaml``: how the weights beside it were trained."""

import io
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from diascope.display_text import mask_credentials
from diascope.document import write_document
from diascope.output import write_atomically
from diascope.recipe import Recipe
from diascope.training.options import TrainOptions

FILE = "recipe.yaml"
_LEFT_OUT = ("input", "output")


def write_recipe(recipe: Recipe, options: TrainOptions, folder: Path) -> None:
    """Write the recipe with its overrides, so that training from it has the same digest.

    Comments list the options that it leaves out, with the values that they had. Paths stay as
    written, without passwords and signatures. ``input`` and ``output`` are left out: neither the
    folders of recipe and results nor a picture is named.
    """
    written = {key: value for key, value in recipe.plain().items() if key not in _LEFT_OUT}
    given = written["train"]
    rest = {key: value for key, value in asdict(options).items() if key not in given}
    text, defaults = io.StringIO(), io.StringIO()
    text.write(
        f"# Trained by diascope {version('diascope')}. To train again, in the folder that "
        "relative paths start from:\n"
        f"#   pipeline train FOLDER/{FILE} --output OTHER-FOLDER\n"
    )
    write_document(written, text)
    write_document(rest, defaults)
    text.write("# Not written, so at their defaults:\n# train:\n")
    text.writelines(f"#   {line}" for line in defaults.getvalue().splitlines(keepends=True))
    write_atomically(folder / FILE, mask_credentials(text.getvalue()))
