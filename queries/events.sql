-- events: every event of every session; sort by session_id, seq.
--   session_id       the session, as everywhere in this program
--   seq              position in its session, from 0
--   ts               when, in UTC; NULL where an imported source had no times
--   type             tool_call, llm_call, error …
--   payload          what happened, as JSON: payload ->> 'tool_name'
--   metadata         what the recorder added, as JSON
--   span_id          the span it belongs to
--   parent_id        the span around that one
--   idempotency_key  unique for each event ever written
select
    session_id,
    try_cast(line.seq as bigint) as seq,
    case when timed then try_cast(line.timestamp as timestamptz)::timestamp end as ts,
    line.type as type,
    line.payload as payload,
    line.metadata as metadata,
    line.span_id as span_id,
    line.parent_id as parent_id,
    line.idempotency_key as idempotency_key
from (
    -- One pass over each line: separate extractions would parse it nine times.
    select filename, json_transform(json, '{
        "seq": "VARCHAR", "timestamp": "VARCHAR", "type": "VARCHAR", "payload": "JSON", "metadata": "JSON",
        "span_id": "VARCHAR", "parent_id": "VARCHAR", "idempotency_key": "VARCHAR"
    }') as line
    from spool.lines
)
join spool.files using (filename)
where line.type is not null
