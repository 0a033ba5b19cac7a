"""Artifacts in and out, on every kind of storage."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from promptetheus.artifacts import store_artifact
from promptetheus.gateway.options import BadOptions, Options
from promptetheus.gateway.state import open_gateway
from tests.gateway.conftest import on_files, serving
from tests.gateway.test_store_conformance import an_event

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100
DIGEST = hashlib.sha256(PNG).hexdigest()


def put(client: Any, content: bytes = PNG, media: str = "image/png", **headers: str) -> Any:
    named = {f"X-Promptetheus-{name.replace('_', '-')}": text for name, text in headers.items()}
    return client.post("/api/traces/s1/artifacts", content=content, headers={"Content-Type": media, **named})


class _FakeSupabase(BaseHTTPRequestHandler):
    """Supabase's storage as far as we use it: a private bucket behind the service role key."""

    objects: dict[str, bytes]

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != "Bearer role-key" or self.headers["apikey"] != "role-key":
            return self._answer(401)
        if "/object/sign/" in self.path:
            signed = (
                self.path.removeprefix("/storage/v1") + f"?token=signed-for-{json.loads(data)['expiresIn']}"
            )
            return self._answer(200, json.dumps({"signedURL": signed}).encode())
        self.objects[self.path] = data
        return self._answer(200)

    def do_GET(self) -> None:
        if "?token=signed-for-300" in self.path:
            self.path = self.path.partition("?")[0].replace("/object/sign/", "/object/")
        elif self.headers["Authorization"] != "Bearer role-key":
            return self._answer(401)
        return self._answer(200 if self.path in self.objects else 404, self.objects.get(self.path, b""))

    def do_DELETE(self) -> None:
        self._answer(200 if self.objects.pop(self.path, None) is not None else 404)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """moto's server on loopback with a bucket."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("moto[server] is not installed")
    import httpx
    from moto.server import ThreadedMotoServer  # type: ignore[import-untyped,unused-ignore]

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/artifacts", trust_env=False)
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def supabase() -> Iterator[tuple[str, dict[str, bytes]]]:
    objects: dict[str, bytes] = {}
    handler = type("Handler", (_FakeSupabase,), {"objects": objects})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", objects
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["local", "s3", "supabase"])
def stored(request: pytest.FixtureRequest, options: Options) -> Iterator[Any]:
    """A client of a gateway with each kind of artifact storage."""
    match request.param:
        case "s3":
            options = replace(
                options, artifact_storage="s3", s3_endpoint=request.getfixturevalue("s3"),
                s3_access_key="key", s3_secret_key="secret",
            )  # fmt: skip
        case "supabase":
            url, _ = request.getfixturevalue("supabase")
            options = replace(options, artifact_storage="supabase", supabase_url=url, supabase_key="role-key")
    with serving(options) as client:
        yield client


@on_files
def test_bytes_come_back_as_they_went_in(stored: Any) -> None:
    answer = put(stored, Filename="confirm.png", Artifact_Type="screenshot", Size_Bytes=str(len(PNG)))
    assert answer.status_code == 201
    artifact = answer.json()["artifact"]
    assert artifact["artifact_id"] == DIGEST
    assert artifact["storage_path"] == f"artifacts/{DIGEST[:2]}/{DIGEST}.png"
    assert (artifact["filename"], artifact["artifact_type"]) == ("confirm.png", "screenshot")
    found = stored.get(f"/artifacts/{DIGEST}")
    assert found.content == PNG
    assert found.headers["content-type"] == "image/png"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]
    assert stored.get("/api/traces/s1/artifacts").json()["artifacts"] == [artifact]


@on_files
def test_an_address_that_gives_the_bytes_without_a_key_is_signed_where_they_lie_in_a_bucket(
    stored: Any, request: pytest.FixtureRequest
) -> None:
    import httpx

    put(stored)
    told = stored.get(f"/artifacts/{DIGEST}?format=json").json()
    assert (told["artifact_id"], told["expires_in"]) == (DIGEST, 300)
    if request.node.callspec.params["stored"] == "local":
        assert told["signed_url"] is None
        return
    found = httpx.get(told["signed_url"], trust_env=False)
    assert found.status_code == 200 and found.content == PNG
    assert stored.get(f"/artifacts/{'0' * 64}?format=json").status_code == 404


def test_an_address_is_signed_as_the_makers_of_s3_sign_it(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto takes any signature: the one of boto3 is the measure."""
    boto3 = pytest.importorskip("boto3")
    from datetime import UTC, datetime

    from botocore.config import Config  # type: ignore[import-untyped, unused-ignore]

    from promptetheus.gateway import blobs
    from promptetheus.gateway.identity import Tenant

    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now

    monkeypatch.setattr(blobs, "datetime", Clock)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda *words, **named: now.replace(tzinfo=None)
    )
    ours = blobs.S3Blobs(s3, "eu-central-1", "artifacts", "key", "secret")
    theirs = boto3.client(
        "s3", endpoint_url=s3, region_name="eu-central-1", aws_access_key_id="key",
        aws_secret_access_key="secret", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )  # fmt: skip
    signed = ours.signed_url(Tenant("ws", "pr"), "artifacts/ab/abc.png", 300)
    expected = theirs.generate_presigned_url(
        "get_object",
        {
            "Bucket": "artifacts",
            "Key": "artifacts/ws/pr/ab/abc.png",
            "ResponseContentDisposition": "attachment",
        },
        ExpiresIn=300,
    )
    ours.close()
    assert signed.rpartition("=")[2] == expected.rpartition("=")[2]


