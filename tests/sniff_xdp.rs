//! Capture methods beside each other and beside tcpdump, in network namespaces with a veth pair: the same bytes.
//!
//! Debian packages: util-linux (unshare, nsenter, setpriv), iproute2, tcpdump, bash, python3.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use common::capture_file::{Packet, read};
use common::live::{Running, can_capture, has_program, listening};
use nix::sys::signal::Signal;
use syskit::need::{AF_XDP, BPF, IO_URING, Need, first_missing};

/// A network namespace, kept by a shell that waits; d0 and d1 are the ends of a veth pair.
struct Namespace {
    shell: Child,
    _stdin: ChildStdin,
}

const PAIR: &str = "ip link set lo up && ip link add d0 numrxqueues 2 numtxqueues 2 type veth peer name d1 numrxqueues 2 numtxqueues 2 \
    && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
    && ip link set d0 up && ip link set d1 up && ip address add 192.0.2.1/24 dev d1 \
    && ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:01 dev d1 \
    && echo ready";

impl Namespace {
    fn new(needs: &[&'static Need]) -> Option<Self> {
        if !can_capture() {
            return None;
        }
        if let Some(finding) = first_missing(needs) {
            common::skip(&finding.to_string());
            return None;
        }
        let tools = [
            ("unshare", "util-linux"),
            ("ip", "iproute2"),
            ("tcpdump", "tcpdump"),
            ("bash", "bash"),
            ("python3", "python3"),
        ];
        if !tools.iter().all(|(program, package)| has_program(program, package)) {
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["--net", "bash", "-c", &format!("({PAIR}) && read -r end")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = command.spawn().expect("unshare");
        let mut ready = String::new();
        let _ = BufReader::new(shell.stdout.take().expect("a pipe")).read_line(&mut ready);
        let stdin = shell.stdin.take().expect("a pipe");
        if ready == "ready\n" {
            return Some(Namespace { shell, _stdin: stdin });
        }
        let _ = shell.kill();
        let output = shell.wait_with_output().expect("it ends");
        common::skip(&format!("no network namespace with a veth pair can be made: {}", common::err(&output)));
        None
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.shell.id())).arg(program).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().expect("nsenter")
    }

    fn shell(&self, script: &str) {
        let output = self.run("bash", &["-c", script]);
        assert!(output.status.success(), "{script}: {}", common::err(&output));
    }

    fn sniff(&self, arguments: &[&str]) -> Running {
        listening(&mut self.command(env!("CARGO_BIN_EXE_syskit"), &[&["sniff"], arguments].concat()))
    }

    /// tcpdump, which is done with a packet when it says so.
    fn tcpdump(&self, arguments: &[&str]) -> Running {
        listening(
            &mut self.command("tcpdump", &[&["-U", "-n", "--immediate-mode", "-B", "65536"], arguments].concat()),
        )
    }

    fn xdp_is_attached(&self, interface: &str) -> bool {
        common::out(&self.run("ip", &["link", "show", interface])).contains("xdp")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// UDP, fragments, ARP to all, IP to a group, a segment; more than one can be lost of each without being missed.
const TRAFFIC: &str = "for i in 1 2 3 4 5 6 7 8 9; do echo hello $i > /dev/udp/192.0.2.2/9; done; \
    head -c 60000 /dev/zero | tr '\\0' x > /dev/udp/192.0.2.2/9; echo all > /dev/udp/224.0.0.251/5353 || true; \
    echo lost > /dev/udp/192.0.2.77/9; timeout 0.5 bash -c 'echo > /dev/tcp/192.0.2.2/80'; sleep 0.3";

/// An UDP datagram in a frame with a VLAN tag.
const TAGGED: &str = "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('d1', 0)); \
    s.send(bytes.fromhex('020000000001' '020000000002' '81000005' '0800' '450000230000000040110000c6336401c6336402' \
    '00070009000f0000') + b'tagged\\n' + bytes(11))";

/// Ends it and gives its words.
fn ended(running: Running) -> String {
    running.signal(Signal::SIGINT);
    let (code, _, words) = running.finish();
    assert_eq!(code, Some(0), "{words}");
    words
}

fn sorted(path: &Path) -> Vec<(usize, Vec<u8>)> {
    let mut packets: Vec<_> = read(path).into_iter().map(|Packet { length, bytes, .. }| (length, bytes)).collect();
    packets.sort();
    packets
}

fn folder() -> (tempfile::TempDir, impl Fn(&str) -> (PathBuf, String)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, move |name: &str| (path.join(name), path.join(name).to_str().expect("text").to_owned()))
}

#[test]
fn io_uring_sees_what_the_packet_socket_sees_to_the_nanosecond() {
    let Some(namespace) = Namespace::new(&[&IO_URING]) else { return };
    // Not of TCP: each socket stamps for itself what carries its time of departure over a veth pair (mono_delivery_time).
    let (_folder, file) = folder();
    for (interface, filter) in [("any", "not tcp"), ("d0", "udp"), ("d0", "vlan 5")] {
        let ((one, one_name), (two, two_name)) = (file("packet.pcapng"), file("io_uring.pcapng"));
        let sniff = |via, name: &str| namespace.sniff(&["-i", interface, "--via", via, "-w", name, filter]);
        let (packet, io_uring) = (sniff("packet", &one_name), sniff("io_uring", &two_name));
        namespace.shell(&format!("{TRAFFIC}; echo own > /dev/udp/127.0.0.1/9; python3 -c \"{TAGGED}\"; sleep 0.2"));
        let (words, words_too) = (ended(packet), ended(io_uring));
        assert_eq!(words.replace("packet;", "io_uring;").lines().last(), words_too.lines().last());
        // Times, lengths, interfaces and directions are in there. The order of two processors is anyone's.
        let told = |name: &str| {
            let mut lines: Vec<_> =
                common::out(&common::run(&["sniff", "-r", name, "--json"])).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let differ = told(&one_name).into_iter().zip(told(&two_name)).find(|(one, two)| one != two);
        assert_eq!(differ, None, "{interface} {filter}: {words} {words_too}");
        let (one, two) = (std::fs::read(one).expect("a file"), std::fs::read(two).expect("a file"));
        assert!(one.windows(7).any(|w| w == b"tagged\n"), "{interface} {filter}");
        if filter != "udp" {
            let tag = [0x81, 0x00, 0x00, 0x05, 0x08, 0x00];
            assert!(two.windows(tag.len()).any(|w| w == tag), "the tag is put back: {interface} {filter}");
        }
    }
}

#[test]
fn af_xdp_gets_every_frame_that_was_sent() {
    let Some(namespace) = Namespace::new(&[&AF_XDP, &BPF]) else { return };
    let (_folder, file) = folder();
    let ((ours_at, ours_name), (theirs_at, theirs_name)) = (file("ours.pcap"), file("theirs.pcap"));
    let theirs = namespace.tcpdump(&["-i", "d1", "-Q", "out", "-w", &theirs_name]);
    let ours = namespace.sniff(&["-i", "d0", "--via", "af_xdp", "-w", &ours_name]);
    assert!(namespace.xdp_is_attached("d0"));
    namespace.shell(TRAFFIC);
    namespace.shell(&format!("python3 -c \"{TAGGED}\"; sleep 0.2"));
    let words = ended(ours);
    let tally = ended(theirs);
    assert!(!namespace.xdp_is_attached("d0"), "it is detached");
    assert!(words.contains("packets that come in by d0 do not reach this host while af_xdp takes them"), "{words}");
    assert!(words.contains("by its driver; copied") && words.ends_with(", 0 dropped by the kernel\n"), "{words}");
    let (ours, theirs) = (sorted(&ours_at), sorted(&theirs_at));
    assert!(theirs.len() > 20 && ours == theirs, "{} and {} frames: {words}{tally}", ours.len(), theirs.len());
}

#[test]
fn af_xdp_joins_the_pieces_of_what_is_longer_than_a_frame_of_its_memory() {
    let Some(namespace) = Namespace::new(&[&AF_XDP, &BPF]) else { return };
    let (_folder, file) = folder();
    let (ours_at, ours_name) = file("ours.pcap");
    // Loopback has no driver of its own and no limit to speak of.
    let ours = namespace.sniff(&["-i", "lo", "--via", "af_xdp", "-w", &ours_name]);
    let send = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); \
        [s.sendto(bytes(i * 7 & 255 for i in range(n)), ('127.0.0.1', 9)) for n in (300, 60000, 5000, 1)]";
    namespace.shell(&format!("python3 -c \"{send}\"; sleep 0.3"));
    let words = ended(ours);
    if words.contains(" 2 dropped by the kernel") {
        return common::skip("a packet in pieces needs Linux 6.6");
    }
    assert!(words.contains("by the kernel, as its driver cannot"), "{words}");
    let payloads: Vec<Vec<u8>> = read(&ours_at).into_iter().map(|p| p.bytes[42..].to_vec()).collect();
    let sent = |n: usize| (0..n).map(|i| (i * 7) as u8).collect::<Vec<u8>>();
    assert!(payloads == [sent(300), sent(60000), sent(5000), sent(1)], "{words}");
}

#[test]
fn af_xdp_filters_what_comes_and_counts_what_is_lost() {
    let Some(namespace) = Namespace::new(&[&AF_XDP, &BPF]) else { return };
    let ours =
        namespace.sniff(&["-i", "d0", "--via", "af_xdp", "udp", "dst", "port", "9", "and", "less", "100", "-c", "9"]);
    namespace.shell(
        "echo no > /dev/udp/192.0.2.2/10; for i in 1 2 3 4 5 6 7 8 9; do echo $i > /dev/udp/192.0.2.2/9; done",
    );
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.lines().count() == 9 && out.lines().all(|l| l.contains("> 192.0.2.2.9: UDP, length 2")), "{out}");
    assert!(words.contains("9 packets shown, 1 not wanted, 10 captured"), "{words}");
    // It stands still while more comes than fits.
    let ours = namespace.sniff(&["-i", "d0", "--via", "af_xdp", "udp", "dst", "port", "9"]);
    ours.signal(Signal::SIGSTOP);
    namespace.shell("exec 3> /dev/udp/192.0.2.2/9; for i in {1..30000}; do echo >&3; done; sleep 0.3");
    ours.signal(Signal::SIGINT);
    ours.signal(Signal::SIGCONT);
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    let number = |before: &str| {
        let text = &words[..words.find(before).unwrap_or_else(|| panic!("{before}: {words}"))];
        text.rsplit([' ', '\n']).next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{words}"))
    };
    // Those that waited in the rings when the end was asked for are neither shown nor lost.
    let (shown, lost) = (number(" packets shown"), number(" dropped by the kernel"));
    assert!(lost > 0 && shown + lost <= 30000 && 30000 - shown - lost <= 2 * 8192, "{words}");
}

#[test]
fn af_xdp_leaves_nothing_behind_and_takes_no_place_twice() {
    let Some(namespace) = Namespace::new(&[&AF_XDP, &BPF]) else { return };
    let mut killed = namespace.sniff(&["-i", "d0", "--via", "af_xdp"]);
    assert!(namespace.xdp_is_attached("d0"));
    let second =
        namespace.run(env!("CARGO_BIN_EXE_syskit"), &["sniff", "-i", "d0", "--via", "af_xdp", "--for", "50ms"]);
    assert_eq!(second.status.code(), Some(1), "{}", common::err(&second));
    assert!(
        common::err(&second).contains("(EBUSY); another XDP program or socket has it"),
        "{}",
        common::err(&second)
    );
    assert!(namespace.xdp_is_attached("d0"), "the first goes on");
    killed.child.kill().expect("it runs");
    killed.child.wait().expect("it ends");
    // The kernel detaches at the end of the process, but maybe a moment later.
    let gone = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !namespace.xdp_is_attached("d0")
    });
    assert!(gone, "kill -9 leaves no program");
    let ours = namespace.sniff(&["-i", "d0", "--via", "af_xdp"]);
    namespace.shell("ip link delete d0");
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("cannot capture on d0 any more") && words.contains("0 packets shown"), "{words}");
}

#[test]
fn af_xdp_is_asked_for_an_interface_and_the_privilege() {
    let Some(namespace) = Namespace::new(&[&AF_XDP, &BPF]) else { return };
    let any = namespace.run(env!("CARGO_BIN_EXE_syskit"), &["sniff", "--via", "af_xdp"]);
    assert_eq!(any.status.code(), Some(2), "{}", common::err(&any));
    assert!(common::err(&any).contains("for one interface, not 'any'; name it with -i"), "{}", common::err(&any));
    if !has_program("setpriv", "util-linux") {
        return;
    }
    let syskit = env!("CARGO_BIN_EXE_syskit");
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", syskit, "sniff", "-i", "d0", "--via", "af_xdp"];
    let denied = namespace.run("setpriv", &nobody);
    assert_eq!(denied.status.code(), Some(4), "{}", common::err(&denied));
    assert!(
        common::err(&denied).contains("needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF"),
        "{}",
        common::err(&denied)
    );
}
