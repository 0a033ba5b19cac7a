-- llm_calls: one row an LLM call.
--   session_id     the session
--   seq            position in its session
--   ts             when it was recorded
--   model          name of the model
--   input_tokens   tokens sent
--   output_tokens  tokens received
--   cached_tokens  of the tokens sent, those read from a cache
--   latency_ms     how long it took
--   cost_usd       as recorded by the agent, else NULL: sessions.cost_usd holds prices too
--   prompt_ref     where the prompt is kept
--   messages_ref   where the messages are kept
--   span_id        the span it belongs to
select
    session_id,
    seq,
    ts,
    payload ->> 'model' as model,
    try_cast(payload ->> 'input_tokens' as bigint) as input_tokens,
    try_cast(payload ->> 'output_tokens' as bigint) as output_tokens,
    try_cast(payload ->> 'cached_tokens' as bigint) as cached_tokens,
    try_cast(payload ->> 'latency_ms' as double) as latency_ms,
    try_cast(coalesce(payload ->> 'cost_usd', metadata ->> 'cost_usd') as double) as cost_usd,
    payload ->> 'prompt_ref' as prompt_ref,
    payload ->> 'messages_ref' as messages_ref,
    span_id
from events
where type = 'llm_call'
