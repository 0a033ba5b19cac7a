-- messages: what user and agent said.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   role        user or agent
--   content     the text
--   span_id     the span it belongs to
select
    session_id,
    seq,
    ts,
    case type when 'user_message' then 'user' else 'agent' end as role,
    payload ->> 'content' as content,
    span_id
from events
where type in ('user_message', 'agent_message')
