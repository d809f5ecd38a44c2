-- Scratch: what was found lies beside the table from here on: the table is large, and is read once.
insert into {rows} as b select b.* {among} returning {keys}
