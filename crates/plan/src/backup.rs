//! Which blocks a backup job reads: the head of every object, its backfill, and objects without a cursor whole.

use holdfast_model::{
    Block, BlockGroup, Coverage, JobId, Lane, ObjectName, OrgName, Stamp, Window,
};

/// Blocks in one group: at a tenth of a second each, a process that dies loses a few seconds.
const BLOCKS_PER_GROUP: usize = 25;

/// Pieces of one object's history; the plan of an org stays small.
const PIECES_MAX: u64 = 500;

/// What planning needs to know of one object.
#[derive(Debug, Clone)]
pub struct ObjectState {
    /// The object.
    pub object: ObjectName,
    /// Hash of its schema.
    pub schema: String,
    /// Whether it has a field that windows can be cut by.
    pub has_cursor: bool,
    /// What earlier jobs captured.
    pub coverage: Coverage,
    /// How many rows Salesforce estimates for the whole object.
    pub rows_expected: u64,
    /// The oldest stamp of its records, where that is known: history without end is not cut into pieces.
    pub oldest: Option<Stamp>,
    /// Captured windows that are read once more.
    pub refresh: Vec<Window>,
    /// Whether all its Ids are to be compared with the vault.
    pub sweep: bool,
}

/// How far a window reaches back before the head, and how far it stays behind the present.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Seconds before the head that are read again: a row may become visible later than its stamp,
    /// by as long as a transaction lasts (salesforce-api reference, section 4.4).
    pub overlap_seconds: u32,
    /// Seconds before the server's present that are left for the next job.
    pub guard_seconds: u32,
    /// Rows of history that one block should have. Each block is committed by itself, so a backup of a large object that is
    /// interrupted goes on where it was.
    pub backfill_rows: u32,
}

/// The blocks of a job, oldest window of each object first, numbered from 0.
///
/// `server_now` is Salesforce's own clock. Every instant before `server_now - guard` is inside a block
/// or already captured, and everything within the overlap before the head is read again.
pub fn plan_backup(
    org: &OrgName,
    job: &JobId,
    objects: &[ObjectState],
    pace: Pace,
    server_now: Stamp,
) -> Vec<Block> {
    let until = server_now.minus_seconds(pace.guard_seconds).whole_second();
    let planned = objects.iter().flat_map(|object| {
        let mut windows = windows(object, pace, until);
        windows.extend(refresh(object, pace));
        let pieces = |wanted| windows.iter().filter(|(lane, _)| *lane == wanted).count();
        let per_piece = |pieces: usize| object.rows_expected.div_ceil(pieces.max(1) as u64);
        let (backfill, refresh) = (pieces(Lane::Backfill), pieces(Lane::Refresh));
        let all = windows.into_iter().chain(sweep(object, pace));
        all.map(move |(lane, window)| match lane {
            Lane::Backfill => (object, lane, window, per_piece(backfill)),
            Lane::Refresh => (object, lane, window, per_piece(refresh)),
            _ => (object, lane, window, object.rows_expected),
        })
    });
    (0..)
        .zip(planned)
        .map(|(number, (object, lane, window, rows_expected))| Block {
            org: org.clone(),
            job: job.clone(),
            block: number,
            part: 0,
            object: object.object.clone(),
            lane,
            window,
            schema: object.schema.clone(),
            rows_expected,
        })
        .collect()
}

/// Cuts history into spans of equal length, so many that each has about as many rows as a block should have, if they are
/// spread evenly. The first reaches back as far as the whole.
fn cut(gap: Window, object: &ObjectState, pace: Pace) -> Vec<Window> {
    let whole = vec![gap];
    let Some(oldest) = object.oldest.map(Stamp::whole_second) else {
        return whole;
    };
    let pieces = object
        .rows_expected
        .div_ceil(u64::from(pace.backfill_rows.max(1)));
    let from = gap.from.map_or(oldest, |from| from.max(oldest));
    let span = gap.until.millis().saturating_sub(from.millis());
    let Ok(pieces) = i64::try_from(pieces.min(PIECES_MAX)) else {
        return whole;
    };
    // Whole seconds: a shorter span has the same rows.
    let step = (span / pieces.max(1)).max(1_000) / 1_000 * 1_000;
    let mut windows = Vec::new();
    let mut start = gap.from;
    for piece in 1..pieces {
        let until = Stamp::from_millis(from.millis().saturating_add(step * piece));
        if until >= gap.until {
            break;
        }
        windows.push(Window { from: start, until });
        start = Some(until);
    }
    windows.push(Window {
        from: start,
        until: gap.until,
    });
    windows
}

