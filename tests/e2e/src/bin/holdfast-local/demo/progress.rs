//! Progress of a backup, object by object, as the catalog shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use anyhow::Context as _;
use holdfast_catalog::{Catalog, JobItem};
use holdfast_e2e::{Execution, Outcome, Stack};
use holdfast_model::{Block, BlockGroup, ErrorCode, JobId, OrgName};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const POLL: Duration = Duration::from_millis(200);
/// Blocks that the catalog is asked for at once.
const BLOCKS_AT_ONCE: usize = 100;

/// Something that takes a while.
pub(super) fn spinner(message: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// Shows a backup until it ends.
pub(super) async fn follow(
    stack: &Stack,
    catalog: &Catalog,
    org: &OrgName,
    job: &JobId,
    execution: &Execution,
) -> anyhow::Result<Outcome> {
    let display = Display::new();
    let mut blocks = Vec::new();
    let mut shown = Shown::default();
    loop {
        let outcome = stack.outcome(execution).await?;
        if blocks.is_empty()
            && let Some(job) = begun(catalog, org, job).await?
        {
            blocks = plan(stack, &job).await?;
        }
        let now = states(catalog, &blocks).await?;
        shown.show(&display, &now);
        if let Some(outcome) = outcome {
            display.clear();
            return Ok(outcome);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The job, once the machine has begun it.
async fn begun(catalog: &Catalog, org: &OrgName, job: &JobId) -> anyhow::Result<Option<JobItem>> {
    match catalog.job(org, job).await {
        Err(failure) if failure.code == ErrorCode::JobUnknown => Ok(None),
        job => Ok(Some(job?)),
    }
}

/// The blocks of the plan; none while there is no plan.
async fn plan(stack: &Stack, job: &JobItem) -> anyhow::Result<Vec<Block>> {
    let Some(plan) = &job.plan else {
        return Ok(Vec::new());
    };
    let object = stack
        .s3
        .get_object()
        .bucket(&stack.bucket)
        .key(&plan.key)
        .send()
        .await
        .context("cannot read the plan")?;
    let bytes = object
        .body
        .collect()
        .await
        .context("cannot read the plan")?
        .into_bytes();
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut blocks = Vec::new();
    for line in lines {
        let group: BlockGroup =
            serde_json::from_slice(line).context("cannot read a line of the plan")?;
        blocks.extend(group.blocks);
    }
    Ok(blocks)
}

/// How far one object has come.
#[derive(Default)]
struct State {
    rows: u64,
    expected: u64,
    begun: bool,
    open: usize,
    failure: Option<ErrorCode>,
}

async fn states(catalog: &Catalog, blocks: &[Block]) -> anyhow::Result<BTreeMap<String, State>> {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for lines in blocks.chunks(BLOCKS_AT_ONCE) {
        for (line, item) in lines.iter().zip(catalog.blocks(lines).await?) {
            let state = states.entry(line.object.as_str().to_owned()).or_default();
            state.expected = state.expected.max(line.rows_expected);
            match item {
                None => state.open += 1,
                Some(item) => {
                    state.begun = true;
                    state.rows += item.progress.rows_received;
                    state.failure = state
                        .failure
                        .or_else(|| item.exception().map(|failure| failure.code));
                    state.open += usize::from(!item.is_committed() && item.exception().is_none());
                }
            }
        }
    }
    Ok(states)
}

/// Bars on a terminal, lines elsewhere.
struct Display {
    bars: MultiProgress,
    total: ProgressBar,
    is_terminal: bool,
}

impl Display {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let total = bars.add(ProgressBar::new(0));
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {pos}/{len} objects  {msg}  {elapsed}")
        {
            total.set_style(style);
        }
        Self {
            bars,
            total,
            is_terminal: stderr().is_terminal(),
        }
    }

    fn bar(&self, object: &str, rows_expected: u64) -> ProgressBar {
        let bar = ProgressBar::new(rows_expected);
        let bar = self.bars.insert_before(&self.total, bar);
        if let Ok(style) = ProgressStyle::with_template(
            "  {msg:32} {bar:24} {human_pos} of about {human_len} rows",
        ) {
            bar.set_style(style);
        }
        bar.set_message(object.to_owned());
        bar
    }

    fn say(&self, line: &str) {
        if self.is_terminal {
            self.bars.suspend(|| println!("{line}"));
        } else {
            println!("{line}");
        }
    }

    fn clear(&self) {
        self.total.finish_and_clear();
    }
}

/// What is on the screen.
#[derive(Default)]
struct Shown {
    bars: BTreeMap<String, ProgressBar>,
    ended: BTreeSet<String>,
    rows: u64,
    empty: usize,
}

impl Shown {
    fn show(&mut self, display: &Display, states: &BTreeMap<String, State>) {
        for (object, state) in states.iter().filter(|(_, state)| state.begun) {
            if self.ended.contains(object) {
                continue;
            }
            if state.open == 0 {
                if let Some(bar) = self.bars.remove(object) {
                    bar.finish_and_clear();
                }
                self.end(display, object, state);
            } else {
                let bar = self
                    .bars
                    .entry(object.clone())
                    .or_insert_with(|| display.bar(object, state.expected));
                bar.set_length(state.expected.max(state.rows));
                bar.set_position(state.rows);
            }
        }
        display.total.set_length(states.len() as u64);
        display.total.set_position(self.ended.len() as u64);
        display.total.set_message(format!(
            "{} rows, {} objects without any",
            self.rows, self.empty
        ));
    }

    fn end(&mut self, display: &Display, object: &str, state: &State) {
        self.ended.insert(object.to_owned());
        self.rows += state.rows;
        match state.failure {
            Some(code) => display.say(&format!("  {object:32} failed: {code}")),
            None if state.rows == 0 => self.empty += 1,
            None => display.say(&format!("  {object:32} {:>9} rows", state.rows)),
        }
    }
}
