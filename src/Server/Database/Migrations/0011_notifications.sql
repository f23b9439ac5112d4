-- Telling people. Instants are microseconds UTC, lists and bodies JSON that no statement looks into.

-- Whom a project tells. sealed_secret, sealing_key: of a webhook (CredentialSeal).
create table notification_targets (
    id text primary key,
    project_id text not null,
    name text not null,
    kind text not null,
    url text,
    recipients text not null,
    events text not null,           -- kinds; empty: all
    enabled boolean not null,
    sealed_secret text,
    sealing_key text,
    created_at bigint not null
);
create index notification_targets_by_project on notification_targets (project_id, created_at, id);

-- The outbox: what is to be told, written in the transaction of the change that caused it. project_id is empty for what is
-- about the installation as a whole.
create table notification_events (
    id text primary key,
    project_id text not null,
    kind text not null,
    body text not null,             -- as it is sent
    dedup_key text unique,          -- what several processes may find, and one is to tell
    target_id text,                 -- the only one that is told: of a test
    created_at bigint not null,
    routed boolean not null         -- its deliveries are there
);
create index notification_events_by_project on notification_events (project_id, created_at, id);
create index notification_events_by_age on notification_events (created_at);
create index notification_events_unrouted on notification_events (created_at) where routed = false;

-- One event on its way to one target. target_id is a row's of notification_targets or a word for a target of the settings.
-- A claim is void when claims has grown since: it does so with every claim.
create table notification_deliveries (
    event_id text not null references notification_events (id) on delete cascade,
    target_id text not null,
    target_name text not null,
    state text not null,
    attempts bigint not null,
    next_at bigint not null,
    claimed boolean not null,
    claims bigint not null,
    error text not null,            -- of the last attempt
    ended_at bigint,
    primary key (event_id, target_id)
);
create index notification_deliveries_waiting on notification_deliveries (target_id, next_at) where state = 'waiting';
create index notification_deliveries_failed on notification_deliveries (ended_at) where state = 'failed';

-- What people were told of a vault: 0 nothing, 1 above its threshold, 2 full.
alter table vaults add column fullness bigint not null default 0;
