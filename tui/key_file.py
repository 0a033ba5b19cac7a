"""Keys that a person chose: a preset, and single actions by their id, in `keys.toml`.

    preset = "vim"              # default, vim or emacs

    [keys]
    "app.palette" = "ctrl+k"    # several: "ctrl+k,f1"
    "sessions.diff" = "ctrl+d"

The file of a project (`.promptetheus/keys.toml`) counts for more than the person's own
(`~/.config/promptetheus/keys.toml`). What is in them that is not understood is told, and left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from promptetheus.display import printable_line
from promptetheus.project_files import beside
from promptetheus.tui.keymap import key_text

FILE_NAME = "keys.toml"
_PROJECT_DIRECTORY = ".promptetheus"
_MAX_BYTES = 100_000
_KEY = re.compile(r"((ctrl|shift|alt|super|meta)\+)*[a-zA-Z0-9_]+")

PRESETS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "vim": {
        "list.page_down": "pagedown,ctrl+f,ctrl+d",
        "list.page_up": "pageup,ctrl+b,ctrl+u",
        "app.last_view": "minus,ctrl+o",
    },
    "emacs": {
        "list.down": "down,j,ctrl+n",
        "list.up": "up,k,ctrl+p",
        "list.page_down": "pagedown,ctrl+v",
        "list.page_up": "pageup,alt+v",
        "list.first": "g,home,alt+less_than_sign",
        "list.last": "G,end,alt+greater_than_sign",
        "app.palette": "alt+x",
        "app.quit": "q,ctrl+x",
    },
}


class Action(Protocol):
    """What has to be known of an action."""

    @property
    def keys(self) -> str:
        """Of the default preset, separated by commas."""

    @property
    def places(self) -> frozenset[str]:
        """What on the screen has it, by the names of classes."""


class ChosenKeys(NamedTuple):
    """What the files say."""

    keys: Mapping[str, str]
    """Keys by the id of the action, several separated by commas."""
    problems: tuple[str, ...]
    """What was not understood, for people."""


def key_files(spool: Path) -> list[Path]:
    """Where the keys are looked for, what counts for more last."""
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    own = beside(spool, FILE_NAME)
    # The demo's spool, as any other below `.promptetheus`, is of the project around it.
    project = (parent / FILE_NAME for parent in own.parents if parent.name == _PROJECT_DIRECTORY)
    return list(dict.fromkeys([Path(config) / "promptetheus" / FILE_NAME, next(project, own), own]))


def read_keys(spool: Path) -> ChosenKeys:
    """The keys of a project and a person. Which actions there are is not known here: see `check_keys`."""
    preset, chosen, problems = "default", dict[str, str](), list[str]()
    for path in key_files(spool):
        found = _table(path, problems)
        name = found.get("preset", preset)
        if name in PRESETS:
            preset = str(name)
        else:
            problems.append(f"{path.name}: there is no preset {name!r}: {', '.join(PRESETS)}.")
        for action, keys in _entries(found.get("keys", {}), path, problems):
            if not all(_KEY.fullmatch(key.strip()) for key in keys.split(",")):
                problems.append(f"{path.name}: {keys!r} is no key for {action}; write ctrl+k, f1, G …")
            else:
                chosen[action] = keys
    problems += _conflicts(chosen)
    return ChosenKeys({**PRESETS[preset], **chosen}, tuple(printable_line(each, 300) for each in problems))


def check_keys(keys: Mapping[str, str], known: Mapping[str, Action]) -> list[str]:
    """What to tell of chosen keys: ids that name no action, and keys that had another meaning in the same place.

    Args:
        known: Every action, by its id.
    """
    told = []
    for action, chosen in keys.items():
        if action not in known:
            name = printable_line(action, 80)
            told.append(f"{FILE_NAME}: there is no action {name}: promptetheus tui --keys lists them.")
            continue
        if any(preset.get(action) == chosen for preset in PRESETS.values()):
            continue  # What a preset does to the other keys is meant so.
        for key in (each.strip() for each in chosen.split(",")):
            others = [other for other in known if other not in keys and key in known[other].keys.split(",")]
            changes = _changes(key, action, others, known)
            if changes:
                told.append(f"{FILE_NAME}: {key_text(key)} is {action} now. {' '.join(changes)}")
    return told


def _changes(key: str, action: str, others: Iterable[str], known: Mapping[str, Action]) -> list[str]:
    """What becomes of the usual actions of a key, in sentences; of those that are at hand together."""
    place, said = _place(action), list[str]()
    kept, hidden = list[str](), list[str]()
    for other in others:
        if known[action].places & known[other].places:
            left = [key_text(each) for each in known[other].keys.split(",") if each != key]
            said.append(f"{other} has {'only ' + ' '.join(left) if left else 'no key'} left.")
        elif place == "app" or _place(other) == "list":
            kept.append(other)
        elif place == "list" or _place(other) == "app":
            hidden.append(other)
    if kept:
        said.append(f"Where one of these is at hand, the key stays its own: {', '.join(kept)}.")
    if hidden:
        said.append(f"Where that is at hand, the key is no longer {' or '.join(hidden)}.")
    return said


def _place(action: str) -> str:
    return action.partition(".")[0]


def _table(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            import tomllib  # Most people have no such file, and it would be read before the first frame.

            return tomllib.loads(file.read(_MAX_BYTES).decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path}: {error}")
        return {}


def _entries(found: object, path: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(found, dict):
        problems.append(f"{path.name}: [keys] is no table.")
        return
    for action, keys in found.items():
        # An id without quotes is a table in a table: sessions.diff.
        if isinstance(keys, dict):
            yield from ((f"{action}.{inner}", each) for inner, each in keys.items() if isinstance(each, str))
        elif isinstance(keys, str):
            yield action, keys
        else:
            problems.append(f"{path.name}: the key of {action} is no text.")


def _conflicts(chosen: Mapping[str, str]) -> Iterator[str]:
    """Two actions of one place, or of a place and everywhere, that the file gives the same key."""
    taken: dict[tuple[str, str], str] = {}
    for action, keys in chosen.items():
        place = _place(action)
        for key in (each.strip() for each in keys.split(",")):
            for where in (place, "app"):
                other = taken.get((where, key))
                if other is not None and other != action:
                    yield (
                        f"{FILE_NAME}: {key_text(key)} is given to {other} and to {action}. "
                        "Only one can have it: change one of them."
                    )
                    break
            taken.setdefault((place, key), action)
