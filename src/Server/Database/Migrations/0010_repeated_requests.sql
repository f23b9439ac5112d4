-- What was answered to requests that came with an Idempotency-Key, for as long as they may be repeated. A row comes with the
-- change itself, in its transaction; the answer follows before it goes out. Instants are microseconds UTC.
create table keyed_requests (
    project_id text not null,
    user_id text not null,
    idempotency_key text not null,
    request_id text not null,           -- of the request that made the change
    request_hash text not null,         -- SHA-256 of method, path, query and body
    resource_id text,                   -- what it made, where that is one thing
    expires_at bigint not null,
    status bigint,                      -- null: not answered yet, or the process ended before
    body text,
    primary key (project_id, user_id, idempotency_key)
);
create index keyed_requests_by_expiry on keyed_requests (expires_at);

-- Resources that were taken out of a vault: taking them out again is a success. Goes with its vault.
create table vault_departures (
    vault_id text not null,
    resource_id text not null,
    primary key (vault_id, resource_id)
);
