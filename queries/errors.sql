-- errors: error events, and calls that returned an error; as many as sessions.errors counts.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   source      error or tool
--   name        class of the error, or the tool where its result names it
--   message     what went wrong
--   handled     whether the agent says that it dealt with it
--   traceback   where there is one
--   call_id     of a failed call; tool_calls has the rest of it
--   span_id     the span it belongs to
select
    session_id,
    seq,
    ts,
    case type when 'error' then 'error' else 'tool' end as source,
    coalesce(payload ->> 'error_type', payload ->> 'tool_name') as name,
    coalesce(
        payload ->> 'message', nullif(nullif(payload ->> 'error', ''), 'null'), payload ->> 'status', 'error'
    ) as message,
    try_cast(payload ->> 'handled' as boolean) as handled,
    payload ->> 'traceback' as traceback,
    payload ->> 'call_id' as call_id,
    span_id
from events
where type = 'error'
    or (
        type = 'tool_result'
        and (
            coalesce((payload -> 'error')::varchar, 'null') not in ('null', '""', 'false', '0', '0.0', '{}', '[]')
            or coalesce(payload ->> 'status', '') in ('error', 'failed')
        )
    )
