//! How a DNS message is shown to people: tcpdump's line, a block.
//!
//! Compression lets a message say much more than it holds: each form ends where it has become long for its message.

use std::fmt::Write;

use super::record::{Entry, Question, Record, Section};
use super::{Dns, OPT, class_of, say, words};
use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// The form of a message may be this long, and `times` what was captured of it.
const ALWAYS: usize = 1024;
/// What is said where it would be longer.
const TOO_LONG: &str = " [...]";

pub(super) fn limit(dns: &Dns, times: usize) -> usize {
    ALWAYS + times * dns.message.bytes.len()
}

pub(super) fn line(dns: &Dns, out: &mut Text) {
    if dns.stream {
        out.push(' ');
    }
    text::decimal(out, dns.id().into());
    out.push_str(words::OPERATIONS[usize::from(dns.operation())]);
    let entries = if dns.response() { response(dns, out) } else { query(dns, out) };
    match entries {
        Err(trouble) => return say(out, trouble),
        Ok(false) => out.push_str(TOO_LONG),
        Ok(true) => {}
    }
    out.push_str(" (");
    text::decimal(out, dns.length() as u32);
    out.push(')');
}

/// The line of a response, up to its answers; false where they became too long.
fn response(dns: &Dns, out: &mut Text) -> Result<bool, Trouble> {
    let code = dns.code();
    if code != 0 {
        out.push(' ');
        words::code(out, code);
    }
    for (shown, letter) in [(dns.has(0x400), '*'), (!dns.has(0x80), '-'), (dns.has(0x200), '|'), (dns.has(0x20), '$')]
    {
        if shown {
            out.push(letter);
        }
    }
    let [questions, answers, authorities, additionals] = dns.counts();
    if questions != 1 {
        count(out, questions, "q");
    }
    let most = out.len() + limit(dns, 8);
    for (before, number) in [(' ', answers), ('/', authorities), ('/', additionals)] {
        out.push(before);
        text::decimal(out, number.into());
    }
    let mut before = "";
    for entry in dns.entries().take(usize::from(questions) + usize::from(answers)) {
        let Entry::Record(record) = entry? else { continue };
        if out.len() > most {
            return Ok(false);
        }
        out.push_str(before);
        answer(dns, &record, out)?;
        before = ",";
    }
    Ok(true)
}

fn answer(dns: &Dns, record: &Record, out: &mut Text) -> Result<(), Trouble> {
    let (class, flush) = class_of(dns, record.class);
    if class != 1 && record.kind != OPT {
        out.push(' ');
        words::class(out, class);
    }
    out.push_str(if flush && record.kind != OPT { " (Cache flush) " } else { " " });
    words::kind(out, record.kind);
    if record.kind == OPT {
        out.push_str(" UDPsize=");
        text::decimal(out, record.class.into());
    }
    record.data()?.line(out)
}

/// The line of a query, up to its questions; false where they became too long.
fn query(dns: &Dns, out: &mut Text) -> Result<bool, Trouble> {
    out.push_str(if dns.has(0x100) { "+" } else { "" });
    out.push_str(if dns.has(0x10) { "%" } else { "" });
    // Bits that have no place in a query: AA, TC, RA, the reserved one, a response code.
    if dns.has(0x6cf) {
        let _ = write!(out, " [b2&3=0x{:x}]", dns.flags());
    }
    let [questions, answers, authorities, additionals] = dns.counts();
    // An inverse query (RFC 1035 section 6.4) brings an answer and asks for the question.
    let inverse = dns.operation() == 1;
    let (usual_questions, usual_answers) = if inverse { (0, 1) } else { (1, 0) };
    let counts = [(answers, usual_answers, "a"), (questions, usual_questions, "q")];
    let order = if inverse { [counts[1], counts[0]] } else { counts };
    for (number, usual, letter) in order.into_iter().chain([(authorities, 0, "n"), (additionals, 0, "au")]) {
        if number != usual {
            count(out, number, letter);
        }
    }
    let most = out.len() + limit(dns, 8);
    for entry in dns.entries().take(questions.into()) {
        let Entry::Question(question) = entry? else { break };
        if out.len() > most {
            return Ok(false);
        }
        ask(dns, &question, out)?;
    }
    Ok(true)
}

