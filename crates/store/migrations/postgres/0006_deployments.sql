-- Template deployments. `run` is the long-running operation of the last time it was deployed; `beat` is when the server
-- that carries it out said last that it still does.
CREATE TABLE deployments (
    id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    group_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    beat BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX deployments_by_scope ON deployments (subscription_key, group_key, id_key);
CREATE INDEX deployments_by_beat ON deployments (state, beat);

-- What a deployment did to each of its resources, in the order in which it began.
CREATE TABLE deployment_operations (
    deployment_key TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (deployment_key, id)
);
