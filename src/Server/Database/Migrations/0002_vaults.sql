-- What there is to protect, and the vaults it is protected under. Sizes are bytes or, where the name says so, GB; instants
-- are microseconds since 1970, UTC. A row with deleted_at_tick is gone for every client and waits for the end of its undo
-- window, which runs in service time (InstallationClock).

-- A server has no path: it is its disks, in the order of position.
create table resources (
    id text primary key,
    project_id text not null,
    type text not null,
    name text not null,
    driver text,
    path text,
    server_id text references resources (id),
    position bigint not null,
    size_bytes bigint not null,
    tags text not null,
    created_at bigint not null,
    deleted_at_tick bigint
);
create index resources_by_project on resources (project_id, created_at, id);
create index resources_by_server on resources (server_id, position);

-- version grows with every change of anything clients see of the vault, its resources included. used_bytes and backup_count are kept by whoever adds or drops a backup, in the same transaction. tags and bind_rules are
-- JSON, read as a whole; bind_rules is null until rules are first set. auto_expanded: the size last grew by itself.
create table vaults (
    id text primary key,
    project_id text not null,
    name text not null,
    description text,
    enterprise_project_id text not null,
    user_id text not null,
    object_type text not null,
    protect_type text not null,
    consistent_level text not null,
    cloud_type text not null,
    is_multi_az boolean not null,
    status text not null,
    size_gb bigint not null,
    used_bytes bigint not null,
    backup_count bigint not null,
    auto_bind boolean not null,
    bind_rules text,
    auto_expand boolean not null,
    auto_expanded boolean not null,
    smn_notify boolean not null,
    threshold bigint not null,
    locked boolean not null,
    tags text not null,
    backup_name_prefix text,
    demand_billing boolean not null,
    availability_zone text not null,
    sys_lock_source_service text not null,
    charging_mode text not null,
    period_type text,
    period_num bigint not null,
    is_auto_renew boolean not null,
    order_id text,
    product_id text,
    created_at bigint not null,
    version bigint not null,
    deleted_at_tick bigint
);
create index vaults_by_project on vaults (project_id, created_at, id);

-- extra_info is JSON as on the wire. The bindings of a deleted vault stay with it and bind nothing.
create table vault_resources (
    vault_id text not null references vaults (id),
    resource_id text not null,
    position bigint not null,
    type text not null,
    name text not null,
    auto_protect boolean not null,
    size_gb bigint not null,
    backup_bytes bigint not null,
    backup_count bigint not null,
    protect_status text not null,
    extra_info text not null,
    added_at bigint not null,
    primary key (vault_id, resource_id)
);
create index vault_resources_by_resource on vault_resources (resource_id);
