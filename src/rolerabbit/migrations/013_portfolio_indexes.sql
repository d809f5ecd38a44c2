-- migrate:up
-- For the two lists of portfolios: somebody's own, and what everybody may see, latest first.
CREATE INDEX portfolios_user_id_idx ON portfolios (user_id);
CREATE INDEX portfolios_listed_idx ON portfolios (updated_at DESC, id)
    WHERE published AND visibility = 'public' AND deleted_at IS NULL;

-- migrate:down
DROP INDEX portfolios_listed_idx;
DROP INDEX portfolios_user_id_idx;
