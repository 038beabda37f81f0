//! The rules of [`TaskSearch`](taskwire_domain::TaskSearch), on the [`Backend`](crate::index::Backend) of the index.

pub mod filters;
pub mod hostile;
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
                han_is_found_by_single_characters,
                a_word_that_is_followed_by_anything_is_not_the_beginning_of_one,
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
            $crate::search::hostile,
            [
                nothing_typed_is_a_query_language_or_an_error,
                the_longest_texts_are_searched_for_whatever_they_are_made_of,
                a_blank_text_is_no_text,
            ]
        );
    };
}
