"""Generates docs/cli.md from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import typer.main

from entrypoints.cli.main import app
from entrypoints.cli.terminal.json_contract import JSON_OUTPUT, in_words

_INTRODUCTION = """\
# Command line

Generated from the commands of `src/entrypoints/cli`; do not edit. The option `--help` of
each command prints the same.

- Results go to standard output, progress and errors to standard error. Errors name the thing, the
  cause and the next step.
- [Exit statuses](logs.md#exit-statuses) are 0 (done), 1 (not done), 2 (the command line is wrong)
  and 130 (Ctrl-C).
- A command that calls the API finds it by `--stage`, and each request is then signed with your AWS
  credentials; or by `--api-url`.
- `asset-sync completions bash` prints a script for completions: add
  `source <(asset-sync completions bash)` to `~/.bashrc`. In zsh, add the same line with `zsh` to
  `~/.zshrc`, after `compinit`. In fish, write the output for `fish` to
  `~/.config/fish/completions/asset-sync.fish`.

## JSON output

`--output json` prints one document, `tail` one per line. Names are schemas of the [API](api.md), as
`/openapi.json` describes them. Members may be added; none is removed, renamed or given another
type. If a command fails, it prints the API's [problem document](api.md#problems). Tests compare the
output of the commands with these schemas.
"""


def cli_reference() -> str:
    """Return docs/cli.md."""
    lines = [_INTRODUCTION, "| command | document |", "|---|---|"]
    lines += [f"| `{name}` | `{in_words(schema)}` |" for name, schema in JSON_OUTPUT.items()]
    for name, command in commands():
        lines += ["", f"## {name}", "", *_section(name, command)]
    return "\n".join([*lines, ""])


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name, those of groups included."""
    # Some versions of Typer bring a Click of their own, so its classes cannot be named here.
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {each}", found) for each, found in command.commands.items())
        else:
            yield name, command


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    words = [_argument(each) for each in arguments]
    yield " ".join((command.help or "").split())
    yield ""
    yield "```text"
    yield " ".join(["asset-sync", name, *words, "[OPTIONS]"])
    yield "```"
    if arguments:
        yield ""
        yield "| argument | meaning |"
        yield "|---|---|"
        yield from (f"| `{_argument(each)}` | {_cell(each.help)} |" for each in arguments)
    if options:
        yield ""
        yield "| option | default | meaning |"
        yield "|---|---|---|"
        yield from (_option(each) for each in options)


def _argument(parameter: Any) -> str:
    word = str(parameter.name).upper()
    return word if parameter.required else f"[{word}]"


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{each}`" for each in [*parameter.opts, *parameter.secondary_opts])
    kind = _choices(parameter.type_descriptor.annotation)
    variable = f" Variable `{parameter.envvar}`." if parameter.envvar else ""
    return f"| {names} | {_default(parameter)} | {_cell(parameter.help)}{kind}{variable} |"


def _choices(annotation: Any) -> str:
    kind = next(iter(get_args(annotation)), annotation)
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ""
    return f" One of {', '.join(f'`{each.value}`' for each in kind)}."


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value in (None, False, [], ()) or callable(value):
        return ""
    return f"`{_value(value)}`"


def _value(value: Any) -> str:
    return str(getattr(value, "value", value))


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
