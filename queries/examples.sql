-- Which tools are slow, and which fail?
select tool, unnest(latency(duration_ms)), round(share(not ok), 3) as failed
from tool_calls
group by tool
order by latency(duration_ms).p95 desc nulls last;

-- What does each agent spend?
select agent, count(*) as sessions, sum(tokens) as tokens, round(avg(tokens)) as tokens_each,
    round(sum(cost_usd), 4) as usd, sum(unpriced_calls) as unpriced_calls
from sessions
group by agent
order by tokens desc nulls last;

-- How often does each agent succeed?
select agent, count(*) as sessions, round(share(status = 'passed'), 3) as passed,
    round(share(failing(status)), 3) as failing, list_sort(list(distinct label) filter (label is not null)) as how
from sessions
where status <> 'running'
group by agent
order by failing desc;

-- With which arguments do calls fail?
select tool, arguments, count(*) as failed, any_value(error) as error
from tool_calls
where not ok
group by tool, arguments
order by failed desc, tool;

-- Which calls does an agent repeat, in the hope of another answer?
select agent, tool, calls, failed, session_id, first_seq
from retries() join sessions using (session_id)
order by calls desc, session_id;

-- What did the last sessions do, step by step, before they failed?
select session_id, step, kind, name, duration_ms, ok
from steps
where session_id in (select session_id from last_sessions(20) where failing(status)) and kind not in ('start', 'end')
order by session_id, step;

-- What do failing sessions call more often than passing ones of the same goal?
with calls as (
    select goal, tool, failing(status) as failed, session_id, count(t.seq) as calls
    from sessions join tool_calls t using (session_id)
    where status in ('passed', 'failed goal', 'failed', 'crashed')
    group by all
)
select goal, tool, avg(calls) filter (failed) as when_failing, avg(calls) filter (not failed) as when_passing
from calls
group by goal, tool
having when_failing > when_passing
order by when_failing / when_passing desc;

-- Where does the time go inside a session: models, tools, or neither?
select session_id, any_value(s.duration_ms) as took_ms,
    sum(t.duration_ms) filter (kind = 'llm') as models_ms, sum(t.duration_ms) filter (kind = 'tool') as tools_ms
from steps t join sessions s using (session_id)
group by session_id
order by took_ms desc nulls last
limit 20;

-- Which tool results mention something?
select session_id, seq, tool, result
from tool_calls
where has(result, 'tuesday')
order by session_id, seq;

-- Which ways of failing are new this week, and which are old?
select fingerprint, label, sessions, agents, last_seen, first_seen > now()::timestamp - interval 7 days as is_new
from fingerprints
order by last_seen desc;
