-- Checkpoints, backups and tasks. Instants are microseconds UTC, sizes bytes, enums their wire word, documents JSON text
-- that no statement looks into.

-- One run over one vault. Its status is not stored: it follows from its backups (Checkpoint.StatusOf).
create table checkpoints (
    id text primary key,
    project_id text not null,
    vault_id text not null,
    name text not null,
    description text,
    skipped text not null,          -- resources that were left out, with code and reason
    created_at bigint not null
);

-- One resource in one checkpoint, and beneath a server's backup one row per disk (parent_id). The id is the backup's or
-- member's id in the repository.
create table backups (
    id text primary key,
    project_id text not null,
    checkpoint_id text not null references checkpoints (id),
    vault_id text not null,
    parent_id text references backups (id),
    position bigint not null,       -- among its checkpoint's, or its parent's
    provider_id text not null,
    enterprise_project_id text not null,
    name text not null,
    description text,
    resource_id text not null,
    resource_name text not null,
    resource_type text not null,
    size_gb bigint not null,        -- as registered
    size_bytes bigint not null,     -- as found
    status text not null,
    auto_trigger boolean not null,
    incremental boolean not null,   -- what was asked for, not what was found to compare with
    system_disk boolean not null,   -- of a disk; on a server: whether its system disk is among the children
    changed_bytes bigint not null,  -- what the backup counts in `used`
    stored_bytes bigint not null,
    problem_count bigint not null,  -- above 0: the backup is partial
    metadata text,                  -- the resource as it was, for ShowMetadata; top-level rows only
    created_at bigint not null,
    protected_at bigint,
    updated_at bigint not null,
    expired_at bigint,
    -- Set: deleted, hidden from every API. The reading of the installation clock (InstallationClock) at that moment.
    deleted_at_tick bigint,
    -- Set: the repository root is being dropped, there is no way back.
    purging boolean not null
);

create index backups_by_project on backups (project_id, created_at, id);
create index backups_by_checkpoint on backups (checkpoint_id);
create index backups_by_parent on backups (parent_id);
create index backups_by_vault on backups (vault_id, resource_id);
create index backups_deleted on backups (deleted_at_tick) where deleted_at_tick is not null;

-- Every long operation a user can watch: `operation_log` on the wire.
create table tasks (
    id text primary key,
    project_id text not null,
    kind text not null,
    status text not null,
    checkpoint_id text,
    vault_id text,
    vault_name text,
    policy_id text,
    provider_id text not null,
    enterprise_project_id text not null,
    resource_id text not null,
    resource_name text not null,
    resource_type text not null,
    backup_id text,
    backup_name text,
    target_id text,                 -- of a restore
    target_name text,
    plan text,                      -- what is to be done beyond the columns (RestorePlan), or what was done to many things
    request_id text not null,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    updated_at bigint not null,
    error_code text not null,
    error_message text not null,
    problem_count bigint not null,
    problems text,                  -- the first few, JSON array
    phase text not null,
    progress bigint not null,
    bytes_done bigint not null,
    bytes_total bigint not null,
    bytes_changed bigint not null,
    bytes_stored bigint not null,
    cancel_requested boolean not null,
    -- Who runs it, and the fencing token: it grows with every claim and every take-over, and whoever holds an older one
    -- can change nothing any more.
    worker_id text,
    token bigint not null,
    attempts bigint not null
);

create index tasks_by_project on tasks (project_id, created_at, id);
create index tasks_in_work on tasks (status, project_id, created_at) where status in ('waiting', 'running');
create index tasks_by_start on tasks (project_id, started_at);
create index tasks_by_backup on tasks (backup_id);

-- The processes that run tasks. `renewals` grows while the process lives; nobody compares clocks.
create table workers (
    id text primary key,
    machine text not null,
    renewals bigint not null
);

-- One row: seconds of service time, which only grows and never faster than real time, whatever the clocks say.
create table installation_clock (
    id bigint primary key,
    elapsed_micros bigint not null,
    beats bigint not null
);

insert into installation_clock (id, elapsed_micros, beats) values (1, 0, 0);
