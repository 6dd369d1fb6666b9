"""Read and check recipes, the YAML files of pipelines. They hold names and values, never code."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from annotated_types import Interval

from diascope.acceptance import AcceptanceRule
from diascope.display_text import suggest
from diascope.document import Node, read_document
from diascope.errors import RecipeError
from diascope.fields import build
from diascope.overrides import apply_override
from diascope.plugins import find_plugins, recipe_path
from diascope.privacy import Privacy
from diascope.sample import FACTS


@dataclass(frozen=True, slots=True)
class Reference:
    """A plugin as named in a recipe, with its parameters and its ``file:line``."""

    kind: str
    name: str
    parameters: dict[str, Node]
    where: str

    def plain(self) -> Any:
        """Return the reference as it is written in a recipe."""
        if not self.parameters:
            return self.name
        return {self.name: {key: node.plain() for key, node in self.parameters.items()}}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The ``run:`` part of a recipe.

    Attributes:
        workers: the number of processes or threads that read and preprocess; 0 for none. ``auto``
            is one per core, or 0 if there are few items.
        batch: the number of samples in one batch of the network.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        devices: the devices that share each batch, or ``all`` accelerators; None for ``device``.
        engine: the engine that executes the network. ``auto`` is the fastest installed one that
            does not change the answers. ``torch`` in ``float32`` is the reference.
        precision: the precision of the engine. ``int8`` needs a graph by ``pipeline quantise``.
        tolerance: how far a score may differ from that of torch in float32.
        executor: an executor plugin.
        evidence: the labels for which evidence maps are made. ``none`` keeps no thumbnails either,
            which suits very large runs.
        coverage: the fraction of pictures, such as 0.9, whose prediction set has the true label.
    """

    # beyond these limits, the ledger or starting threads would fail
    workers: Annotated[int, Interval(ge=0, le=1_000)] | Literal["auto"] = "auto"
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 32
    device: str = "auto"
    devices: Literal["all"] | tuple[str, ...] | None = None
    engine: Literal["auto", "torch", "openvino", "onnx", "ncnn", "compile"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    tolerance: Annotated[float, Interval(gt=0, le=1)] = 0.01
    executor: Any = "local"
    evidence: Literal["none", "predicted", "all"] = "predicted"
    coverage: float | None = None

    def __post_init__(self) -> None:
        if self.devices is not None and (self.device != "auto" or not self.devices):
            raise ValueError("devices must be all or name one or more, and device must be left out")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe.

    Attributes:
        path: the recipe's file; relative paths in it are first looked up in its folder.
        input: paths, globs or URIs, as written.
        output: the folder for the results, relative to the current folder.
        read: a reader, or None for ``auto``.
        accept: the facts that files must state to be accepted.
        privacy: ``strict`` keeps names, paths and patient identifiers out of the reports.
        train: the values of ``train:``, checked by ``diascope.training``.
        places: the ``file:line`` of each option of ``run:``, by names such as ``run.engine``.
    """

    name: str
    path: Path
    model: Reference
    input: tuple[str, ...] = ()
    output: str | None = None
    read: Reference | None = None
    accept: AcceptanceRule = field(default_factory=AcceptanceRule)
    preprocess: tuple[Reference, ...] = ()
    report: tuple[Reference, ...] = ()
    run: RunOptions = field(default_factory=RunOptions)
    executor: Reference = field(default_factory=lambda: Reference("executor", "local", {}, ""))
    privacy: Privacy = "none"
    train: Node | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        """The folder of the recipe."""
        return self.path.parent

    def locate(self, error: RecipeError) -> RecipeError:
        """Return an error about an option of ``run:`` with the ``file:line`` of that option."""
        where = self.places.get(error.where, error.where)
        return RecipeError(error.message, where=where, hint=error.hint)

    def refuse_strict(self, command: str) -> None:
        """Raise a RecipeError if privacy is strict, for a command that names or shows pictures."""
        if self.privacy == "strict":
            raise RecipeError(
                f"{command} names or shows pictures, which privacy: strict forbids",
                where=str(self.path),
                hint="--set privacy=none allows it.",
            )

    def plain(self) -> dict[str, Any]:
        """Return the resolved recipe as plain values, as in ``run.json``.

        If ``privacy`` is strict, the paths of input and output are left out.
        """
        strict = self.privacy == "strict"
        run = {name: getattr(self.run, name) for name in RunOptions.__slots__}
        plain: dict[str, Any] = {
            "name": self.name,
            "input": [] if strict else list(self.input),
            "output": None if strict else self.output,
            "read": self.read.plain() if self.read else "auto",
            "accept": self.accept.plain(),
            "preprocess": [reference.plain() for reference in self.preprocess],
            "model": self.model.plain(),
            "report": [reference.plain() for reference in self.report],
            "run": run | {"executor": self.executor.plain()},
            "privacy": self.privacy,
        }
        return plain | ({"train": self.train.plain()} if self.train else {})


_ALL_REPORTS = Node([Node(name, "") for name in ("csv", "json", "html")], "")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_KEYS = ["name", "input", "output", "read", "accept", "preprocess", "model", "report", "run"]
_KEYS += ["privacy", "train"]


def read_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe from a file, or one that an installed package ships.

    Args:
        name: a path, or the name of a shipped recipe with or without ``.yaml``.
        overrides: dotted paths with values, such as ``run.batch=64``.

    Raises:
        RecipeError: if it is wrong, with ``file:line`` and what is allowed there.
    """
    path = _find_recipe(name)
    document = read_document(path)
    for override in overrides:
        document = apply_override(document, override)
    keys = _mapping(document, "a recipe")
    _refuse_unknown(keys, _KEYS)
    if "model" not in keys:
        raise RecipeError("the key 'model' is missing", where=document.where)
    options = dict(_mapping(keys["run"], "run")) if "run" in keys else {}
    executor = options.get("executor", Node("local", ""))
    run_where = keys["run"].where if "run" in keys else document.where
    read = keys.get("read")
    return Recipe(
        name=_text(keys["name"]) if "name" in keys else path.stem,
        path=path,
        model=reference_of("model", keys["model"]),
        input=_texts(keys["input"]) if "input" in keys else (),
        output=_text(keys["output"]) if "output" in keys else None,
        read=None if read is None or read.value == "auto" else reference_of("reader", read),
        accept=_acceptance_rule(keys["accept"]) if "accept" in keys else AcceptanceRule(),
        preprocess=_references("preprocessing", keys.get("preprocess")),
        report=_reports(keys.get("report", _ALL_REPORTS)),
        run=build(RunOptions, options, where=run_where),
        executor=reference_of("executor", executor),
        privacy=_privacy(keys["privacy"]) if "privacy" in keys else "none",
        train=keys.get("train"),
        places={f"run.{name}": node.where for name, node in options.items()},
    )


def _acceptance_rule(node: Node) -> AcceptanceRule:
    values = dict(_mapping(node, "accept"))
    _refuse_unknown(values, [*FACTS, "missing"])
    missing = values.pop("missing", None)
    if missing is not None and missing.value not in ("accept", "skip"):
        raise RecipeError(
            f"missing must be accept or skip, got {missing.value!r}", where=missing.where
        )
    facts = {name: _texts(value) for name, value in values.items()}
    return AcceptanceRule(facts, "accept" if missing is None else missing.value)


def _privacy(node: Node) -> Privacy:
    if node.value not in get_args(Privacy):
        raise RecipeError(f"privacy must be none or strict, got {node.plain()!r}", where=node.where)
    return cast(Privacy, node.value)


def _find_recipe(name: str) -> Path:
    path = Path(name)
    try:
        if path.is_file():
            return path.resolve()
    except OSError as error:  # such as a folder without permission
        raise RecipeError(f"cannot be read: {error.strerror}", where=name) from error
    short = name.removesuffix(".yaml")
    recipes = [plugin for plugin in find_plugins() if plugin.kind == "recipe"]
    shipped = [plugin.name for plugin in recipes]
    if short in shipped or (":" in short and not _DRIVE.match(name)):
        return recipe_path(short)
    if path.is_dir():
        raise RecipeError("is a folder, not a recipe", where=name)
    ships = [
        f"{each.name}.yaml" if shipped.count(each.name) == 1 else f"{each.distribution}:{each.name}"
        for each in recipes
    ]
    stems = {each: f"{each}.yaml" for each in shipped}
    stems |= {each.stem: str(each) for each in path.parent.glob("*.y*ml")}
    near = get_close_matches(path.stem, stems, n=1)
    suggestion = f"Did you mean {stems[near[0]]!r}? " if near else ""
    raise RecipeError(
        "there is no such file, and no installed package ships a recipe of that name",
        where=name,
        hint=f"{suggestion}Shipped recipes: {', '.join(ships) or 'none'}.",
    )


def _refuse_unknown(keys: dict[str, Node], allowed: list[str]) -> None:
    for key, node in keys.items():
        if key not in allowed:
            raise RecipeError(f"unknown key {key!r}", where=node.where, hint=suggest(key, allowed))


def _mapping(node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise RecipeError(f"{what} must hold keys, got {node.plain()!r}", where=node.where)
    return node.value


def _text(node: Node) -> str:
    if not isinstance(node.value, str) or not node.value:
        raise RecipeError(f"expected a text, got {node.plain()!r}", where=node.where)
    return node.value


def _texts(node: Node) -> tuple[str, ...]:
    children = node.value if isinstance(node.value, list) else [node]
    return tuple(_text(child) for child in children)


def _references(kind: str, node: Node | None) -> tuple[Reference, ...]:
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        raise RecipeError(f"expected a list of {kind} plugins", where=node.where)
    return tuple(reference_of(kind, child) for child in node.value)


def _reports(node: Node) -> tuple[Reference, ...]:
    """Return the reports; refuse identical ones, which would write the same files twice."""
    reports = _references("report", node)
    plain = [reference.plain() for reference in reports]
    for place, reference in enumerate(reports):
        if plain[place] in plain[:place]:
            message = f"the report {reference.name!r} is listed twice"
            raise RecipeError(message, where=reference.where)
    return reports


def reference_of(kind: str, node: Node) -> Reference:
    """Return the plugin reference in a node: a name, or one key with its parameters."""
    if isinstance(node.value, str) and node.value:
        return Reference(kind, node.value, {}, node.where)
    if isinstance(node.value, dict) and len(node.value) == 1:
        ((name, inner),) = node.value.items()
        parameters = {} if inner.value is None else _mapping(inner, name)
        return Reference(kind, name, parameters, inner.where)
    expected = f"expected {'an' if kind[0] in 'aeiou' else 'a'} {kind} plugin: its name, or one key"
    message = f"{expected} with its parameters; got {node.plain()!r}"
    raise RecipeError(message, where=node.where)
