//! A DNS message as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::record::{Entry, Question, Record, Section};
use super::show::limit;
use super::{Dns, OPT, class_of, words};
use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// A [`Dns`] message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Identifies a query and its response.
    pub id: u16,
    /// Response, not query.
    pub response: bool,
    /// Operation: 0 query, 4 notify, 5 update.
    pub operation: u8,
    /// Authoritative answer.
    pub authoritative: bool,
    /// Cut by the sender, as it was too long.
    pub truncated: bool,
    /// Recursion desired.
    pub recursion_desired: bool,
    /// Recursion available.
    pub recursion_available: bool,
    /// Authentic data (RFC 4035).
    pub authentic_data: bool,
    /// Checking disabled (RFC 4035).
    pub checking_disabled: bool,
    /// Response code, with the bits of the OPT record.
    pub response_code: u16,
    /// Its name.
    pub response_code_name: String,
    /// True for multicast DNS.
    pub multicast: bool,
    /// Length of the message in bytes.
    pub length: usize,
    /// How many questions, answers, authority and additional records the header says there are.
    pub counts: [u16; 4],
    /// Questions.
    pub questions: Vec<QuestionDocument>,
    /// Answers.
    pub answers: Vec<RecordDocument>,
    /// Authority records.
    pub authorities: Vec<RecordDocument>,
    /// Additional records.
    pub additionals: Vec<RecordDocument>,
    /// True where records are left out, as names repeat each other beyond measure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// Why it could not be read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// A question as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct QuestionDocument {
    /// Of which name.
    pub name: String,
    /// Which type of record.
    pub r#type: String,
    /// In which class.
    pub class: String,
    /// True where an answer by unicast is wanted (multicast DNS).
    pub unicast_wanted: bool,
}

/// A record as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordDocument {
    /// Its owner.
    pub name: String,
    /// Its type.
    pub r#type: String,
    /// Its class; `null` for OPT.
    pub class: Option<String>,
    /// Time to live in seconds; of OPT its flags.
    pub ttl: u32,
    /// The largest datagram that is taken, in bytes (OPT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_size: Option<u16>,
    /// True where what caches hold is to be replaced (multicast DNS).
    pub cache_flush: bool,
    /// Length of its data in bytes.
    pub length: u16,
    /// Its data in the form of master files; `\# LENGTH HEX` where it has none here.
    pub data: String,
    /// What is wrong with its names or data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

fn question_document(dns: &Dns, question: &Question) -> (QuestionDocument, Option<Trouble>) {
    let (class, unicast_wanted) = class_of(dns, question.class);
    let mut name = Text::new();
    let trouble = question.name.write(&mut name).err();
    let (kind, class) = (text::said(words::kind, question.kind), text::said(words::class, class));
    (QuestionDocument { name: name.into_string(), r#type: kind, class, unicast_wanted }, trouble)
}

fn record_document(dns: &Dns, record: &Record) -> RecordDocument {
    let (mut name, mut data) = (Text::new(), Text::new());
    let in_name = record.name.write(&mut name).err();
    let in_data = record.data().and_then(|read| read.write(&mut data)).err();
    let (class, cache_flush) = class_of(dns, record.class);
    let opt = record.kind == OPT;
    RecordDocument {
        name: name.into_string(),
        r#type: text::said(words::kind, record.kind),
        class: (!opt).then(|| text::said(words::class, class)),
        ttl: record.ttl,
        udp_size: opt.then_some(record.class),
        cache_flush: cache_flush && !opt,
        length: record.length,
        data: data.as_str().trim_start().to_owned(),
        trouble: in_name.or(in_data),
    }
}

pub(super) fn of(dns: &Dns) -> Document {
    let mut document = Document {
        id: dns.id(),
        response: dns.response(),
        operation: dns.operation(),
        authoritative: dns.has(0x400),
        truncated: dns.has(0x200),
        recursion_desired: dns.has(0x100),
        recursion_available: dns.has(0x80),
        authentic_data: dns.has(0x20),
        checking_disabled: dns.has(0x10),
        response_code: dns.code(),
        response_code_name: text::said(words::code, dns.code()),
        multicast: dns.multicast,
        length: dns.length(),
        counts: dns.counts(),
        questions: Vec::new(),
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
        incomplete: false,
        trouble: None,
    };
    let mut room = limit(dns, 16);
    for entry in dns.entries() {
        let written = match entry {
            Err(trouble) => {
                document.trouble = Some(trouble);
                break;
            }
            Ok(Entry::Question(question)) => {
                let (question, trouble) = question_document(dns, &question);
                document.trouble = document.trouble.or(trouble);
                let written = question.name.len();
                document.questions.push(question);
                written
            }
            Ok(Entry::Record(record)) => {
                let (written, section) = (record_document(dns, &record), record.section);
                let length = written.name.len() + written.data.len();
                match section {
                    Section::Answer => document.answers.push(written),
                    Section::Authority => document.authorities.push(written),
                    Section::Additional => document.additionals.push(written),
                }
                length
            }
        };
        match room.checked_sub(written) {
            Some(left) => room = left,
            None => {
                document.incomplete = true;
                break;
            }
        }
    }
    document
}
