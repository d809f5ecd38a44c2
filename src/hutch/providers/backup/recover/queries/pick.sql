-- Scratch: the keys of what was found.
with found as ({found}) insert into {pick} ({names}) select * from found
