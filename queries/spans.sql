-- spans: one row a span.
--   session_id   the session
--   span_id      the span
--   parent_id    the span around it; NULL at the top
--   name         its name
--   started      when it began
--   ended        when it ended; NULL when it did not
--   duration_ms  as recorded, else from start to end
--   is_open      it began and did not end
--   start_seq    position of its first event
--   end_seq      position of its last event
--   events       number of events in it, its own start and end included
select
    session_id,
    span_id,
    max_by(parent_id, seq) filter (parent_id is not null) as parent_id,
    coalesce(
        max_by(payload ->> 'span_name', seq) filter (marker = 'span_start'),
        max_by(payload ->> 'span_name', seq) filter (marker = 'span_end')
    ) as name,
    min(ts) filter (marker = 'span_start') as started,
    max(ts) filter (marker = 'span_end') as ended,
    coalesce(
        max_by(try_cast(payload ->> 'duration_ms' as double), seq) filter (marker = 'span_end'),
        (epoch_us(max(ts) filter (marker = 'span_end')) - epoch_us(min(ts) filter (marker = 'span_start'))) / 1000
    ) as duration_ms,
    count(*) filter (marker = 'span_end') = 0 as is_open,
    min(seq) as start_seq,
    max(seq) as end_seq,
    count(*) as events
from (
    select
        *,
        case
            when type = 'state_change' and payload ->> 'name' in ('span_start', 'span_end') then payload ->> 'name'
        end as marker
    from events
    where span_id <> ''
)
group by session_id, span_id
