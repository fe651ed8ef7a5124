//! What is asked for on the command line.

use crate::many::Effort;

/// How the program is called.
pub(crate) const USAGE: &str = "call it as `runstone-trust table|goals|derive|derive-shift|series [HISTORIES] [SEED] [THREADS]`";

/// The command line, read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    pub(crate) job: Job,
    pub(crate) effort: Effort,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Table,
    Goals,
    Derive,
    DeriveShift,
    Series,
}

impl Arguments {
    /// Reads the words after the program's name; the error is a fragment for people.
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let words: Vec<String> = words.collect();
        let job = match words.first().map(String::as_str) {
            Some("table") => Job::Table,
            Some("goals") => Job::Goals,
            Some("derive") => Job::Derive,
            Some("derive-shift") => Job::DeriveShift,
            Some("series") => Job::Series,
            Some(other) => return Err(format!("`{other}` is nothing to print")),
            None => return Err("nothing was asked for".to_owned()),
        };
        if let Some(more) = words.get(4) {
            return Err(format!("`{more}` is one word too many"));
        }
        let number = |at: usize, otherwise: u64| match words.get(at) {
            None => Ok(otherwise),
            Some(word) => word
                .parse()
                .map_err(|_not_one| format!("`{word}` is not a whole number")),
        };
        let count = |at, otherwise| {
            let count = usize::try_from(number(at, otherwise)?);
            let count = count.map_err(|error| error.to_string())?;
            if count == 0 {
                Err("a count begins with 1".to_owned())
            } else {
                Ok(count)
            }
        };
        Ok(Self {
            job,
            effort: Effort {
                histories: count(1, 20_000)?,
                seed: number(2, 1)?,
                threads: count(3, 2)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        Arguments::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn counts_and_seed_come_in_order_and_have_defaults() {
        let all = read("goals 500 7 3").unwrap();
        let Effort {
            histories,
            seed,
            threads,
        } = all.effort;
        assert_eq!((all.job, histories, seed, threads), (Job::Goals, 500, 7, 3));
        assert_eq!(read("table").unwrap().effort.histories, 20_000);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(read("tabel").unwrap_err(), "`tabel` is nothing to print");
        assert_eq!(read("table x").unwrap_err(), "`x` is not a whole number");
        assert_eq!(read("table 0").unwrap_err(), "a count begins with 1");
        assert_eq!(
            read("table 1 2 3 4").unwrap_err(),
            "`4` is one word too many"
        );
        assert_eq!(read("").unwrap_err(), "nothing was asked for");
    }
}
