//! Streams with everything that may happen to their segments.

use super::stream::{Chunk, MOST_WAITING, Segment, Stream, Why};

/// What comes out, a gap as `<N>`.
struct Run {
    stream: Stream,
    out: Vec<u8>,
    why: Vec<Why>,
}

impl Run {
    fn new() -> Self {
        Run { stream: Stream::default(), out: Vec::new(), why: Vec::new() }
    }

    fn step(&mut self, work: impl FnOnce(&mut Stream, &mut dyn FnMut(Chunk))) -> &mut Self {
        let (out, reasons) = (&mut self.out, &mut self.why);
        work(&mut self.stream, &mut |chunk| match chunk {
            Chunk::Bytes(bytes) => out.extend_from_slice(bytes),
            Chunk::Missing(length, why) => {
                out.extend(format!("<{length}>").bytes());
                reasons.push(why);
            }
        });
        self
    }

    fn take(&mut self, sequence: u32, bytes: &[u8]) -> &mut Self {
        self.cut(sequence, bytes, bytes.len())
    }

    fn cut(&mut self, sequence: u32, bytes: &[u8], length: usize) -> &mut Self {
        self.step(|stream, out| stream.take(&Segment { sequence, syn: false, fin: false, bytes, length }, out))
    }

    fn syn(&mut self, sequence: u32) -> &mut Self {
        let syn = Segment { sequence, syn: true, fin: false, bytes: &[], length: 0 };
        self.step(|stream, out| stream.take(&syn, out))
    }

    fn acknowledged(&mut self, number: u32) -> &mut Self {
        self.step(|stream, out| stream.acknowledged(number, out))
    }

    fn finish(&mut self) -> &mut Self {
        self.step(|stream, out| stream.finish(out))
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text")
    }
}

#[test]
fn segments_come_out_in_their_order() {
    let mut run = Run::new();
    run.syn(99).take(106, b"ghi").take(100, b"abc").take(103, b"def");
    assert_eq!(run.text(), "abcdefghi");
    assert_eq!((run.stream.counts.early, run.stream.counts.gaps, run.stream.waiting()), (1, 0, 0));
}

#[test]
fn what_comes_again_counts_once() {
    let mut run = Run::new();
    run.syn(99).take(100, b"abc").take(100, b"abc").take(101, b"bcde").take(99, b"?").take(100, b"abcdef");
    assert_eq!(run.text(), "abcdef");
    assert_eq!((run.stream.counts.again, run.stream.counts.other), (3 + 2 + 1 + 5, 0));
}

#[test]
fn of_two_that_differ_the_first_counts() {
    let mut run = Run::new();
    run.syn(99).take(102, b"CD").take(100, b"abcdef");
    assert_eq!(run.text(), "abCDef");
    assert_eq!(run.stream.counts.other, 2);
    let mut run = Run::new();
    run.syn(99).take(104, b"EF").take(101, b"bcde").take(100, b"A");
    assert_eq!(run.text(), "AbcdEF");
}

#[test]
fn sequence_numbers_wrap() {
    let mut run = Run::new();
    run.syn(u32::MAX - 3).take(2, b"fgh").take(u32::MAX - 2, b"abcde");
    assert_eq!(run.text(), "abcdefgh");
    let mut run = Run::new();
    run.take(u32::MAX, b"x").take(0, b"y").take(u32::MAX, b"x").acknowledged(1);
    assert_eq!(run.text(), "xy");
}

#[test]
fn a_gap_is_told_once_the_other_side_has_it() {
    let mut run = Run::new();
    run.syn(99).take(100, b"ab").take(105, b"fg").take(110, b"kl").acknowledged(105);
    assert_eq!(run.text(), "ab", "nobody acknowledged what is behind the gap");
    run.acknowledged(106);
    assert_eq!(run.text(), "ab<3>fg");
    run.finish();
    assert_eq!((run.text(), run.stream.counts.gaps, run.stream.counts.missing), ("ab<3>fg<3>kl", 2, 6));
    run.take(102, b"cde");
    assert_eq!(run.text(), "ab<3>fg<3>kl", "what comes too late is not told out of order");
}

#[test]
fn what_the_capture_cut_is_told_in_its_place() {
    let mut run = Run::new();
    run.cut(100, b"ab", 5).take(105, b"fg").cut(110, b"k", 3).take(113, b"n").take(107, b"hij");
    assert_eq!(run.text(), "ab<3>fghijk<2>n");
    assert_eq!(run.why, [Why::Cut, Why::Cut]);
}

#[test]
fn a_stream_is_over_where_its_end_was_handed_out() {
    let mut run = Run::new();
    let fin = Segment { sequence: 103, syn: false, fin: true, bytes: b"def", length: 3 };
    run.syn(99).step(|stream, out| stream.take(&fin, out));
    assert!(!run.stream.is_over());
    run.take(100, b"abc");
    assert!(run.stream.is_over());
}

#[test]
fn no_more_than_a_bound_waits() {
    let mut run = Run::new();
    run.syn(0);
    let block = vec![b'x'; 60_000];
    for n in 0..1000_u32 {
        run.take(2 + n * 60_000, &block);
        assert!(run.stream.waiting() <= MOST_WAITING);
    }
    assert_eq!((run.why.as_slice(), run.stream.counts.missing), (&[Why::Late][..], 1));
    assert_eq!(run.stream.counts.bytes + run.stream.waiting() as u64, 60_000_000);
}

#[test]
fn whatever_comes_is_borne() {
    let mut random = fastrand::Rng::with_seed(7);
    let data: Vec<u8> = (0..70_000_u32).map(|n| (n % 251) as u8).collect();
    for _ in 0..300 {
        let mut run = Run::new();
        let (mut handed, mut position) = (0, 0);
        for _ in 0..random.usize(1..200) {
            let near = random.u32(0..400_000);
            let sequence = if random.u8(..) < 250 { near.wrapping_sub(100_000) } else { random.u32(..) };
            let length = random.usize(0..2000);
            let captured = if random.bool() { length } else { random.usize(0..=length) };
            let segment = Segment {
                sequence,
                syn: random.u8(..) < 10,
                fin: random.u8(..) < 10,
                bytes: &data[..captured],
                length,
            };
            let ack = random.u32(..500_000);
            run.step(|stream, _| {
                let mut count = |chunk: Chunk| {
                    handed += match chunk {
                        Chunk::Bytes(bytes) => bytes.len() as u64,
                        Chunk::Missing(length, _) => length,
                    }
                };
                stream.take(&segment, &mut count);
                if ack.is_multiple_of(3) {
                    stream.acknowledged(ack, &mut count);
                }
                position = stream.position();
            });
            assert_eq!(handed, position, "every byte of the stream is told once");
        }
    }
}

#[test]
fn a_shuffled_stream_is_whole_again() {
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..200_u32 {
        let data: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(20_000).collect();
        let first = u32::MAX - 10_000 + round;
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        while at < data.len() {
            let end = data.len().min(at + random.usize(1..900));
            // Some begin earlier or come twice.
            pieces.push((at.saturating_sub(random.usize(0..300)), end));
            if random.u8(..) < 40 {
                pieces.push((at, end));
            }
            at = end;
        }
        random.shuffle(&mut pieces);
        let mut run = Run::new();
        run.syn(first.wrapping_sub(1));
        for (start, end) in pieces {
            run.take(first.wrapping_add(start as u32), &data[start..end]);
        }
        assert!(run.out == data, "round {round}");
        assert_eq!((run.stream.counts.gaps, run.stream.counts.other, run.stream.waiting()), (0, 0, 0));
    }
}
