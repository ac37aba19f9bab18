//! Kernel TLS: the kernel's [TLS](https://docs.kernel.org/networking/tls.html) page.

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt::TcpUlp};

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness};

/// TLS records made by the kernel on a TCP socket.
pub static KTLS: Need =
    Need { id: "ktls", title: "kernel TLS", serves: "sendfile over TLS: TLS records made by the kernel", probe };

const ASKS: Asks =
    Asks::features(&[Feature { option: "TLS", module: "tls", by_alias: true, initcall: "tls_register" }]);

fn probe() -> Readiness {
    let tcp = match socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None) {
        Ok(tcp) => tcp,
        Err(errno) => {
            return answer(Err::<(), _>(errno), &KTLS, "socket(AF_INET, SOCK_STREAM, 0)", &Asks::features(&[]));
        }
    };
    let set = match setsockopt(&tcp, TcpUlp::default(), b"tls") {
        // The layer was found, and wants a connection before it does more.
        Err(Errno::ENOTCONN) => Ok(()),
        other => other,
    };
    answer(set, &KTLS, "setsockopt(IPPROTO_TCP, TCP_ULP, \"tls\")", &ASKS)
}
