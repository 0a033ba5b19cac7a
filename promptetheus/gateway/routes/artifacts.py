"""Pictures, recordings and large values: in by their bytes, kept by their hash, out by their id."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from promptetheus.artifacts import CONTENT_TYPES
from promptetheus.gateway import schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Ingest, Part, Reader, session_tenant, tenants_of, writing_tenant
from promptetheus.gateway.bodies import spooled
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Principal, Tenant
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.records import ArtifactRecord

router = APIRouter(tags=["artifacts"])

_EXTENSIONS = {value.partition(";")[0]: extension for extension, value in CONTENT_TYPES.items()}
_EXTENSIONS["application/octet-stream"] = "bin"
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_HASH = re.compile(r"[0-9a-f]{64}")
_KIND = re.compile(r"[a-z_]{1,40}")
_READ_BYTES = 1 << 20
_SIGNED_S = 300
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            name: {"schema": {"type": "string", "contentMediaType": name}} for name in sorted(_EXTENSIONS)
        },
    }
}
_BYTES: dict[str, Any] = {
    "content": {
        "*/*": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": schemas.SignedArtifact.model_json_schema()},
    },
    "description": "The bytes, or their address.",
}


@router.post(
    "/api/traces/{trace_id:path}/artifacts",
    status_code=201,
    response_model=schemas.OneArtifact,
    openapi_extra=_BODY,
    summary="Store an artifact",
)
async def store_artifact(
    gateway: Part, who: Ingest, request: Request, trace_id: str, project_id: str | None = None
) -> Json:
    """The body is the bytes; `X-Promptetheus-Filename` and `-Artifact-Type` describe them. The id is the SHA-256 of
    the content: the same bytes are kept once."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _EXTENSIONS:
        raise Refused(415, f"artifacts of type {media[:60]!r} are not taken")
    async with spooled(gateway, request, gateway.options.limits.artifact_bytes) as content:
        record = await run_in_threadpool(
            _keep, gateway, who, trace_id, project_id, content, media, dict(request.headers)
        )
    return Json({"artifact": record}, 201)


@router.get(
    "/api/traces/{trace_id:path}/artifacts", response_model=schemas.Artifacts, summary="A session's artifacts"
)
def list_artifacts(gateway: Part, who: Reader, trace_id: str, project_id: str | None = None) -> Json:
    """What is stored for a session."""
    tenant = session_tenant(gateway, who, trace_id, project_id)
    found = gateway.records.artifacts_of(tenant, trace_id)
    return Json({"artifacts": [_shown(record, tenant) for record in found]})


@router.get(
    "/artifacts/{artifact_id}",
    response_class=StreamingResponse,
    responses={200: _BYTES},
    summary="An artifact's bytes",
)
def read_artifact(
    gateway: Part,
    who: Reader,
    artifact_id: str,
    project_id: str | None = None,
    format: Annotated[
        Literal["json"] | None,
        Query(description="An address instead of the bytes, where they lie in a bucket."),
    ] = None,
) -> Response:
    """The bytes, wherever they lie; nothing in them runs in a browser. With `format=json`: an address at the storage
    that gives them without a key for five minutes; null where only the gateway gives them."""
    for tenant in tenants_of(gateway, who, project_id):
        record = gateway.records.artifact(tenant, artifact_id) if _HASH.fullmatch(artifact_id) else None
        if record is None:
            continue
        if format == "json":
            address = gateway.blobs.signed_url(tenant, record.storage_path, _SIGNED_S)
            return Json({"artifact_id": artifact_id, "signed_url": address, "expires_in": _SIGNED_S})
        content = gateway.blobs.get(tenant, record.storage_path)
        if content is not None:
            return StreamingResponse(
                content,
                media_type=record.content_type,
                headers={
                    "Content-Disposition": f'attachment; filename="{record.filename}"',
                    "Content-Security-Policy": "default-src 'none'; sandbox",
                    "Cache-Control": "private, max-age=31536000, immutable",
                },
            )
    raise not_found("artifact")


def _keep(
    gateway: Gateway,
    who: Principal,
    session_id: str,
    project_id: str | None,
    content: BinaryIO,
    media: str,
    headers: dict[str, str],
) -> dict[str, Any]:
    tenant = writing_tenant(gateway, who, session_id, project_id)
    hashed, size = hashlib.sha256(), 0
    while piece := content.read(_READ_BYTES):
        hashed.update(piece)
        size += len(piece)
    digest = hashed.hexdigest()
    claimed = headers.get("x-promptetheus-artifact-id", digest)
    if _HASH.fullmatch(claimed) and claimed != digest:
        raise Refused(400, "the bytes do not have the SHA-256 that X-Promptetheus-Artifact-Id says")
    declared_size = headers.get("x-promptetheus-size-bytes", str(size))
    if declared_size != str(size):
        raise Refused(400, "the bytes are not as many as X-Promptetheus-Size-Bytes says")
    name = _safe_name(headers.get("x-promptetheus-filename", ""))
    extension = _extension(name, media)
    kind = headers.get("x-promptetheus-artifact-type", "")
    record = ArtifactRecord(
        digest,
        session_id,
        f"artifacts/{digest[:2]}/{digest}.{extension}",
        CONTENT_TYPES.get(extension, media),
        name,
        kind if _KIND.fullmatch(kind) else "artifact",
        size,
    )
    content.seek(0)
    gateway.blobs.put(tenant, record.storage_path, content, digest, record.content_type)
    gateway.records.add_artifact(tenant, record)
    gateway.metrics.add("artifacts_total")
    return _shown(record, tenant)


def _safe_name(given: str) -> str:
    """The last part of a file name, without what a file system or a header would take otherwise."""
    last = given.replace("\\", "/").rpartition("/")[2]
    name = _UNSAFE.sub("_", last)[:200]
    return name if name.strip(".") else "artifact.bin"


def _extension(name: str, media: str) -> str:
    """The file's own extension where it is one of this media type, so that the path is the one in the event."""
    own = name.rpartition(".")[2].lower() if "." in name else ""
    if media == "application/octet-stream":
        return own if _EXTENSION.fullmatch(own) and own not in CONTENT_TYPES else "bin"
    return own if CONTENT_TYPES.get(own, "").partition(";")[0] == media else _EXTENSIONS[media]


def _shown(record: ArtifactRecord, tenant: Tenant) -> dict[str, Any]:
    return {
        "artifact_id": record.artifact_id,
        "session_id": record.session_id,
        "workspace_id": tenant.workspace_id,
        "project_id": tenant.project_id,
        "storage_path": record.storage_path,
        "content_type": record.content_type,
        "size_bytes": record.size_bytes,
        "filename": record.filename,
        "artifact_type": record.artifact_type,
    }
