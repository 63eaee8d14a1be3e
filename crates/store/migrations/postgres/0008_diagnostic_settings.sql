-- Where a subscription's events are sent, and how far that has come: `place` is the last event (its seq) that is over and done
-- with. One server at a time sends: the `holder`, until `held_until`.
CREATE TABLE diagnostic_settings (
    id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    secret TEXT COLLATE "C",
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    place BIGINT NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    succeeded BIGINT,
    failed BIGINT,
    error TEXT COLLATE "C"
);
CREATE INDEX diagnostic_settings_by_subscription ON diagnostic_settings (subscription_key, id_key);

-- Events that a sink refused for good.
CREATE TABLE dead_letters (
    setting_key TEXT COLLATE "C" NOT NULL,
    event_seq BIGINT NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (setting_key, event_seq)
);

-- A sink reads a subscription's events in the order of writing.
CREATE INDEX activity_by_seq ON activity_events (subscription_key, seq);
