//! The fake host behaves as the line's contract says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::*;
use hardline_testkit::FakeHost;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

fn spec(generation: u64, power: Power) -> VmSpec {
    VmSpec {
        vm_id: "vm-1".into(),
        generation,
        name: "one".into(),
        power: power.into(),
        power_generation: generation,
        driver: Some(vm_spec::Driver::Qemu(QemuMachine {
            image: "hardline-demo".into(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

async fn next(stream: &mut tonic::Streaming<Observation>) -> observation::What {
    stream.message().await.unwrap().unwrap().what.unwrap()
}

#[tokio::test]
async fn a_wish_is_answered_with_an_observation() {
    let host = FakeHost::new("h1");
    let mut line = host.in_process();
    let mut seen = line.observe(ObserveRequest {}).await.unwrap().into_inner();
    assert_eq!(next(&mut seen).await, observation::What::Synced(true));
    assert!(line.apply(spec(1, Power::Running)).await.unwrap().into_inner().accepted);
    let observation::What::Vm(vm) = next(&mut seen).await else { panic!() };
    assert_eq!((vm.state(), vm.generation, vm.boot_id.as_str()), (RunState::Running, 1, "one-boot-1"));
    host.hold(true);
    line.apply(spec(2, Power::Stopped)).await.unwrap();
    assert_eq!(host.observation("vm-1").unwrap().generation, 1);
    host.hold(false);
    let observation::What::Vm(vm) = next(&mut seen).await else { panic!() };
    assert_eq!((vm.state(), vm.generation), (RunState::Stopped, 2));
    line.apply(spec(1, Power::Running)).await.unwrap();
    assert_eq!(host.observation("vm-1").unwrap().state(), RunState::Stopped);
    line.remove(VmRef { vm_id: "vm-1".into() }).await.unwrap();
    assert_eq!(next(&mut seen).await, observation::What::RemovedVmId("vm-1".into()));
}

#[tokio::test]
async fn a_console_begins_with_the_screen_and_drops_older_epochs() {
    let host = FakeHost::new("h1");
    let mut line = host.in_process();
    line.apply(spec(1, Power::Running)).await.unwrap();
    host.print("vm-1", b"before ");
    line.fence(FenceRequest { vm_id: "vm-1".into(), port: 0, epoch: 2 }).await.unwrap();
    let (requests, queue) = tokio::sync::mpsc::channel(8);
    let ask = |what| ConsoleRequest { what: Some(what) };
    let open = ConsoleOpen { vm_id: "vm-1".into(), epoch: 2, ..Default::default() };
    requests.send(ask(console_request::What::Open(open))).await.unwrap();
    let mut replies = line.console(ReceiverStream::new(queue)).await.unwrap().into_inner();
    let console_reply::What::Snapshot(screen) = replies.next().await.unwrap().unwrap().what.unwrap() else {
        panic!()
    };
    assert_eq!((screen.offset, &screen.data[..]), (7, &b"before "[..]));
    host.print("vm-1", b"after");
    let console_reply::What::Output(output) = replies.next().await.unwrap().unwrap().what.unwrap() else {
        panic!()
    };
    assert_eq!((output.offset, &output.data[..]), (7, &b"after"[..]));
    let input = |epoch, data: &'static [u8]| ConsoleInput { epoch, data: data.into(), sequence: 1 };
    requests.send(ask(console_request::What::Input(input(1, b"old")))).await.unwrap();
    let console_reply::What::Refused(refused) = replies.next().await.unwrap().unwrap().what.unwrap() else {
        panic!()
    };
    assert_eq!((refused.reason(), refused.bytes), (input_refused::Reason::StaleEpoch, 3));
    requests.send(ask(console_request::What::Input(input(2, b"new")))).await.unwrap();
    host.wait_for_input("vm-1", b"new").await;
    assert_eq!(host.input("vm-1"), b"new");
    let older = line.fence(FenceRequest { vm_id: "vm-1".into(), port: 0, epoch: 1 }).await.unwrap_err();
    assert_eq!(older.code(), tonic::Code::FailedPrecondition);
}

#[tokio::test]
async fn sealed_pieces_come_after_the_cursor() {
    let host = FakeHost::new("h1");
    let mut line = host.in_process();
    line.apply(spec(1, Power::Running)).await.unwrap();
    host.print("vm-1", b"one");
    host.seal("vm-1");
    host.lose("vm-1", 5, GapReason::RateLimit);
    host.print("vm-1", b"two");
    let cursor = Cursor { vm_id: "vm-1".into(), port: 0, offset: 3 };
    let mut pieces = line.segments(SegmentsRequest { after: vec![cursor] }).await.unwrap().into_inner();
    let segments_reply::What::Gap(gap) = pieces.next().await.unwrap().unwrap().what.unwrap() else {
        panic!()
    };
    assert_eq!((gap.start, gap.length), (3, 5));
    let sealed = line.seal(PortRef { vm_id: "vm-1".into(), port: 0 }).await.unwrap().into_inner();
    assert_eq!(sealed.end, 11);
    let segments_reply::What::Segment(piece) = pieces.next().await.unwrap().unwrap().what.unwrap() else {
        panic!()
    };
    assert_eq!((piece.start, &piece.data[..]), (8, &b"two"[..]));
    let read = ReadRequest { vm_id: "vm-1".into(), offset: 1, ..Default::default() };
    let all: Vec<_> = line.read(read).await.unwrap().into_inner().collect().await;
    assert_eq!(all.len(), 3);
}
