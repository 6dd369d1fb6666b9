"""A pipeline YAML, read and checked: names and plain values, never code."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from diascope.acceptance import AcceptanceRule
from diascope.document import Node, read_document, suggest
from diascope.errors import RecipeError
from diascope.fields import check_values
from diascope.overrides import apply_override
from diascope.plugins import find_plugins, recipe_path
from diascope.privacy import Privacy
from diascope.sample import FACTS

T = TypeVar("T")
_BATCH, _WORKERS = 1_000_000, 1_000
"""More than any machine can use; a ledger takes no such numbers, nor a machine so many threads."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A plugin as a recipe names it: its name, its parameters, and where that stands."""

    kind: str
    name: str
    parameters: dict[str, Node]
    where: str

    def plain(self) -> Any:
        """Return the reference as one would write it."""
        if not self.parameters:
            return self.name
        return {self.name: {key: node.plain() for key, node in self.parameters.items()}}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The ``run:`` part of a recipe.

    Attributes:
        workers: processes or threads that read and preprocess; 0 for none; ``auto`` takes as many
            as there are cores, or 0 when there are few items.
        batch: samples given to the network at once.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        devices: several that share each batch, or ``all`` accelerators; None for ``device``.
        engine: what executes the network; ``auto`` is the fastest that is installed and does not
            change the answers. ``torch`` in ``float32`` is the reference.
        precision: in which it computes; ``int8`` only where ``pipeline quantise`` made it.
        tolerance: by how much an engine may move a score, against torch in float32.
        executor: an executor plugin.
        evidence: for which labels evidence maps are made. With ``none`` no thumbnail is kept
            either, which suits very large runs.
        coverage: share of pictures, such as 0.9, whose true label a prediction set is to hold.
    """

    workers: int | Literal["auto"] = "auto"
    batch: int = 32
    device: str = "auto"
    devices: Literal["all"] | tuple[str, ...] | None = None
    engine: Literal["auto", "torch", "openvino", "onnx", "ncnn", "compile"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    tolerance: float = 0.01
    executor: Any = "local"
    evidence: Literal["none", "predicted", "all"] = "predicted"
    coverage: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= _BATCH:
            raise ValueError(f"batch must lie between 1 and {_BATCH:,}, got {self.batch}")
        if self.devices is not None and (self.device != "auto" or not self.devices):
            raise ValueError("devices must be all or name one at least, and device be left out")
        if not 0 < self.tolerance <= 1:
            raise ValueError(f"tolerance must lie above 0 and at most at 1, got {self.tolerance}")
        if self.workers != "auto" and not 0 <= self.workers <= _WORKERS:
            raise ValueError(
                f"workers must be auto or lie between 0 and {_WORKERS:,}, got {self.workers}"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe.

    Attributes:
        path: the file; relative paths in the recipe are looked up beside it first.
        input: paths, globs or URIs, as written.
        output: folder for the results, relative to the current folder.
        read: a reader, or None for ``auto``.
        accept: what the files must say of themselves.
        privacy: ``strict`` keeps names, paths and what identifies a patient out of the reports.
        train: the values of ``train:``, checked by ``diascope.training``.
        places: where the options of ``run:`` stand, by names such as ``run.engine``.
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
        """Return an error about an option of ``run:`` with the place where it stands."""
        where = self.places.get(error.where, error.where)
        return RecipeError(error.message, where=where, hint=error.hint)

    def plain(self) -> dict[str, Any]:
        """Return the resolved recipe as plain values, as in ``run.json``.

        Where privacy is strict, without the paths of input and output.
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
_KEYS = ["name", "input", "output", "read", "accept", "preprocess", "model", "report", "run"]
_KEYS += ["privacy", "train"]


def read_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe from a file, or the one that a package ships under that name.

    Args:
        name: a path, or the name of a shipped recipe with or without ``.yaml``.
        overrides: dotted paths with values, such as ``run.batch=64``.

    Raises:
        RecipeError: with ``file:line`` and what is allowed there.
    """
    path = _find(name)
    document = read_document(path)
    for override in overrides:
        document = apply_override(document, override)
    keys = _mapping(document, "a recipe")
    _known(keys, _KEYS)
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
        accept=_gate(keys["accept"]) if "accept" in keys else AcceptanceRule(),
        preprocess=_references("preprocessing", keys.get("preprocess")),
        report=_reports(keys.get("report", _ALL_REPORTS)),
        run=build(RunOptions, options, where=run_where),
        executor=reference_of("executor", executor),
        privacy=_privacy(keys["privacy"]) if "privacy" in keys else "none",
        train=keys.get("train"),
        places={f"run.{name}": node.where for name, node in options.items()},
    )


def _gate(node: Node) -> AcceptanceRule:
    values = dict(_mapping(node, "accept"))
    _known(values, [*FACTS, "missing"])
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


def build(
    target: Callable[..., T], values: dict[str, Node], *, where: str, base: Path | None = None
) -> T:
    """Check values against a class and make one; its own ValueErrors get the place."""
    arguments = check_values(target, values, where=where, base=base)
    try:
        return target(**arguments)
    except (ValueError, TypeError) as error:
        told = str(error) or type(error).__name__
        at_fault = values.get(told.partition(" ")[0])  # most begin with the key
        raise RecipeError(told, where=at_fault.where if at_fault else where) from error


def _find(name: str) -> Path:
    path = Path(name)
    try:
        if path.is_file():
            return path.resolve()
    except OSError as error:  # such as in a folder that cannot be entered
        raise RecipeError(f"cannot be read: {error.strerror}", where=name) from error
    short = name.removesuffix(".yaml")
    shipped = sorted(plugin.name for plugin in find_plugins() if plugin.kind == "recipe")
    if short in shipped or ":" in short:
        return recipe_path(short)
    if path.is_dir():
        raise RecipeError("is a folder, not a recipe", where=name)
    ships = [f"{recipe}.yaml" for recipe in shipped]
    stems = {Path(each).stem: each for each in ships}
    stems |= {each.stem: str(each) for each in path.parent.glob("*.y*ml")}
    near = get_close_matches(path.stem, stems, n=1)
    meant = f"Did you mean {stems[near[0]]!r}? " if near else ""
    raise RecipeError(
        "there is no such file, and no installed package ships a recipe of that name",
        where=name,
        hint=f"{meant}Shipped recipes: {', '.join(ships) or 'none'}.",
    )


def _known(keys: dict[str, Node], allowed: list[str]) -> None:
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
    """Read the reports; one that is named twice alike would write the same files again."""
    reports = _references("report", node)
    plain = [reference.plain() for reference in reports]
    for place, reference in enumerate(reports):
        if plain[place] in plain[:place]:
            message = f"the report {reference.name!r} stands here a second time"
            raise RecipeError(message, where=reference.where)
    return reports


def reference_of(kind: str, node: Node) -> Reference:
    """Read a plugin reference: a name, or one key with its parameters."""
    if isinstance(node.value, str) and node.value:
        return Reference(kind, node.value, {}, node.where)
    if isinstance(node.value, dict) and len(node.value) == 1:
        ((name, inner),) = node.value.items()
        parameters = {} if inner.value is None else _mapping(inner, name)
        return Reference(kind, name, parameters, inner.where)
    raise RecipeError(
        f"expected a {kind} plugin: its name, or one key with its parameters; got {node.plain()!r}",
        where=node.where,
    )
