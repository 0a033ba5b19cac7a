"""`--web`: who may reach the page, and what is said where it cannot be served."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.tui.web import HOST, CannotServe, free_port, is_from_here, is_same

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


def test_a_token_is_taken_as_it_is_only() -> None:
    assert is_same("secret", "secret")
    assert not any(is_same(given, "secret") for given in (None, "", "secre", "secret ", "\udc80"))


def test_a_port_that_cannot_be_had_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("textual_serve")
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["tui", "--web", str(port)]) == 1
        assert f"port {port} cannot be had: another program has it. --web 0" in capsys.readouterr().err
    assert free_port(0) > 0


def test_a_port_of_the_system_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(socket.socket):
        """As the system answers whoever is not root."""

        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Refused)
    with pytest.raises(CannotServe, match="ports below 1024 belong to the system"):
        free_port(80)


@pytest.mark.parametrize("given", ["99999", "-1", "8484.5", "http", "", "01M8FAILED"])
def test_what_is_no_port_is_said_with_what_is_one(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tui", f"--web={given}"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "is no port. Ports are 0 to 65535, and 0 takes any that is free" in said


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("textual_serve", "textual_serve.server"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["tui", "--web"]) == 1
    assert "pip install 'promptetheus[web]'" in capsys.readouterr().err


def test_what_cannot_be_shown_is_said_before_a_page_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tui", "01NOSUCH", "--spool", str(tmp_path), "--web", "0"]) == 1
    assert "01NOSUCH" in capsys.readouterr().err
