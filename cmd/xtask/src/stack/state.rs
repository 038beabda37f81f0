//! What this checkout has started: written before anything is started, put aside when all of it is gone.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Kind, java::Java, ports::Ports};

const FILE: &str = "state.json";
/// The stack before this one, which is gone.
const PREVIOUS: &str = "previous.json";

/// A stack that was started, whatever became of it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) ports: Ports,
    /// The programs a native stack runs; absent until they were found or fetched.
    pub(crate) programs: Option<Programs>,
}

/// Where a native stack's programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(crate) postgres: PathBuf,
    pub(crate) java: Java,
    pub(crate) kafka: PathBuf,
    pub(crate) elasticsearch: PathBuf,
}

impl Programs {
    /// Whether they are still where they were: an upgrade of the system may have moved them.
    pub(crate) fn are_there(&self) -> bool {
        let places = [
            &self.postgres,
            &self.java.program(),
            &self.kafka,
            &self.elasticsearch,
        ];
        places.iter().all(|place| place.exists())
    }
}

impl State {
    /// Reads the state; a file that cannot be understood counts as none, and the stack is begun anew.
    pub(crate) fn load(folder: &Path) -> Option<Self> {
        Self::read(&folder.join(FILE))
    }

    /// Reads the state of the stack that was taken down last: a shell may still name its addresses.
    pub(crate) fn load_previous(folder: &Path) -> Option<Self> {
        Self::read(&folder.join(PREVIOUS))
    }

    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        Self::from_json(&serde_json::from_str(&text).ok()?)
    }

    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let (draft, path) = (folder.join("state.partial"), folder.join(FILE));
        fs::write(&draft, format!("{:#}\n", self.to_json()))
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Makes the state, if there is one, the previous one.
    pub(crate) fn retire(folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        match fs::rename(&path, folder.join(PREVIOUS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot rename {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    fn to_json(&self) -> Value {
        let programs = self.programs.as_ref().map(|programs| {
            json!({
                "postgres": programs.postgres,
                "java": programs.java.home,
                "java_release": programs.java.release,
                "kafka": programs.kafka,
                "elasticsearch": programs.elasticsearch,
            })
        });
        json!({ "kind": self.kind.name(), "ports": self.ports.to_json(), "programs": programs })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| value["kind"] == kind.name())?;
        let ports = Ports::from_json(&value["ports"])?;
        Some(Self {
            kind,
            ports,
            programs: programs_from_json(&value["programs"]),
        })
    }
}

fn programs_from_json(value: &Value) -> Option<Programs> {
    let path = |name: &str| value.get(name)?.as_str().map(PathBuf::from);
    let release = u32::try_from(value.get("java_release")?.as_u64()?).ok()?;
    Some(Programs {
        postgres: path("postgres")?,
        java: Java {
            home: path("java")?,
            release,
        },
        kafka: path("kafka")?,
        elasticsearch: path("elasticsearch")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Java, Kind, Ports, Programs, State};

    #[test]
    fn a_state_survives_being_written_and_read() {
        let programs = Programs {
            postgres: "/pg".into(),
            java: Java {
                home: "/jvm".into(),
                release: 25,
            },
            kafka: "/k".into(),
            elasticsearch: "/e".into(),
        };
        let ports = Ports::pick("0a1b2c3d", false).unwrap();
        for programs in [None, Some(programs)] {
            let state = State {
                kind: Kind::Native,
                ports,
                programs,
            };
            assert_eq!(State::from_json(&state.to_json()), Some(state));
        }
    }

    #[test]
    fn a_stack_taken_down_is_remembered_as_the_previous_one() {
        let folder = std::env::temp_dir().join(format!("xtask-state-{}", std::process::id()));
        let state = State {
            kind: Kind::Native,
            ports: Ports::pick("0a1b2c3d", false).unwrap(),
            programs: None,
        };
        state.save(&folder).unwrap();
        // The second time there is nothing to take down.
        for _ in 0..2 {
            State::retire(&folder).unwrap();
            assert_eq!(State::load(&folder), None);
            assert_eq!(State::load_previous(&folder), Some(state.clone()));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_state_of_another_time_counts_as_none() {
        assert_eq!(State::from_json(&serde_json::json!({ "kind": "podman" })), None);
        assert_eq!(State::from_json(&serde_json::json!([])), None);
    }
}
