//! A virtual machine's life on a real QEMU with the demo guest.

use crate::support::{Console, PASSWORD, Rig, USER, config, demo, kill, next, soon};
use hardline_agent_api::v1::{self, Action, ImageFormat, Power, RunState, vm_spec};
use tonic::Code;

const VM: &str = "5f0c1e1e-0000-4000-8000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn boots_to_a_login_runs_a_command_and_shows_its_screen() {
    let rig = Rig::start().await;
    let host = rig.client().describe(v1::DescribeRequest {}).await.unwrap().into_inner();
    assert_eq!((host.accelerator.as_str(), host.drivers.len()), ("tcg", 2));
    assert!(host.images.contains(&"hardline-demo".to_owned()));
    assert!(host.qemu_version.starts_with(|c: char| c.is_ascii_digit()), "{}", host.qemu_version);

    rig.apply(&demo(VM)).await;
    let seen = rig.watch(VM).await.state(RunState::Running).await;
    assert_eq!((seen.generation, seen.power_generation), (1, 1));
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("Linux version 6.").await;
    console.log_in(USER).await;
    console.line("echo $((6*7)) $(hostname) $TERM").await;
    console.expect("\n42 demo vt220\r\n").await;
    console.line("su").await;
    console.expect("Password: ").await;
    console.line(PASSWORD).await;
    console.expect("# ").await;
    console.line("id -un; dmesg | grep -c 'Linux version'").await;
    console.expect("\nroot\r\n1\r\n").await;

    for (format, magic) in [(ImageFormat::Bmp, b"BM".as_slice()), (ImageFormat::Png, b"\x89PNG")] {
        let request = v1::ScreenshotRequest { vm_id: VM.into(), format: format.into() };
        let shot = rig.client().screenshot(request).await.unwrap().into_inner();
        assert!(shot.image.starts_with(magic));
        assert_eq!((shot.width, shot.height), (720, 400));
        if format == ImageFormat::Bmp {
            assert_eq!(shot.image.len(), 54 + 720 * 400 * 3);
            let lit = shot.image[54..].iter().filter(|byte| **byte > 100).count();
            assert!(lit > 10_000, "the screen is dark: {lit} bright samples");
        }
        if let Some(keep) = std::env::var_os("HARDLINE_KEEP_SCREENSHOTS") {
            let name = if format == ImageFormat::Bmp { "guest.bmp" } else { "guest.png" };
            std::fs::write(std::path::Path::new(&keep).join(name), &shot.image).unwrap();
        }
    }

    let log = String::from_utf8_lossy(&rig.log(VM).await).into_owned();
    assert!(log.contains("Linux version") && log.contains("\n42 demo"));
    assert!(!log.contains(PASSWORD), "the password was printed");
    assert!(!log.contains("$6$"), "the hash was printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_are_marked_as_boots_and_answered_once() {
    let rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let first = watch.state(RunState::Running).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("demo login: ").await;

    let spec = next(&spec, |spec| spec.reset_generation = 1);
    rig.apply(&spec).await;
    let second =
        watch.until("the reset", |seen| seen.reset_generation == 1 && seen.boot_id != first.boot_id).await;
    assert_eq!(second.state(), RunState::Running);
    rig.apply(&spec).await;
    console.log_in("root").await;
    console.line("reboot").await;
    let third = watch.until("the guest's reboot", |seen| seen.boot_id != second.boot_id).await;
    assert!(third.boot_time_us > second.boot_time_us);
    console.expect("Linux version").await;
    console.expect("demo login: ").await;

    let boots = rig.boots(VM, 3).await;
    let causes: Vec<_> = boots.iter().map(|(cause, _)| cause.as_str()).collect();
    assert_eq!(causes, ["start", "reset", "guest-reset"]);
    let log = rig.log(VM).await;
    for (cause, offset) in &boots {
        let ahead = String::from_utf8_lossy(&log[*offset as usize..]).into_owned();
        let kernel = ahead.find("Linux version").expect("a boot after the mark");
        assert!(kernel < 200, "the mark of '{cause}' is {kernel} bytes ahead of the kernel's first line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_switches_itself_off_stays_off_until_demanded() {
    let mut rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.log_in(USER).await;
    console.line("poweroff").await;
    let off = watch.state(RunState::Stopped).await;
    assert!(off.guest_shutdown);
    assert_eq!(rig.act(VM, Action::Nmi, "").await.unwrap_err().code(), Code::FailedPrecondition);

    // Neither a new agent nor a changed specification starts it; a demand does.
    rig.stop_agent().await;
    rig.start_agent().await;
    let spec = next(&spec, |spec| spec.stop_grace_seconds = 30);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let still = watch.until("the answer", |seen| seen.generation == 2).await;
    assert_eq!((still.state(), still.guest_shutdown), (RunState::Stopped, true));
    let spec = next(&spec, |spec| spec.power_generation = 2);
    rig.apply(&spec).await;
    let on = watch.until("the start", |seen| seen.power_generation == 2).await;
    assert_eq!((on.state(), on.guest_shutdown), (RunState::Running, false));
    assert_eq!(rig.boots(VM, 2).await[1].0, "start");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_takes_up_what_was_changed() {
    let mut rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let first = watch.state(RunState::Running).await;
    let memory = |rig: &Rig| {
        let line = std::fs::read(format!("/proc/{}/cmdline", rig.qemu(VM))).unwrap();
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let at = words.iter().position(|word| word == "-m").unwrap();
        words[at + 1].clone().into_owned()
    };
    let before = memory(&rig);
    // The change alone leaves the guest running as it is, also over a restart of the agent.
    let bigger = |spec: &mut v1::VmSpec| match &mut spec.driver {
        Some(vm_spec::Driver::Qemu(machine)) => machine.memory_mib += 64,
        other => panic!("{other:?}"),
    };
    let spec = next(&spec, bigger);
    rig.apply(&spec).await;
    let same = watch.until("the answer", |seen| seen.generation == 2).await;
    assert_eq!((same.boot_id.as_str(), memory(&rig)), (first.boot_id.as_str(), before.clone()));
    rig.stop_agent().await;
    rig.start_agent().await;
    let spec = next(&spec, |spec| (spec.reset_generation, spec.stop_grace_seconds) = (1, 0));
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let second = watch.until("the restart", |seen| seen.reset_generation == 1).await;
    assert_eq!(second.state(), RunState::Running);
    assert_ne!((second.boot_id, memory(&rig)), (first.boot_id, before));
    let causes: Vec<_> = rig.boots(VM, 2).await.into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(causes, ["start", "start"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_qemu_is_started_again() {
    let rig = Rig::start().await;
    rig.apply(&demo(VM)).await;
    let mut watch = rig.watch(VM).await;
    let first = watch.state(RunState::Running).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("Linux version").await;
    kill(rig.qemu(VM));
    let second = watch
        .until("the restart", |seen| seen.boot_id != first.boot_id && seen.state() == RunState::Running)
        .await;
    assert!(!second.guest_shutdown);
    console.expect("Linux version").await; // the same console goes on over the crash
    console.expect("demo login: ").await;
    let causes: Vec<_> = rig.boots(VM, 2).await.into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(causes, ["start", "crash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_agent_finds_the_same_qemu_and_the_log_goes_on() {
    let mut rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let boot = rig.watch(VM).await.state(RunState::Running).await.boot_id;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.log_in(USER).await;
    let pid = rig.qemu(VM);
    drop(console);
    rig.stop_agent().await;
    rig.start_agent().await;
    let seen = rig.watch(VM).await.state(RunState::Running).await;
    assert_eq!((seen.boot_id, rig.qemu(VM)), (boot, pid));
    let end = rig.log(VM).await.len() as u64;
    let mut console = Console::open(&rig, VM, 2, end).await;
    console.line("echo still $((6*7))").await; // the shell is still logged in
    console.expect("\nstill 42\r\n").await;

    // Desired off while no agent was there to hear of it: not possible; but a stop after the find works as always.
    rig.apply(&next(&spec, |spec| (spec.power, spec.power_generation) = (Power::Stopped.into(), 2))).await;
    let off = rig.watch(VM).await.until("off", |seen| seen.power_generation == 2).await;
    assert_eq!(off.state(), RunState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_presses_the_power_button_and_then_the_patience_ends() {
    let rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("demo login: ").await;
    let spec = next(&spec, |spec| (spec.power, spec.power_generation) = (Power::Stopped.into(), 2));
    rig.apply(&spec).await;
    watch.state(RunState::Stopping).await;
    console.expect("reboot: Power down").await; // the guest did it, in order
    let off = watch.until("off", |seen| seen.power_generation == 2).await;
    assert_eq!((off.state(), off.guest_shutdown), (RunState::Stopped, false));

    // On again, and off without grace while the firmware still runs.
    let spec = next(&spec, |spec| (spec.power, spec.power_generation) = (Power::Running.into(), 3));
    rig.apply(&spec).await;
    watch.until("on", |seen| seen.power_generation == 3 && seen.state() == RunState::Running).await;
    let spec = next(&spec, |spec| {
        (spec.power, spec.power_generation) = (Power::Stopped.into(), 4);
        spec.stop_grace_seconds = 0;
    });
    rig.apply(&spec).await;
    let off = watch.until("off", |seen| seen.power_generation == 4).await;
    assert_eq!(off.state(), RunState::Stopped);

    // A grace that nobody in the guest uses: the firmware knows no power button.
    let spec = next(&spec, |spec| {
        (spec.power, spec.power_generation) = (Power::Running.into(), 5);
        spec.stop_grace_seconds = 1;
    });
    rig.apply(&spec).await;
    watch.until("on", |seen| seen.power_generation == 5 && seen.state() == RunState::Running).await;
    rig.apply(&next(&spec, |spec| (spec.power, spec.power_generation) = (Power::Stopped.into(), 6))).await;
    let off = watch.until("off", |seen| seen.power_generation == 6).await;
    assert_eq!(off.state(), RunState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_still_boots_is_asked_to_stop_until_it_hears() {
    let rig = Rig::start().await;
    let spec = demo(VM);
    rig.apply(&spec).await;
    let mut watch = rig.watch(VM).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("Linux version ").await; // nothing in there knows a power button yet
    rig.apply(&next(&spec, |spec| (spec.power, spec.power_generation) = (Power::Stopped.into(), 2))).await;
    console.expect("reboot: Power down").await;
    let off = watch.until("off", |seen| seen.power_generation == 2).await;
    assert_eq!(off.state(), RunState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn nmi_sysrq_break_and_panic_reach_the_guest() {
    let rig = Rig::start().await;
    rig.apply(&demo(VM)).await;
    let mut watch = rig.watch(VM).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.log_in("root").await;
    rig.act(VM, Action::Nmi, "").await.unwrap();
    console.expect("NMI received for unknown reason").await;
    rig.act(VM, Action::Sysrq, "h").await.unwrap();
    console.expect("sysrq: HELP").await;
    rig.act(VM, Action::Break, "").await.unwrap();
    console.line("m").await; // the next character after a BREAK is the command
    console.expect("sysrq: Show Memory").await;
    assert_eq!(rig.act(VM, Action::Sysrq, "").await.unwrap_err().code(), Code::InvalidArgument);

    rig.act(VM, Action::Sysrq, "c").await.unwrap();
    console.expect("Kernel panic - not syncing").await;
    let panicked = watch.until("the panic", |seen| seen.panicked).await;
    assert_eq!(panicked.state(), RunState::Running);
    rig.act(VM, Action::Reset, "").await.unwrap();
    let anew = watch.until("the boot after it", |seen| seen.boot_id != panicked.boot_id).await;
    assert!(!anew.panicked);
    console.expect("demo login: ").await;
    rig.act(VM, Action::PowerButton, "").await.unwrap();
    assert!(watch.state(RunState::Stopped).await.guest_shutdown);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_stop_keeps_what_is_desired_and_removal_leaves_nothing() {
    let mut rig = Rig::start().await;
    rig.apply(&demo(VM)).await;
    let mut watch = rig.watch(VM).await;
    watch.state(RunState::Running).await;
    let mut console = Console::open(&rig, VM, 1, 0).await;
    console.expect("demo login: ").await;
    soon("the guests' stop", rig.agent().stop_guests()).await;
    let off = watch.state(RunState::Stopped).await;
    assert!(!off.guest_shutdown);
    drop((console, watch));
    rig.stop_agent().await;

    rig.start_agent().await;
    let mut watch = rig.watch(VM).await;
    watch.state(RunState::Running).await;
    assert_eq!(rig.boots(VM, 2).await[1].0, "start", "not a crash");
    let pid = rig.qemu(VM);
    rig.client().remove(v1::VmRef { vm_id: VM.into() }).await.unwrap();
    rig.client().remove(v1::VmRef { vm_id: VM.into() }).await.unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{pid}/cwd")).exists());
    assert!(!rig.dir.path().join("vms").join(VM).exists());
    assert_eq!(rig.act(VM, Action::Nmi, "").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_or_given_up_with_words() {
    let rig = Rig::start().await;
    let machine = |change: fn(&mut v1::QemuMachine)| {
        let mut spec = demo(VM);
        if let Some(vm_spec::Driver::Qemu(machine)) = &mut spec.driver {
            change(machine);
        }
        spec
    };
    let attach = vm_spec::Driver::Attach(v1::AttachedPort { endpoint: "unix:/run/secret".into() });
    for (spec, words) in [
        (machine(|m| m.image = "absent".into()), "no image 'absent'"),
        (machine(|m| m.image = "../hardline-demo".into()), "no image"),
        (machine(|m| m.memory_mib = 32), "needs 96"),
        (v1::VmSpec { driver: Some(attach), ..demo(VM) }, "does not allow"),
    ] {
        let reply = rig.client().apply(spec).await.unwrap().into_inner();
        assert!(!reply.accepted && reply.refusal.contains(words), "{} has no '{words}'", reply.refusal);
    }
    assert!(!rig.dir.path().join("vms").join(VM).exists());

    // More memory than any host has: QEMU says so, five times.
    rig.apply(&machine(|m| m.memory_mib = 1 << 30)).await;
    let mut watch = rig.watch(VM).await;
    let failed = watch.state(RunState::Failed).await;
    assert!(failed.message.contains("given up") && failed.message.contains("emory"), "{}", failed.message);
    assert_eq!(failed.power_generation, 1, "a failure is an answer");
    // A new demand is a new try.
    rig.apply(&next(&demo(VM), |spec| spec.power_generation = 2)).await;
    watch.until("on", |seen| seen.power_generation == 2 && seen.state() == RunState::Running).await;

    // One agent at a time.
    assert!(matches!(
        hardline_agent::Agent::start(config(rig.dir.path())).await,
        Err(hardline_agent::AgentError::InUse(_))
    ));
}
