//! libpcap: [pcap(3pcap)](https://www.tcpdump.org/manpages/pcap.3pcap.html).

use super::{Finding, Fix, Need, Readiness};

/// This program was built with libpcap.
pub static LIBPCAP: Need =
    Need { id: "libpcap", title: "libpcap", serves: "the libpcap capture path, to race it against our own", probe };

fn probe() -> Readiness {
    if cfg!(feature = "libpcap") {
        return Readiness::Ready(None);
    }
    Readiness::Missing(Finding::new(
        &LIBPCAP,
        "pcap_create",
        None,
        "syskit was built without libpcap: the libpcap capture path is lost, every other one is there",
        Fix::Do("sudo apt-get install libpcap-dev, then cargo build --release --features libpcap".to_owned()),
    ))
}
