-- migrate:up
-- The language that somebody reads, as a tag such as de or pt-BR; empty where nobody knows.
ALTER TABLE users ADD COLUMN language varchar(35) NOT NULL DEFAULT '';

-- migrate:down
ALTER TABLE users DROP COLUMN language;
