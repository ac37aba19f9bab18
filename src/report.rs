//! The versioned data of a run, and its views (one file per format under `report/`).
