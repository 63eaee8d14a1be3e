-- Portable columns only: TEXT, BIGINT, DOUBLE PRECISION and bytes. Times are microseconds since 1970, UTC. A `key` is the lower-case
-- text of an ARM id or a name; the text as it came stands beside it.

-- People and programs.
CREATE TABLE principals (
    oid TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

-- The server's own keys (token signing, SAS).
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    id_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE resource_groups (
    group_id_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    subscription_key TEXT NOT NULL,
    name TEXT NOT NULL,
    location TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX resource_groups_by_subscription ON resource_groups (subscription_key, group_id_key);

-- Every resource with a provider, whatever its type.
CREATE TABLE resources (
    id_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    subscription_key TEXT NOT NULL,
    group_key TEXT NOT NULL,
    type_key TEXT NOT NULL,
    name TEXT NOT NULL,
    location TEXT NOT NULL,
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX resources_by_type ON resources (subscription_key, type_key, id_key);
CREATE INDEX resources_by_group ON resources (subscription_key, group_key, type_key, id_key);

-- What the hosts are told of a virtual machine, and what they said of it last. A row outlives its resource until the
-- host has removed the machine; `resource_key` is then NULL.
CREATE TABLE vms (
    vm_id TEXT NOT NULL PRIMARY KEY,
    resource_key TEXT UNIQUE,
    name TEXT NOT NULL,
    power TEXT NOT NULL,
    generation BIGINT NOT NULL,
    power_generation BIGINT NOT NULL,
    reset_generation BIGINT NOT NULL,
    host_id TEXT,
    spec TEXT NOT NULL,
    observation TEXT,
    observed BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX vms_by_host ON vms (host_id);

CREATE TABLE hosts (
    host_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);

CREATE TABLE role_definitions (
    name_key TEXT NOT NULL PRIMARY KEY,
    role_name_key TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE role_assignments (
    id_key TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    scope_key TEXT NOT NULL,
    role TEXT NOT NULL,
    principal TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (scope_key, role, principal)
);
CREATE INDEX role_assignments_by_principal ON role_assignments (principal);

-- The activity log. `seq` is the order of commits.
CREATE TABLE activity_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    correlation TEXT NOT NULL,
    operation TEXT NOT NULL,
    operation_name TEXT NOT NULL,
    time BIGINT NOT NULL,
    subscription_key TEXT NOT NULL,
    group_key TEXT NOT NULL,
    resource_key TEXT NOT NULL,
    provider_key TEXT NOT NULL,
    caller_key TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX activity_by_time ON activity_events (subscription_key, time, seq);
CREATE INDEX activity_by_group ON activity_events (subscription_key, group_key, time);
CREATE INDEX activity_by_resource ON activity_events (resource_key, time);
CREATE INDEX activity_by_correlation ON activity_events (correlation);

-- Long-running operations. `deed` is what their end event needs.
CREATE TABLE async_operations (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subscription_key TEXT NOT NULL,
    resource_key TEXT NOT NULL,
    status TEXT NOT NULL,
    vm_id TEXT,
    awaits_generation BIGINT NOT NULL,
    awaits_state TEXT,
    error TEXT,
    started BIGINT NOT NULL,
    ended BIGINT,
    deadline BIGINT NOT NULL,
    deed TEXT NOT NULL
);
CREATE INDEX async_operations_waiting ON async_operations (status, vm_id);

-- Console sessions; the session's id itself is never stored, only its SHA-256 in hex.
CREATE TABLE console_sessions (
    id_hash TEXT NOT NULL PRIMARY KEY,
    resource_key TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    port BIGINT NOT NULL,
    caller TEXT NOT NULL,
    mode TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    closed BIGINT
);
CREATE INDEX console_sessions_by_expiry ON console_sessions (expires);

-- Who may type into a port: the highest epoch.
CREATE TABLE port_leases (
    vm_id TEXT NOT NULL,
    port BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    holder_name TEXT,
    holder_session TEXT,
    holder_address TEXT,
    since BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port)
);

-- The serial logs: sealed pieces (their bytes are objects), losses, boots. Offsets count from 0 over a port's whole life.
CREATE TABLE serial_segments (
    vm_id TEXT NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    byte_length BIGINT NOT NULL,
    object_key TEXT NOT NULL,
    first_time BIGINT NOT NULL,
    sealed_time BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port, start_offset)
);
CREATE TABLE serial_gaps (
    vm_id TEXT NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    byte_length BIGINT,
    reason TEXT NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (vm_id, port, start_offset, time)
);
CREATE TABLE serial_boots (
    vm_id TEXT NOT NULL,
    port BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    boot_id TEXT NOT NULL,
    time BIGINT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (vm_id, port, boot_id)
);
