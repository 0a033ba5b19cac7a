-- Times are ISO 8601 in UTC, documents are JSON. Every key begins with the project: see postgres_0001_tables.sql.
create table workspace (
    id text primary key,
    name text not null,
    created_at text not null
);
create table member (
    workspace_id text not null references workspace on delete cascade,
    user_id text not null,
    role text not null check (role in ('owner', 'member')),
    created_at text not null,
    primary key (workspace_id, user_id)
);
create index member_user on member (user_id, created_at);
create table project (
    id text primary key,
    workspace_id text not null references workspace on delete cascade,
    name text not null,
    retention_days integer check (retention_days between 0 and 3650),
    created_at text not null
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
    scopes text not null,
    created_at text not null,
    expires_at text,
    last_used_at text,
    revoked_at text,
    primary key (project_id, id)
);
create index api_key_lookup on api_key (lookup);
create table agent (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    name text not null,
    created_at text not null,
    primary key (project_id, id),
    unique (project_id, name)
);
create table trace (
    project_id text not null references project on delete cascade,
    id text not null,
    workspace_id text not null,
    body text not null,
    created_at text not null,
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
    size_bytes integer not null,
    created_at text not null,
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
    status_at text not null,
    primary key (project_id, fingerprint)
);
create table runtime (
    project_id text not null references project on delete cascade,
    session_id text not null,
    workspace_id text not null,
    state text not null,
    updated_at text not null,
    primary key (project_id, session_id)
);
create table audit (
    project_id text not null,
    id text not null,
    workspace_id text not null,
    at text not null,
    action text not null,
    actor text not null,
    details text not null,
    primary key (project_id, id)
);
create index audit_workspace on audit (workspace_id, at);
