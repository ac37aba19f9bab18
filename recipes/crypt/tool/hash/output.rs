//! What a run says: lines as sha256sum writes them, or the document.

use std::time::{Duration, Instant};

use std::sync::PoisonError;

use super::digester::{Digested, Plan};
use super::document::{CheckCounts, HashDocument, HashOutcome, HashedFile};
use super::line::{hex, reported};
use super::{Hash, Job, Style};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::recipes::crypt::algorithm::Algorithm;
use crate::ui::{Ui, output_error};

/// Lines are kept back for no longer than that.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where results go.
pub struct Output<'a> {
    args: &'a Hash,
    ui: &'a mut Ui,
    plan: &'a Plan,
    style: Style,
    document: HashDocument,
    flushed: Instant,
    failed: bool,
}

impl<'a> Output<'a> {
    /// To `ui`, as `args` ask for.
    pub fn new(args: &'a Hash, ui: &'a mut Ui, plan: &'a Plan, document: HashDocument) -> Self {
        let style = Style { tag: args.tag, binary: args.binary, zero: args.zero };
        Output { args, ui, plan, style, document, flushed: Instant::now(), failed: false }
    }

    /// The line of a digested file, or why there is none.
    pub fn file(&mut self, job: &Job, done: Result<Digested>) -> Result<()> {
        self.see_to_go_on()?;
        match &done {
            Ok(done) => {
                let line = self.style.line(job.algorithm, &done.digest, &job.name);
                self.data(&line)?;
            }
            Err(why) => self.problem(why)?,
        }
        self.keep(job, &done, HashOutcome::Digested);
        Ok(())
    }

    /// The line of a checked file; what came of it is counted.
    pub fn checked(&mut self, job: &Job, done: Result<Digested>, counts: &mut CheckCounts) -> Result<()> {
        self.see_to_go_on()?;
        let outcome = match &done {
            Err(e) if self.args.ignore_missing && e.errno == Some(nix::errno::Errno::ENOENT) => HashOutcome::Missing,
            Err(_) => HashOutcome::Unreadable,
            Ok(done) if job.expected.as_ref() == Some(&done.digest) => HashOutcome::Matches,
            Ok(_) => HashOutcome::Differs,
        };
        let (count, words) = match outcome {
            HashOutcome::Missing => (&mut counts.missing, None),
            HashOutcome::Unreadable => (&mut counts.unreadable, Some("FAILED open or read")),
            HashOutcome::Differs => (&mut counts.differing, Some("FAILED")),
            _ => (&mut counts.matching, Some("OK").filter(|_| !self.args.quiet)),
        };
        *count += 1;
        if let (Err(why), HashOutcome::Unreadable) = (&done, outcome) {
            self.problem(why)?;
        }
        if let Some(words) = words.filter(|_| !self.args.status) {
            let mut line = reported(&job.name);
            line.extend_from_slice(format!(": {words}\n").as_bytes());
            self.data(&line)?;
        }
        self.keep(job, &done, outcome);
        Ok(())
    }

    /// A word about the run, after what was said before it.
    pub fn note(&mut self, text: impl std::fmt::Display) -> Result<()> {
        self.ui.flush()?;
        let bar = self.plan.bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.aside(|| self.ui.note(format_args!("syskit: crypt hash: {text}")));
        Ok(())
    }

    /// Something that makes the run a failure, in words.
    pub fn problem(&mut self, why: &Error) -> Result<()> {
        self.failed = true;
        self.note(why)
    }

    /// The verdict on one list.
    pub fn list(&mut self, shown: &str, counts: CheckCounts) -> Result<()> {
        let listed = counts.matching + counts.differing + counts.unreadable + counts.missing;
        let strict = self.args.strict && counts.malformed > 0;
        self.failed |= counts.matching == 0 || counts.differing > 0 || counts.unreadable > 0 || strict;
        let sums = self.document.check.get_or_insert_default();
        for (sum, count) in [
            (&mut sums.matching, counts.matching),
            (&mut sums.differing, counts.differing),
            (&mut sums.unreadable, counts.unreadable),
            (&mut sums.missing, counts.missing),
            (&mut sums.malformed, counts.malformed),
        ] {
            *sum += count;
        }
        if listed == 0 {
            return self.note(format_args!("{shown}: no properly formatted checksum lines found"));
        }
        if self.args.status {
            return Ok(());
        }
        for (count, one, many) in [
            (counts.malformed, "line is improperly formatted", "lines are improperly formatted"),
            (counts.unreadable, "listed file could not be read", "listed files could not be read"),
            (counts.differing, "computed checksum did NOT match", "computed checksums did NOT match"),
        ] {
            if count > 0 {
                self.note(format_args!("WARNING: {count} {}", if count == 1 { one } else { many }))?;
            }
        }
        if self.args.ignore_missing && counts.matching == 0 {
            self.note(format_args!("{shown}: no file was verified"))?;
        }
        Ok(())
    }

    /// The document, where one is wanted, and whether all went well.
    pub fn end(self) -> Result<()> {
        self.see_to_go_on()?;
        if self.args.json {
            self.ui.json(&self.document)?;
        }
        if self.failed { Err(Error::said()) } else { Ok(()) }
    }

    fn see_to_go_on(&self) -> Result<()> {
        if interrupt::asked() { Err(Error::failed("interrupted before the last file")) } else { Ok(()) }
    }

    fn data(&mut self, line: &[u8]) -> Result<()> {
        if self.args.json {
            return Ok(());
        }
        let bar = self.plan.bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.aside(|| self.ui.out().write_all(line)).map_err(output_error)?;
        if self.flushed.elapsed() > PATIENCE {
            bar.aside(|| self.ui.flush())?;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    fn keep(&mut self, job: &Job, done: &Result<Digested>, outcome: HashOutcome) {
        if !self.args.json {
            return;
        }
        let outcome =
            if done.is_err() && outcome == HashOutcome::Digested { HashOutcome::Unreadable } else { outcome };
        self.document.files.push(HashedFile {
            name: job.name.to_string_lossy().into_owned(),
            algorithm: job.algorithm.name,
            digest: done.as_ref().ok().map(|d| hex(&d.digest)),
            expected: job.expected.as_deref().map(hex),
            bytes: done.as_ref().ok().map(|d| d.bytes),
            outcome,
            error: done.as_ref().err().map(|e| e.to_string()),
        });
    }
}

impl HashDocument {
    /// Without files.
    pub(super) fn new(algorithm: &'static Algorithm, via: &'static str) -> Self {
        HashDocument { schema: 1, algorithm: algorithm.name, via, files: Vec::new(), check: None }
    }
}
