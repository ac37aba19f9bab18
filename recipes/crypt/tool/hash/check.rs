//! `--check`: every file of a list is digested and held against its line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::digester::{Digester, Plan};
use super::document::CheckCounts;
use super::input::{Input, shown};
use super::line::Reader;
use super::names::tag;
use super::output::Output;
use super::{Hash, Job, digest_all};
use crate::error::Result;
use crate::recipes::crypt::algorithm::Algorithm;

/// Bytes of a list that are looked at together.
const PIECE: usize = 64 << 10;
/// No line is longer: a name has 4096 bytes at most, and each may be escaped.
const LONGEST: usize = 16 << 10;

/// Checks every list that was named.
pub fn lists<'a>(
    args: &Hash,
    algorithm: &'static Algorithm,
    digester: &mut Digester<'a>,
    plan: &'a Plan,
    output: &mut Output,
) -> Result<()> {
    let mut reader = Reader::new(algorithm, args.algorithm.is_some());
    for name in &args.files {
        let mut list = List { reader: &mut reader, name, warn: args.warn, number: 0, counts: CheckCounts::default() };
        match list.check(digester, plan, output)? {
            Ok(()) => output.list(&shown(name), list.counts)?,
            Err(why) => output.problem(&why)?,
        }
    }
    Ok(())
}

struct List<'a> {
    reader: &'a mut Reader,
    name: &'a OsStr,
    warn: bool,
    number: u64,
    counts: CheckCounts,
}

impl List<'_> {
    /// Reads the list as it comes and checks what each piece of it lists. The inner error is the list's own.
    fn check<'a>(&mut self, digester: &mut Digester<'a>, plan: &'a Plan, output: &mut Output) -> Result<Result<()>> {
        let input = match Input::open(self.name) {
            Ok(input) => input,
            Err(why) => return Ok(Err(why)),
        };
        let (mut piece, mut rest, mut overlong) = (vec![0; PIECE], Vec::new(), false);
        loop {
            let len = match input.read(&mut piece) {
                Ok(len) => len,
                Err(why) => return Ok(Err(why)),
            };
            rest.extend_from_slice(&piece[..len]);
            let whole = match rest.iter().rposition(|b| *b == b'\n') {
                Some(end) => end + 1,
                None if len == 0 => rest.len(),
                None => 0,
            };
            let jobs = self.jobs(&rest[..whole], &mut overlong, output)?;
            let counts = &mut self.counts;
            digest_all(&jobs, digester, plan, &mut |job, done| output.checked(job, done, counts))?;
            if len == 0 {
                return Ok(Ok(()));
            }
            rest.drain(..whole);
            if rest.len() > LONGEST {
                // Its begin is enough to tell that it is no line of a list.
                rest.truncate(1);
                overlong = true;
            }
        }
    }

    fn jobs(&mut self, text: &[u8], overlong: &mut bool, output: &mut Output) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for line in text.split_inclusive(|b| *b == b'\n') {
            self.number += 1;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let overlong = std::mem::take(overlong);
            if line.starts_with(b"#") || (line.is_empty() && !overlong) {
                continue;
            }
            // A list on standard input cannot list standard input.
            let fits = |name: &[u8]| !(self.name == "-" && name == b"-");
            match self.reader.read(line).filter(|entry| !overlong && fits(&entry.name)) {
                Some(entry) => {
                    let name = OsString::from_vec(entry.name);
                    jobs.push(Job::new(entry.algorithm, name, Some(entry.digest)));
                }
                None => {
                    self.counts.malformed += 1;
                    if self.warn {
                        let (list, number, tag) = (shown(self.name), self.number, tag(self.reader.usual));
                        output.note(format_args!("{list}: {number}: improperly formatted {tag} checksum line"))?;
                    }
                }
            }
        }
        Ok(jobs)
    }
}
