//! A virtual machine that something else runs: this host has its serial line and nothing more, and says so.

use hardline_agent::{Agent, AgentConfig};
use hardline_agent_api::{connect_in_process, v1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};
use tonic::Code;
use v1::{Action, ImageFormat, Power, RunState, vm_spec};

use crate::support::{Console, Rig, config, demo, next, soon};

const VM: &str = "5f0c1e1e-0000-4000-8000-000000000003";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_flow_and_everything_else_is_refused_in_words() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("serial.sock");
    let rig = Rig::with(|dir| AgentConfig {
        attach_prefixes: vec![format!("unix:{}/", place.path().display())],
        ..config(dir)
    })
    .await;
    let endpoint = format!("unix:{}", socket.display());
    let spec =
        v1::VmSpec { driver: Some(vm_spec::Driver::Attach(v1::AttachedPort { endpoint })), ..demo(VM) };
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let seen = watch.state(RunState::Detached).await;
    assert!(!seen.message.is_empty());
    watch.until("an answer all the same", |seen| seen.power_generation == 1).await;

    let listener = UnixListener::bind(&socket).unwrap();
    let (mut guest, _) = soon("the agent", listener.accept()).await.unwrap();
    watch.state(RunState::Running).await;
    guest.write_all(b"Welcome\r\nlogin: ").await.unwrap();
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("login: ").await;
    console.line("root").await;
    let mut typed = [0; 5];
    soon("the keys", guest.read_exact(&mut typed)).await.unwrap();
    assert_eq!(&typed, b"root\r");
    assert_eq!(rig.log(VM).await, b"Welcome\r\nlogin: ");

    for action in [Action::Nmi, Action::Reset, Action::PowerButton, Action::Break] {
        assert_eq!(rig.act(VM, action, "").await.unwrap_err().code(), Code::Unimplemented, "{action:?}");
    }
    let shot = v1::ScreenshotRequest { vm_id: VM.into(), format: ImageFormat::Png.into() };
    let refused = rig.client().screenshot(shot).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unimplemented, "this virtual machine's driver cannot take a screenshot")
    );
    let off = next(&spec, |spec| spec.power = Power::Stopped.into());
    let reply = rig.client().apply(off).await.unwrap().into_inner();
    assert!(!reply.accepted && reply.refusal.contains("something else runs it"), "{}", reply.refusal);
    let changed = next(&spec, |spec| spec.driver = demo(VM).driver);
    assert!(rig.client().apply(changed).await.unwrap().into_inner().refusal.contains("driver"));

    drop((guest, listener));
    std::fs::remove_file(&socket).unwrap();
    watch.state(RunState::Detached).await;
    rig.client().remove(v1::VmRef { vm_id: VM.into() }).await.unwrap();
    assert!(!rig.dir.path().join("vms").join(VM).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_qemu_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let bare = AgentConfig { qemu: "/absent/qemu".into(), ..config(dir.path()) };
    let mut client = connect_in_process(Agent::start(bare).await.unwrap());
    let host = client.describe(v1::DescribeRequest {}).await.unwrap().into_inner();
    assert_eq!((host.drivers, host.qemu_version.as_str()), (vec!["attach".to_owned()], ""));
    let reply = client.apply(demo(VM)).await.unwrap().into_inner();
    assert!(reply.refusal.contains("no QEMU"), "{}", reply.refusal);
}
