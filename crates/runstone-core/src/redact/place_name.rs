//! Whose machine it was: home directories, and the names of user and host.
//!
//! What they are here comes in as [`Names`], because a pure function cannot ask. Home directories
//! of the usual kinds (`/home/ann`, `/Users/ann`, `C:\Users\ann`) are known without being told.

/// What is personal about the place a program runs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The home directory.
    pub home: Option<String>,
    /// The name of the user.
    pub user: Option<String>,
    /// The name of the host.
    pub host: Option<String>,
}

/// Before these, a name is that of a user.
const ABOVE_HOMES: [&str; 4] = ["/home/", "/Users/", "\\Users\\", "/Users\\"];
/// Names that are nobody's.
const NOBODYS: [&str; 5] = ["root", "user", "Public", "Shared", "localhost"];
/// Shortest name that is looked for, in bytes: shorter ones are parts of ordinary words.
const NAME_BYTES_MIN: usize = 3;

/// Returns where home directories say whose they are.
pub(super) fn homes(text: &str, names: &Names) -> Vec<(usize, usize)> {
    let mut own = Vec::new();
    if let Some(home) = names.home.as_deref().map(|home| home.trim_end_matches('/'))
        && home.len() >= NAME_BYTES_MIN
        && !ABOVE_HOMES.iter().any(|above| home.starts_with(above))
        && home != "/root"
    {
        own.extend(
            text.match_indices(home)
                .map(|(at, _)| (at, at + home.len()))
                .filter(|(_, end)| ends_name(text, *end)),
        );
    }
    let mut found = own.clone();
    for above in ABOVE_HOMES {
        for (at, _) in text.match_indices(above) {
            // What lies below the home directory of a known place is nobody's name.
            let before = own.partition_point(|(from, _)| *from <= at);
            if before > 0 && at < own[before - 1].1 {
                continue;
            }
            let start = at + above.len();
            let length = text[start..]
                .find(|character: char| {
                    character.is_whitespace() || "/\\\"'`:;,<>|)]}".contains(character)
                })
                .unwrap_or(text.len() - start);
            if length > 0 && !NOBODYS.contains(&&text[start..start + length]) {
                found.push((start, start + length));
            }
        }
    }
    found
}

/// Returns where the names of user and host stand as words of their own.
pub(super) fn names(text: &str, names: &Names) -> Vec<(usize, usize)> {
    let short = |host: &String| host.split('.').next().unwrap_or_default().to_owned();
    let wanted = [
        names.user.clone(),
        names.host.clone(),
        names.host.as_ref().map(short),
    ];
    let wanted = wanted.into_iter().flatten();
    wanted
        .filter(|name| name.len() >= NAME_BYTES_MIN && !NOBODYS.contains(&name.as_str()))
        .flat_map(|name| {
            text.match_indices(name.as_str())
                .map(|(at, _)| (at, at + name.len()))
                .filter(|(start, end)| begins_name(text, *start) && ends_name(text, *end))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn begins_name(text: &str, start: usize) -> bool {
    !text[..start].ends_with(|character: char| character.is_alphanumeric() || character == '_')
}

fn ends_name(text: &str, end: usize) -> bool {
    !text[end..].starts_with(|character: char| character.is_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, found: &[(usize, usize)]) -> String {
        let mut left = text.to_owned();
        for (start, end) in found.iter().rev() {
            left.replace_range(*start..*end, "…");
        }
        left
    }

    #[test]
    fn the_name_in_a_home_directory_goes_and_the_path_stays() {
        let none = Names::default();
        for (text, left) in [
            ("/home/ann/data.csv", "/home/…/data.csv"),
            ("see /Users/ann, please", "see /Users/…, please"),
            ("C:\\Users\\ann\\x", "C:\\Users\\…\\x"),
            ("/home", "/home"),
            ("/home/", "/home/"),
        ] {
            assert_eq!(without(text, &homes(text, &none)), left);
        }
        let here = Names {
            home: Some("/data/people/ann/".to_owned()),
            ..Names::default()
        };
        let text = "/data/people/ann/x /data/people/anna/x";
        assert_eq!(
            without(text, &homes(text, &here)),
            "…/x /data/people/anna/x"
        );
        let here = Names {
            home: Some("/tmp/x/home".to_owned()),
            ..Names::default()
        };
        let text = "/tmp/x/home/data/y";
        assert_eq!(without(text, &homes(text, &here)), "…/data/y");
    }

    #[test]
    fn names_go_where_they_are_words_of_their_own() {
        let here = Names {
            user: Some("ann".to_owned()),
            host: Some("gpu-17.lab.example".to_owned()),
            ..Names::default()
        };
        let text = "ann@gpu-17 ran annealing on gpu-17.lab.example";
        let mut found = names(text, &here);
        found.sort_unstable();
        found.dedup_by_key(|(start, _)| *start);
        assert_eq!(
            without(text, &found[..2]),
            "…@… ran annealing on gpu-17.lab.example"
        );
        assert_eq!(found.len(), 3);
        let nobody = Names {
            user: Some("root".to_owned()),
            ..Names::default()
        };
        assert_eq!(names("root of the tree", &nobody), []);
    }
}
