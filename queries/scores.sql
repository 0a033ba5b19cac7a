-- scores: one row a score.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   name        name of the score
--   value       its value; passed counts as 1, not passed as 0
--   comment     why
--   source      who gave it
select
    session_id,
    seq,
    ts,
    payload ->> 'name' as name,
    case payload ->> 'value'
        when 'true' then 1
        when 'false' then 0
        else try_cast(payload ->> 'value' as double)
    end as value,
    payload ->> 'comment' as comment,
    payload ->> 'source' as source
from events
where type = 'score'
