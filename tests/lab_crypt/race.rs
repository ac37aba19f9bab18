//! `syskit bench af_alg` where there is AF_ALG: every contender, both ways, from memory and from a file, verified.

use crate::ran;

/// Every algorithm of the issue of this race, in all ways; a word for each run that went wrong, or for a row that is
/// neither measured nor excused.
pub static RACES: &str = r#"
for a in sha256 hmac-sha256 aes-256-cbc aes-256-ctr aes-256-xts aes-128-gcm aes-256-gcm chacha20-poly1305 chacha20 \
  aes-128-cbc-hmac-sha256; do
  case $a in sha256 | hmac-sha256) ways="encrypt:once:memory encrypt:once:file" ;; *) ways="encrypt:once:memory decrypt:once:file" ;; esac
  case $a in sha256 | aes-256-cbc | aes-128-gcm) ways="$ways encrypt:each:file" ;; esac
  for way in $ways; do
    IFS=: read direction setup input <<END
$way
END
    syskit bench af_alg -a $a --direction $direction --setup $setup --input $input --sizes 16,80KiB \
      --only openssl,send_read,sendmsg,sendfile,splice --budget 1ms --no-why --json /run/race.json >/run/race.txt 2>&1
    code=$?
    echo "$a $way exit $code measured $(grep -c '"kind": "measured"' /run/race.json)"
    [ $code = 0 ] || cat /run/race.txt
  done
done"#;

/// Several in flight, the limits, the label, a message that is too long for its socket, and the default as a user sees it.
pub static ONE: &str = "syskit bench af_alg --sizes 16,4KiB --only openssl,sendmsg,in_flight --budget 3s --no-why";

/// Without root's right to larger buffers.
pub static TOO_LONG: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \"$(command -v syskit)\" \
     bench af_alg --sizes 4KiB,1MiB --only openssl,sendmsg --budget 1ms --no-why";

#[test]
fn every_contender_is_right_in_every_way() {
    let Some(ran) = ran("races") else { return };
    let lines: Vec<&str> = ran.out.lines().collect();
    // Five contenders and two limits at two sizes.
    let right = lines.iter().filter(|l| l.ends_with("exit 0 measured 14")).count();
    assert_eq!(right, 10 * 2 + 3, "{}{}", ran.out, ran.err);
}

#[test]
fn the_report_is_labelled_emulated_and_tells_the_driver() {
    let Some(ran) = ran("race") else { return };
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for words in ["EMULATED", "driver ", "under way at once 8", "of null_round_trip", "the limit of AF_ALG"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let verdict = ["never wins here", "best of each: ", "too few rounds to tell"].iter().any(|w| ran.out.contains(w));
    assert!(verdict, "{}", ran.out);
}

#[test]
fn a_message_that_is_too_long_for_its_socket_says_so_and_has_no_number() {
    let Some(ran) = ran("race too long") else { return };
    assert!(ran.out.contains("the socket's buffers hold") && ran.out.contains("not available"), "{}", ran.out);
    assert_eq!(ran.code, 0, "sendmsg was measured at 4 KiB: {}{}", ran.out, ran.err);
}
