"""Write the pages of docs/ that are made from code: settings.md and cli.md.

`make docs` runs it; a test fails when a page is not what this would write.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by `make docs` from the code. Do not edit. -->\n"


# -- settings --------------------------------------------------------------------------------------


def settings_page() -> str:
    """Return docs/settings.md."""
    from segue.settings import Settings

    parts = [NOTE, "# Settings\n", _SETTINGS_INTRO]
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            parts.append(_section(name, field.annotation))
    for name, model in _channels():
        parts.append(_section(f"channels.{name}", model))
    return "\n".join(parts)


_SETTINGS_INTRO = """\
Settings stand in `segue.toml`, in the directory where `segue` is started; `--config FILE` or the
variable `SEGUE_CONFIG` names another.
Each can be overridden by a variable called `SEGUE__SECTION__NAME`: `SEGUE__STORE__URL` is `url` in
`[store]`, `SEGUE__CHANNELS__WEB__SECRET` is `secret` in `[channels.web]`.
A list is written `a, b` in a variable, or as JSON.
A secret may be written `file:/run/secrets/name` and is then read from that file; Segue never prints
one.
A path in `segue.toml` is relative to that file.
A wrong or unknown setting stops Segue with one sentence that says what to do (exit code 2).

A channel is on when its section stands there, even if it is empty; without any, the web is.
A channel that is not listed below is named by its class: `adapter = "module:Class"`.
"""


def _channels() -> Iterator[tuple[str, type[BaseModel]]]:
    for point in sorted(entry_points(group="segue.channels"), key=lambda point: point.name):
        model = getattr(point.load(), "Settings", None)
        if model is not None and model.model_fields:
            yield point.name, model


def _section(name: str, model: type[BaseModel]) -> str:
    rows = [
        "| " + " | ".join((f"`{field}`", _type(info.annotation), _default(info), meaning)) + " |"
        for field, info in model.model_fields.items()
        for meaning in [_described(name, field, info)]
    ]
    about = " ".join((model.__doc__ or "").split())
    head = f"## `[{name}]`\n\n{about}\n\n| setting | value | unless set | meaning |"
    return "\n".join([head, "| --- | --- | --- | --- |", *rows, ""])


def _described(section: str, name: str, info: FieldInfo) -> str:
    if not info.description:
        raise SystemExit(f"{section}.{name} has no description: nobody could know what it is for.")
    return info.description.replace("|", "\\|")


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in arguments if each is not type(None))
    if origin in (tuple, list, frozenset):
        return "list of " + _type(arguments[0])
    if origin is dict:
        return "table of " + _type(arguments[1])
    if hasattr(annotation, "__metadata__"):
        return _type(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
        SecretStr: "secret",
        timedelta: "duration",
    }
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(info: FieldInfo) -> str:
    if info.default_factory not in (None, list, dict, tuple):
        return "depends on the machine"
    value = info.get_default(call_default_factory=True, validated_data={})
    match value:
        case _ if value is PydanticUndefined:
            return "must be set"
        case None | "" | () | [] | {}:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case tuple() | list():
            return ", ".join(f"`{each}`" for each in value)
        case float() if value == int(value):
            return f"`{int(value)}`"
        case _:
            return f"`{value}`"


# -- command line ----------------------------------------------------------------------------------


def cli_page() -> str:
    """Return docs/cli.md."""
    from segue.cli import SECTIONS, segue

    root = click.Context(segue, info_name="segue", **segue.context_settings)
    parts = [NOTE, "# Command line\n", _CLI_INTRO]
    for section, commands in SECTIONS.items():
        parts.append(f"## {section}\n")
        for name in commands:
            command = segue.get_command(root, name)
            assert command is not None
            parts.extend(_helps(command, root, name))
    return "\n".join(parts)


_CLI_INTRO = """\
An error is one sentence and an exit code: 0 done, 1 the answer is no (findings, not found, store
out of reach), 2 used wrongly (an option, a setting).
"""


def _helps(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=88)
    level = "#" * (2 + context.command_path.count(" "))
    yield f"{level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _helps(found, context, inner)


def pages() -> dict[Path, str]:
    """Return every generated page."""
    return {DOCS / "settings.md": settings_page(), DOCS / "cli.md": cli_page()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
