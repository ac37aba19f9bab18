//! The trust grade: rules over a record, each of which can find a reason; pure. A new rule is a function and a line
//! in [`RULES`].

use super::record::{Noise, Reason, Record, Trust};

type Rule = fn(&Record) -> Option<Reason>;

/// In the order of their weight.
const RULES: [Rule; 15] = [
    emulated,
    disturbed,
    stolen,
    throttled,
    others,
    queued,
    memory_pressure,
    io_pressure,
    siblings,
    clock_changed,
    clock_slow,
    frequency_drift,
    governor,
    moved,
    virtual_machine,
];

/// Grades a record by the worst of its reasons.
pub fn grade(record: Record) -> Noise {
    let mut reasons: Vec<Reason> = RULES.iter().filter_map(|rule| rule(&record)).collect();
    reasons.sort_by_key(|r| r.at_best);
    let trust = reasons.first().map_or(Trust::Good, |r| r.at_best);
    Noise { trust, reasons, record }
}

fn reason(at_best: Trust, what: impl Into<String>, advice: &str) -> Option<Reason> {
    Some(Reason { at_best, what: what.into(), advice: advice.to_owned() })
}

/// The grade that a share leaves, by its limits for fair and poor; None below both.
fn limits(share: f64, fair: f64, poor: f64) -> Option<Trust> {
    match share {
        s if s > poor => Some(Trust::Poor),
        s if s > fair => Some(Trust::Fair),
        _ => None,
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

fn emulated(record: &Record) -> Option<Reason> {
    let what = "EMULATED: the processor is software, times say nothing about hardware";
    let advice = "use this run for right and wrong only; measure on hardware, or in a virtual machine with KVM";
    record.setting.machine.emulated.then(|| reason(Trust::Poor, what, advice))?
}

fn disturbed(record: &Record) -> Option<Reason> {
    let during = &record.during;
    let share = during.disturbed as f64 / during.rounds.max(1) as f64;
    let at_best = limits(share, 0.05, 0.25)?;
    let what = format!("{} of {} rounds were disturbed: others had the CPU", during.disturbed, during.rounds);
    reason(at_best, what, "end other work on this machine, or pin to a CPU that others leave alone with --cpu")
}

fn stolen(record: &Record) -> Option<Reason> {
    let share = record.during.stolen?;
    let what = format!("the hypervisor gave {} of the CPU time to other machines", percent(share));
    reason(
        limits(share, 0.005, 0.05)?,
        what,
        "use a machine with CPUs of its own, or measure again at a quieter time",
    )
}

fn throttled(record: &Record) -> Option<Reason> {
    let (cut, periods) = record.during.throttled.filter(|(cut, _)| *cut > 0)?;
    let at_best = limits(cut as f64 / periods.max(1) as f64, 0.0, 0.1)?;
    let quota = record.setting.cpu_quota.map_or_else(String::new, |q| format!(" of {q:.2} CPUs"));
    let what = format!("the control group's CPU quota{quota} was used up in {cut} of {periods} periods");
    reason(at_best, what, "raise or remove the quota: cpu.max of the group, --cpus of the container")
}

fn others(record: &Record) -> Option<Reason> {
    let share = record.during.others?;
    let what = format!("other processes used {} of all CPUs", percent(share));
    reason(limits(share, 0.15, 0.75)?, what, "end them (top shows them): they take caches and memory bandwidth too")
}

fn queued(record: &Record) -> Option<Reason> {
    let (running, cpus) = (record.before.running? as usize, record.setting.cpus);
    // One of them is this thread.
    let others = running.saturating_sub(1);
    let what = format!("{others} other threads were ready to run on {cpus} CPUs before the race");
    (cpus > 0 && others >= cpus).then(|| reason(Trust::Fair, what, "wait until the machine is idle"))?
}

fn memory_pressure(record: &Record) -> Option<Reason> {
    let share = record.during.memory_pressure?;
    let what = format!("tasks were stalled for want of memory in {} of the time", percent(share));
    reason(limits(share, 0.01, 0.1)?, what, "free memory, or race smaller sizes: the kernel was busy reclaiming")
}

fn io_pressure(record: &Record) -> Option<Reason> {
    // Only before: while it runs, a race with I/O makes this pressure itself.
    let share = f64::from(record.before.io_pressure?.some_avg10) / 100.0;
    let what = format!("tasks were stalled for I/O in {} of the ten seconds before the race", percent(share));
    reason(limits(share, 0.1, 0.5)?, what, "wait until the disks are idle (sync; iostat shows them)")
}

fn siblings(record: &Record) -> Option<Reason> {
    let share = record.during.siblings?;
    let what = format!("the SMT siblings of the CPUs used were busy in {} of the time", percent(share));
    let advice = "keep others off them (cpuset, isolcpus), or switch SMT off: /sys/devices/system/cpu/smt/control";
    reason(limits(share, 0.1, 0.5)?, what, advice)
}

fn clock_changed(record: &Record) -> Option<Reason> {
    let (before, after) = (record.before.clocksource.as_ref()?, record.after.clocksource.as_ref()?);
    let what = format!("the clocksource changed from {before} to {after} during the race");
    let advice = "measure again; if it stays unstable, the kernel log says why (dmesg | grep -i clocksource)";
    (before != after).then(|| reason(Trust::Poor, what, advice))?
}

fn clock_slow(record: &Record) -> Option<Reason> {
    const SLOW: [&str; 6] = ["hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit", "xen"];
    let clock = record.after.clocksource.as_deref().filter(|c| SLOW.contains(c))?;
    let what = format!("the clocksource is {clock}: reading the time needs a system call or a slow device");
    reason(Trust::Fair, what, "choose tsc where it is offered: /sys/devices/system/clocksource/clocksource0")
}

fn frequency_drift(record: &Record) -> Option<Reason> {
    let seen = record.during.khz.filter(|k| k.min > 0)?;
    let what =
        format!("the clock frequency went from {:.2} to {:.2} GHz", seen.min as f64 / 1e6, seen.max as f64 / 1e6);
    let advice = "fix it: cpupower frequency-set -g performance, and turbo off; absolute times drift, ratios less";
    (seen.max as f64 / seen.min as f64 > 1.2).then(|| reason(Trust::Fair, what, advice))?
}

fn governor(record: &Record) -> Option<Reason> {
    let (before, after) = (&record.before.governors, &record.after.governors);
    let advice = "set performance for the time of the race: cpupower frequency-set -g performance";
    if before != after {
        let what = format!("the governor changed from {} to {}", before.join("+"), after.join("+"));
        return reason(Trust::Fair, what, advice);
    }
    let slow = before.iter().find(|g| *g != "performance")?;
    reason(Trust::Good, format!("the governor is {slow}: the frequency follows the load"), advice)
}

fn moved(record: &Record) -> Option<Reason> {
    let during = &record.during;
    let share = during.moved as f64 / during.rounds.max(1) as f64;
    let what = format!("in {} of the rounds the measuring thread moved to another CPU", percent(share));
    limits(share, 0.1, 1.0).map(|_| reason(Trust::Good, what, "pin it with --cpu: caches are cold after a move"))?
}

fn virtual_machine(record: &Record) -> Option<Reason> {
    let machine = &record.setting.machine;
    let what = format!("virtual machine ({})", machine.hypervisor.as_deref().unwrap_or("unknown hypervisor"));
    let advice = "its neighbours and its hypervisor are part of every time; do not take the times for the hardware's";
    (machine.is_virtual && !machine.emulated).then(|| reason(Trust::Good, what, advice))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::machine::Machine;
    use crate::race::noise::{Pressure, Range};

    fn quiet() -> Record {
        let mut record = Record::default();
        (record.setting.cpus, record.setting.allowed_cpus) = (4, 4);
        record.before.running = Some(1);
        record.before.clocksource = Some("tsc".into());
        record.after.clocksource = Some("tsc".into());
        record.during.rounds = 100;
        record
    }

    fn trust(change: impl FnOnce(&mut Record)) -> (Trust, Vec<Reason>) {
        let mut record = quiet();
        change(&mut record);
        let noise = grade(record);
        (noise.trust, noise.reasons)
    }

    #[test]
    fn a_quiet_machine_is_good_without_a_word() {
        assert_eq!(trust(|_| {}), (Trust::Good, vec![]));
        assert_eq!(grade(Record::default()).trust, Trust::Good, "nothing known");
    }

    #[test]
    fn each_disturbance_by_its_size() {
        type Change = fn(&mut Record);
        let cases: [(Change, Trust); 24] = [
            (|r| r.during.disturbed = 5, Trust::Good),
            (|r| r.during.disturbed = 6, Trust::Fair),
            (|r| r.during.disturbed = 26, Trust::Poor),
            (|r| r.during.stolen = Some(0.001), Trust::Good),
            (|r| r.during.stolen = Some(0.02), Trust::Fair),
            (|r| r.during.stolen = Some(0.2), Trust::Poor),
            (|r| r.during.throttled = Some((0, 50)), Trust::Good),
            (|r| r.during.throttled = Some((1, 50)), Trust::Fair),
            (|r| r.during.throttled = Some((25, 50)), Trust::Poor),
            (|r| r.during.others = Some(0.1), Trust::Good),
            (|r| r.during.others = Some(0.3), Trust::Fair),
            (|r| r.during.others = Some(0.9), Trust::Poor),
            (|r| r.before.running = Some(4), Trust::Good),
            (|r| r.before.running = Some(5), Trust::Fair),
            (|r| r.during.memory_pressure = Some(0.05), Trust::Fair),
            (|r| r.before.io_pressure = Some(Pressure { some_avg10: 60.0, some_total_us: 1 }), Trust::Poor),
            (|r| r.during.siblings = Some(0.2), Trust::Fair),
            (|r| r.after.clocksource = Some("hpet".into()), Trust::Poor),
            (|r| r.during.khz = Some(Range { min: 3_000_000, max: 3_300_000 }), Trust::Good),
            (|r| r.during.khz = Some(Range { min: 800_000, max: 3_300_000 }), Trust::Fair),
            (|r| r.during.khz = Some(Range { min: 0, max: 1 }), Trust::Good),
            (|r| r.after.governors = vec!["powersave".into()], Trust::Fair),
            (|r| r.during.moved = 100, Trust::Good),
            (|r| r.setting.machine = Machine { is_virtual: true, emulated: true, ..Machine::default() }, Trust::Poor),
        ];
        for (i, (change, expected)) in cases.into_iter().enumerate() {
            assert_eq!(trust(change).0, expected, "case {i}");
        }
    }

    #[test]
    fn the_worst_comes_first_and_decides() {
        let (trust, reasons) = trust(|r| {
            r.setting.machine = Machine { is_virtual: true, hypervisor: Some("KVM".into()), ..Machine::default() };
            r.during.others = Some(0.2);
            r.during.disturbed = 60;
        });
        assert_eq!(trust, Trust::Poor);
        let grades: Vec<Trust> = reasons.iter().map(|r| r.at_best).collect();
        assert_eq!(grades, [Trust::Poor, Trust::Fair, Trust::Good]);
        assert!(reasons[0].what.starts_with("60 of 100 rounds"), "{reasons:?}");
        assert!(reasons.iter().all(|r| !r.advice.is_empty()));
    }

    #[test]
    fn what_is_worth_knowing_does_not_lower_the_grade() {
        let (trust, reasons) = trust(|r| {
            r.before.governors = vec!["powersave".into()];
            r.after.governors = vec!["powersave".into()];
        });
        assert_eq!((trust, reasons.len(), reasons[0].at_best), (Trust::Good, 1, Trust::Good));
    }
}
