-- The clock of policies, and what keeping backups goes by.

-- The zone on whose wall clock the patterns are read; null: UTC.
alter table policies add column time_zone text;

-- next_at: the slot the policy runs at next on this vault; null while it does not run (disabled, or for replication).
-- planned_at: what the clock showed when that was worked out. A clock that shows less was turned back: it is worked out anew.
alter table policy_vaults add column next_at bigint;
alter table policy_vaults add column planned_at bigint not null default 0;
create index policy_vaults_by_next on policy_vaults (next_at);

-- One row per slot that was run, in the transaction that starts the run: the key is what lets no slot run twice. missed:
-- earlier slots it stands for, at which nothing ran. checkpoint_id: null when there was nothing to start.
create table policy_runs (
    policy_id text not null,
    vault_id text not null,
    slot_at bigint not null,
    started_at bigint not null,
    missed bigint not null,
    checkpoint_id text,
    primary key (policy_id, vault_id, slot_at)
);
create index policy_runs_by_start on policy_runs (started_at);

-- -1: not by age.
alter table checkpoints add column retention_days bigint not null default -1;

-- policy_id: the policy at one of whose slots it was made; null when somebody asked for it. completed_at_tick: the reading of
-- the installation clock when it became available.
alter table backups add column policy_id text;
alter table backups add column completed_at_tick bigint;
create index backups_by_expiry on backups (expired_at) where expired_at is not null and deleted_at_tick is null;

-- Resources of which something was backed up since it was last decided what of them is kept.
create table retention_due (
    vault_id text not null,
    resource_id text not null,
    primary key (vault_id, resource_id)
);

-- One row, updated by every claim of a task before anything else: claims come one after the other, so that limits hold.
create table task_claims (
    id bigint primary key,
    claims bigint not null
);
insert into task_claims (id, claims) values (1, 0);
