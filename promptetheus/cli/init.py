"""Set up delivery: ask a gateway for a project and its key.

  promptetheus dev                                   (in another terminal: prints a console token)
  promptetheus init --console-token TOKEN --write-env
  source .env; promptetheus doctor

The key is shown once. --write-env puts it into .env (or the file you name) as `export` lines, --write-config
into ~/.promptetheus/config.toml, both readable by you alone. Exit codes: 0 done, 1 the gateway did not give a
key, 2 no token.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from promptetheus.cli.options import add_json
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import printable_line
from promptetheus.settings import DEFAULT_API_URL, DEFAULT_CONFIG_PATH

_TOKEN_VARIABLE = "PROMPTETHEUS_CONSOLE_TOKEN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--api-url", metavar="URL", help=f"the gateway (default PROMPTETHEUS_API_URL or {DEFAULT_API_URL})"
    )
    parser.add_argument(
        "--console-token", metavar="TOKEN", help=f"who you are there (default {_TOKEN_VARIABLE})"
    )
    parser.add_argument("--workspace-name", default="Promptetheus Workspace", metavar="NAME")
    parser.add_argument("--project-name", default="Default Project", metavar="NAME")
    parser.add_argument("--agent-name", metavar="NAME", help="make an agent in the project, too")
    parser.add_argument(
        "--new-key", action="store_true", help="a further key, for a project that has one that nobody kept"
    )
    parser.add_argument(
        "--write-env", nargs="?", const=".env", metavar="PATH", help="write the key into PATH (.env)"
    )
    parser.add_argument(
        "--write-config", action="store_true", help=f"write the key into {_shown(DEFAULT_CONFIG_PATH)}"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    api_url = (arguments.api_url or os.environ.get("PROMPTETHEUS_API_URL") or DEFAULT_API_URL).rstrip("/")
    token = arguments.console_token or os.environ.get(_TOKEN_VARIABLE)
    if not token:
        say(f"There is no console token: say --console-token or set {_TOKEN_VARIABLE}.")
        say("`promptetheus dev` prints one when it starts for the first time.")
        return 2
    from promptetheus.delivery.bootstrap import BootstrapFailed, bootstrap

    asked: dict[str, object] = {
        "workspace_name": arguments.workspace_name,
        "project_name": arguments.project_name,
        **({"agent_name": arguments.agent_name} if arguments.agent_name else {}),
        **({"new_key": True} if arguments.new_key else {}),
    }
    try:
        found = bootstrap(api_url, token, asked)
    except BootstrapFailed as error:
        say(f"{api_url} gave no key: {printable_line(str(error), 500)}")
        return 1
    written = _write(arguments, api_url, found.api_key)
    if written is None:
        _show(api_url, found.workspace, found.project, found.api_key, [])
        return 1
    if arguments.json:
        shown = {"api_url": api_url, "workspace": found.workspace, "project": found.project}
        print_json({**shown, "api_key": found.api_key, "written": written})
    else:
        _show(api_url, found.workspace, found.project, found.api_key, written)
    return 0


def _write(arguments: argparse.Namespace, api_url: str, api_key: str) -> list[str] | None:
    """The files that were written; None when one could not be: the key must not be lost for that."""
    from promptetheus.cli.secret_files import write_config, write_env

    written = []
    try:
        if arguments.write_env:
            write_env(
                Path(arguments.write_env), {"PROMPTETHEUS_API_KEY": api_key, "PROMPTETHEUS_API_URL": api_url}
            )
            written.append(arguments.write_env)
        if arguments.write_config:
            write_config(DEFAULT_CONFIG_PATH, {"api_url": api_url, "api_key": api_key})
            written.append(_shown(DEFAULT_CONFIG_PATH))
    except (OSError, ValueError) as error:
        say(f"The key was made, but could not be written to a file: {error}")
        return None
    return written


def _show(api_url: str, workspace: Any, project: Any, api_key: str, written: list[str]) -> None:
    out("Promptetheus project ready")
    out(f"  API URL  : {api_url}")
    out(f"  workspace: {printable_line(str(workspace), 120)}")
    out(f"  project  : {printable_line(str(project), 120)}")
    out("")
    out("Save this key; it is shown once:")
    out(f"  {api_key}")
    out("")
    out("For your shell:")
    out(f"  export PROMPTETHEUS_API_KEY={_quoted(api_key)}")
    if api_url != DEFAULT_API_URL:
        out(f"  export PROMPTETHEUS_API_URL={_quoted(api_url)}")
    for path in written:
        what = "SDK config" if path.endswith(".toml") else "env vars"
        out(f"Wrote {what} to {path}.")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _shown(path: Path) -> str:
    home = os.path.expanduser("~")
    text = str(path)
    return "~" + text[len(home) :] if text.startswith(home + os.sep) else text
