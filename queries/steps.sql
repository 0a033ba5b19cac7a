-- steps: what a person counts as one move; a call and its result, an action and its picture are one step.
--   session_id   the session
--   step         number of the step in its session: 0 is its start; sessions.steps counts neither start nor end
--   seq          position of its first event
--   ts           when it began
--   offset_ms    since the session began
--   kind         start user agent tool llm retrieval action dom shot recording check error span state score metric end event
--   name         tool, model, action, span, state …; empty where the kind has none
--   duration_ms  how long it took, where that is known
--   ok           false: failed; true: returned, passed; NULL: no verdict
--   is_open      a call without a result, a span that did not end
--   span_id      the span it belongs to
select
    session_id,
    row_number() over (partition by session_id order by seq, ts) - 1 as step,
    seq,
    ts,
    if(ts < first_ts, 0, epoch_us(ts) - epoch_us(first_ts)) / 1000 as offset_ms,
    kind,
    coalesce(
        case kind
            when 'tool' then payload ->> 'tool_name'
            when 'llm' then payload ->> 'model'
            when 'action' then payload ->> 'action'
            when 'recording' then payload ->> 'artifact_type'
            when 'error' then payload ->> 'error_type'
            when 'span' then coalesce(
                nullif(payload ->> 'span_name', ''),
                case when closed then next_payload ->> 'span_name' end
            )
            when 'end' then payload ->> 'status'
            when 'event' then type
            when 'start' then ''
            else case when kind in ('state', 'score', 'metric') then payload ->> 'name' end
        end,
        ''
    ) as name,
    case
        when kind = 'llm' then try_cast(payload ->> 'latency_ms' as double)
        when closed and kind = 'tool' then if(next_ts < ts, 0, epoch_us(next_ts) - epoch_us(ts)) / 1000
        when closed then coalesce(
            try_cast(next_payload ->> 'duration_ms' as double),
            if(next_ts < ts, 0, epoch_us(next_ts) - epoch_us(ts)) / 1000
        )
        when marker = 'span_end' then try_cast(payload ->> 'duration_ms' as double)
    end as duration_ms,
    case
        when kind = 'error' then false
        when kind = 'check' then case
            when coalesce((payload -> 'passed')::varchar, 'null') in ('null', '""', '{}', '[]') then null
            else (payload -> 'passed')::varchar not in ('false', '0', '0.0', '-0.0')
        end
        when kind = 'tool' and (closed or type = 'tool_result') then
            coalesce((answer -> 'error')::varchar, 'null') in ('null', '""', 'false', '0', '0.0', '{}', '[]')
            and coalesce(answer ->> 'status', '') not in ('error', 'failed')
        when kind = 'end' and (
            coalesce((payload -> 'error')::varchar, 'null') not in ('null', '""', 'false', '0', '0.0', '{}', '[]')
            or payload ->> 'status' not in ('completed', 'success', 'succeeded', 'ok', 'passed')
        ) then false
    end as ok,
    coalesce(not closed and (type = 'tool_call' or marker = 'span_start'), false) as is_open,
    span_id
from (
    select
        *,
        case type when 'tool_result' then payload else next_payload end as answer,
        case
            when type in ('screenshot', 'dom_snapshot') then coalesce(last_move, '') <> 'browser_action'
            when type = 'tool_result' then link = 'c' or coalesce(previous_marker, '') <> 'tool_call'
            when marker = 'span_end' then link = 's' or coalesce(previous_marker, '') <> 'span_start'
            else true
        end as opens,
        coalesce(
            (type = 'tool_call' and next_marker = 'tool_result' and link <> 'c')
                or (marker = 'span_start' and next_marker = 'span_end' and link <> 's'),
            false
        ) as closed,
        case
            when marker in ('span_start', 'span_end') then 'span'
            when type = 'state_change' and payload ->> 'name' = 'session_started' then 'start'
            else case type
                when 'user_message' then 'user'
                when 'agent_message' then 'agent'
                when 'tool_call' then 'tool'
                when 'tool_result' then 'tool'
                when 'llm_call' then 'llm'
                when 'retrieval' then 'retrieval'
                when 'browser_action' then 'action'
                when 'dom_snapshot' then 'dom'
                when 'screenshot' then 'shot'
                when 'replay_artifact' then 'recording'
                when 'goal_check' then 'check'
                when 'error' then 'error'
                when 'state_change' then 'state'
                when 'score' then 'score'
                when 'metric' then 'metric'
                when 'session_end' then 'end'
                else 'event'
            end
        end as kind
    from (
        select
            *,
            lag(marker) over linked as previous_marker,
            lead(marker) over linked as next_marker,
            lead(payload) over linked as next_payload,
            lead(ts) over linked as next_ts,
            first_value(ts ignore nulls) over (
                partition by session_id order by seq, ts
                rows between unbounded preceding and unbounded following
            ) as first_ts,
            last_value(case when type not in ('screenshot', 'dom_snapshot') then type end ignore nulls) over (
                partition by session_id order by seq, ts rows between unbounded preceding and current row
            ) as last_move
        from (
            -- `link` joins what makes one step: calls by call_id, spans by span_id.
            select
                *,
                case
                    when type in ('tool_call', 'tool_result') then type
                    when type = 'state_change' and payload ->> 'name' in ('span_start', 'span_end')
                        then payload ->> 'name'
                end as marker,
                case
                    when type in ('tool_call', 'tool_result') then 'c' || coalesce(payload ->> 'call_id', '')
                    when type = 'state_change' and payload ->> 'name' in ('span_start', 'span_end')
                        then 's' || coalesce(span_id, '')
                end as link
            from events
        )
        window linked as (partition by session_id, link order by seq, ts)
    )
)
where opens
