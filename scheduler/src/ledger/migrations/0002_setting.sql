-- What holds for the ledger as a whole, such as the warehouse whose runs it keeps.
create table setting (
    name text primary key not null,
    value text not null
);
