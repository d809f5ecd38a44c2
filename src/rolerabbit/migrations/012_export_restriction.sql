-- migrate:up
ALTER TABLE account_restrictions
    DROP CONSTRAINT account_restrictions_restriction_check,
    ADD CONSTRAINT account_restrictions_restriction_check CHECK (restriction IN ('all', 'login', 'export'));

-- migrate:down
-- Exports can't be restricted alone any more: who must not export loses the account for as long.
UPDATE account_restrictions SET restriction = 'all' WHERE restriction = 'export';
ALTER TABLE account_restrictions
    DROP CONSTRAINT account_restrictions_restriction_check,
    ADD CONSTRAINT account_restrictions_restriction_check CHECK (restriction IN ('all', 'login'));
