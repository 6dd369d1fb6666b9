"""Plugins are found without importing them, loaded on demand, and explained when broken."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.contracts import API
from diascope.errors import PluginError
from diascope.plugin_health import examine, find_misplaced
from diascope.plugins import card_of, find_plugin, find_plugins, load_plugin, newer_api_warning

Install = Callable[..., None]
STEP = "class Blur:\n    api = {api}\n    def __call__(self, {arguments}): return sample\n"


def step(api: str = "(1, 0)", arguments: str = "sample") -> str:
    return STEP.format(api=api, arguments=arguments)


def points(module: str, name: str = "blur", attribute: str = "Blur") -> str:
    return f"[diascope.preprocessing]\n{name} = {module}:{attribute}\n"


def refusal(name: str = "blur", kind: str = "preprocessing") -> PluginError:
    with pytest.raises(PluginError) as caught:
        load_plugin(find_plugin(kind, name))
    return caught.value


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("reader", "image"),
        ("preprocessing", "resize"),
        ("backbone", "convnet"),
        ("model", "classifier"),
        ("report", "csv"),
        ("executor", "local"),
    ],
)
def test_the_stock_plugins_are_found_by_entry_point(kind: str, name: str) -> None:
    assert find_plugin(kind, name).distribution == "diascope"


def test_every_stock_plugin_loads_and_fits_its_contract() -> None:
    stock = [p for p in find_plugins() if p.distribution == "diascope" and p.kind != "recipe"]

    assert len(stock) >= 15
    assert [load_plugin(plugin).__name__ for plugin in stock]


def test_a_plugin_is_found_without_importing_it(install: Install) -> None:
    install("fake_blur", points("fake_blur_a"), fake_blur_a=step())
    plugin = find_plugin("preprocessing", "blur")

    assert (plugin.distribution, plugin.version) == ("fake_blur", "1.0")
    assert "fake_blur_a" not in sys.modules


def test_a_plugin_that_fits_is_loaded_as_its_class(install: Install) -> None:
    install("fake_blur", points("fake_blur_b"), fake_blur_b=step())

    assert load_plugin(find_plugin("preprocessing", "blur")).__name__ == "Blur"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(PluginError) as caught:
        find_plugin("preprocessing", "rezise")
    assert "Did you mean 'resize'?" in caught.value.hint


def test_a_name_of_another_kind_is_unknown() -> None:
    with pytest.raises(PluginError, match="no reader plugin named 'resize'"):
        find_plugin("reader", "resize")


def test_two_claims_to_one_name_are_refused_with_both_owners(install: Install) -> None:
    install("fake_one", points("fake_one_m"))
    install("fake_two", points("fake_two_m"), version="2.5")

    with pytest.raises(PluginError, match=r"fake_one 1\.0 and fake_two 2\.5") as caught:
        find_plugin("preprocessing", "blur")
    assert caught.value.hint == "Write fake_one:blur or fake_two:blur, or uninstall the other."


def test_the_distribution_in_front_chooses_between_two_claims(install: Install) -> None:
    install("fake_one", points("fake_one_m"))
    install("fake_two", points("fake_two_m"), version="2.5")

    assert find_plugin("preprocessing", "fake_two:blur").target == "fake_two_m:Blur"


def test_another_major_api_is_refused_with_both_numbers(install: Install) -> None:
    install("fake_blur", points("fake_blur_c"), fake_blur_c=step(api="(2, 1)"))
    error = refusal()

    assert "API 2.1" in error.message
    assert f"has {API[0]}.{API[1]}" in error.message
    assert "fake_blur" in error.hint


def test_a_newer_minor_api_loads_with_a_warning(install: Install) -> None:
    install("fake_blur", points("fake_blur_d"), fake_blur_d=step(api="(1, 99)"))
    plugin = find_plugin("preprocessing", "blur")

    assert newer_api_warning(plugin, load_plugin(plugin)) == (
        "preprocessing 'blur' of fake_blur 1.0 was written for the newer plugin API 1.99; "
        f"this is {API[0]}.{API[1]}"
    )


def test_an_api_that_is_not_newer_has_no_warning(install: Install) -> None:
    install("fake_blur", points("fake_blur_s"), fake_blur_s=step())
    plugin = find_plugin("preprocessing", "blur")

    assert newer_api_warning(plugin, load_plugin(plugin)) == ""


@pytest.mark.parametrize("api", ["None", "'1.0'", "(1,)", "[1, 0]"])
def test_a_class_without_an_api_version_is_refused(install: Install, api: str) -> None:
    install("fake_blur", points("fake_blur_e"), fake_blur_e=step(api=api))

    assert "expected a class attribute api = (1, 0)" in refusal().message


def test_a_missing_library_is_named_with_how_to_install_it(install: Install) -> None:
    install("fake_blur", points("fake_blur_f"), fake_blur_f="import no_such_library.deep\n")
    error = refusal()

    assert "ModuleNotFoundError" in error.message
    assert "'blur' of fake_blur 1.0" in error.message
    assert error.hint.endswith("pip install no_such_library")


def test_a_module_that_raises_is_explained_with_its_cause(install: Install) -> None:
    install("fake_blur", points("fake_blur_g"), fake_blur_g="raise RuntimeError('no licence')\n")
    error = refusal()

    assert "RuntimeError: no licence" in error.message
    assert "pip uninstall fake_blur" in error.hint


def test_a_module_that_ends_the_process_is_explained_with_the_line(install: Install) -> None:
    install("fake_blur", points("fake_blur_p"), fake_blur_p="import sys\nsys.exit(7)\n")

    assert "cannot be imported: SystemExit: 7 (" in refusal().message
    assert refusal().message.endswith("fake_blur_p.py:2)")


def test_a_module_without_the_class_is_explained(install: Install) -> None:
    install("fake_blur", points("fake_blur_h", attribute="Gone"), fake_blur_h=step())

    assert "AttributeError" in refusal().message


def test_a_broken_plugin_hides_no_other(install: Install) -> None:
    install("fake_bad", points("fake_bad_m", name="bad"), fake_bad_m="1 / 0\n")
    install("fake_blur", points("fake_blur_i"), fake_blur_i=step())

    assert load_plugin(find_plugin("preprocessing", "blur"))
    assert "ZeroDivisionError" in refusal("bad").message


def test_a_distribution_whose_entry_points_are_damaged_is_named(install: Install) -> None:
    install("torn", "[console_scripts]\ntorn = torn:main\ntor")
    with pytest.raises(PluginError, match=r"entry_points.txt of torn(.|\n)*--force-reinstall torn"):
        find_plugins()


def test_a_target_that_is_not_a_class_is_refused(install: Install) -> None:
    install("fake_blur", points("fake_blur_j"), fake_blur_j="def Blur(sample): return sample\n")

    assert "expected a class" in refusal().message


def test_a_missing_method_is_named(install: Install) -> None:
    source = "class Blur:\n    api = (1, 0)\n    def sniff(self, path, head): return 1\n"
    install("fake_blur", "[diascope.readers]\nblur = fake_blur_k:Blur\n", fake_blur_k=source)

    assert "expected a method 'read'" in refusal(kind="reader").message


def test_a_step_that_cannot_be_called_is_refused(install: Install) -> None:
    source = "class Blur:\n    api = (1, 0)\n"
    install("fake_blur", points("fake_blur_q"), fake_blur_q=source)

    assert "expected a method '__call__', got None" in refusal().message


def test_an_inherited_method_fits(install: Install) -> None:
    source = step() + "class Soft(Blur): ...\n"
    install("fake_blur", points("fake_blur_r", attribute="Soft"), fake_blur_r=source)

    assert load_plugin(find_plugin("preprocessing", "blur"))


def test_a_method_with_another_signature_is_shown(install: Install) -> None:
    install("fake_blur", points("fake_blur_l"), fake_blur_l=step(arguments="sample, strength"))
    error = refusal()

    assert "__call__ must take 1 arguments after self" in error.message
    assert "(self, sample, strength)" in error.message


@pytest.mark.parametrize(("kind", "first"), [("static", ""), ("class", "cls, ")])
def test_a_static_or_class_method_with_the_right_arguments_fits(
    install: Install, kind: str, first: str
) -> None:
    source = (
        "class Blur:\n    api = (1, 0)\n"
        f"    @{kind}method\n    def sniff({first}path, head): return 1\n"
        "    def read(self, item): return iter(())\n"
    )
    group, module = f"[diascope.readers]\nblur = fake_blur_{kind}:Blur\n", f"fake_blur_{kind}"
    install("fake_blur", group, **{module: source})

    assert load_plugin(find_plugin("reader", "blur"))


@pytest.mark.parametrize(("made", "told"), [("card", "got NoneType"), ("crad", "AttributeError")])
def test_a_model_may_set_its_card_in_init(install: Install, made: str, told: str) -> None:
    source = f"class Blur:\n    api = (1, 0)\n    def __init__(self): self.{made} = None\n"
    source += "    def load(self, runtime): ...\n"
    group, module = f"[diascope.models]\nblur = fake_blur_{made}:Blur\n", f"fake_blur_{made}"
    install("fake_blur", group, **{module: source})
    plugin = find_plugin("model", "blur")

    with pytest.raises(PluginError, match=f"^model 'blur' of fake_blur 1.0.* card.*{told}"):
        card_of(plugin, load_plugin(plugin)())


def test_a_parameter_without_a_type_hint_is_refused(install: Install) -> None:
    source = step() + "    def __init__(self, width=3): ...\n"
    install("fake_blur", points("fake_blur_o"), fake_blur_o=source)

    assert "preprocessing 'blur' of fake_blur 1.0: the parameter 'width'" in refusal().message


@pytest.mark.parametrize("written", ["**rest: float", "*sizes: int"])
def test_a_parameter_without_a_name_is_refused(install: Install, written: str) -> None:
    module = f"fake_blur_v{len(written)}"
    source = step() + f"    def __init__(self, {written}): ...\n"
    install("fake_blur", points(module), **{module: source})

    assert refusal().message.endswith(f"Blur takes parameters without a name: {written}")


@pytest.mark.parametrize("hint", ["'os.nosuch'", "'int |'", "''", "[int]"])
def test_an_invalid_type_hint_is_reported_with_its_plugin(install: Install, hint: str) -> None:
    module = f"fake_blur_hint{len(hint)}"
    source = f"import os\n{step()}    def __init__(self, width: {hint} = 3): ...\n"
    install("fake_blur", points(module), **{module: source})

    told = "preprocessing 'blur' of fake_blur 1.0: the parameters of Blur cannot be read: "
    assert refusal().message.startswith(told)


def test_a_class_that_cannot_be_inspected_is_reported_with_its_plugin(install: Install) -> None:
    source = step() + "    __call__.__signature__ = 'unknown'\n"
    install("fake_blur", points("fake_blur_q"), fake_blur_q=source)

    assert refusal().message.startswith("preprocessing 'blur' of fake_blur 1.0 cannot be inspected")


def test_a_users_file_named_like_a_library_breaks_no_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('no library')")
    monkeypatch.chdir(tmp_path)
    (health,) = examine((find_plugin("preprocessing", "resize"),))
    assert not health.cause


def test_an_unknown_group_is_reported_with_the_known_ones(install: Install) -> None:
    install("fake_blur", "[diascope.steps]\nblur = fake_blur_t:Blur\n", fake_blur_t=step())
    (health,) = find_misplaced()

    assert health.cause.startswith("diascope.steps 'blur' of fake_blur 1.0: there is no such group")
    assert "diascope.preprocessing, diascope.readers" in health.hint


def test_a_distribution_without_metadata_is_named_by_its_folder(
    install: Install, tmp_path: Path
) -> None:
    install("fake_blur", points("fake_blur_u"), fake_blur_u=step())
    install("half_gone", points("fake_blur_u"))
    (tmp_path / "site" / "half_gone-1.0.dist-info" / "METADATA").unlink()
    with pytest.raises(PluginError) as caught:
        find_plugin("preprocessing", "blur")

    assert "fake_blur 1.0 and half_gone-1.0.dist-info without METADATA" in caught.value.message
