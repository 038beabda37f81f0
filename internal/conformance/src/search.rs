//! The rules of [`TaskSearch`](taskwire_domain::TaskSearch), on the [`Backend`](crate::index::Backend) of the index.

pub mod awaited;
pub mod facets;
pub mod filters;
pub mod hostile;
pub mod suggestions;
pub mod walks;
pub mod words;

/// Runs every rule of the search on a backend; part of [`index_suite`](crate::index_suite).
#[doc(hidden)]
#[macro_export]
macro_rules! search_suite {
    ($backend:ty) => {
        $crate::tests!(
            $backend,
            $crate::search::words,
            [
                every_word_must_occur_in_any_order_and_case,
                the_last_word_may_be_the_beginning_of_one_and_only_the_last,
                typos_are_forgiven_one_in_short_words_two_in_long_ones_none_in_the_first_letter,
                exact_ranks_before_beginnings_and_beginnings_before_typos,
                words_in_order_rank_before_scattered_ones,
                words_in_order_rank_first_however_many_words_begin_as_the_last_one,
                han_is_found_by_single_characters,
                a_word_that_is_followed_by_anything_is_not_the_beginning_of_one,
                a_phrase_has_to_occur_as_it_is,
                what_is_excluded_must_not_occur,
                no_typo_is_forgiven_in_very_long_words_and_among_very_many,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::filters,
            [
                each_filter_is_exact_and_absent_is_not_false,
                words_and_filters_all_apply,
                a_task_comes_back_as_it_was_written,
                tombstones_are_never_found,
                totals_are_exact_and_pages_neither_overlap_nor_leave_gaps,
                totals_are_exact_beyond_ten_thousand,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::facets,
            [
                every_priority_and_both_states_are_counted_although_there_is_no_task,
                of_more_categories_than_are_counted_the_most_frequent_are_then_the_first_by_name,
                of_more_days_than_are_counted_the_earliest_are,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::awaited,
            [
                what_was_awaited_is_found_without_anybody_asking_for_a_refresh,
                a_write_that_does_not_come_is_awaited_no_longer_than_said,
                those_who_wait_in_vain_keep_nobody_waiting,
                many_wait_at_once_for_what_is_yet_to_be_written,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::suggestions,
            [
                a_suggestion_finds_what_the_text_did_not,
                the_likest_tasks_have_the_fewest_typos,
                no_more_of_the_likest_tasks_are_told_than_are_needed,
                no_deleted_task_is_behind_a_suggestion,
                nothing_typed_breaks_a_suggestion,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::walks,
            [
                a_walk_shows_what_pages_by_position_show,
                a_walk_keeps_its_view_while_others_write,
                a_walk_among_writers_shows_each_task_once,
                totals_and_facets_of_a_walk_are_those_of_its_view,
                a_page_of_a_walk_can_be_asked_for_again,
                a_walk_that_ends_with_its_first_page_has_no_next,
                a_view_that_is_not_kept_is_told_to_be_gone,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::search::hostile,
            [
                nothing_typed_is_a_query_language_or_an_error,
                the_longest_texts_are_searched_for_whatever_they_are_made_of,
                a_blank_text_is_no_text,
            ]
        );
    };
}
