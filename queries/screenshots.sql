-- screenshots: one row a screenshot.
--   session_id    the session
--   seq           position in its session
--   ts            when
--   storage_path  the picture, relative to the spool
--   artifact_id   its name by content
--   size_bytes    size of the picture
--   source        the path it was taken from, where no copy was kept
--   span_id       the span it belongs to
select
    session_id,
    seq,
    ts,
    payload ->> 'storage_path' as storage_path,
    payload ->> 'artifact_id' as artifact_id,
    try_cast(payload ->> 'size_bytes' as bigint) as size_bytes,
    payload ->> 'source' as source,
    span_id
from events
where type = 'screenshot'
