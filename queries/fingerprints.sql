-- fingerprints: the ways of failing, each with its sessions.
--   fingerprint   names it
--   label         the failure in words
--   sessions      number of sessions that failed so
--   agents        list of their agents
--   first_seen    start of the first of them, in UTC
--   last_seen     start of the latest of them, in UTC
--   last_session  the latest of them
select
    fingerprint,
    max_by(label, started) as label,
    count(*) as sessions,
    list_sort(list(distinct agent)) as agents,
    min(started) as first_seen,
    max(started) as last_seen,
    max_by(session_id, started) as last_session
from sessions
where fingerprint is not null
group by fingerprint
