-- Who may call, and in whose name. Instants are microseconds since 1970, UTC.
create table domains (
    id text primary key,
    name text not null unique,
    enabled boolean not null,
    created_at bigint not null
);

create table projects (
    id text primary key,
    domain_id text not null references domains (id),
    name text not null,
    description text not null,
    enabled boolean not null,
    created_at bigint not null,
    unique (domain_id, name)
);

create table users (
    id text primary key,
    domain_id text not null references domains (id),
    name text not null,
    password_hash text not null,
    enabled boolean not null,
    created_at bigint not null,
    unique (domain_id, name)
);

-- scope_kind is 'project' or 'domain', scope_id the id of one.
create table role_assignments (
    user_id text not null references users (id),
    scope_kind text not null,
    scope_id text not null,
    role text not null,
    primary key (user_id, scope_kind, scope_id, role)
);
create index role_assignments_by_scope on role_assignments (scope_kind, scope_id);

-- A token is known here by its SHA-256 only. scope_kind may also be 'none', with an empty scope_id.
create table tokens (
    token_hash text primary key,
    user_id text not null references users (id),
    scope_kind text not null,
    scope_id text not null,
    methods text not null,
    audit_id text not null,
    parent_audit_id text,
    issued_at bigint not null,
    expires_at bigint not null
);
create index tokens_by_user on tokens (user_id, scope_kind, scope_id);
create index tokens_by_expiry on tokens (expires_at);

-- One row. Raised by every change that may end a token or alter what it stands for; processes that remember tokens compare it.
create table identity_revision (
    id bigint primary key check (id = 1),
    revision bigint not null
);
insert into identity_revision (id, revision) values (1, 1);
