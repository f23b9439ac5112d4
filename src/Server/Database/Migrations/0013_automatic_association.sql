-- Automatic association of resources with vaults, and what else runs by itself. Ticks are readings of the installation clock.

-- auto_bind: rules may bring it into a vault; false after somebody took it out of one. missing_since_tick: since when there is
-- nothing at its path, as far as anybody looked; null while there is.
alter table resources add column auto_bind boolean not null default true;
alter table resources add column missing_since_tick bigint;

-- Resources that the rules of a vault ask for and that do not fit: told once, and again when the reason changes.
create table bind_refusals (
    resource_id text primary key,
    project_id text not null,
    vault_id text not null,
    code text not null,
    message text not null
);
create index bind_refusals_by_project on bind_refusals (project_id);

-- Upkeep that one process does for all, once per interval: when it was last begun.
create table upkeep_turns (
    name text primary key,
    begun_at_tick bigint not null
);

-- Of a backup about to be committed: what it will count in its vault. Until its task has ended that room is taken.
alter table tasks add column room_bytes bigint not null default 0;

-- Slots of replication policies are run, too. An instant that is planned for later than now was planned by a clock that was
-- ahead: the next slot is worked out anew.
update policy_vaults set next_at = 253402300799000000, planned_at = 253402300799000000 where operation_type = 'replication';
