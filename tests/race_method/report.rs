//! The report: its schema, its views, its file.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use syskit::race::Axis;
use syskit::race::crossover;
use syskit::race::engine::{Engine, Unobserved};
use syskit::race::plan::Plan;
use syskit::race::self_test;
use syskit::race::sides;
use syskit::report::{self, ContenderRecord, Method, Report, Setting};
use syskit::ui::Ui;

use crate::fake::{Fake, FakeCourse, Manner, entrants, honest};
use crate::plan;

fn fakes() -> Vec<Fake> {
    let cost = |start: f64, byte: f64| honest(move |m| (start + byte * m.size as f64) * m.noise(0.03));
    vec![
        cost(1e5, 10.0),
        cost(4e5, 2.0),
        Fake { manner: Manner::Cheat(0), ..cost(1.0, 0.1) },
        Fake { manner: Manner::Absent, ..cost(1.0, 0.1) },
        honest(|m| if m.rng.f64() < 0.4 { 2.0 } else { 1.0 } * 6e6 * m.noise(0.03)),
        cost(5e4, 1.0),
    ]
}

fn made(fakes: Vec<Fake>, limit: bool, sizes: &[u64], test: bool) -> Report {
    let entrants = entrants(fakes.len(), limit);
    let plan = Plan { budget_ns: 60_000_000_000, ..plan(fakes.len(), limit, sizes) };
    let plan = if test { self_test::plan(&plan) } else { plan };
    let course = FakeCourse::new(fakes, 1);
    let mut nobody = Unobserved;
    let mut engine = Engine::new(&course, Axis::Bytes, &entrants, &plan, &course.clock, &mut nobody);
    let (sizes, self_test) = match test {
        true => (Vec::new(), Some(self_test::run(&mut engine, "a"))),
        false => (engine.run(), None),
    };
    Report {
        schema: report::SCHEMA,
        syskit: "0.0.0".to_owned(),
        began_unix_seconds: 1,
        race: "fakes".to_owned(),
        title: "move imagined bytes".to_owned(),
        axis: Axis::Bytes,
        settings: vec![Setting { name: "cache".to_owned(), value: "imagined".to_owned() }],
        method: Method::of(&plan, false, None, 20),
        interrupted: false,
        elapsed_ns: 1,
        host: syskit::host::fingerprint(),
        noise: syskit::race::noise::Watch::start().finish(),
        contenders: entrants
            .iter()
            .map(|e| ContenderRecord {
                name: e.name.to_owned(),
                title: e.title.to_owned(),
                limit: e.limit,
                group: None,
            })
            .collect(),
        crossovers: crossover::find(&sizes),
        sides: sides::find(&sizes),
        sizes,
        why: Vec::new(),
        self_test,
    }
}

#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn shown(report: &Report, format: &str) -> String {
    let page = Page::default();
    let view = report::FORMATS.iter().find(|(name, _)| *name == format).unwrap().1;
    let mut ui = Ui::plain(page.clone(), std::io::sink());
    view(report, &mut ui).unwrap();
    ui.flush().unwrap();
    let text = page.0.borrow().clone();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_report_keeps_its_schema() {
    let schema = report::SCHEMAS.iter().find(|(name, _)| *name == "bench").unwrap().1;
    let validator = jsonschema::validator_for(schema().as_value()).unwrap();
    for report in [made(fakes(), true, &[4096, 1 << 20], false), made(fakes(), false, &[4096], true)] {
        let document: serde_json::Value = serde_json::from_str(&shown(&report, "json")).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(document["schema"], 1);
    }
    let document: serde_json::Value = serde_json::json!({"schema": 1, "race": 7});
    assert!(!validator.is_valid(&document), "the schema refuses what is no report");
}

#[test]
fn a_report_keeps_raw_samples_in_units_that_say_so() {
    let document: serde_json::Value =
        serde_json::from_str(&shown(&made(fakes(), true, &[4096], false), "json")).unwrap();
    let size = &document["sizes"][0];
    let outcome = &size["lanes"][0]["outcome"];
    assert_eq!(outcome["kind"], "measured");
    assert_eq!(outcome["samples_ns"].as_array().unwrap().len() as u64, size["rounds"].as_u64().unwrap());
    assert_eq!(size["lanes"][2]["outcome"]["kind"], "wrong");
    assert!(size["lanes"][2]["outcome"].get("samples_ns").is_none(), "no number for a wrong result");
}

#[test]
fn the_table_says_who_wins_who_may_not_and_why() {
    let text = shown(&made(fakes(), true, &[4096, 1 << 20], false), "text");
    eprintln!("{text}");
    let row = |mark: &str, name: &str| text.lines().filter(|l| l.starts_with(&format!("{mark} {name} "))).count();
    assert_eq!((row("*", "a"), row("*", "b"), row("|", "f")), (1, 1, 2));
    for part in [
        "x faster (",
        "the baseline",
        "the limit",
        "WRONG RESULT [",
        "not available [",
        "e is bimodal at",
        "a below about ",
        "cache imagined",
        "paired within rounds",
    ] {
        assert!(text.contains(part), "{part} is missing");
    }
    let own = text.lines().filter(|l| !l.contains("CPU") && !l.contains("Linux"));
    let widest = own.map(|l| l.chars().count()).max();
    assert!(widest.unwrap() <= 100, "{widest:?} columns");
}

#[test]
fn a_self_test_says_what_can_be_seen() {
    let text = shown(&made(fakes(), false, &[4096], true), "text");
    assert!(text.contains("smallest visible difference") && text.contains("false alarms: "), "{text}");
}

#[test]
fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("race.json");
    std::fs::write(&path, "old").unwrap();
    let report = made(fakes(), true, &[4096], false);
    report::save(&report, &path).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()).is_ok());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let e = report::save(&report, &dir.path().join("absent/race.json")).unwrap_err();
    assert!(e.to_string().contains("absent/race.json") && e.to_string().contains("ENOENT"), "{e}");
    report::save(&report, std::path::Path::new("/dev/null")).unwrap();
}
