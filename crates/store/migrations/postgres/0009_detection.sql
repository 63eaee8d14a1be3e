-- When an event became searchable; those of earlier versions when they happened.
ALTER TABLE activity_events ADD COLUMN ingested BIGINT NOT NULL DEFAULT 0;
UPDATE activity_events SET ingested = time;
CREATE INDEX activity_events_by_ingestion ON activity_events (subscription_key, ingested, seq);

-- Detection rules that somebody loaded, and what somebody changed of those that the product brings (`source` is empty then).
CREATE TABLE detection_rules (
    subscription_key TEXT COLLATE "C" NOT NULL,
    rule_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    enabled BIGINT NOT NULL,
    exceptions TEXT COLLATE "C" NOT NULL,
    etag TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (subscription_key, rule_key)
);

-- How far each rule came. A run counts when it raises `generation`; `leased` is until when somebody else should not begin one.
CREATE TABLE detection_runs (
    subscription_key TEXT COLLATE "C" NOT NULL,
    rule_key TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    started BIGINT NOT NULL,
    due BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    report TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (subscription_key, rule_key)
);

CREATE TABLE alerts (
    subscription_key TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    rule_key TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (subscription_key, id)
);
CREATE INDEX alerts_by_time ON alerts (subscription_key, time, id);
CREATE INDEX alerts_by_instance ON alerts (subscription_key, rule_key, instance, time);

-- Webhooks of alerts that have not been taken yet. Secrets are not here.
CREATE TABLE alert_deliveries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    subscription_key TEXT COLLATE "C" NOT NULL,
    alert TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    error TEXT COLLATE "C" NOT NULL
);
CREATE INDEX alert_deliveries_by_due ON alert_deliveries (due, id);
