//! The releases of search servers that can be started from Maven Central, and what each of them needs.

use std::{fs, ops::RangeInclusive, path::Path, path::PathBuf};

use anyhow::{Context, Result};

use super::{
    account::Account,
    engine,
    java::Java,
    maven::{self, Artifact, Layout},
};

/// Who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Elasticsearch,
    OpenSearch,
}

/// One release, as published for integration tests: the true server with a short list of modules.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) product: Product,
    pub(crate) version: &'static str,
    /// The feature releases of Java that it runs on.
    pub(crate) java: RangeInclusive<u32>,
    /// Whether the module `analysis-common` is added, which every full server has. Only OpenSearch publishes it.
    pub(crate) analysis: bool,
    /// The version of Unicode by which it splits texts into words.
    pub(crate) unicode: &'static str,
}

impl Product {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }

    /// Its program, and the stem of its settings' file.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::OpenSearch => "opensearch",
        }
    }

    /// What its own environment variables begin with.
    pub(crate) fn variables(self) -> &'static str {
        match self {
            Self::Elasticsearch => "ES",
            Self::OpenSearch => "OPENSEARCH",
        }
    }
}

/// Any Java that anybody may have from now on.
const AND_NEWER: u32 = u32::MAX;

impl Release {
    /// On Java 21 or newer.
    const USUAL: Self = elasticsearch("9.2.4", 21..=AND_NEWER);
    /// On Java 17, where nothing newer is to be had.
    const FALLBACK: Self = elasticsearch("8.19.0", 17..=AND_NEWER);

    /// What the stack runs on this Java.
    pub(crate) fn for_java(java: &Java) -> Self {
        if Self::USUAL.java.contains(&java.release) {
            Self::USUAL
        } else {
            Self::FALLBACK
        }
    }

    /// Every release that `cargo xtask test --search-engines` tries.
    pub(crate) fn supported() -> [Self; 5] {
        let opensearch = |analysis| Self {
            product: Product::OpenSearch,
            version: "3.4.0",
            java: 21..=AND_NEWER,
            analysis,
            unicode: "12.1",
        };
        [
            // It needs Java's security manager, which 24 no longer has.
            Self {
                unicode: "9",
                ..elasticsearch("7.17.29", 17..=23)
            },
            Self::FALLBACK,
            Self::USUAL,
            opensearch(false),
            opensearch(true),
        ]
    }

    /// As its folders are called: `opensearch-3.4.0-analysis`.
    pub(crate) fn label(&self) -> String {
        let (program, version) = (self.product.program(), self.version);
        format!(
            "{program}-{version}{}",
            if self.analysis { "-analysis" } else { "" }
        )
    }

    /// Whether its launcher leaves the server behind when it is told to (`-d`). Older launchers need `ps` for that, which a
    /// bare machine lacks; in the foreground they become the server.
    pub(crate) fn detaches(&self) -> bool {
        self.product == Product::Elasticsearch && !self.version.starts_with("7.")
    }

    /// The folder that holds `bin/`, fetched into `dist` unless it is there.
    pub(crate) fn fetch(&self, account: &Account, dist: &Path) -> Result<PathBuf> {
        let program = self.product.program();
        let artifact = Artifact {
            group: match self.product {
                Product::Elasticsearch => "org.elasticsearch.distribution.integ-test-zip",
                Product::OpenSearch => "org.opensearch.distribution.integ-test-zip",
            },
            name: program,
            version: self.version,
            kind: "zip",
        };
        let unpacked = maven::fetch(account, dist, &self.label(), &[artifact], Layout::Unpacked)?;
        // The zip holds one folder, named with a suffix that differs between releases.
        let mut inner = fs::read_dir(&unpacked)?.flatten().map(|entry| entry.path());
        let home = inner
            .find(|path| path.join("bin").join(program).is_file())
            .with_context(|| {
                let (name, folder) = (self.product.name(), unpacked.display());
                format!("no {name} in {folder}: remove it and try again")
            })?;
        if self.analysis {
            self.add_analysis(account, dist, &home)?;
        }
        Ok(home)
    }

    /// Puts the module beside the server's own. What a server knows of a module is in its descriptor, which the published
    /// jar lacks.
    fn add_analysis(&self, account: &Account, dist: &Path, home: &Path) -> Result<()> {
        let artifact = Artifact {
            group: "org.opensearch.plugin",
            name: "analysis-common",
            version: self.version,
            kind: "jar",
        };
        let name = format!("{}-module", self.label());
        let jars = maven::fetch(account, dist, &name, &[artifact], Layout::Jars)?;
        let jar = format!("analysis-common-{}.jar", self.version);
        engine::fill_once(&home.join("modules/analysis-common"), |draft| {
            fs::copy(jars.join(&jar), draft.join(&jar)).with_context(|| format!("cannot copy {jar}"))?;
            engine::write(&draft.join("plugin-descriptor.properties"), &self.descriptor())?;
            account.hand_over(draft)
        })
    }

    fn descriptor(&self) -> String {
        let (version, java) = (self.version, self.java.start());
        format!(
            "name=analysis-common\ndescription=Analyzers that need no further library\n\
             classname=org.opensearch.analysis.common.CommonAnalysisModulePlugin\nversion={version}\n\
             opensearch.version={version}\njava.version={java}\ncustom.foldername=\nextended.plugins=\n\
             has.native.controller=false\n"
        )
    }
}

const fn elasticsearch(version: &'static str, java: RangeInclusive<u32>) -> Release {
    Release {
        product: Product::Elasticsearch,
        version,
        java,
        analysis: false,
        unicode: "12.1",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Java, Release};

    #[test]
    fn the_usual_release_is_chosen_by_the_java_there_is() {
        let on = |release| {
            let home = "/jvm".into();
            Release::for_java(&Java { home, release }).version
        };
        assert_eq!((on(17), on(21), on(25)), ("8.19.0", "9.2.4", "9.2.4"));
    }

    #[test]
    fn no_two_releases_share_a_folder() {
        let supported = Release::supported();
        let labels: BTreeSet<String> = supported.iter().map(Release::label).collect();
        assert_eq!(labels.len(), supported.len());
        assert!(labels.contains("opensearch-3.4.0-analysis"), "{labels:?}");
    }

    #[test]
    fn only_launchers_that_need_no_other_program_detach() {
        let detaching: Vec<_> = Release::supported()
            .into_iter()
            .filter(Release::detaches)
            .map(|release| release.version)
            .collect();
        assert_eq!(detaching, ["8.19.0", "9.2.4"]);
    }
}
