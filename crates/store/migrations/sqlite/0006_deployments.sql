-- Template deployments. `run` is the long-running operation of the last time it was deployed; `beat` is when the server
-- that carries it out said last that it still does.
CREATE TABLE deployments (
    id_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    subscription_key TEXT NOT NULL,
    group_key TEXT NOT NULL,
    name TEXT NOT NULL,
    run TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    beat BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX deployments_by_scope ON deployments (subscription_key, group_key, id_key);
CREATE INDEX deployments_by_beat ON deployments (state, beat);

-- What a deployment did to each of its resources, in the order in which it began.
CREATE TABLE deployment_operations (
    deployment_key TEXT NOT NULL,
    id TEXT NOT NULL,
    place BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (deployment_key, id)
);
