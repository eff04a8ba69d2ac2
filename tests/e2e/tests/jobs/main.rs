//! Whole jobs: the deployed template on the local AWS, real function processes, simulated orgs over HTTP.
//!
//! One stack serves all tests; every test has an org of its own. `cargo test -p holdfast-e2e --test jobs -- <name>`
//! runs some of them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it measured"
)]

mod changes;
mod comparing;
mod completeness;
mod connecting;
mod counting;
mod damage;
mod faults;
mod history;
mod incremental;
mod interruption;
mod killing;
mod large_restore;
mod many_objects;
mod memory;
mod odd_objects;
mod preflight;
mod progress;
mod quiet;
mod restoring;
mod values;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

/// Builds a list of trials from the names of async functions that take the world.
macro_rules! trials {
    ($world:expr, $runtime:ident: $($module:ident::$test:ident,)+) => {
        vec![$({
            let (world, handle) = (Arc::clone(&$world), $runtime.handle().clone());
            Trial::test(concat!(stringify!($module), "::", stringify!($test)), move || {
                handle.block_on($module::$test(&world));
                Ok(())
            })
        },)+]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each test keeps several processes busy.
    arguments.test_threads.get_or_insert(2);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = Arc::new(World::new(runtime.handle().clone()));
    let mut trials = trials![world, runtime:
        changes::a_job_says_what_became_of_records,
        changes::text_that_becomes_noise_and_mass_deletions_raise_signals,
        comparing::a_compare_that_is_cancelled_shows_nothing_and_costs_nothing,
        comparing::a_compare_with_the_live_org_finds_what_differs,
        comparing::two_orgs_are_compared,
        completeness::a_bulk_job_that_loses_rows_is_asked_again_and_never_believed,
        completeness::a_page_that_comes_twice_hides_no_other,
        completeness::a_sync_job_finds_and_heals_what_no_window_reads,
        completeness::what_a_purged_delete_log_does_not_tell_is_found_by_comparing_ids,
        connecting::a_customer_key_is_needed_to_open_the_vault_again,
        connecting::a_paused_org_is_not_backed_up_until_it_is_resumed,
        connecting::bad_input_is_refused_by_name,
        connecting::every_grant_connects,
        connecting::jobs_of_one_org_do_not_run_side_by_side,
        counting::records_that_a_filter_chooses_are_counted_as_stored_and_as_they_are,
        damage::a_segment_opens_in_pyarrow_with_its_key,
        damage::damaged_and_swapped_segments_are_refused_by_name,
        faults::a_block_that_cannot_be_proven_makes_the_job_partial_and_the_next_one_heals_it,
        faults::an_ended_session_a_cut_connection_and_a_storm_are_survived,
        history::children_and_files_of_a_record_are_told_as_of_then,
        incremental::a_record_that_no_query_shows_any_more_gets_a_tombstone,
        incremental::a_second_job_seals_exactly_what_changed,
        incremental::a_row_that_becomes_visible_after_its_stamp_is_found,
        incremental::rows_that_share_one_stamp_are_sealed_once_each,
        interruption::a_first_backup_goes_on_where_it_was_interrupted,
        interruption::a_bulk_job_that_does_not_end_is_given_up_and_read_by_rest,
        interruption::every_function_can_be_repeated,
        odd_objects::a_field_that_disappears_in_mid_job_is_left_out_of_the_query,
        odd_objects::a_field_that_joins_is_read_for_old_records_too,
        odd_objects::a_formula_that_changes_without_a_stamp_is_found_by_a_refresh,
        odd_objects::a_query_that_takes_too_long_is_split_until_it_does_not,
        odd_objects::an_object_that_bulk_refuses_is_read_by_rest,
        odd_objects::an_object_that_demands_a_filter_is_read_by_its_parents,
        odd_objects::an_object_whose_stamp_cannot_be_filtered_by_is_read_whole,
        odd_objects::rows_too_wide_for_one_query_are_joined_from_several,
        preflight::a_full_org_is_told_by_the_plan,
        preflight::refused_rows_were_told_by_the_plan,
        progress::a_job_at_work_says_how_far_it_is,
        progress::a_job_without_calls_left_is_suspended,
        progress::an_object_that_keeps_failing_turns_to_a_warning,
        quiet::a_cancelled_restore_switches_on_what_it_switched_off,
        quiet::a_job_is_red_until_its_triggers_are_on_again,
        quiet::a_quiet_restore_fires_nothing_and_everything_is_on_again,
        quiet::a_restore_that_is_aborted_is_swept_up,
        quiet::automation_that_cannot_be_switched_off_stops_the_restore,
        quiet::inactive_owners_are_active_only_meanwhile,
        restoring::a_restore_is_planned_from_a_compare,
        restoring::a_planned_restore_is_run_and_read_back,
        restoring::children_are_taken_along_when_asked_for,
        restoring::lookups_that_were_empty_stay_so,
        memory::two_million_records_fit_into_256_mib,
        values::numbers_text_and_times_survive_to_the_last_character,
    ];
    // Each kills processes of any org, so it has a stack of its own, which ends with it.
    let alone = || Arc::new(World::new(runtime.handle().clone()));
    trials.extend(trials![alone(), runtime:
        interruption::a_killed_process_changes_nothing,
        killing::a_job_killed_at_any_state_is_made_good_by_the_next,
        killing::function_processes_killed_at_random_instants_change_nothing,
    ]);
    let measured = trials![
        alone(), runtime:
        many_objects::a_head_job_of_500_objects,
        large_restore::a_restore_into_an_empty_org,
    ];
    trials.extend(
        measured
            .into_iter()
            .map(|trial| trial.with_ignored_flag(true)),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(world);
    conclusion.exit_code()
}
