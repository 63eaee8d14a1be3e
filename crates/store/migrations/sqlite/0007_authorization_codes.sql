-- Codes that a client exchanges for tokens, once and soon. The code is a secret; only its hash is here.
CREATE TABLE authorization_codes (
    code_hash TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    client TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    nonce TEXT,
    audience TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires);
