-- Portable columns only: TEXT, BIGINT, DOUBLE PRECISION and bytes. Times are microseconds since 1970, UTC. A `key` is the lower-case
-- text of an ARM id or a name; the text as it came stands beside it. COLLATE "C" is SQLite's order (bytes), on which ranges over
-- keys rely.

-- People and programs.
CREATE TABLE principals (
    oid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

-- The server's own keys (token signing, SAS).
CREATE TABLE secrets (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE resource_groups (
    group_id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    etag TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX resource_groups_by_subscription ON resource_groups (subscription_key, group_id_key);

-- Every resource with a provider, whatever its type.
CREATE TABLE resources (
    id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    group_key TEXT COLLATE "C" NOT NULL,
    type_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    etag TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX resources_by_type ON resources (subscription_key, type_key, id_key);
CREATE INDEX resources_by_group ON resources (subscription_key, group_key, type_key, id_key);

-- What the hosts are told of a virtual machine, and what they said of it last. A row outlives its resource until the
-- host has removed the machine; `resource_key` is then NULL.
CREATE TABLE vms (
    vm_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource_key TEXT COLLATE "C" UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    power TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    power_generation BIGINT NOT NULL,
    reset_generation BIGINT NOT NULL,
    host_id TEXT COLLATE "C",
    spec TEXT COLLATE "C" NOT NULL,
    observation TEXT COLLATE "C",
    observed BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX vms_by_host ON vms (host_id);

CREATE TABLE hosts (
    host_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);

CREATE TABLE role_definitions (
    name_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role_name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    body TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE role_assignments (
    id_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    scope_key TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    principal_type TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    UNIQUE (scope_key, role, principal)
);
CREATE INDEX role_assignments_by_principal ON role_assignments (principal);

-- The activity log. `seq` is the order of commits.
CREATE TABLE activity_events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    correlation TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    operation_name TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    group_key TEXT COLLATE "C" NOT NULL,
    resource_key TEXT COLLATE "C" NOT NULL,
    provider_key TEXT COLLATE "C" NOT NULL,
    caller_key TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL
);
CREATE INDEX activity_by_time ON activity_events (subscription_key, time, seq);
CREATE INDEX activity_by_group ON activity_events (subscription_key, group_key, time);
CREATE INDEX activity_by_resource ON activity_events (resource_key, time);
CREATE INDEX activity_by_correlation ON activity_events (correlation);

-- Long-running operations. `deed` is what their end event needs.
CREATE TABLE async_operations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    subscription_key TEXT COLLATE "C" NOT NULL,
    resource_key TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    vm_id TEXT COLLATE "C",
    awaits_generation BIGINT NOT NULL,
    awaits_state TEXT COLLATE "C",
    error TEXT COLLATE "C",
    started BIGINT NOT NULL,
    ended BIGINT,
    deadline BIGINT NOT NULL,
    deed TEXT COLLATE "C" NOT NULL
);
CREATE INDEX async_operations_waiting ON async_operations (status, vm_id);

-- Console sessions; the session's id itself is never stored, only its SHA-256 in hex.
CREATE TABLE console_sessions (
    id_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource_key TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    vm_id TEXT COLLATE "C" NOT NULL,
    port BIGINT NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    closed BIGINT
);
CREATE INDEX console_sessions_by_expiry ON console_sessions (expires);

-- Who may type into a port: the highest epoch.
CREATE TABLE port_leases (
    vm_id TEXT COLLATE "C" NOT NULL,
    port BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    holder_name TEXT COLLATE "C",
    holder_session TEXT COLLATE "C",
    holder_address TEXT COLLATE "C",
    since BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port)
);

-- The serial logs: sealed pieces (their bytes are objects), losses, boots. Offsets count from 0 over a port's whole life.
CREATE TABLE serial_segments (
    vm_id TEXT COLLATE "C" NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    byte_length BIGINT NOT NULL,
    object_key TEXT COLLATE "C" NOT NULL,
    first_time BIGINT NOT NULL,
    sealed_time BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port, start_offset)
);
CREATE TABLE serial_gaps (
    vm_id TEXT COLLATE "C" NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    byte_length BIGINT,
    reason TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port, start_offset, time)
);
CREATE TABLE serial_boots (
    vm_id TEXT COLLATE "C" NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    boot_id TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (vm_id, port, boot_id)
);
