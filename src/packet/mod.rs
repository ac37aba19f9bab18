//! Pure decoding of frames: functions over byte slices, no I/O, no panic, no allocation that grows with a lie.
