-- Every primary key and unique constraint of tenants' rows begins with project_id (or with workspace_id, where there
-- is no project), so that a distributed PostgreSQL can shard these tables as they are.
create table workspace (
    id text primary key,
    name text not null,
    created_at timestamptz not null
);
create table member (
    workspace_id text not null references workspace on delete cascade,
    user_id text not null,
    role text not null check (role in ('owner', 'member')),
    created_at timestamptz not null,
    primary key (workspace_id, user_id)
);
create index member_user on member (user_id, created_at);
create table project (
    id text primary key,
    workspace_id text not null references workspace on delete cascade,
    name text not null,
    retention_days integer check (retention_days between 0 and 3650),
    created_at timestamptz not null
);
create index project_workspace on project (workspace_id, created_at);
create table api_key (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    name text not null,
    lookup text not null,
    digest text not null,
    preview text not null,
    scopes jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (project_id, id)
);
create index api_key_lookup on api_key (lookup);
create table agent (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    name text not null,
    created_at timestamptz not null,
    primary key (project_id, id),
    unique (project_id, name)
);
create table trace (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    body jsonb not null,
    created_at timestamptz not null,
    has_events integer not null default 0,
    primary key (project_id, id)
);
create index trace_waiting on trace (project_id, created_at) where has_events = 0;
create table artifact (
    project_id text not null references project on delete cascade,
    artifact_id text not null,
    session_id text not null,
    workspace_id text not null,
    storage_path text not null,
    content_type text not null,
    filename text not null,
    artifact_type text not null,
    size_bytes bigint not null,
    created_at timestamptz not null,
    primary key (project_id, artifact_id, session_id)
);
create index artifact_session on artifact (project_id, session_id);
create table incident (
    project_id text not null references project on delete cascade,
    fingerprint text not null,
    workspace_id text not null,
    status text not null,
    owner_id text,
    pr_url text,
    status_at timestamptz not null,
    primary key (project_id, fingerprint)
);
create table runtime (
    project_id text not null references project on delete cascade,
    session_id text not null,
    workspace_id text not null,
    state jsonb not null,
    updated_at timestamptz not null,
    primary key (project_id, session_id)
);
create table audit (
    project_id text not null,
    id text not null,
    workspace_id text not null,
    at timestamptz not null,
    action text not null,
    actor text not null,
    details jsonb not null,
    primary key (project_id, id)
);
create index audit_workspace on audit (workspace_id, at);

-- A session: what lists show. `day` is when the gateway first heard of it; all its events lie in that day's
-- partition, so that an event that comes again a week later is still recognised, and a day past retention is dropped
-- as a table.
create table session (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    day date not null,
    arrivals bigint not null default 0,
    size_bytes bigint not null default 0,
    opening json,
    started_s double precision,
    summary jsonb,
    counted bigint not null default 0,
    last_time text,
    ended boolean not null default false,
    received_at timestamptz not null,
    created_at timestamptz not null,
    primary key (project_id, id)
);
create index session_newest on session (project_id, started_s desc nulls last, id);
create index session_received on session (project_id, received_at);
create index session_uncounted on session (project_id) where counted < arrivals;
create index session_day on session (day);

-- `line` is the event as it was encoded: json keeps the text, with numbers and NUL escapes that jsonb would refuse.
create table event (
    project_id text collate "C" not null,
    session_id text collate "C" not null,
    day date not null,
    idempotency_key text collate "C" not null,
    workspace_id text not null,
    seq bigint not null,
    arrival bigint not null,
    line json not null,
    primary key (project_id, session_id, idempotency_key, day)
) partition by range (day);
create table event_other partition of event default;
