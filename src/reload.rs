//! Files that are read again when they change: the users, the certificate, the trusted
//! documents, the URLs of stores.
//!
//! A changed file is read when it has looked the same twice, a second apart, since whoever
//! writes it may not have finished; and what was read comes into force whole, or not at all:
//! when it breaks a rule of its kind, or has changed while it was read. Looking now and then,
//! rather than being told, also works on folders of other machines and on what Kubernetes
//! mounts.
//!
//! To add one: [`Reloaded`] for it, and its place in the list in `cli/serve.rs`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::mark::Mark;

/// How often files are looked at.
const PULSE: Duration = Duration::from_secs(1);

/// Takes what was read into force, and says what that is.
pub type Take<'a> = Box<dyn FnOnce() -> String + 'a>;

/// Something that comes from files.
pub trait Reloaded: Send + Sync {
    /// What it is called in the log.
    fn name(&self) -> &'static str;

    /// The files; a folder's are those that it holds now.
    fn files(&self) -> Vec<PathBuf>;

    /// The mark of the files from which it was opened.
    fn opened(&self) -> Mark;

    /// Reads the files and checks what they say.
    ///
    /// # Errors
    /// A sentence with the file and the rule.
    fn read(&self) -> Result<Take<'_>, String>;
}

/// Looks after them.
pub struct Watcher(Vec<Watched>);

struct Watched {
    what: Arc<dyn Reloaded>,
    marks: Mutex<Marks>,
}

/// Of the files as they were when last read, and when last looked at.
struct Marks {
    read: Mark,
    seen: Mark,
}

impl Watcher {
    /// Of these.
    #[must_use]
    pub fn new(all: Vec<Arc<dyn Reloaded>>) -> Arc<Self> {
        let watched = |what: Arc<dyn Reloaded>| {
            let read = what.opened();
            Watched { marks: Mutex::new(Marks { seen: read.clone(), read }), what }
        };
        Arc::new(Self(all.into_iter().map(watched).collect()))
    }

    /// Looks now and then, for as long as the program runs.
    pub async fn run(self: Arc<Self>) {
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            pulse.tick().await;
            let this = Arc::clone(&self);
            // Many files, perhaps: not on a thread that serves.
            if let Err(error) = tokio::task::spawn_blocking(move || this.look()).await {
                tracing::error!(%error, "files could not be looked at");
            }
        }
    }

    /// Looks once, and reads what has changed and looks as it did the last time.
    pub fn look(&self) {
        self.0.iter().for_each(Watched::look);
    }
}

impl Watched {
    fn look(&self) {
        let now = Mark::of(self.what.files());
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if now == marks.read || now != std::mem::replace(&mut marks.seen, now.clone()) {
            return;
        }
        let what = self.what.name();
        match self.what.read() {
            // Once more, when it is at rest.
            _ if Mark::of(self.what.files()) != now => return,
            Ok(take) => {
                let now = take();
                tracing::info!(what, now, "reloaded");
            }
            Err(error) => {
                tracing::warn!(what, error, "changed but cannot be used; the old one stays");
            }
        }
        marks.read = now;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A file whose text is in force when it ends in a line feed.
    struct Text {
        path: PathBuf,
        opened: Mark,
        current: Mutex<String>,
        /// Written while it is read.
        meanwhile: Mutex<Option<String>>,
    }

    impl Text {
        fn at(path: &Path) -> Arc<Self> {
            Arc::new(Self {
                path: path.to_owned(),
                opened: Mark::of([path]),
                current: Mutex::default(),
                meanwhile: Mutex::default(),
            })
        }

        fn current(&self) -> String {
            self.current.lock().expect("whole").clone()
        }
    }

    impl Reloaded for Text {
        fn name(&self) -> &'static str {
            "text"
        }

        fn files(&self) -> Vec<PathBuf> {
            vec![self.path.clone()]
        }

        fn opened(&self) -> Mark {
            self.opened.clone()
        }

        fn read(&self) -> Result<Take<'_>, String> {
            let text = fs::read_to_string(&self.path).map_err(|error| error.to_string())?;
            if let Some(meanwhile) = self.meanwhile.lock().expect("whole").take() {
                fs::write(&self.path, meanwhile).expect("written");
            }
            if !text.ends_with('\n') {
                return Err("cut".to_owned());
            }
            Ok(Box::new(move || {
                self.current.lock().expect("whole").clone_from(&text);
                text
            }))
        }
    }

    #[test]
    fn a_file_is_read_when_it_is_at_rest_and_taken_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let text = Text::at(&path);
        let watcher = Watcher::new(vec![Arc::clone(&text) as Arc<dyn Reloaded>]);
        for part in ["a\n", "a\nb\n", "a\nb\nc"] {
            fs::write(&path, part).expect("written");
            watcher.look();
            assert_eq!(text.current(), "", "it is being written");
        }
        watcher.look();
        assert_eq!(text.current(), "", "it is cut");
        fs::write(&path, "a\nb\nc\n").expect("written");
        watcher.look();
        watcher.look();
        assert_eq!(text.current(), "a\nb\nc\n");
        // Changed while it is read: what was read does not count.
        fs::write(&path, "d\n").expect("written");
        *text.meanwhile.lock().expect("whole") = Some("d\ne\nf\n".to_owned());
        watcher.look();
        watcher.look();
        assert_eq!(text.current(), "a\nb\nc\n");
        watcher.look();
        watcher.look();
        assert_eq!(text.current(), "d\ne\nf\n");
        fs::remove_file(&path).expect("removed");
        watcher.look();
        watcher.look();
        assert_eq!(text.current(), "d\ne\nf\n", "the old one stays");
    }
}
