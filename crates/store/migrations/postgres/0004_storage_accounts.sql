-- Storage accounts: whose name it is (names are unique over all subscriptions), and its two keys. What else there is to an
-- account is its document in `resources`, with which it goes.
CREATE TABLE storage_accounts (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource_key TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES resources (id_key) ON DELETE CASCADE,
    key1 BYTEA NOT NULL,
    key1_created BIGINT NOT NULL,
    key2 BYTEA NOT NULL,
    key2_created BIGINT NOT NULL
);
