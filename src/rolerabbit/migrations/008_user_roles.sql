-- migrate:up
-- An admin may see and delete everybody's portfolios. Who must choose a new password can't log in before that.
ALTER TABLE users
    ADD COLUMN role varchar(20) NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    ADD COLUMN password_reset_required boolean NOT NULL DEFAULT false;

-- migrate:down
ALTER TABLE users DROP COLUMN role, DROP COLUMN password_reset_required;
