-- tool_calls: one row a tool call, with the result that belongs to it whatever lies between.
--   session_id   the session
--   seq          of the call
--   result_seq   of the result; NULL when none came
--   ts           when it was called
--   tool         name of the tool
--   arguments    JSON object: arg(arguments, 'day'); the values of a decorated function's parameters by name
--   result       JSON; NULL when none came
--   error        what went wrong, NULL when nothing did
--   ok           false: failed; true: returned; NULL: no result
--   duration_ms  from call to result
--   call_id      joins call and result
--   span_id      the span it belongs to
select
    session_id,
    seq,
    case when answered then answer_seq end as result_seq,
    ts,
    payload ->> 'tool_name' as tool,
    -- Of a decorated function the payload has reprs; the values, where they were JSON, stand in the metadata.
    case
        when json_type(metadata -> 'arguments') = 'OBJECT'
            and list_sort(json_keys(payload -> 'arguments')) = ['args', 'kwargs']
        then metadata -> 'arguments'
        else payload -> 'arguments'
    end as arguments,
    case when answered then coalesce(answer_metadata -> 'result', answer -> 'result') end as result,
    case when failed then coalesce(nullif(nullif(answer ->> 'error', ''), 'null'), answer ->> 'status') end as error,
    not failed as ok,
    case when answered then if(answer_ts < ts, 0, epoch_us(answer_ts) - epoch_us(ts)) / 1000 end as duration_ms,
    nullif(call_id, '') as call_id,
    span_id
from (
    select
        *,
        answer_type = 'tool_result' and call_id <> '' as answered,
        case when answer_type = 'tool_result' and call_id <> '' then
            coalesce((answer -> 'error')::varchar, 'null') not in ('null', '""', 'false', '0', '0.0', '{}', '[]')
            or coalesce(answer ->> 'status', '') in ('error', 'failed')
        end as failed
    from (
        select
            *,
            lead(type) over same_call as answer_type,
            lead(seq) over same_call as answer_seq,
            lead(ts) over same_call as answer_ts,
            lead(payload) over same_call as answer,
            lead(metadata) over same_call as answer_metadata
        from (
            select *, coalesce(payload ->> 'call_id', '') as call_id
            from events
            where type in ('tool_call', 'tool_result')
        )
        window same_call as (partition by session_id, call_id order by seq, ts)
    )
    where type = 'tool_call'
)
