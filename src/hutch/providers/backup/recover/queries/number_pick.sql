-- Scratch: a number for each key, by which they are gone through in pieces; until anything is decided it comes back.
alter table {pick}
    add column n bigint generated always as identity primary key,
    alter column status set default 'back', alter column why set default ''
