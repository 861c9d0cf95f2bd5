//! Where the crash suite kills this process: right before and right after each commit. Without the feature of that name there is nothing here.
//!
//! `CRASH_AT="before confirmed 1"` in the environment kills it (SIGKILL, nothing is tidied up) at the first commit that is called so, just before it is sent.
//! `PANIC_AT` with the same makes the work panic there, and `CRASH_LOG=FILE` writes down the name of every commit instead, so that the suite can see whether it knows all of them.

pub(crate) use points::Trail;

#[cfg(all(feature = "crash_points", not(debug_assertions)))]
compile_error!("the feature `crash_points` is for the tests alone: a build for use must not hold it");

#[cfg(not(feature = "crash_points"))]
mod points {
    /// Nothing.
    #[derive(Debug, Default)]
    pub(crate) struct Trail;

    #[expect(clippy::unused_self, reason = "there is nothing to note and nothing to kill")]
    impl Trail {
        pub(crate) fn saw(&mut self, _: &str) {}

        pub(crate) fn saw_event(&mut self, _: &str) {}

        pub(crate) fn before(&self) {}

        pub(crate) fn after(&self) {}
    }
}

#[cfg(feature = "crash_points")]
mod points {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use rustix::process::{Signal, getpid, kill_process};

    /// What a transaction does, as far as it is needed to name its commit: the first event that it writes into the audit, or else
    /// its first change.
    #[derive(Debug, Default)]
    pub(crate) struct Trail {
        change: Option<String>,
        event: Option<String>,
    }

    impl Trail {
        /// Notes a statement.
        pub(crate) fn saw(&mut self, sql: &str) {
            let writes = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.trim_start().starts_with(verb));
            if writes && self.change.is_none() {
                self.change = Some(change(sql));
            }
        }

        /// Notes an event of the audit.
        pub(crate) fn saw_event(&mut self, event: &str) {
            self.event.get_or_insert_with(|| event.to_owned());
        }

        /// The commit is sent now.
        pub(crate) fn before(&self) {
            self.reach("before");
        }

        /// The commit has taken place.
        pub(crate) fn after(&self) {
            self.reach("after");
        }

        fn reach(&self, moment: &str) {
            if let Some(name) = self.event.as_ref().or(self.change.as_ref()) {
                reach(moment, name);
            }
        }
    }

    /// `UPDATE notices SET state` for a statement that begins so: table and first column are enough to tell them apart.
    fn change(sql: &str) -> String {
        let words = sql.split_whitespace().take_while(|word| !word.starts_with(['=', '(', '$']));
        words.take(4).collect::<Vec<_>>().join(" ")
    }

    /// The point that is asked for, and how often each was reached.
    struct Points {
        kill_at: Option<(String, u32)>,
        panic_at: Option<(String, u32)>,
        log: Option<std::fs::File>,
        reached: HashMap<String, u32>,
    }

    static POINTS: LazyLock<Mutex<Points>> = LazyLock::new(|| {
        let at = |variable| {
            let at = std::env::var(variable).ok()?;
            let (point, which) = at.rsplit_once(' ').expect("a moment, a name and a number");
            Some((point.to_owned(), which.parse().expect("a number")))
        };
        let log = std::env::var_os("CRASH_LOG");
        let log = log.map(|file| std::fs::File::options().create(true).append(true).open(file).expect("a file"));
        Mutex::new(Points { kill_at: at("CRASH_AT"), panic_at: at("PANIC_AT"), log, reached: HashMap::new() })
    });

    fn reach(moment: &str, name: &str) {
        let mut points = POINTS.lock().unwrap_or_else(PoisonError::into_inner);
        let point = format!("{moment} {name}");
        if let Some(log) = &mut points.log {
            writeln!(log, "{point}").expect("the log can be written");
        }
        let times = points.reached.entry(point.clone()).or_default();
        *times += 1;
        let here = (point, *times);
        if points.kill_at.as_ref() == Some(&here) {
            // Every other thread that comes by a point waits at the lock, so nothing is committed meanwhile.
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
            std::thread::park();
        }
        let panics = points.panic_at.as_ref() == Some(&here);
        drop(points);
        assert!(!panics, "a panic that the crash suite asked for");
    }
}
