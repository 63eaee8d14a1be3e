//! The wire: listeners, requests in, answers out. Only this module knows axum and hyper.
//!
//! ```text
//! listener ─ TLS ─ connection ─ route ─┬─ /subscriptions… /providers…   pipeline::handle
//!                                      ├─ /metadata/endpoints            where everything is, for clients
//!                                      ├─ /adfs/… /{tenant}/oauth2/…     auth (tokens, codes, openid-configuration)
//!                                      ├─ /graph/v1.0/…                  graph (users, programs, groups)
//!                                      ├─ /console/sessions/…            serial (WebSocket, admin commands)
//!                                      ├─ /{account}/{container}/{blob}  blob
//!                                      ├─ /portal/…                      embedded files
//!                                      └─ /healthz
//! ```

mod answer;
mod body;
mod facts;
mod graph;
mod identity;
mod listener;
mod metadata;
mod portal;
mod route;
pub mod websocket;

pub(crate) use listener::{Bound, serve};
