-- Policies for several projects of a domain, kept in step with one policy in each of them. Instants are microseconds UTC.
-- definition and patterns are JSON, read as a whole. project_id: where it was made; it counts there and is managed by those
-- who may manage policies there and in every project it is in.
create table organization_policies (
    id text primary key,
    domain_id text not null references domains (id),
    project_id text not null,
    name text not null,
    description text not null,
    operation_type text not null,
    policy_name text not null,
    policy_enabled boolean not null,
    definition text not null,
    patterns text not null,
    effective_scope text not null,      -- as sent, or what stands for it when nothing was
    covers_domain boolean not null,     -- every project of the domain, those made later too
    created_at bigint not null
);
create index organization_policies_by_domain on organization_policies (domain_id, created_at, id);

-- policy_type: as on the wire. organization_policy_id: the one that made it and keeps it in step; null once it is let go.
alter table policies add column policy_type text not null default 'custom_policy';
alter table policies add column organization_policy_id text;
create index policies_by_organization on policies (organization_policy_id, created_at, id) where organization_policy_id is not null;
