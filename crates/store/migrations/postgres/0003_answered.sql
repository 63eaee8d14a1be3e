-- The generation that a machine's last observation answers: rounds read those that are behind.
ALTER TABLE vms ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
