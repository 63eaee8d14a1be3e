//! The control plane: pipeline, providers, blob endpoint, serial hub, jobs.
