-- Backups shown to another project: `member` on the wire. A share goes with its backup; while the backup is deleted but can
-- still be brought back, it waits with it. vault_id is the recipient's: where it accepted the backup into, or, of a rejected
-- one, the deleted vault it was in, which takes it back when it is undeleted.
create table backup_shares (
    id text primary key,
    backup_id text not null references backups (id) on delete cascade,
    dest_project_id text not null,
    status text not null,
    vault_id text,
    created_at bigint not null,
    updated_at bigint,
    unique (backup_id, dest_project_id)
);
create index backup_shares_by_recipient on backup_shares (dest_project_id, status);
create index backup_shares_by_vault on backup_shares (vault_id) where vault_id is not null;
