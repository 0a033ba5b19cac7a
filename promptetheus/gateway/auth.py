"""Who sends a request: the credential in its header becomes a principal, or the request ends here.

What a principal may see follows from it alone, never from what the request says: a key has its project, a console
user the workspaces that took them in.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

from promptetheus.gateway.credentials import is_same, stored, token_of, verified_claims
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import EVERY_SCOPE, Principal, Scope, Tenant
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.accounts import Membership
from promptetheus.gateway.stores.keys import Key

REMEMBER_S = 5.0
"""A key that was revoked on another gateway opens this one for so long at most; on this one for no time."""

MAX_REMEMBERED = 20_000
_COMPLAINT = "credentials missing or not valid: send Authorization: Bearer <project key>"

documented = HTTPBearer(auto_error=False, description="A project key, or a console user's token.")
"""For the API's description only: the token is read by `principal`, which also takes it bare."""


class Door:
    """Looks credentials up; what was found is remembered for a few seconds. Used in the event loop only."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: OrderedDict[str, tuple[Key, float]] = OrderedDict()

    async def principal(self, request: Request) -> Principal:
        """Whom the request's credential stands for. Raises Refused: 401, or 429 after too many tries."""
        gateway, token = self._gateway, token_of(request.headers.get("authorization"))
        found = None if token is None else await self._found(request, token)
        if found is None:
            address = request.client.host if request.client else "unknown"
            gateway.metrics.add("credentials_refused_total")
            wait_s = gateway.failure_rate.wait_s(address)
            if wait_s:
                raise Refused(429, "too many requests without valid credentials", retry_after_s=wait_s)
            raise Refused(401, _COMPLAINT)
        caller = found.project_id or found.workspace_id or found.kind
        wait_s = gateway.request_rate.wait_s(f"{found.kind}:{found.key_id or found.user_id}:{caller}")
        if wait_s:
            raise Refused(429, "too many requests with this credential", retry_after_s=wait_s)
        return found

    def forget(self) -> None:
        """Look every key up again: one was changed."""
        self._known.clear()

    async def _found(self, request: Request, token: str) -> Principal | None:
        options = self._gateway.options
        wanted = request.headers.get("x-promptetheus-workspace-id") or request.query_params.get(
            "workspace_id"
        )
        if is_same(token, options.server_token):
            return Principal("server", EVERY_SCOPE, wanted, role="owner")
        if options.mode == "supabase":
            user = self._signed_in(token)
        else:
            user = options.user_id if is_same(token, options.console_token) else None
        if user is not None:
            member = await run_in_threadpool(self._gateway.accounts.membership, user, wanted)
            if member is None and wanted is not None:
                return None
            return _console(user, member)
        if is_same(token, options.api_key):
            return Principal(
                "api_key", EVERY_SCOPE, options.workspace_id, options.project_id, key_id="configured"
            )
        key = await self._key(token)
        if key is None or not key.is_valid(time.time()):
            return None
        return Principal(
            "api_key", key.scopes, key.tenant.workspace_id, key.tenant.project_id, key_id=key.key_id
        )

    def _signed_in(self, token: str) -> str | None:
        options = self._gateway.options
        if not options.jwt_secret:
            return None
        claims = verified_claims(token, options.jwt_secret, options.jwt_audience, time.time())
        return None if claims is None else str(claims["sub"])

    async def _key(self, token: str) -> Key | None:
        digest = stored(token).digest
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known[1] < REMEMBER_S:
            return known[0]
        key = await run_in_threadpool(self._look_up, token)
        if key is None:
            self._known.pop(digest, None)
        else:
            self._known[digest] = (key, time.monotonic())
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return key

    def _look_up(self, token: str) -> Key | None:
        key = self._gateway.keys.find(token)
        if key is not None and key.is_valid(time.time()):
            self._gateway.keys.used(key)
        return key


def _console(user: str, member: Membership | None) -> Principal:
    if member is None:
        return Principal("console", frozenset(), None, user_id=user)
    scopes = EVERY_SCOPE if member.role == "owner" else frozenset({Scope.INGEST, Scope.READ})
    return Principal("console", scopes, member.workspace_id, user_id=user, role=member.role)


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def door_of(request: Request) -> Door:
    """Who looks credentials up for it."""
    door: Door = request.app.state.door
    return door


