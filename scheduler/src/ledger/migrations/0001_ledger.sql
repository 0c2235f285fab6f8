-- One text for PostgreSQL and SQLite, in the types that sqlx's driver for any database carries from both: text and
-- bigint. Instants are microseconds since 1970, UTC; what is true or not is 1 or 0.

create table lease (
    name text not null primary key,
    holder text,
    token bigint not null,
    expires_at bigint not null
);

create table run (
    id text not null primary key,
    job text,
    models text not null,
    ingest bigint not null check (ingest in (0, 1)),
    interval_start bigint,
    interval_end bigint,
    parameters text not null,
    priority bigint not null,
    submitted_by text not null,
    idempotency_key text,
    request_digest text not null,
    origin text not null,
    origin_of text,
    fire_at bigint,
    state text not null,
    cancel_requested bigint not null check (cancel_requested in (0, 1)),
    reason text,
    submitted_at bigint not null,
    started_at bigint,
    ended_at bigint
);
create unique index run_idempotency on run (submitted_by, idempotency_key);
create index run_newest on run (submitted_at, id);
create index run_state on run (state, submitted_at, id);
create index run_job on run (job, submitted_at, id);
create index run_submitter on run (submitted_by, submitted_at, id);

create table step (
    run_id text not null references run (id),
    name text not null,
    position bigint not null,
    state text not null,
    attempts bigint not null,
    rows bigint not null,
    bytes bigint not null,
    partitions bigint not null,
    output_table text,
    output_version bigint,
    reason text,
    started_at bigint,
    ended_at bigint,
    primary key (run_id, name)
);
create index step_output on step (output_table, output_version);

create table attempt (
    run_id text not null,
    step_name text not null,
    number bigint not null,
    started_at bigint not null,
    ended_at bigint,
    outcome text,
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

create table schedule (
    job text not null primary key,
    paused bigint not null check (paused in (0, 1)),
    last_fire_at bigint,
    changed_by text,
    changed_at bigint
);

create table firing (
    job text not null references schedule (job),
    fire_at bigint not null,
    run_id text not null references run (id),
    primary key (job, fire_at)
);
