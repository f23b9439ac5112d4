-- claim: which claim gave the task to a worker last, by the count of task_claims; null before the first. Claims come one after
-- the other and clocks do not: whose project was served longest ago goes by this.
alter table tasks add column claim bigint;
drop index tasks_by_start;
create index tasks_by_claim on tasks (project_id, claim);
