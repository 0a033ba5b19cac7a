-- The later pages of a long session, in the order of `seq`. Only its later events are in it, as in `event_tail`: the
-- batches of short sessions pay nothing for it.
create index event_pages on event (project_id, session_id, seq, arrival) where seq >= 5000;

-- Whoever else may read this schema, such as the public roles of a hosted PostgreSQL, finds these tables closed, too.
alter table event_other enable row level security;
alter table event_other force row level security;
alter table migration enable row level security;