fn ask(dns: &Dns, question: &Question, out: &mut Text) -> Result<(), Trouble> {
    out.push(' ');
    words::kind(out, question.kind);
    let (class, unicast) = class_of(dns, question.class);
    if class != 1 {
        out.push(' ');
        words::class(out, class);
    }
    out.push_str(match (dns.multicast, unicast) {
        (true, true) => " (QU)? ",
        (true, false) => " (QM)? ",
        (false, _) => "? ",
    });
    question.name.write(out)
}

fn count(out: &mut Text, number: u16, letter: &str) {
    out.push_str(" [");
    text::decimal(out, number.into());
    out.push_str(letter);
    out.push(']');
}

pub(super) fn block(dns: &Dns, out: &mut Text) {
    let kind = if dns.response() { "response" } else { "query" };
    text::field(out, "DNS", format_args!("{kind}, id {}, {} bytes", dns.id(), dns.length()));
    text::field(
        out,
        "Operation",
        format_args!("{}{}", dns.operation(), words::OPERATIONS[usize::from(dns.operation())]),
    );
    let mut code = Text::new();
    words::code(&mut code, dns.code());
    text::field(out, "Response Code", format_args!("{} ({code})", dns.code()));
    let bit = |flag| u8::from(dns.has(flag));
    let [aa, tc, rd, ra, ad, cd] = [0x400, 0x200, 0x100, 0x80, 0x20, 0x10].map(bit);
    text::field(out, "DNS Flags", format_args!("AA {aa} TC {tc} RD {rd} RA {ra} AD {ad} CD {cd}"));
    let [questions, answers, authorities, additionals] = dns.counts();
    text::field(out, "Counts", format_args!("{questions} {answers} {authorities} {additionals}"));
    let most = out.len() + limit(dns, 16);
    for entry in dns.entries() {
        let mut line = Text::new();
        let (name, written) = match entry {
            Ok(Entry::Question(question)) => ("Question", question_text(dns, &question, &mut line)),
            Ok(Entry::Record(record)) => (section_name(record.section), record_text(dns, &record, &mut line)),
            Err(trouble) => ("Fault", Err(trouble)),
        };
        if let Err(trouble) = written {
            say(&mut line, trouble);
        }
        if out.len() > most {
            text::field(out, "Fault", "more than is shown");
            return;
        }
        text::field(out, name, line.as_str().trim_start());
    }
}

fn section_name(section: Section) -> &'static str {
    match section {
        Section::Answer => "Answer",
        Section::Authority => "Authority",
        Section::Additional => "Additional",
    }
}

fn question_text(dns: &Dns, question: &Question, out: &mut Text) -> Result<(), Trouble> {
    question.name.write(out)?;
    let (class, unicast) = class_of(dns, question.class);
    out.push(' ');
    words::class(out, class);
    out.push(' ');
    words::kind(out, question.kind);
    out.push_str(if unicast { " (unicast wanted)" } else { "" });
    Ok(())
}

fn record_text(dns: &Dns, record: &Record, out: &mut Text) -> Result<(), Trouble> {
    record.name.write(out)?;
    if record.kind == OPT {
        out.push_str(" OPT UDPsize=");
        text::decimal(out, record.class.into());
        out.push_str(" version=");
        text::decimal(out, record.ttl >> 16 & 0xff);
        out.push_str(if record.ttl & 0x8000 != 0 { " DO" } else { "" });
    } else {
        let (class, flush) = class_of(dns, record.class);
        out.push(' ');
        text::decimal(out, record.ttl);
        out.push(' ');
        words::class(out, class);
        out.push_str(if flush { " (cache flush) " } else { " " });
        words::kind(out, record.kind);
        out.push(' ');
    }
    record.data()?.write(out)
}
