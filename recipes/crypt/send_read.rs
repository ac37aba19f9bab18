//! AF_ALG step by step: the control message, then the data, then the result; what the kernel's own example does.
//!
//! [The kernel's page](https://docs.kernel.org/crypto/userspace-if.html). Traps:
//! - MSG_MORE with the control message, or the kernel takes it for a message of no bytes.
//! - a digest has no control message: send and read are all.

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part, send_all};
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::{Operation, Parameters};

/// Control message, send, read.
pub static SEND_READ: Contender<Approach> = Contender {
    name: "send_read",
    title: "AF_ALG: control message, then send, then read",
    needs: &[&need::AF_ALG],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, SendRead)?))),
};

struct SendRead;

impl Feed for SendRead {
    fn feed(&mut self, to: &Operation, part: &Part<'_>) -> Result<()> {
        if part.has_head() {
            send_all(to, &part.parameters, &[], part.aad, true)?;
        }
        send_all(to, &Parameters::default(), &[], part.text(), false)
    }
    fn way(&self) -> String {
        "sent from memory after its control message".to_owned()
    }
}
