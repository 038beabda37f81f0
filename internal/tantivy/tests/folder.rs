//! What becomes of a folder that is not as it was left.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::fs;
use std::path::{Path, PathBuf};

use taskwire_conformance::index::{id, live, task, tasks, tombstone};
use taskwire_domain::{Dependency, Error, IndexFault, ItemOutcome, SearchQuery, Task, TaskIndex, TaskSearch};
use taskwire_tantivy::{Damage, IndexedVersion, OpenError, Opened, TantivyIndex};
use tempfile::TempDir;

async fn open(folder: &Path) -> Opened {
    TantivyIndex::open(folder).await.unwrap()
}

/// A sound index of these tasks, closed again.
async fn index_of(folder: &Path, tasks: &[Task]) {
    let index = open(folder).await.index;
    fill(&index, tasks).await;
}

async fn fill(index: &TantivyIndex, tasks: &[Task]) {
    let mut rebuild = index.rebuild().await.unwrap();
    let added = rebuild.add(tasks.iter().map(live).collect()).await.unwrap();
    assert_eq!(added, vec![ItemOutcome::Done; tasks.len()]);
    rebuild.finish().await.unwrap();
}

async fn found(index: &TantivyIndex) -> Vec<Task> {
    let mut found = index.search(&SearchQuery::default()).await.unwrap().tasks;
    found.reverse();
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("live"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    files.sort();
    files
}

/// It says that it needs a rebuild, answers nobody until then, and works after it.
async fn is_rebuilt(folder: &Path, what: &str) -> Damage {
    let Opened { index, damage } = open(folder).await;
    let damage = damage.unwrap_or_else(|| panic!("{what}: taken for sound"));
    let error = index.search(&SearchQuery::default()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unavailable {
                dependency: "search index",
                ..
            }
        ),
        "{what}: {error:?}"
    );
    let tasks = tasks(&["one", "two"]);
    fill(&index, &tasks).await;
    assert_eq!(found(&index).await, tasks, "{what}");
    damage
}

#[tokio::test]
async fn what_was_applied_is_there_after_a_restart_with_its_versions() {
    let folder = TempDir::new().unwrap();
    let tasks = tasks(&["one", "two", "three"]);
    index_of(folder.path(), &tasks).await;
    let Opened { index, damage } = open(folder.path()).await;
    assert!(damage.is_none(), "{damage:?}");
    index
        .apply(&[tombstone(2, 5), live(&task(4, "four"))])
        .await
        .unwrap();
    drop(index);

    let Opened { index, damage } = open(folder.path()).await;
    assert!(damage.is_none(), "{damage:?}");
    assert_eq!(
        found(&index).await,
        [tasks[0].clone(), tasks[2].clone(), task(4, "four")]
    );
    let of = |n, version, deleted| IndexedVersion {
        id: id(n),
        version: taskwire_domain::Version::new(version).unwrap(),
        deleted,
    };
    let wanted = [of(1, 1, false), of(2, 5, true), of(3, 1, false), of(4, 1, false)];
    assert_eq!(index.versions().await, wanted);
    index.apply(&[live(&tasks[1])]).await.unwrap();
    assert_eq!(
        index.versions().await,
        wanted,
        "a tombstone blocks after a restart"
    );
}

#[tokio::test]
async fn a_missing_index_is_rebuilt() {
    let folder = TempDir::new().unwrap();
    let inside = folder.path().join("not/there/yet");
    assert!(matches!(
        is_rebuilt(&inside, "missing folder").await,
        Damage::Missing
    ));
    fs::remove_dir_all(inside.join("live")).unwrap();
    assert!(matches!(
        is_rebuilt(&inside, "missing index").await,
        Damage::Missing
    ));
    fs::remove_dir_all(inside.join("live")).unwrap();
    fs::create_dir(inside.join("live")).unwrap();
    assert!(matches!(
        is_rebuilt(&inside, "empty index").await,
        Damage::Missing
    ));
    fs::remove_dir_all(inside.join("live")).unwrap();
    fs::write(inside.join("live"), "a file").unwrap();
    assert!(matches!(
        is_rebuilt(&inside, "no folder").await,
        Damage::Damaged(_)
    ));
}

