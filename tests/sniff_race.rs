//! `syskit bench sniff`: right contenders pass, wrong ones are found, and what stands beside the times.

mod common;

use std::time::Duration;

use common::{err, out, run};
use nix::unistd::geteuid;
use serde_json::Value;
use syskit::error::Result;
use syskit::need::{PACKET_SOCKET, VETH, first_missing};
use syskit::race::clock::Monotonic;
use syskit::race::engine::{Engine, Unobserved};
use syskit::race::plan::{Plan, lanes};
use syskit::race::result::Outcome;
use syskit::race::{self, Axis, Contender, Race, TaskRace};
use syskit::recipes::sniff::capture::{Capture, Captured, Event, METHODS, Method, Setup};
use syskit::recipes::sniff::losses::Losses;
use syskit::recipes::sniff::packet;
use syskit::recipes::sniff::race::{Approach, SniffTask};

fn here() -> bool {
    let missing = first_missing(&[&VETH, &PACKET_SOCKET]);
    if let Some(finding) = &missing {
        common::skip(&finding.to_string());
    }
    missing.is_none()
}

#[test]
fn every_capture_method_is_raced() {
    let entrants = race::find("sniff").expect("the race").entrants();
    for method in METHODS {
        assert!(entrants.iter().any(|e| e.name == method.name && !e.limit), "{} is not raced", method.name);
    }
}

/// What a contender does wrong.
#[derive(Clone, Copy)]
enum Slip {
    None,
    Loses,
    Repeats,
    Changes,
    Cuts,
    Swaps,
}

/// A packet socket, and from packet `from` on a slip.
struct Slipping {
    slip: Slip,
    from: u64,
}

struct Open {
    inner: Box<dyn Capture>,
    slip: Slip,
    from: u64,
    seen: u64,
    packet: Vec<u8>,
    again: bool,
}

impl Method for Slipping {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let inner = packet::CONTENDER.approach.open(setup)?;
        let (slip, from) = (self.slip, self.from);
        Ok(Box::new(Open { inner, slip, from, seen: 0, packet: Vec::new(), again: false }))
    }
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let repeated = std::mem::take(&mut self.again);
        if !repeated {
            let Event::Packet(got) = self.inner.next(wait)? else { return Ok(Event::Nothing) };
            self.packet = got.bytes.to_vec();
            self.seen += 1;
        }
        let last = self.packet.len() - 1;
        if self.seen == self.from && !repeated {
            match self.slip {
                Slip::None => {}
                Slip::Loses => return Ok(Event::Nothing),
                Slip::Repeats => self.again = true,
                Slip::Changes => self.packet[last] ^= 1,
                Slip::Cuts => self.packet.truncate(last),
                Slip::Swaps => self.packet.swap(last, last - 1),
            }
        }
        let link = syskit::packet::Link::Ethernet;
        let direction = syskit::recipes::sniff::capture::Direction::In;
        Ok(Event::Packet(Captured {
            seconds: 0,
            nanoseconds: 0,
            direction,
            interface: 0,
            link,
            length: self.packet.len(),
            bytes: &self.packet,
            offloaded: false,
            recorded: None,
            fragments: 0,
        }))
    }
    fn dropped(&mut self) -> Result<Losses> {
        self.inner.dropped()
    }
}

