//! What decoding costs: the walk alone, verifying checksums, and each form of output.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use syskit::packet::checksum::Sum;
use syskit::packet::{Carried, Detail, Document, Layer, Line, Link, Text, walk};

/// An HTTP request in an Ethernet frame: 14 + 20 + 32 bytes of headers, and `payload` bytes of data.
fn frame(payload: usize) -> Vec<u8> {
    let total = (52 + payload) as u16;
    let mut f = vec![0; 12];
    f.extend([8, 0, 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    f[16..18].copy_from_slice(&total.to_be_bytes());
    f.extend([0xa1, 2, 0x1f, 0x40, 0, 0, 4, 0xd2, 0, 0, 0, 9, 0x80, 0x18, 0xff, 0xd7, 0, 0, 0, 0]);
    f.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    f.extend(std::iter::repeat_n(b'x', payload));
    sums(&mut f);
    f
}

/// Fills in both checksums, as on the wire.
fn sums(f: &mut [u8]) {
    let (ip, tcp) = f[14..].split_at_mut(20);
    let sum = Sum::default().bytes(ip);
    ip[10..12].copy_from_slice(&(!sum.folded()).to_be_bytes());
    let sum = Sum::default().bytes(&ip[12..20]).number(6).number(tcp.len() as u32).bytes(tcp);
    tcp[16..18].copy_from_slice(&(!sum.folded()).to_be_bytes());
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    for payload in [0, 1400] {
        let bytes = frame(payload);
        let carried = || Carried::frame(Link::Ethernet, black_box(&bytes), bytes.len());
        group.bench_function(format!("walk/{payload}"), |b| {
            b.iter(|| {
                walk(carried()).fold(0, |sum, layer| match layer {
                    Layer::Tcp(tcp) => sum + u32::from(tcp.source_port()) + tcp.sequence(),
                    _ => sum,
                })
            });
        });
        group.bench_function(format!("line/{payload}"), |b| {
            let mut text = Line::of(Detail::Usual);
            b.iter(|| {
                text.clear();
                walk::line(carried(), &mut text);
                black_box(text.len())
            });
        });
        group.bench_function(format!("block/{payload}"), |b| {
            let mut text = Text::new();
            b.iter(|| {
                text.clear();
                walk::block(carried(), &mut text);
                black_box(text.len())
            });
        });
        group.bench_function(format!("json/{payload}"), |b| {
            b.iter_batched(
                Document::default,
                |mut document| {
                    walk(carried()).for_each(|layer| layer.document(&mut document));
                    serde_json::to_string(&document)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(700));
    targets = decode
}
criterion_main!(benches);
