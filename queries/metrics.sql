-- metrics: one row a measurement.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   name        name of the metric
--   value       its value
--   unit        its unit, where one was given
select
    session_id,
    seq,
    ts,
    payload ->> 'name' as name,
    try_cast(payload ->> 'value' as double) as value,
    payload ->> 'unit' as unit
from events
where type = 'metric'
