-- A transaction names its workspace; rows of others are not there for it, whatever the statement says. `*` is for
-- looking up whose a key or project is. Forced, so that the owner of the tables is bound by it, too (a superuser never
-- is: do not run a gateway as one).
create function allowed_workspace(workspace text) returns boolean language sql stable parallel safe as $$
    select current_setting('promptetheus.workspace', true) in (workspace, '*')
$$;

do $$
declare
    name text;
begin
    foreach name in array array[
        'member', 'project', 'api_key', 'agent', 'trace', 'artifact', 'incident', 'runtime', 'audit', 'session', 'event'
    ] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant on %I using (allowed_workspace(workspace_id)) with check (allowed_workspace(workspace_id))',
            name
        );
    end loop;
end $$;

alter table workspace enable row level security;
alter table workspace force row level security;
create policy tenant on workspace using (allowed_workspace(id)) with check (allowed_workspace(id));
