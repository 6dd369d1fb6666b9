"""Rendered pages and their styles."""

import re
from importlib.resources import files

from diascope.pages.render import read_asset


def test_light_and_dark_have_every_series_of_colours_and_paper_is_light() -> None:
    light, dark, _ = (
        set(part.split("}")[0].split()) for part in read_asset("tokens.css").split(":root {")[1:]
    )
    series = {f"--series-{number}:" for number in range(1, 9)}
    assert [series - names for names in (light, dark)] == [set(), set()]
    assert "@media screen and (prefers-color-scheme: dark)" in read_asset("tokens.css")


def test_every_variable_of_the_style_is_a_token() -> None:
    style = files("diascope.pages").joinpath("style.css").read_text("utf-8")
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", style))
    assert used - set(re.findall(r"(--[a-z0-9-]+):", read_asset("tokens.css"))) == set()


def test_text_and_layout_follow_the_readers_font_size() -> None:
    style = "".join(read_asset(f"{name}.css") for name in ("common", "style", "explain"))
    style += files("diascope.reports").joinpath("html_assets", "page.css").read_text("utf-8")
    assert re.findall(r"font(?:-size)?: [\d.]+px|\(max-width: [\d.]+px", style) == []
