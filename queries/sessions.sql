-- sessions: one row a session, exactly as the sessions list shows it.
--   session_id      the session
--   status          running, passed, failed goal, failed, crashed, completed, empty
--   agent           the agent's name
--   goal            what the user wanted
--   project         project id
--   environment     environment name
--   tags            list of tags
--   started         first event, in UTC; time of the import where its source had no times
--   ended           session_end, in UTC; NULL while it runs and after a crash
--   duration_ms     from the first event to the last; NULL where an imported source had no times
--   events          number of events
--   steps           number of steps between start and end: a call and its result are one
--   errors          error events and calls that returned an error
--   llm_calls       number of LLM calls
--   tool_calls      number of tool calls
--   input_tokens    NULL where none were recorded
--   output_tokens   NULL where none were recorded
--   tokens          input and output together
--   cost_usd        as recorded, else as priced; NULL when nothing could be priced
--   unpriced_calls  LLM calls that cost_usd does not contain
--   failed_checks   goal checks that failed
--   passed_checks   goal checks that passed
--   fingerprint     names the way of failing; NULL when it did not fail
--   label           the failure in words
--   error           how the session ended, where it ended with an error
--   scores          JSON object: name to value
--   tools           JSON object: tool to number of calls
--   types           JSON object: event type to number of events
--   metadata        JSON object given when the session was opened
--   size_bytes      size of its file
--   skipped         lines of the file that are no events
select
    row ->> 'session_id' as session_id,
    row ->> 'status' as status,
    row ->> 'agent' as agent,
    row ->> 'goal' as goal,
    row ->> 'project' as project,
    row ->> 'environment' as environment,
    from_json(row -> 'tags', '["VARCHAR"]') as tags,
    make_timestamp((row ->> 'started_us')::bigint) as started,
    make_timestamp((row ->> 'ended_us')::bigint) as ended,
    (row ->> 'duration_ms')::double as duration_ms,
    (row ->> 'events')::bigint as events,
    (row ->> 'steps')::bigint as steps,
    (row ->> 'errors')::bigint as errors,
    (row ->> 'llm_calls')::bigint as llm_calls,
    (row ->> 'tool_calls')::bigint as tool_calls,
    (row ->> 'input_tokens')::bigint as input_tokens,
    (row ->> 'output_tokens')::bigint as output_tokens,
    (row ->> 'tokens')::bigint as tokens,
    (row ->> 'cost_usd')::double as cost_usd,
    (row ->> 'unpriced_calls')::bigint as unpriced_calls,
    (row ->> 'failed_checks')::bigint as failed_checks,
    (row ->> 'passed_checks')::bigint as passed_checks,
    nullif(row ->> 'fingerprint', '') as fingerprint,
    nullif(row ->> 'label', '') as label,
    row ->> 'error' as error,
    row -> 'scores' as scores,
    row -> 'tools' as tools,
    row -> 'types' as types,
    row -> 'metadata' as metadata,
    (row ->> 'size_bytes')::bigint as size_bytes,
    (row ->> 'skipped')::bigint as skipped
from spool.session_rows