#[tokio::test]
async fn each_file_missing_cut_off_or_of_random_bytes_leads_to_a_rebuild_and_never_to_a_panic() {
    type Harm = fn(&Path, &mut fastrand::Rng);
    let harms: [(&str, Harm); 5] = [
        ("missing", |file, _| fs::remove_file(file).unwrap()),
        ("empty", |file, _| fs::write(file, "").unwrap()),
        ("cut off", |file, _| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("random", |file, random| {
            let mut bytes = fs::read(file).unwrap();
            random.fill(&mut bytes);
            fs::write(file, bytes).unwrap();
        }),
        ("one byte altered", |file, random| {
            let mut bytes = fs::read(file).unwrap();
            let at = random.usize(..bytes.len());
            bytes[at] ^= 0x55;
            fs::write(file, bytes).unwrap();
        }),
    ];
    let sound = TempDir::new().unwrap();
    index_of(
        sound.path(),
        &tasks(&["buy milk", "water the plants", "call mum"]),
    )
    .await;
    let index = open(sound.path()).await.index;
    index
        .apply(&[live(&task(7, "seven")), tombstone(1, 2)])
        .await
        .unwrap();
    drop(index);
    let mut random = fastrand::Rng::with_seed(11);
    let mut tried = 0;
    for (name, harm) in harms {
        for file in files(sound.path()) {
            // The list of files that are the engine's to delete: it is written anew when it is not there, and a name in it
            // that is another makes a file be kept.
            if file.ends_with(".managed.json") && name != "random" {
                continue;
            }
            let folder = TempDir::new().unwrap();
            fs::create_dir(folder.path().join("live")).unwrap();
            for file in files(sound.path()) {
                fs::copy(&file, folder.path().join("live").join(file.file_name().unwrap())).unwrap();
            }
            harm(
                &folder.path().join("live").join(file.file_name().unwrap()),
                &mut random,
            );
            let what = format!("{name}: {}", file.display());
            match tried % 10 {
                0 => drop(is_rebuilt(folder.path(), &what).await),
                _ => assert!(open(folder.path()).await.damage.is_some(), "{what}"),
            }
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

#[tokio::test]
async fn an_older_index_is_rebuilt_and_a_newer_one_left_alone() {
    let folder = TempDir::new().unwrap();
    let set_version = |version: &str| {
        let meta = folder.path().join("live/meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        assert!(text.contains("taskwire 3"), "{text}");
        fs::write(meta, text.replace("taskwire 3", version)).unwrap();
    };
    for older in ["taskwire 2", "something"] {
        index_of(folder.path(), &tasks(&["one"])).await;
        set_version(older);
        assert!(matches!(is_rebuilt(folder.path(), older).await, Damage::Older));
    }
    set_version("taskwire 9999");
    let before = files(folder.path());
    let refused = TantivyIndex::open(folder.path()).await.err();
    assert!(matches!(refused, Some(OpenError::Newer(_))), "{refused:?}");
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = TempDir::new().unwrap();
    index_of(folder.path(), &tasks(&["one"])).await;
    let first = open(folder.path()).await;
    let refused = TantivyIndex::open(folder.path()).await.err();
    assert!(matches!(refused, Some(OpenError::InUse(_))), "{refused:?}");
    assert_eq!(found(&first.index).await.len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_one_sentence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let refused = TantivyIndex::open(&file).await.err().unwrap();
    assert!(
        refused.to_string().contains("cannot be read and written"),
        "{refused}"
    );
}

#[tokio::test]
async fn while_it_is_rebuilt_searches_and_writes_are_told_to_wait() {
    let folder = TempDir::new().unwrap();
    index_of(folder.path(), &tasks(&["one"])).await;
    let index = open(folder.path()).await.index;
    index.check().await.unwrap();
    let mut rebuild = index.rebuild().await.unwrap();
    let error = index.search(&SearchQuery::default()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unavailable {
                dependency: "search index",
                ..
            }
        ),
        "{error:?}"
    );
    let fault = index.apply(&[tombstone(1, 2)]).await.unwrap_err();
    assert!(matches!(fault, IndexFault::Retry { .. }), "{fault:?}");
    assert!(index.check().await.is_err());

    let newer = Task {
        version: task(1, "x").version.next(),
        ..task(1, "newer")
    };
    rebuild.add(vec![live(&newer), tombstone(2, 4)]).await.unwrap();
    rebuild
        .add(vec![live(&task(1, "older")), live(&task(2, "gone"))])
        .await
        .unwrap();
    rebuild.finish().await.unwrap();
    assert_eq!(found(&index).await, [newer]);
    index.check().await.unwrap();
    index.apply(&[live(&task(3, "three"))]).await.unwrap();
    assert_eq!(found(&index).await.len(), 2);
}

#[tokio::test]
async fn a_rebuild_that_is_given_up_is_begun_again_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    index_of(folder.path(), &tasks(&["one"])).await;
    let index = open(folder.path()).await.index;
    let mut rebuild = index.rebuild().await.unwrap();
    rebuild.add(vec![live(&task(1, "one"))]).await.unwrap();
    drop((rebuild, index));
    assert!(matches!(
        is_rebuilt(folder.path(), "given up").await,
        Damage::Missing
    ));
}
