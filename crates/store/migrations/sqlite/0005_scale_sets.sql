-- What a scale set keeps beside its document: the id of its placement group, the number of its next instance (they go on counting and
-- are never used again), and the hash of its instances' administrator's password.
CREATE TABLE scale_sets (
    id_key TEXT NOT NULL PRIMARY KEY,
    unique_id TEXT NOT NULL,
    next_instance BIGINT NOT NULL,
    admin_password_hash TEXT NOT NULL
);

-- The scale set that a machine belongs to.
ALTER TABLE vms ADD COLUMN scale_set_key TEXT;
CREATE INDEX vms_by_scale_set ON vms (scale_set_key);

-- What a long-running operation still waits for, machine by machine. It was one machine before, in columns.
CREATE TABLE operation_waits (
    operation_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    run_state TEXT NOT NULL,
    PRIMARY KEY (operation_id, vm_id)
);
CREATE INDEX operation_waits_by_vm ON operation_waits (vm_id);
INSERT INTO operation_waits (operation_id, vm_id, generation, run_state)
    SELECT id, vm_id, awaits_generation, COALESCE(awaits_state, '') FROM async_operations
    WHERE status = 'InProgress' AND vm_id IS NOT NULL;
DROP INDEX async_operations_waiting;
CREATE INDEX async_operations_by_status ON async_operations (status, deadline);
ALTER TABLE async_operations DROP COLUMN vm_id;
ALTER TABLE async_operations DROP COLUMN awaits_generation;
ALTER TABLE async_operations DROP COLUMN awaits_state;
