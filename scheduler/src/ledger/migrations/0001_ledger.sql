-- One text for PostgreSQL and SQLite, in the types that sqlx's driver for any database carries from both: text and
-- bigint. Instants are microseconds since 1970, UTC; what is true or not is 1 or 0; what begins with `{` or `[` is JSON.

create table lease (
    name text not null primary key,
    holder text,
    token bigint not null,
    expires_at bigint not null
);

create table backfill (
    id text not null primary key,
    job text not null,
    parallelism bigint not null,
    submitted_by text not null,
    idempotency_key text,
    request_digest text not null,
    submitted_at bigint not null
);
create unique index backfill_idempotency on backfill (submitted_by, idempotency_key);

-- `schedule` is the job whose schedule a run was fired by, which `fire_at` belongs to.
create table run (
    id text not null primary key,
    version bigint not null,
    job text,
    models text not null,
    ingest bigint not null check (ingest in (0, 1)),
    interval_start bigint,
    interval_end bigint,
    parameters text not null,
    priority bigint not null,
    verify bigint not null check (verify in (0, 1)),
    submitted_by text not null,
    idempotency_key text,
    request_digest text not null,
    schedule text,
    fire_at bigint,
    backfill text references backfill (id),
    state text not null,
    retries bigint not null,
    cancel_requested bigint not null check (cancel_requested in (0, 1)),
    cancelled_by text,
    reason text,
    failure text,
    submitted_at bigint not null,
    started_at bigint,
    ended_at bigint
);
create unique index run_idempotency on run (submitted_by, idempotency_key);
create index run_newest on run (submitted_at, id);
create index run_state on run (state, submitted_at, id);
create index run_job on run (job, submitted_at, id);
create index run_submitter on run (submitted_by, submitted_at, id);
create index run_backfill on run (backfill, submitted_at, id);
create index run_schedule on run (schedule, state);
create index run_done on run (job, state, interval_end);

create table step (
    run_id text not null references run (id),
    name text not null,
    position bigint not null,
    kind text not null,
    after_steps text not null,
    state text not null,
    attempts bigint not null,
    rows bigint not null,
    bytes bigint not null,
    partitions bigint not null,
    files bigint not null,
    verified bigint not null check (verified in (0, 1)),
    published_rows bigint,
    output_table text,
    output_version bigint,
    failure text,
    reason text,
    started_at bigint,
    ended_at bigint,
    primary key (run_id, name)
);
create index step_output on step (output_table, output_version, state, ended_at);

create table attempt (
    run_id text not null,
    step_name text not null,
    number bigint not null,
    instance text not null,
    started_at bigint not null,
    ended_at bigint,
    outcome text,
    failure text,
    reason text,
    primary key (run_id, step_name, number),
    foreign key (run_id, step_name) references step (run_id, name)
);

create table input (
    run_id text not null,
    step_name text not null,
    table_name text not null,
    version bigint not null,
    primary key (run_id, step_name, table_name),
    foreign key (run_id, step_name) references step (run_id, name)
);
create index input_table on input (table_name, version);

-- A job that was paused before a scheduler saw its schedule has no text yet.
create table schedule (
    job text not null primary key,
    schedule_text text,
    enabled_since bigint not null,
    last_fire_at bigint,
    paused_by text,
    paused_at bigint,
    pause_reason text
);

-- Of a stretch of firings that were missed together, `fire_at` is the first and `last` the last.
create table firing (
    job text not null references schedule (job),
    fire_at bigint not null,
    last bigint,
    state text not null,
    reason text,
    since bigint,
    run_id text references run (id),
    primary key (job, fire_at)
);
create index firing_state on firing (job, state, fire_at);
