-- migrate:up
-- A deleted portfolio keeps its row and its subdomain, so that it can be brought back.
CREATE TABLE portfolios (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title varchar(200) NOT NULL,
    content text NOT NULL DEFAULT '',
    subdomain varchar(63) NOT NULL CONSTRAINT portfolios_subdomain_key UNIQUE,
    published boolean NOT NULL DEFAULT false,
    visibility varchar(20) NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'unlisted', 'private')),
    deleted_at timestamptz,
    deleted_by uuid REFERENCES users (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE portfolios;