/// Puts blocks with few rows together, as each execution costs more than reading them: those of a head, and those of
/// objects with less than `rows_few` rows. Others have a group of their own.
pub fn group(blocks: Vec<Block>, rows_few: u32) -> Vec<BlockGroup> {
    let mut groups: Vec<BlockGroup> = Vec::new();
    let mut open = None;
    for block in blocks {
        let few = block.lane == Lane::Head || block.rows_expected < u64::from(rows_few);
        let room = open
            .filter(|_| few)
            .and_then(|at: usize| groups.get_mut(at))
            .filter(|group| group.blocks.len() < BLOCKS_PER_GROUP);
        if let Some(group) = room {
            group.blocks.push(block);
            continue;
        }
        if few {
            open = Some(groups.len());
        }
        groups.push(BlockGroup {
            org: block.org.clone(),
            job: block.job.clone(),
            blocks: vec![block],
        });
    }
    groups
}

/// Compares what is captured for good: in the overlap before the head rows may still appear.
fn sweep(object: &ObjectState, pace: Pace) -> Option<(Lane, Window)> {
    let head = object.coverage.head().filter(|_| object.sweep)?;
    let until = head.minus_seconds(pace.overlap_seconds);
    Some((Lane::Sweep, Window { from: None, until }))
}

/// What was captured before is in pieces, too; an object without a cursor field is read whole anyway.
fn refresh(object: &ObjectState, pace: Pace) -> impl Iterator<Item = (Lane, Window)> {
    let windows = object.refresh.iter().filter(|_| object.has_cursor);
    let pieces = windows.flat_map(move |window| cut(*window, object, pace));
    pieces.map(|window| (Lane::Refresh, window))
}

