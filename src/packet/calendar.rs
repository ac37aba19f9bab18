//! Days as people count them.

/// Year, month and day of a day since 1970, in the Gregorian calendar.
pub fn date(day: i64) -> (i64, i64, i64) {
    // Counted from 1 March of year 0, so that a leap day ends its year and months follow a rule.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (400 * era + year + i64::from(month <= 2), month, of_month)
}
