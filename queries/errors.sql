-- errors: error events, and calls that returned an error; as many as sessions.errors counts.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   source      error or tool
--   name        class of the error, or the tool
--   message     what went wrong
--   handled     whether the agent says that it dealt with it
--   traceback   where there is one
--   call_id     of a failed call; tool_calls has the rest of it
--   span_id     the span it belongs to
with told as materialized (
    select
        session_id,
        seq,
        ts,
        type,
        payload ->> 'call_id' as call_id,
        payload ->> 'tool_name' as tool,
        span_id,
        case when type <> 'tool_call' then payload end as payload
    from events
    where type in ('error', 'tool_call')
        or (
            type = 'tool_result'
            and (
                coalesce((payload -> 'error')::varchar, 'null')
                    not in ('null', '""', 'false', '0', '0.0', '{}', '[]')
                or coalesce(payload ->> 'status', '') in ('error', 'failed')
            )
        )
)
select
    told.session_id,
    told.seq,
    told.ts,
    case told.type when 'error' then 'error' else 'tool' end as source,
    coalesce(payload ->> 'error_type', told.tool, called.tool) as name,
    coalesce(
        payload ->> 'message', nullif(nullif(payload ->> 'error', ''), 'null'), payload ->> 'status', 'error'
    ) as message,
    try_cast(payload ->> 'handled' as boolean) as handled,
    payload ->> 'traceback' as traceback,
    told.call_id,
    told.span_id
from (select * from told where type <> 'tool_call') as told
-- A result names its call and no tool; an id that is used again means the call before the result.
asof left join (select session_id, call_id, seq, tool from told where type = 'tool_call') as called
    on told.session_id = called.session_id and told.call_id = called.call_id and told.seq >= called.seq
