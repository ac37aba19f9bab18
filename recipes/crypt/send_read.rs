//! AF_ALG step by step: the control message, then the data, then the result; what the kernel's own example does.
//!
//! [The kernel's page](https://docs.kernel.org/crypto/userspace-if.html). Traps:
//! - MSG_MORE with the control message, or the kernel takes it for a message of no bytes.
//! - a digest has no control message: send and read are all.

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part, sent_whole};
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;
use crate::sys::eintr::retry;

/// Control message, send, read.
pub static SEND_READ: Contender<Approach> = Contender {
    name: "send_read",
    title: "AF_ALG: control message, then send, then read",
    needs: &[&need::AF_ALG],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, SendRead)?))),
};

struct SendRead;

impl Feed for SendRead {
    fn feed(&mut self, to: &Operation, mut part: Part<'_>) -> Result<()> {
        part.send_head(to)?;
        let text = part.text();
        sent_whole(retry(|| to.send_data(text, false, false)), text.len())
    }
    fn way(&self) -> String {
        "send, after the control message".to_owned()
    }
}