async def anyone(request: Request, _: Annotated[object, Depends(documented)] = None) -> Principal:
    """Any valid credential."""
    return await door_of(request).principal(request)


async def ingest(who: Annotated[Principal, Depends(anyone)]) -> Principal:
    """A credential that may send."""
    return _with_scope(who, Scope.INGEST)


async def reader(who: Annotated[Principal, Depends(anyone)]) -> Principal:
    """A credential that may read."""
    return _with_scope(who, Scope.READ)


async def admin(who: Annotated[Principal, Depends(anyone)]) -> Principal:
    """A credential that may change a project."""
    return _with_scope(who, Scope.ADMIN)


async def console(who: Annotated[Principal, Depends(anyone)]) -> Principal:
    """A console user or an operator."""
    if who.kind == "api_key":
        raise Refused(403, "this needs a console token, not a project key")
    return who


async def server(who: Annotated[Principal, Depends(anyone)]) -> Principal:
    """An operator."""
    if who.kind != "server":
        raise Refused(403, "this needs the server token")
    return who


def _with_scope(who: Principal, scope: Scope) -> Principal:
    if scope not in who.scopes:
        raise Refused(403, f"this credential has no scope {scope.value!r}")
    return who


Part = Annotated[Gateway, Depends(gateway_of)]
Anyone = Annotated[Principal, Depends(anyone)]
Ingest = Annotated[Principal, Depends(ingest)]
Reader = Annotated[Principal, Depends(reader)]
Admin = Annotated[Principal, Depends(admin)]
Console = Annotated[Principal, Depends(console)]
Server = Annotated[Principal, Depends(server)]


def tenants_of(gateway: Gateway, who: Principal, project_id: str | None) -> list[Tenant]:
    """The projects that a principal sees, or the one of these that it asks for. Raises Refused (404)."""
    if who.project_id is not None and who.workspace_id is not None:
        own = Tenant(who.workspace_id, who.project_id)
        if project_id not in (None, own.project_id):
            raise not_found("project")
        return [own]
    if who.kind == "server" and who.workspace_id is None:
        found = gateway.accounts.find_project(project_id) if project_id else None
        if found is None:
            raise Refused(400, "say which workspace (X-Promptetheus-Workspace-Id) or project (project_id)")
        return [found]
    if who.workspace_id is None:
        raise not_found("workspace")
    rows = gateway.accounts.projects(who.workspace_id)
    tenants = [Tenant(row["workspace_id"], row["id"]) for row in rows if project_id in (None, row["id"])]
    if project_id is not None and not tenants:
        raise not_found("project")
    return tenants


def session_tenant(gateway: Gateway, who: Principal, session_id: str, project_id: str | None) -> Tenant:
    """The project among those the principal sees that has this session. Raises Refused (404)."""
    check_session_id(session_id)
    for tenant in tenants_of(gateway, who, project_id):
        if _is_known(gateway, tenant, session_id):
            return tenant
    raise not_found("trace")


def writing_tenant(gateway: Gateway, who: Principal, session_id: str, project_id: str | None) -> Tenant:
    """The project that a session of this id belongs to when the principal writes it."""
    check_session_id(session_id)
    tenants = tenants_of(gateway, who, project_id)
    if len(tenants) > 1:
        for tenant in tenants:
            if _is_known(gateway, tenant, session_id):
                return tenant
    if not tenants:
        raise not_found("project")
    return tenants[0]


def _is_known(gateway: Gateway, tenant: Tenant, session_id: str) -> bool:
    """Whether anything of the session is there: an artifact may come before the event that names it."""
    return bool(
        gateway.events.has(tenant, session_id)
        or gateway.records.trace(tenant, session_id)
        or gateway.records.artifacts_of(tenant, session_id)
    )


MAX_SESSION_ID_LENGTH = 512


def check_session_id(session_id: str) -> None:
    """Any text is an id, unless it is empty, endless or cannot be written down. Raises Refused (400)."""
    if not session_id or len(session_id) > MAX_SESSION_ID_LENGTH or "\0" in session_id:
        raise Refused(400, f"a trace id has 1 to {MAX_SESSION_ID_LENGTH} characters and no NUL")
    try:
        session_id.encode()
    except UnicodeEncodeError:
        raise Refused(400, "a trace id must be valid UTF-8") from None
