-- arg(value, path): the text at a path of a JSON value: arg(arguments, 'day'), arg(result, 'user.name'), arg(result, '[0].id').
create macro arg(value, path) as value ->> case
    when starts_with(path, '$') then path
    when starts_with(path, '[') then '$' || path
    when contains(path, '.') or contains(path, '[') then '$.' || path
    else path
end;

-- has(value, words): whether a text or JSON value contains the words, in upper or lower case: has(payload, 'refund').
create macro has(value, words) as contains(lower(value::varchar), lower(words));

-- failing(status): whether a session with this status failed its goal, failed or crashed.
create macro failing(status) as status in ('failed goal', 'failed', 'crashed');

-- share(condition): the part of the rows for which a condition holds, from 0 to 1; NULL counts for nothing: share(not ok).
create macro share(condition) as avg(case when condition then 1 when not condition then 0 end);

-- latency(ms): a summary of times: calls, p50, p95, p99 and max, in milliseconds: select tool, unnest(latency(duration_ms)) … group by tool.
create macro latency(ms) as {
    'calls': count(ms),
    'p50': round(quantile_cont(ms, 0.5), 3),
    'p95': round(quantile_cont(ms, 0.95), 3),
    'p99': round(quantile_cont(ms, 0.99), 3),
    'max': round(max(ms), 3)
};

-- last_sessions(n): the n sessions that started last, newest first; the columns of sessions.
create macro last_sessions(n) as table
select * from sessions order by started desc nulls last, session_id limit n;

-- timeline(id): the steps of the session whose id begins so, in order; the columns of steps.
create macro timeline(id) as table
select * from steps where starts_with(lower(session_id), lower(id)) order by session_id, step;

-- retries(): calls made more than once in a session with the same arguments: session_id, tool, arguments, calls, failed, first_seq, last_seq.
create macro retries() as table
select
    session_id,
    tool,
    arguments,
    count(*) as calls,
    count(*) filter (not ok) as failed,
    min(seq) as first_seq,
    max(seq) as last_seq
from tool_calls
group by session_id, tool, arguments
having count(*) > 1;
