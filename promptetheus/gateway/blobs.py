"""Where the bytes of artifacts lie: beside the sessions, in S3-compatible storage, or in Supabase storage."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import quote, urlencode, urlsplit

import orjson

from promptetheus.artifacts import open_source, store_artifact
from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.places import spool_below

if TYPE_CHECKING:
    import httpx

_ALGORITHM = "AWS4-HMAC-SHA256"
_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0


class Blobs(Protocol):
    """Bytes by project and storage path. All methods may raise StoreUnavailable."""

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """Keep the content of a file, whose SHA-256 is known."""

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """The content in pieces; None when it is not there."""

    def signed_url(self, tenant: Tenant, path: str, seconds: int) -> str | None:
        """An address that gives the content to anybody for so long; None where only the gateway gives it."""

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

    def signed_url(self, tenant: Tenant, path: str, seconds: int) -> None:
        """Files have no address but the gateway's, which asks for a key."""

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

    def signed_url(self, tenant: Tenant, path: str, seconds: int) -> str:
        """A presigned GET, which a browser saves and does not show.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        url, now = f"{self._url}/{_object_name(tenant, path)}", datetime.now(UTC)
        parameters = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self._access_key}/{self._scope(now)}",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            "response-content-disposition": "attachment",
        }
        query = urlencode(parameters, quote_via=quote)  # they stand in the order that signing wants
        host = {"host": self._host}
        return f"{url}?{query}&X-Amz-Signature={self._signature('GET', url, query, host, 'UNSIGNED-PAYLOAD', now)}"

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
        now = datetime.now(UTC)
        signed = {
            "host": self._host,
            "x-amz-content-sha256": digest,
            "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        }
        authorization = (
            f"{_ALGORITHM} Credential={self._access_key}/{self._scope(now)}, SignedHeaders={';'.join(signed)}, "
            f"Signature={self._signature(method, url, '', signed, digest, now)}"
        )
        return _answered(
            self._http, method, url, content, {**(headers or {}), **signed, "Authorization": authorization}
        )

    def _scope(self, now: datetime) -> str:
        return f"{now:%Y%m%d}/{self._region}/s3/aws4_request"

    def _signature(
        self, method: str, url: str, query: str, headers: dict[str, str], digest: str, now: datetime
    ) -> str:
        """Of a request with these headers, which are all in lower case and in order."""
        heads = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = "\n".join((method, urlsplit(url).path, query, heads, ";".join(headers), digest))
        hashed = hashlib.sha256(request.encode()).hexdigest()
        text = "\n".join((_ALGORITHM, f"{now:%Y%m%dT%H%M%SZ}", self._scope(now), hashed))
        key = f"AWS4{self._secret_key}".encode()
        for part in self._scope(now).split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class SupabaseBlobs:
    """A private bucket of Supabase storage, used with the service role key, which no client ever sees."""

    def __init__(self, url: str, key: str, bucket: str) -> None:
        self._storage = f"{url.rstrip('/')}/storage/v1"
        self._url, self._bucket = f"{self._storage}/object/{bucket}", bucket
        self._headers = {"Authorization": f"Bearer {key}", "apikey": key}
        self._http = _client()

    def put(self, tenant: Tenant, path: str, content: BinaryIO, digest: str, content_type: str) -> None:
        """POST the object."""
        headers = {"Content-Type": content_type, "Content-Length": _size(content), "x-upsert": "true"}
        self._request("POST", tenant, path, _pieces(content, close=False), {**headers, **self._headers})

    def get(self, tenant: Tenant, path: str) -> Iterator[bytes] | None:
        """GET the object."""
        return _body(self._request("GET", tenant, path, None, self._headers))

    def signed_url(self, tenant: Tenant, path: str, seconds: int) -> str | None:
        """Have the storage sign it; None where it does not know the object."""
        url = f"{self._storage}/object/sign/{self._bucket}/{_object_name(tenant, path)}"
        body = orjson.dumps({"expiresIn": seconds})
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self._headers}
        answer = _answered(self._http, "POST", url, iter((body,)), headers)
        if answer.status_code == 404:
            return None
        try:
            told = orjson.loads(answer.content)
            signed = next(told[name] for name in ("signedURL", "signedUrl", "url") if name in told)
        except (ValueError, TypeError, StopIteration):
            signed = None
        if not isinstance(signed, str) or not signed.startswith("/"):
            raise StoreUnavailable("artifact storage signed nothing")
        return f"{self._storage}{signed}&download="

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
