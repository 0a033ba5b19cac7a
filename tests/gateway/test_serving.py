"""`promptetheus dev` and `promptetheus serve`, as people meet them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.gateway.places import find_spool
from tests.gateway.running import RunningGateway


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_dev_says_where_it_is_and_which_keys_open_it(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "gateway") as gateway:
        said = gateway.said()
        assert f"export PROMPTETHEUS_API_URL='http://127.0.0.1:{gateway.port}'" in said
        assert "export PROMPTETHEUS_API_KEY='pt_dev_key'" in said
        assert "Authorization=Bearer pt_dev_key" in said
        assert f"promptetheus tui --spool {tmp_path / 'gateway' / 'projects' / 'proj_dev' / 'spool'}" in said
        status, made = gateway.request(
            "POST", "/api/onboarding/bootstrap", {}, Authorization="Bearer pt_console_token"
        )
        assert status == 201
        assert made["api_key"] not in gateway.said()


def test_what_dev_keeps_is_for_its_user_alone(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "gateway"):
        pass
    for path in [tmp_path / "gateway", *(tmp_path / "gateway").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_gateway_that_others_can_reach_makes_its_own_secrets(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "gateway", host="0.0.0.0") as gateway:
        said = gateway.said()
        assert "pt_dev_key" not in said and "pt_console_token" not in said
        assert "export PROMPTETHEUS_API_KEY='pt_live_" in said
        assert gateway.request("GET", "/api/sessions")[0] == 401


def test_a_port_in_use_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, err = run(capsys, "dev", "--port", port, "--dir", str(tmp_path / "gateway"))
    assert code == 1
    assert "Cannot listen at 127.0.0.1" in err and "--port 4319" in err
    assert not (tmp_path / "gateway").exists()


def test_serve_does_not_start_without_secrets(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run(capsys, "serve", "--port", "0", "--dir", str(tmp_path / "gateway"))
    assert code == 2 and "PROMPTETHEUS_CONSOLE_TOKEN" in err
    monkeypatch.setenv("PROMPTETHEUS_CONSOLE_TOKEN", "pt_console_token")
    code, _, err = run(capsys, "serve", "--port", "0", "--dir", str(tmp_path / "gateway"))
    assert code == 2 and "well known" in err


@pytest.mark.parametrize(
    ("name", "text"), [("PROMPTETHEUS_AUTH_MODE", "open"), ("PROMPTETHEUS_MAX_STREAMS", "many"),
                       ("PROMPTETHEUS_RETENTION_HOURS", "-1"), ("PORT", "http")],
)  # fmt: skip
def test_a_bad_setting_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    code, _, err = run(capsys, "serve", "--dir", str(tmp_path / "gateway"))
    assert code == 2
    assert name in err


def test_serve_with_a_token_serves(tmp_path: Path) -> None:
    token = "a-console-token-of-our-own-0123456789"
    with RunningGateway(tmp_path / "gateway", command="serve", PROMPTETHEUS_CONSOLE_TOKEN=token) as gateway:
        assert token not in gateway.said()
        assert gateway.request("GET", "/api/sessions")[0] == 401
        assert gateway.request("GET", "/api/sessions", Authorization=f"Bearer {token}")[0] == 200


def test_the_settings_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "serve", "--settings", "--json")
    rows = {row["variable"]: row for row in json.loads(out)["settings"]}
    assert code == 0
    assert rows["DATABASE_URL"]["default"] is None
    assert rows["PROMPTETHEUS_MAX_ARTIFACT_BYTES"]["default"] == 50 << 20
    code, out, _ = run(capsys, "serve", "--settings")
    assert code == 0 and "SUPABASE_JWT_SECRET" in out


def test_a_project_of_the_gateway_is_found_by_its_name_or_id(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningGateway(tmp_path / "gateway") as gateway:
        body = {"project_name": "Web shop"}
        _, made = gateway.request(
            "POST", "/api/onboarding/bootstrap", body, Authorization="Bearer pt_console_token"
        )
        project = made["project"]["id"]
        expected = tmp_path / "gateway" / "projects" / project / "spool"
        assert (
            find_spool(tmp_path / "gateway", "Web shop")
            == find_spool(tmp_path / "gateway", project)
            == expected
        )
    monkeypatch.setenv("PROMPTETHEUS_GATEWAY_DIR", str(tmp_path / "gateway"))
    code, _, err = run(capsys, "tui", "--project", "no such project")
    assert code == 1 and "Web shop" in err
    monkeypatch.setenv("PROMPTETHEUS_GATEWAY_DIR", str(tmp_path / "nowhere"))
    assert run(capsys, "tui", "--project", "x")[0] == 1


def test_a_program_that_starts_a_gateway_learns_where_it_serves(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "promptetheus.cli",
        "dev",
        "--port",
        "0",
        "--json",
        "--dir",
        str(tmp_path / "gateway"),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            told, _ = json.JSONDecoder().raw_decode("".join(iter(process.stdout.readline, "}\n")) + "}")
        finally:
            process.terminate()
    assert told["url"] == f"http://127.0.0.1:{told['port']}"
    assert told["api_key"] == "pt_dev_key"
    assert process.returncode == 0