/// What becomes of a race of one contender; nothing where it was measured.
fn outcome(slip: Slip, from: u64) -> Option<String> {
    let approach =
        Box::leak(Box::new(Approach::Method(Box::leak(Box::new(Slipping { slip, from })), Duration::ZERO)));
    let contender = Box::leak(Box::new(Contender { name: "fake", title: "", needs: &[], approach: &*approach }));
    let race = TaskRace::<SniffTask> {
        name: "fake",
        title: "",
        axis: Axis::Bytes,
        sizes: &[64],
        contenders: Box::leak(Box::new([&*contender])),
        limits: &[],
    };
    let (entrants, clock) = (race.entrants(), Monotonic::new());
    let (lanes, baseline) = lanes(&entrants, &[], None, "fake").expect("lanes");
    let plan = Plan { budget_ns: 1, ..Plan::new(lanes, baseline, vec![64]) };
    let command = race.flags(clap::Command::new("race"));
    let course = race.configure(&command.get_matches_from(["race"])).expect("no flags");
    let results = Engine::new(&*course, race.axis(), &entrants, &plan, &clock, &mut Unobserved).run();
    match &results[0].lanes[0].outcome {
        Outcome::Measured(_) => None,
        Outcome::Wrong { mismatch } => Some(mismatch.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contender_that_slips_once_is_wrong() {
    if !here() {
        return;
    }
    assert_eq!(outcome(Slip::None, 1), None);
    // When it enters, what was noted is compared, then every byte; after that, what was noted inside the clock.
    for (slip, from, words) in [
        (Slip::Loses, 5, "800 packets were sent, 799 were received"),
        (Slip::Changes, 5, "packet 4 is not as it was sent: Note"),
        (Slip::Repeats, 900, "packet 900 is not as it was sent: 50 bytes"),
        (Slip::Changes, 900, "packet 899 is not as it was sent: 50 bytes for 50, the first 49 of them alike"),
        (Slip::Swaps, 900, "packet 899 is not as it was sent: 50 bytes for 50, the first 48 of them alike"),
        (Slip::Loses, 2000, "801 packets were sent, 800 were received"),
        (Slip::Repeats, 2000, "is missing"),
        (Slip::Changes, 2000, "packet 1999 is not as it was sent"),
        (Slip::Cuts, 2000, "packet 1999 is not as it was sent"),
    ] {
        let mismatch = outcome(slip, from).expect("found wrong");
        assert!(mismatch.contains(words), "{words}: {mismatch}");
    }
}

fn report(arguments: &[&str]) -> Value {
    let fixed = ["bench", "sniff", "--budget", "50ms", "--json", "-"];
    let done = run(&[&fixed[..], arguments].concat());
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    serde_json::from_str(&out(&done)).expect("a document")
}

#[test]
fn rates_loss_cpu_and_memory_stand_beside_the_times() {
    if !here() {
        return;
    }
    let report = report(&[]);
    let sizes = report["sizes"].as_array().expect("sizes");
    assert_eq!(sizes.iter().map(|s| s["size"].as_u64()).collect::<Vec<_>>(), [Some(64), Some(1400)]);
    for lane in sizes.iter().flat_map(|s| s["lanes"].as_array().expect("lanes")) {
        if lane["outcome"]["kind"] == "unavailable" {
            continue;
        }
        assert_eq!(lane["outcome"]["kind"], "measured", "{lane}");
        let facts = lane["facts"].as_array().expect("facts");
        let names: Vec<&str> = facts.iter().filter_map(|f| f["name"].as_str()).collect();
        assert_eq!(names, ["without loss", "lost at top speed", "CPU", "memory"], "{lane}");
        assert!(facts[1]["value"].as_str().is_some_and(|v| v.contains(" % of ") && v.ends_with(" M/s")), "{lane}");
        assert!(facts[2]["value"].as_str().is_some_and(|v| v.ends_with(" ns a packet")), "{lane}");
    }
}

#[test]
fn frames_that_cannot_be_are_refused() {
    for size in ["61", "1515", "1GiB"] {
        let done = run(&["bench", "sniff", "--sizes", size, "--budget", "1ms", "--no-why", "--only", "packet"]);
        if here() {
            assert_eq!(done.status.code(), Some(3), "{size}: {}{}", out(&done), err(&done));
            assert!(format!("{}{}", out(&done), err(&done)).contains("62 to 1514 bytes"), "{size}: {}", out(&done));
        }
    }
}

#[test]
fn without_the_privilege_it_says_what_to_do() {
    if !geteuid().is_root() || !common::live::has_program("setpriv", "util-linux") {
        return common::skip("only root can give its privilege up");
    }
    for capability in ["sys_admin", "net_admin", "net_raw"] {
        let done = std::process::Command::new("setpriv")
            .args([&format!("--bounding-set=-{capability}"), "--no-new-privs", env!("CARGO_BIN_EXE_syskit")])
            .args(["bench", "sniff", "--budget", "1ms", "--no-why"])
            .output()
            .expect("setpriv");
        let words = format!("{}{}", out(&done), err(&done));
        assert_eq!(done.status.code(), Some(4), "{capability}: {words}");
        assert!(words.contains(&format!("CAP_{}", capability.to_uppercase())), "{capability}: {words}");
    }
}
