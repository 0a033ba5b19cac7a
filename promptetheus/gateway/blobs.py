"""Where the bytes of artifacts lie: beside the sessions, in S3-compatible storage, or in Supabase storage."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import quote, urlsplit

from promptetheus.artifacts import open_source, store_artifact
from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.places import spool_below

if TYPE_CHECKING:
    import httpx

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0


class Blobs(Protocol):
    """Bytes by project and storage path. All methods may raise StoreUnavailable."""

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """Keep the content of a file, whose SHA-256 is known."""

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """The content in pieces; None when it is not there."""

    def delete(self, tenant: Tenant, path: str) -> None:
        """Delete it, if it is there."""

    def close(self) -> None:
        """Give connections back."""


class LocalBlobs:
    """Files in the `artifacts` directory of the project's spool, where the terminal finds them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """Keep it under its hash."""
        try:
            store_artifact(self._spool(tenant), content, path.rpartition(".")[2])
        except OSError as error:
            raise StoreUnavailable(f"cannot keep an artifact: {error.strerror or error}") from error

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """The file in pieces."""
        try:
            file = open_source(self._spool(tenant) / path)
        except (OSError, ValueError):
            return None
        return _pieces(file)

    def delete(self, tenant: Tenant, path: str) -> None:
        """Delete the file."""
        try:
            (self._spool(tenant) / path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot delete an artifact: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing is open."""

    def _spool(self, tenant: Tenant) -> Path:
        return spool_below(self._directory, tenant.project_id)


class S3Blobs:
    """A bucket of an S3-compatible service, requests signed with version 4.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    def __init__(self, endpoint: str, region: str, bucket: str, access_key: str, secret_key: str) -> None:
        self._url = f"{endpoint.rstrip('/')}/{bucket}"
        self._host = urlsplit(endpoint).netloc
        self._region, self._access_key, self._secret_key = region, access_key, secret_key
        self._http = _client()

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """PUT the object, sent piece by piece."""
        headers = {"Content-Type": content_type, "Content-Length": _size(content)}
        self._request("PUT", tenant, path, digest, _pieces(content, close=False), headers)

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """GET the object."""
        return _body(self._request("GET", tenant, path, _EMPTY_DIGEST))

    def delete(self, tenant: Tenant, path: str) -> None:
        """DELETE the object."""
        self._request("DELETE", tenant, path, _EMPTY_DIGEST)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _request(
        self,
        method: str,
        tenant: Tenant,
        path: str,
        digest: str,
        content: Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        url = f"{self._url}/{_object_name(tenant, path)}"
        signed = self._signed(method, urlsplit(url).path, digest, datetime.now(UTC))
        return _answered(self._http, method, url, content, {**(headers or {}), **signed})

    def _signed(self, method: str, path: str, digest: str, now: datetime) -> dict[str, str]:
        """The headers that sign a request without a query."""
        stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
        signed = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        names = ";".join(signed)
        heads = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = "\n".join((method, path, "", heads, names, digest))
        scope = f"{day}/{self._region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{self._secret_key}".encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self._access_key}/{scope}"
        authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        return {"X-Amz-Content-Sha256": digest, "X-Amz-Date": stamp, "Authorization": authorization}


class SupabaseBlobs:
    """A private bucket of Supabase storage, used with the service role key, which no client ever sees."""

    def __init__(self, url: str, key: str, bucket: str) -> None:
        self._url = f"{url.rstrip('/')}/storage/v1/object/{bucket}"
        self._headers = {"Authorization": f"Bearer {key}", "apikey": key}
        self._http = _client()

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """POST the object."""
        headers = {"Content-Type": content_type, "Content-Length": _size(content), "x-upsert": "true"}
        self._request("POST", tenant, path, _pieces(content, close=False), {**headers, **self._headers})

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """GET the object."""
        return _body(self._request("GET", tenant, path, None, self._headers))

    def delete(self, tenant: Tenant, path: str) -> None:
        """DELETE the object."""
        self._request("DELETE", tenant, path, None, self._headers)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _request(
        self,
        method: str,
        tenant: Tenant,
        path: str,
        content: Iterator[bytes] | None,
        headers: dict[str, str],
    ) -> httpx.Response:
        return _answered(self._http, method, f"{self._url}/{_object_name(tenant, path)}", content, headers)


_EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


def _object_name(tenant: Tenant, path: str) -> str:
    """`artifacts/<workspace>/<project>/<ab>/<sha256>.<extension>`: storage policies go by the second part."""
    inner = path.removeprefix("artifacts/")
    return quote(f"artifacts/{tenant.workspace_id}/{tenant.project_id}/{inner}", safe="/-_.~")


def _size(content: BinaryIO) -> str:
    content.seek(0, os.SEEK_END)
    size = content.tell()
    content.seek(0)
    return str(size)


def _client() -> httpx.Client:
    import httpx

    return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)


def _answered(
    http: httpx.Client, method: str, url: str, content: Iterator[bytes] | None, headers: dict[str, str]
) -> httpx.Response:
    """The answer, its body not read yet; 404 is one, everything else that is no success raises StoreUnavailable."""
    import httpx

    try:
        answer = http.send(http.build_request(method, url, content=content, headers=headers), stream=True)
        if not answer.is_success and answer.status_code != 404:
            answer.close()
            raise StoreUnavailable(f"artifact storage answered {answer.status_code}")
        if method != "GET":
            answer.read()
    except httpx.HTTPError as error:
        raise StoreUnavailable(f"artifact storage: {type(error).__name__}") from error
    return answer


def _body(answer: httpx.Response) -> Iterator[bytes] | None:
    if answer.status_code == 404:
        answer.close()
        return None
    return _streamed(answer)


def _streamed(answer: httpx.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_bytes(_CHUNK_BYTES)
    finally:
        answer.close()


def _pieces(file: BinaryIO, *, close: bool = True) -> Iterator[bytes]:
    try:
        while piece := file.read(_CHUNK_BYTES):
            yield piece
    finally:
        if close:
            file.close()
