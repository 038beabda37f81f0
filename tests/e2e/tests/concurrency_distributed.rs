//! Many clients at once on the distributed service: what it promises holds, whatever meets whatever.

use taskwire_e2e::contract::Family;
use taskwire_e2e::{Distributed, Twin, check_interleavings, check_twins, check_walks, walk_size};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_to_interleaved_writes_is_true() {
    let service = <Distributed as Family>::start().await;
    println!("{:?}", check_interleavings(service.api(), 120).await);
    service.check_equality().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_of_one_key_make_one_task_though_the_server_is_killed() {
    println!("{:?}", check_twins::<Distributed>(Twin::Create).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_of_one_key_are_one_bulk_though_the_server_is_killed() {
    println!("{:?}", check_twins::<Distributed>(Twin::Bulk).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_by_cursor_shows_everything_once_while_others_write() {
    let service = <Distributed as Family>::start().await;
    println!("{:?}", check_walks(service.api(), walk_size()).await);
}
