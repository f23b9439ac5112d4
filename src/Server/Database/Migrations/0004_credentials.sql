-- Access keys, what they have signed lately, and who changed what. Instants are microseconds UTC.

-- An access key with its secret, sealed so that this table alone gives no secret away (CredentialSeal).
create table credentials (
    access_key text primary key,
    user_id text not null references users (id),
    project_id text,                -- set: good for this project only
    description text not null,
    sealed_secret text not null,    -- base64
    sealing_key text not null,      -- which key sealed it
    security_token_hash text,       -- set: temporary, and only good together with this token
    created_at bigint not null,
    expires_at bigint
);
create index credentials_by_user on credentials (user_id);
create index credentials_by_expiry on credentials (expires_at) where expires_at is not null;

-- Signatures of requests that changed something, for as long as their date is inside the clock window.
create table used_signatures (
    signature text primary key,
    expires_at bigint not null
);
create index used_signatures_by_expiry on used_signatures (expires_at);

-- One row for each change somebody asked for, done or refused. Never a body, a token or a secret.
create table audit_records (
    id text primary key,            -- the request's id
    recorded_at bigint not null,
    project_id text not null,       -- empty: of no project
    user_id text not null,
    user_name text not null,
    access_key text,                -- of a signed request
    action text not null,
    method text not null,
    path text not null,
    resource_id text,
    address text not null,          -- where the request came from
    status bigint,                  -- null: the change was made, but the process ended before it could answer
    error_code text
);
create index audit_records_by_project on audit_records (project_id, recorded_at, id);
create index audit_records_by_time on audit_records (recorded_at, id);
