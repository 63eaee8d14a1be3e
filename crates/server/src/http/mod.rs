//! The wire: listeners, requests in, answers out. Only this module knows axum.

pub mod websocket;
