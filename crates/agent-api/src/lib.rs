//! The line between server and agent: one proto file and what is generated from it.
//!
//! The agent dials the server and then serves [`v1::host_agent_server::HostAgent`] on that connection; the server is
//! the client. In one process the server calls the same service without a socket: [`connect_in_process`].

use tonic::body::Body;
use tower::util::BoxCloneSyncService;

/// Generated from `proto/agent.proto`; the comments there are the documentation.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
pub mod v1 {
    tonic::include_proto!("hardline.agent.v1");
}

/// A host's end of the line, whatever carries it.
pub type Line = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::Status>;

/// What the server holds: a client of one host.
pub type HostAgentClient = v1::host_agent_client::HostAgentClient<Line>;

/// A client that calls `agent` in this process: same messages, no socket.
pub fn connect_in_process<A>(agent: A) -> HostAgentClient
where
    A: v1::host_agent_server::HostAgent,
{
    let server = v1::host_agent_server::HostAgentServer::new(agent).max_decoding_message_size(MESSAGE_LIMIT);
    let service = tower::ServiceExt::<http::Request<Body>>::map_err(
        server,
        |never: std::convert::Infallible| -> tonic::Status { match never {} },
    );
    client(Line::new(service))
}

/// A client over a connected channel (the server's end of a connection that an agent dialled).
pub fn connect_channel(channel: tonic::transport::Channel) -> HostAgentClient {
    use tower::ServiceExt as _;
    client(Line::new(channel.map_err(|e| tonic::Status::from_error(Box::new(e)))))
}

fn client(line: Line) -> HostAgentClient {
    v1::host_agent_client::HostAgentClient::new(line).max_decoding_message_size(MESSAGE_LIMIT)
}

/// Largest message on the line, bytes. A screenshot of 1920 x 1200 as BMP is 9.2 MB.
pub const MESSAGE_LIMIT: usize = 64 << 20;
