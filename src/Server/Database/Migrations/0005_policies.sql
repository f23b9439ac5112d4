-- When backups are made and how long they are kept. Instants are microseconds UTC. definition (operation_definition, as
-- sent) and patterns are JSON, read as a whole. start_at is whole seconds, as the wire shows it.
create table policies (
    id text primary key,
    project_id text not null,
    name text not null,
    operation_type text not null,
    enabled boolean not null,
    definition text not null,
    trigger_id text not null,
    patterns text not null,
    start_at bigint not null,
    created_at bigint not null
);
create index policies_by_project on policies (project_id, created_at, id);

-- At most one policy of each type on a vault. The bindings of a deleted vault stay with it and mean nothing until it is
-- brought back.
create table policy_vaults (
    vault_id text not null references vaults (id),
    operation_type text not null,
    policy_id text not null references policies (id),
    destination_vault_id text,
    bound_at bigint not null,
    primary key (vault_id, operation_type)
);
create index policy_vaults_by_policy on policy_vaults (policy_id, bound_at, vault_id);