fn windows(object: &ObjectState, pace: Pace, until: Stamp) -> Vec<(Lane, Window)> {
    if !object.has_cursor {
        return vec![(Lane::Whole, Window { from: None, until })];
    }
    let head = object.coverage.head();
    object
        .coverage
        .gaps(until)
        .into_iter()
        .flat_map(|gap| match gap.from {
            Some(from) if Some(from) == head => {
                let from = from.minus_seconds(pace.overlap_seconds).whole_second();
                let window = Window {
                    from: Some(from),
                    until: gap.until,
                };
                vec![(Lane::Head, window)]
            }
            _ => cut(gap, object, pace)
                .into_iter()
                .map(|window| (Lane::Backfill, window))
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        overlap_seconds: 900,
        guard_seconds: 5,
        backfill_rows: 1_000,
    };

    fn seconds(seconds: i64) -> Stamp {
        Stamp::from_millis(seconds * 1000)
    }

    fn state(coverage: Coverage, has_cursor: bool) -> ObjectState {
        ObjectState {
            object: ObjectName::parse("Account").unwrap(),
            schema: "schema".to_owned(),
            has_cursor,
            coverage,
            rows_expected: 1,
            oldest: None,
            refresh: Vec::new(),
            sweep: false,
        }
    }

    fn plan(coverage: Coverage, has_cursor: bool, now: i64) -> Vec<Block> {
        blocks(state(coverage, has_cursor), now)
    }

    fn blocks(object: ObjectState, now: i64) -> Vec<Block> {
        let org = OrgName::parse("acme").unwrap();
        plan_backup(
            &org,
            &JobId::parse("job").unwrap(),
            &[object],
            PACE,
            seconds(now),
        )
    }

    #[test]
    fn the_first_job_reads_everything_before_the_guard() {
        let blocks = plan(Coverage::default(), true, 1_000_000);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].lane, Lane::Backfill);
        assert_eq!(
            blocks[0].window,
            Window {
                from: None,
                until: seconds(999_995)
            }
        );
    }

    #[test]
    fn the_next_job_reads_from_the_head_minus_the_overlap() {
        let mut coverage = Coverage::default();
        coverage.add(Window {
            from: None,
            until: seconds(999_995),
        });
        let blocks = plan(coverage, true, 1_003_600);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].lane, Lane::Head);
        assert_eq!(
            blocks[0].window,
            Window {
                from: Some(seconds(999_095)),
                until: seconds(1_003_595)
            }
        );
    }

    #[test]
    fn an_object_without_a_cursor_is_read_whole_every_time() {
        let mut coverage = Coverage::default();
        coverage.add(Window {
            from: None,
            until: seconds(999_995),
        });
        assert_eq!(plan(coverage, false, 1_003_600)[0].lane, Lane::Whole);
    }

    #[test]
    fn blocks_with_few_rows_share_a_group_and_large_ones_have_their_own() {
        let block = |lane, rows_expected| Block {
            lane,
            rows_expected,
            ..plan(Coverage::default(), true, 1_000_000)[0].clone()
        };
        let mut blocks = vec![block(Lane::Backfill, 5_000)];
        blocks.extend((0..30).map(|_| block(Lane::Backfill, 9)));
        blocks.push(block(Lane::Whole, 2_000));
        blocks.push(block(Lane::Head, 1_000_000));
        let sizes: Vec<_> = group(blocks.clone(), 2_000)
            .iter()
            .map(|group| group.blocks.len())
            .collect();
        assert_eq!(sizes, [1, BLOCKS_PER_GROUP, 6, 1]);
        let grouped = group(blocks, 2_000)
            .into_iter()
            .map(|group| group.blocks.len());
        assert_eq!(grouped.sum::<usize>(), 33);
    }

    #[test]
    fn history_without_a_known_beginning_is_one_block() {
        let mut object = state(Coverage::default(), true);
        object.rows_expected = 1_000_000;
        assert_eq!(blocks(object, 1_000_000).len(), 1);
    }

    #[test]
    fn a_sweep_compares_what_no_row_can_join_any_more() {
        let mut coverage = Coverage::default();
        coverage.add(Window {
            from: None,
            until: seconds(1_000_000),
        });
        let mut object = state(coverage, true);
        object.sweep = true;
        let planned = blocks(object, 1_003_600);
        let sweeps: Vec<_> = planned
            .iter()
            .filter(|block| block.lane == Lane::Sweep)
            .map(|block| block.window)
            .collect();
        let window = Window {
            from: None,
            until: seconds(1_000_000 - 900),
        };
        assert_eq!(sweeps, [window]);
        let mut unread = state(Coverage::default(), true);
        unread.sweep = true;
        let lanes: Vec<_> = blocks(unread, 1_003_600)
            .into_iter()
            .map(|block| block.lane)
            .collect();
        assert_eq!(
            lanes,
            [Lane::Backfill],
            "there is nothing to compare with yet"
        );
    }

    proptest! {
        #[test]
        fn history_is_cut_without_a_gap_and_into_few_pieces(
            rows in 0_u64..2_000_000, oldest in 0_i64..1_000_000, captured in prop::option::of((0_i64..900_000, 1_i64..90_000)),
        ) {
            let mut coverage = Coverage::default();
            if let Some((from, length)) = captured {
                coverage.add(Window { from: Some(seconds(from)), until: seconds(from + length) });
            }
            let mut object = state(coverage.clone(), true);
            object.rows_expected = rows;
            object.oldest = Some(seconds(oldest));
            let planned = blocks(object, 1_000_000);
            prop_assert!(planned.len() as u64 <= 2 * PIECES_MAX + 1);
            for block in planned.iter().filter(|block| block.lane == Lane::Backfill) {
                coverage.add(block.window);
                prop_assert!(!block.window.is_empty());
            }
            for block in planned.iter().filter(|block| block.lane == Lane::Head) {
                coverage.add(block.window);
            }
            prop_assert!(coverage.is_complete());
            prop_assert_eq!(coverage.head(), Some(seconds(999_995)));
        }

        #[test]
        fn nothing_before_the_guard_stays_unread(
            windows in prop::collection::vec((prop::option::of(0_i64..2000), 0_i64..2000), 0..6),
            now in 2_000_i64..4_000,
        ) {
            let mut coverage = Coverage::default();
            for (from, until) in windows {
                coverage.add(Window { from: from.map(seconds), until: seconds(until) });
            }
            let blocks = plan(coverage.clone(), true, now);
            for instant in (0..now - 5).step_by(7) {
                let stamp = seconds(instant);
                let known = coverage.windows().iter().any(|window| window.contains(stamp));
                let read = blocks.iter().any(|block| block.window.contains(stamp));
                prop_assert!(known || read, "{instant}");
            }
        }
    }
}
