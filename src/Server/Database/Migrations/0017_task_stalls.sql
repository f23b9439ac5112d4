-- What a user sees of a task that runs or waits, and how long tasks are kept.

-- bytes_per_second: how fast bytes_done has grown lately. stall: what the task waits for, in the words of its worker; null while it moves.
alter table tasks add column bytes_per_second bigint not null default 0;
alter table tasks add column stall text;
create index tasks_by_end on tasks (ended_at) where ended_at is not null;

-- How many tasks a worker runs at once.
alter table workers add column runs_max bigint not null default 0;
