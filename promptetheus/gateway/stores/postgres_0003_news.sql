-- What was stored lately, one row per batch, for streams that go on where they broke, on whichever gateway. `xact` is
-- the transaction that stored it: what is below every running transaction is complete, so a place in this order skips
-- nothing, however long a batch took. Rows live for some minutes.
create table news (
    project_id text collate "C" not null,
    xact xid8 not null default pg_current_xact_id(),
    session_id text collate "C" not null,
    workspace_id text not null,
    after bigint not null,
    up_to bigint not null,
    stored_at timestamptz not null default now(),
    primary key (project_id, xact, session_id)
);
create index news_old on news using brin (stored_at);
alter table news enable row level security;
alter table news force row level security;
create policy tenant on news using (allowed_workspace(workspace_id)) with check (allowed_workspace(workspace_id));

-- The tail of a long session. Only its later events are in it: an index of all of them would cost every batch a tenth,
-- and what a short session has is read in no time.
create index event_tail on event (project_id, session_id, arrival) where arrival > 5000;
