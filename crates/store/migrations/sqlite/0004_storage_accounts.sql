-- Storage accounts: whose name it is (names are unique over all subscriptions), and its two keys. What else there is to an
-- account is its document in `resources`, with which it goes.
CREATE TABLE storage_accounts (
    name TEXT NOT NULL PRIMARY KEY,
    resource_key TEXT NOT NULL UNIQUE REFERENCES resources (id_key) ON DELETE CASCADE,
    key1 BLOB NOT NULL,
    key1_created BIGINT NOT NULL,
    key2 BLOB NOT NULL,
    key2_created BIGINT NOT NULL
);
