//! AF_ALG with as few calls as there can be: one sendmsg(2) carries the control messages, the associated data and the
//! text, and one read brings the result.
//!
//! [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html). The text is copied into the kernel, except for a
//! digest, which reads it where it lies.

use std::io::IoSlice;

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part, SMALL, sent_whole};
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;
use crate::sys::eintr::retry;

/// Everything in one call, then read.
pub static SENDMSG: Contender<Approach> = Contender {
    name: "sendmsg",
    title: "AF_ALG: everything in one sendmsg, then read",
    needs: &[&need::AF_ALG],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, Sendmsg { gathered: vec![0; SMALL] })?))),
};

struct Sendmsg {
    /// Where associated data and a short text are put side by side.
    gathered: Vec<u8>,
}

impl Feed for Sendmsg {
    fn feed(&mut self, to: &Operation, mut part: Part<'_>) -> Result<()> {
        let text = &part.message.text[part.range.clone()];
        match &mut part.head {
            Some(head) => {
                let len = head.aad.len() + text.len();
                if head.aad.is_empty() {
                    return sent_whole(
                        retry(|| to.send_message(head.control, &[IoSlice::new(text)], false, false)),
                        len,
                    );
                }
                if len <= SMALL {
                    let gathered = &mut self.gathered[..len];
                    gathered[..head.aad.len()].copy_from_slice(head.aad);
                    gathered[head.aad.len()..].copy_from_slice(text);
                    let gathered = [IoSlice::new(gathered)];
                    return sent_whole(retry(|| to.send_message(head.control, &gathered, false, false)), len);
                }
                let data = [IoSlice::new(head.aad), IoSlice::new(text)];
                sent_whole(retry(|| to.send_message(head.control, &data, false, false)), len)
            }
            // Without control messages there is no header for the kernel to copy: send(2) does with less.
            None => sent_whole(retry(|| to.send_data(text, false, false)), text.len()),
        }
    }
    fn way(&self) -> String {
        "sendmsg, with the control message".to_owned()
    }
}