@on_files
def test_deleting_the_session_deletes_its_bytes(stored: Any) -> None:
    put(stored)
    assert stored.delete("/api/sessions/s1").status_code == 200
    assert stored.get(f"/artifacts/{DIGEST}").status_code == 404


@on_files
def test_a_large_artifact_is_not_held_in_memory_and_comes_back_whole(stored: Any) -> None:
    content = bytes(range(256)) * (20 << 12)
    put(stored, content, "video/webm")
    assert stored.get(f"/artifacts/{hashlib.sha256(content).hexdigest()}").content == content


def test_the_same_bytes_are_one_artifact_however_often_they_come(client: Any) -> None:
    first, second = put(client).json()["artifact"], put(client).json()["artifact"]
    assert first == second
    assert len(client.get("/api/traces/s1/artifacts").json()["artifacts"]) == 1


@on_files
def test_the_path_is_the_one_that_the_agents_spool_has(client: Any, tmp_path: Path) -> None:
    """So that the event that names it finds it in the gateway's spool, too."""
    for data, extension, media in ((PNG, "png", "image/png"), (b"{}", "json", "application/json"),
                                   (b"text", "txt", "text/plain; charset=utf-8"),
                                   (b"raw", "bin", "application/octet-stream"),
                                   (b"\xff\xd8\xff", "jpg", "image/jpeg")):  # fmt: skip
        own = store_artifact(tmp_path / "spool", data, extension)
        answer = put(
            client, data, media, Filename=f"{own.artifact_id}.{extension}", Artifact_Id=own.artifact_id
        )
        assert answer.json()["artifact"]["storage_path"] == own.storage_path


@pytest.mark.parametrize(
    "name", ["../../../../evil.png", "..\\..\\evil.png", "/etc/passwd", "..", ".", "", "a\tb.png", "x" * 5000,
             "a/b/c.png", 'evil".png', "evil;x=y.png"],
)  # fmt: skip
@on_files
def test_no_name_leads_out_of_the_artifacts(client: Any, tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    answer = put(client, Filename=name, Artifact_Type="../../x")
    assert answer.status_code == 201
    artifact = answer.json()["artifact"]
    assert "/" not in artifact["filename"] and ".." not in artifact["filename"].strip(".")
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    pictures = [path for path in new if path.suffix == ".png"]
    assert [path.parent.parent.name for path in pictures] == ["artifacts"]
    assert client.get(f"/artifacts/{DIGEST}").status_code == 200


@pytest.mark.parametrize("artifact_id", ["../../../../../evil", "0" * 64, "A" * 64])
@on_files
def test_an_id_is_the_hash_of_the_content_or_nothing(client: Any, artifact_id: str) -> None:
    answer = put(client, Artifact_Id=artifact_id)
    if artifact_id == "0" * 64:
        assert answer.status_code == 400
    else:
        assert answer.json()["artifact"]["artifact_id"] == DIGEST


@pytest.mark.parametrize("path", ["..%2F..%2Fgateway.db", "gateway.db", "%2e%2e", "a" * 64, DIGEST.upper()])
@on_files
def test_only_a_known_hash_is_read(client: Any, path: str) -> None:
    put(client)
    assert client.get(f"/artifacts/{path}").status_code == 404


@on_files
def test_what_is_not_taken_is_refused(client: Any, options: Options) -> None:
    assert put(client, media="text/html").status_code == 415
    assert put(client, media="image/svg+xml").status_code == 415
    assert put(client, Size_Bytes="1").status_code == 400


@on_files
def test_an_artifact_has_so_many_bytes_at_most(options: Options) -> None:
    with serving(replace(options, limits=replace(options.limits, artifact_bytes=100))) as client:
        assert put(client).status_code == 413


@on_files
def test_storage_that_does_not_answer_is_a_503_and_the_client_comes_back(options: Options) -> None:
    away = replace(options, artifact_storage="supabase", supabase_url="http://127.0.0.1:9", supabase_key="k")
    with serving(away) as client:
        answer = put(client)
        assert answer.status_code == 503
        assert "127.0.0.1" not in answer.text
        assert client.post("/api/traces/s1/events", json={"events": [an_event(0, "k")]}).status_code == 200


@pytest.mark.parametrize("storage", ["s3", "supabase"])
@on_files
def test_storage_without_its_settings_is_told_at_the_start(options: Options, storage: Any) -> None:
    with pytest.raises(BadOptions, match="needs"):
        open_gateway(replace(options, artifact_storage=storage))
