//! The measured process: what `compare-object` does, without the bucket and the catalog.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use holdfast_model::Stamp;
use holdfast_plan::{ChangeKind, ComparedFields, Ignore};
use holdfast_vault::{Found, Pairs, Side};

use crate::Measured;
use crate::disk::{Folder, keys};
use crate::rows::schema;

pub(crate) fn measure(folder: &Path) -> Measured {
    let schema = schema();
    let fields = ComparedFields::of(Some(&schema), Some(&schema), &Ignore::default());
    let side = |name: &str| {
        let home = folder.join(name);
        let entries =
            serde_json::from_slice(&fs::read(home.join("entries.json")).unwrap()).unwrap();
        let as_of = Stamp::from_millis(i64::MAX);
        let names = fields.left().map(str::to_owned);
        Side::new(
            Arc::new(Folder(home)),
            Arc::new(keys()),
            entries,
            as_of,
            names,
        )
    };
    let mut pairs = Pairs::new(side("left"), side("right"), None);
    let mut measured = Measured {
        only_left: 0,
        only_right: 0,
        changed: 0,
        fields: 0,
        cpu_seconds: 0.0,
        peak_megabytes: 0.0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        loop {
            match pairs.next().await.unwrap() {
                Found::End => break,
                Found::Reached(_) => {}
                Found::Pair(pair) => match (pair.live_left(), pair.live_right()) {
                    (Some(left), Some(right)) => {
                        let changes = fields.changes(left.fields(), right.fields());
                        measured.changed += u64::from(ChangeKind::of(&changes).is_some());
                        measured.fields += black_box(changes).len() as u64;
                    }
                    (left, _) => {
                        let row = left.or_else(|| pair.live_right()).unwrap();
                        black_box(row.to_version());
                        *if left.is_some() {
                            &mut measured.only_left
                        } else {
                            &mut measured.only_right
                        } += 1;
                    }
                },
            }
        }
    });
    measured.cpu_seconds = cpu_seconds();
    measured.peak_megabytes = peak_megabytes();
    measured
}

/// User and system time of this process (proc(5), fields 14 and 15 of stat, in hundredths of a second).
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

fn peak_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1_024.0 / 1e6
}
