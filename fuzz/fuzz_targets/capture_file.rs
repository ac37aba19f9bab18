#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use syskit::capture_file::{LONGEST_RECORD, Next, Reader};

// However it is broken: it ends, and what it gives is bounded by what was put in.
fuzz_target!(|input: &[u8]| {
    let compressed =
        input.starts_with(&[0x1f, 0x8b]) || input.starts_with(&[0x28, 0xb5]) || input.get(2) == Some(&0x4d);
    let Ok(mut reader) = Reader::open(Box::new(Cursor::new(input.to_vec())), "input") else { return };
    let mut given = reader.comments().map(<[u8]>::len).sum::<usize>();
    while let Ok(Next::Record(record)) = reader.next() {
        assert!(record.nanoseconds < 1_000_000_000 && record.bytes.len() <= LONGEST_RECORD);
        given += record.bytes.len() + record.options.comments().map(<[u8]>::len).sum::<usize>();
        record.options.flags();
    }
    assert!(compressed || given <= input.len());
    assert!(matches!(reader.next(), Ok(Next::End)));
});
