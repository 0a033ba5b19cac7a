"""The command line: a table of commands, each in a module of its own that is imported when it runs.

Exit codes: 0 done, 1 a problem was found, 2 the command was not understood. Data on stdout, talk on stderr.
"""

from __future__ import annotations

import os
import sys

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "record a few example runs and open them in the terminal"),
    "tui": ("tui", "watch the spool: live sessions, timelines, screenshots"),
    "sessions": ("sessions", "list recorded sessions"),
    "search": ("search", "find a text in everything that was recorded"),
    "replay": ("replay", "print the timeline of a session"),
    "explain": ("explain", "say what happened in a session, in as many words as you want"),
    "fingerprint": ("fingerprint", "name the way a session failed"),
    "diff": ("diff", "compare a session with a baseline"),
    "rules": ("rules", "what comparisons ignore and which tools change the world; correct both"),
    "suspects": ("suspects", "what failing sessions do that passing ones do not"),
    "failures": ("failures", "the ways in which sessions failed: new, recurring, gone, back"),
    "verify": ("verify", "say whether a failure is gone, as far as the sessions show"),
    "sql": ("sql", "ask the spool with DuckDB, read only"),
    "export": ("export", "write a session as JSON"),
    "import": ("import_", "bring in runs recorded by other tools"),
    "redaction": ("redaction", "show what redaction would take out of a session or file"),
    "mcp": ("mcp", "evidence for coding agents over MCP; install prints a client's configuration"),
    "evidence": ("evidence", "what a coding agent is told, on the command line"),
    "skill": ("skill", "a short text for coding agents that have a shell"),
    "init": ("init", "set up delivery: a project at a gateway, and its key"),
    "spool": ("spool", "what is pending, sent and refused; send it, send it again, delete it"),
    "mirror": ("mirror", "keep a gateway's project here, as a spool that every command reads"),
    "doctor": ("doctor", "check the spool, the settings and the connection"),
    "dev": ("dev", "run a gateway for this machine"),
    "serve": ("serve", "run a gateway for a team"),
    "version": ("version", "print the version"),
}
"""Name of a command to its module and what it does, in the order of the help."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        code = _answer(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went away: `promptetheus sessions | head -1`
        _drop_output()
        return 0
    except PermissionError as error:
        from promptetheus.cli.output import say
        from promptetheus.cli.permission import denied

        _drop_output()
        say(f"promptetheus: {denied(error)}")
        return 1
    except OSError as error:  # the disk that the output goes to is full
        from promptetheus.cli.output import say

        _drop_output()
        where = f": {error.filename}" if error.filename else ""
        say(f"promptetheus: {error.strerror or error}{where}")
        return 1


def _drop_output() -> None:
    """What is left in buffers goes nowhere; Python would fail on it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        words[0] = "version"
    if words[0] not in COMMANDS:
        return _unknown(words[0])
    return _run(words[0], words[1:])


def _run(name: str, words: list[str]) -> int:
    module, summary = COMMANDS[name]
    if name == "version" and not words:  # no parser is needed to say this
        from promptetheus import __version__

        print(__version__)
        return 0
    import argparse
    import importlib

    command = importlib.import_module(f"promptetheus.cli.{module}")
    parser = argparse.ArgumentParser(
        prog=f"promptetheus {name}",
        description=(command.__doc__ or summary).strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    try:
        arguments = parser.parse_intermixed_args(words)
    except SystemExit as stop:  # argparse has said what is wrong
        return stop.code if isinstance(stop.code, int) else 2
    from promptetheus.cli.output import say
    from promptetheus.cli.permission import closed_spool

    if why := closed_spool(arguments):
        say(f"promptetheus: {why}")
        return 1
    code = command.run(arguments)
    return code if isinstance(code, int) else 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: promptetheus COMMAND [OPTIONS]",
            "",
            "The debugger for AI agents that lives in the terminal.",
            "",
            *lines,
            "",
            "promptetheus COMMAND --help says more about a command.",
        ]
    )


def _unknown(word: str) -> int:
    import difflib

    close = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    print(f"promptetheus: {word!r} is not a command.{hint} See: promptetheus --help", file=sys.stderr)
    return 2
