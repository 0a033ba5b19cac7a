-- goal_checks: one row a check of the goal.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   passed      the verdict; NULL when there was none
--   mismatches  JSON array of what did not fit
--   span_id     the span it belongs to
select
    session_id,
    seq,
    ts,
    try_cast(payload ->> 'passed' as boolean) as passed,
    payload -> 'mismatches' as mismatches,
    span_id
from events
where type = 'goal_check'
