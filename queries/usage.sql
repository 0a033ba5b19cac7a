-- usage: what each session spent on each model.
--   session_id     the session
--   model          name of the model
--   calls          number of LLM calls
--   input_tokens   tokens sent
--   output_tokens  tokens received
--   cached_tokens  of the tokens sent, those read from a cache
--   latency_ms     time spent in these calls
--   cost_usd       sum of what the agent recorded; NULL when it recorded none
select
    session_id,
    payload ->> 'model' as model,
    count(*) as calls,
    sum(try_cast(payload ->> 'input_tokens' as bigint))::bigint as input_tokens,
    sum(try_cast(payload ->> 'output_tokens' as bigint))::bigint as output_tokens,
    sum(try_cast(payload ->> 'cached_tokens' as bigint))::bigint as cached_tokens,
    sum(try_cast(payload ->> 'latency_ms' as double)) as latency_ms,
    sum(try_cast(coalesce(payload ->> 'cost_usd', metadata ->> 'cost_usd') as double)) as cost_usd
from events
where type = 'llm_call'
group by all
