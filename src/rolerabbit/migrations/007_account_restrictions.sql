-- migrate:up
CREATE TABLE account_restrictions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    restriction varchar(20) NOT NULL DEFAULT 'all' CHECK (restriction IN ('all', 'login')),
    reason text NOT NULL,
    restricted_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE account_restrictions;
