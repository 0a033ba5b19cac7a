"""`--web`: who may reach the page, what the page fetches, and what is said where it cannot be served."""

from __future__ import annotations

import sys

import pytest

from promptetheus.cli import main
from promptetheus.tui.web import is_from_here, without_foreign_links

KNOWN = frozenset(("127.0.0.1:8484", "localhost:8484"))


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("127.0.0.1:8484", None, True),
        ("localhost:8484", "http://localhost:8484", True),
        ("evil.example:8484", None, False),
        ("127.0.0.1:8484", "https://evil.example", False),
        ("127.0.0.1:8484", "null", False),
        (None, None, False),
    ],
)
def test_only_the_page_itself_may_connect(host: str | None, origin: str | None, expected: bool) -> None:
    assert is_from_here(host, origin, KNOWN) is expected


def test_the_page_asks_no_other_host() -> None:
    page = '<link rel="x" href="/a.css" />\n<link\n rel="stylesheet"\n href="https://fonts.googleapis.com/css?f" />'
    assert without_foreign_links(page) == '<link rel="x" href="/a.css" />\n'


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    assert main(["tui", "--web"]) == 1
    assert "pip install 'promptetheus[web]'" in capsys.readouterr().err
