"""The way of a picture to a terminal that keeps pictures itself."""

from __future__ import annotations

import os
from typing import Any, Protocol, runtime_checkable

from textual.app import App

from promptetheus.tui.pictures.kitty import KittyPictures, Upload, through_tmux


@runtime_checkable
class KeepsPictures(Protocol):
    """An app that knows which pictures its terminal has."""

    kitty: KittyPictures


def send_picture(app: App[Any], upload: Upload) -> None:
    """Have the terminal know a picture."""
    if isinstance(app, KeepsPictures):
        write_to_terminal(app, app.kitty.sequences(upload))


def write_to_terminal(app: App[Any], sequences: str) -> None:
    """Write sequences that move nothing on the screen, in turn with everything that is drawn."""
    # The driver is private to Textual; its own `copy_to_clipboard` writes like this.
    if sequences and app._driver is not None:
        app._driver.write(through_tmux(sequences) if "TMUX" in os.environ else sequences)
