-- retrievals: one row a search for documents.
--   session_id  the session
--   seq         position in its session
--   ts          when
--   query       what was looked for
--   found       number of documents
--   top_score   the best score among them
--   documents   JSON array: id, content, score, source
--   span_id     the span it belongs to
select
    session_id,
    seq,
    ts,
    payload ->> 'query' as query,
    coalesce(json_array_length(payload -> 'documents'), 0)::bigint as found,
    list_max(list_transform(payload ->> '$.documents[*].score', lambda score: try_cast(score as double)))
        as top_score,
    payload -> 'documents' as documents,
    span_id
from events
where type = 'retrieval'
