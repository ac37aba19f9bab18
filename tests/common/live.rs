//! Running capture programs beside loopback traffic of our own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use syskit::need::{NET_RAW, Need, PACKET_SOCKET, first_missing};

/// Whether packets can be captured here; says why where not.
pub fn can_capture() -> bool {
    let needs: [&Need; 2] = [&PACKET_SOCKET, &NET_RAW];
    let missing = first_missing(&needs);
    if let Some(finding) = &missing {
        super::skip(&finding.to_string());
    }
    missing.is_none()
}

/// Whether a program is installed; says which package has it where not.
pub fn has_program(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        super::skip(&format!("{program} is not installed (package {package})"));
    }
    there
}

/// A capture program that runs, and what it has said on stderr.
pub struct Running {
    pub child: Child,
    words: Option<JoinHandle<String>>,
    /// Dropped at the end: so that the watchdog sleeps on.
    _watched: Sender<()>,
}

/// Starts it and waits until it says that it listens.
pub fn listening(command: &mut Command) -> Running {
    saying(command, "istening on")
}

/// Starts it and waits until it says this.
pub fn saying(command: &mut Command, what: &str) -> Running {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the capture program");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains(what) {
        if stderr.read_line(&mut said).unwrap_or(0) == 0 {
            panic!("the capture program ended before it said so: {said}");
        }
    }
    let words = std::thread::spawn(move || {
        let _ = stderr.read_to_string(&mut said);
        said
    });
    Running { words: Some(words), _watched: watchdog(child.id()), child }
}

/// Kills a program that hangs, so that its test fails instead of waiting for ever.
fn watchdog(pid: u32) -> Sender<()> {
    let (alive, gone) = channel();
    std::thread::spawn(move || {
        if gone.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    });
    alive
}

impl Running {
    /// Sends the signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), signal);
    }

    /// Waits for its end: exit code (`None` where a signal ended it), stdout where that is a pipe, stderr.
    pub fn finish(mut self) -> (Option<i32>, String, String) {
        let mut out = String::new();
        if let Some(stdout) = self.child.stdout.as_mut() {
            stdout.read_to_string(&mut out).expect("text");
        }
        let status = self.child.wait().expect("a child");
        let words = self.words.take().expect("once").join().expect("no panic");
        (status.code(), out, words)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `syskit sniff tcp` with these arguments, its stdout a pipe.
pub fn sniff(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.args(["sniff", "tcp"]).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// A server on loopback that answers every connection with `reply` to whatever it is asked, and closes.
pub struct Server {
    pub address: SocketAddr,
}

impl Server {
    pub fn start(address: IpAddr, reply: &'static [u8]) -> std::io::Result<Self> {
        let listener = TcpListener::bind((address, 0))?;
        let server = Server { address: listener.local_addr()? };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, reply);
            }
        });
        Ok(server)
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Asks it once.
    pub fn ask(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).expect("the server");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream.write_all(request).expect("the request");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("the reply");
        reply
    }
}

fn answer(mut stream: TcpStream, reply: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(reply)
}
