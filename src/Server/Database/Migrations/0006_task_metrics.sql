-- Counting skipped slots must not read every task there ever was.
create index tasks_skipped on tasks (created_at) where status = 'skipped';
