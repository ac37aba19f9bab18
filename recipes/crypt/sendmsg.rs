//! AF_ALG with as few calls as there can be: one sendmsg(2) carries the control messages, the associated data and the
//! text, and one read brings the result.
//!
//! [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html). The text is copied into the kernel, except for a
//! digest, which reads it where it lies.

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part, send_all};
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;

/// Everything in one call, then read.
pub static SENDMSG: Contender<Approach> = Contender {
    name: "sendmsg",
    title: "AF_ALG: everything in one sendmsg, then read",
    needs: &[&need::AF_ALG],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, Sendmsg)?))),
};

struct Sendmsg;

impl Feed for Sendmsg {
    fn feed(&mut self, to: &Operation, part: &Part<'_>) -> Result<()> {
        send_all(to, &part.parameters, part.aad, part.text(), false)
    }
    fn way(&self) -> String {
        "sent from memory with its control message".to_owned()
    }
}
