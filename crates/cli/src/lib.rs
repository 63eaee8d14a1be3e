//! Client verbs: speaks only HTTP and WebSocket; output and exit codes as az.
