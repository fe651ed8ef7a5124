//! Addresses without what gives access: user and password, tokens in paths, parameters.
//!
//! Package managers keep where a package came from, and with it what was needed to get there. The
//! invariant: nothing before an `@` of an authority, no parameter but a revision, and no conda
//! token is left. Remotes of git have forms of their own ([`stripped_remote`]). What *looks* like a
//! token anywhere is the store's redaction.

/// The user that code hosts ask everybody to be.
const EVERYBODY: &str = "git";

/// Returns `address` without credentials. What is no address comes back as it is.
pub(crate) fn stripped(address: &str) -> String {
    if address.starts_with("//") {
        // What has no scheme is read as if it had one.
        return stripped(&format!("x:{address}"))["x:".len()..].to_owned();
    }
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    // A password may hold what ends an authority: where a colon stands in it that leads to no port,
    // the last `@` of all ends the credentials.
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..authority];
    let at_sign = match authority.rfind('@') {
        Some(at_sign) => Some(at_sign),
        None if authority.contains(':') && !is_port(authority) => rest.rfind('@'),
        None => None,
    };
    let (user, rest) = match at_sign {
        Some(at_sign) => (&rest[..at_sign], &rest[at_sign + 1..]),
        None => ("", rest),
    };
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (rest, None),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    let user = if user == EVERYBODY { "git@" } else { "" };
    let path = without_conda_token(rest);
    let query: Vec<&str> = query.split('&').filter(|it| is_revision(it)).collect();
    let query = match query.as_slice() {
        [] => String::new(),
        query => format!("?{}", query.join("&")),
    };
    // A hash names what is behind the address; other fragments may hold anything.
    let fragment = fragment.filter(|it| is_plain(it));
    let fragment = fragment.map_or_else(String::new, |it| format!("#{it}"));
    format!("{scheme}://{user}{path}{query}{fragment}")
}

/// Returns the address of a remote of git without credentials, in any of the forms that git takes.
#[cfg(any(feature = "git", test))]
pub(crate) fn stripped_remote(address: &str) -> String {
    let is_scheme = |it: &str| !it.contains(['/', '@']);
    let stripped = match address.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => stripped(address),
        _ if address.starts_with("//") => stripped(address),
        _ => stripped_copy(address),
    };
    without_parameters(&stripped)
}

/// Returns `user:password@host:path`, as programs that copy files have it, without the user.
#[cfg(any(feature = "git", test))]
fn stripped_copy(address: &str) -> String {
    let authority = address.split('/').next().unwrap_or(address);
    let end = match authority.rfind('@') {
        Some(end) if address.contains(':') => Some(end),
        // A password may hold a slash; behind the credentials there is a host then, and its path.
        None if authority.contains(':') => {
            let end = address.rfind('@');
            end.filter(|end| address[*end..].contains(':'))
        }
        _ => None,
    };
    match end {
        Some(end) if &address[..end] != EVERYBODY => address[end + 1..].to_owned(),
        _ => address.to_owned(),
    }
}

/// Leaves out what follows a semicolon in each part of a path.
#[cfg(any(feature = "git", test))]
fn without_parameters(address: &str) -> String {
    let parts = address.split('/').map(|part| {
        let end = part.find(';').unwrap_or(part.len());
        &part[..end]
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Returns `text` with each address in it stripped.
pub(crate) fn stripped_within(text: &str) -> String {
    if !text.contains("//") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find(|it: char| it.is_whitespace() || "\"'<>,;".contains(it)) {
        let (word, after) = rest.split_at(end);
        out.push_str(&stripped(word));
        let mark = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..mark]);
        rest = &after[mark..];
    }
    out.push_str(&stripped(rest));
    out
}

/// Tells whether the colon of an authority leads to a port, and nothing else.
fn is_port(authority: &str) -> bool {
    // An address of IPv6 stands in brackets, and has colons of its own.
    let name = authority
        .rsplit_once(']')
        .map_or(authority, |(_, after)| after);
    let port = name.split_once(':').map(|(_, port)| port);
    port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Tells whether a parameter says which revision is meant, as cargo writes it.
fn is_revision(parameter: &str) -> bool {
    let name = parameter.split_once('=').map(|(name, _)| name);
    matches!(name, Some("branch" | "rev" | "tag"))
}

/// Tells whether a fragment is a subdirectory, an egg, a hash or a commit.
fn is_plain(fragment: &str) -> bool {
    let is_commit =
        (7..=64).contains(&fragment.len()) && fragment.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit
        || fragment.split('&').all(|part| {
            let name = part.split_once('=').map(|(name, _)| name);
            matches!(
                name,
                Some("egg" | "subdirectory" | "sha256" | "sha512" | "md5")
            )
        })
}

/// Leaves out `/t/<token>/`, by which conda channels let people in.
fn without_conda_token(rest: &str) -> String {
    let parts: Vec<&str> = rest.split('/').collect();
    let mut kept = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        if part == "t" && !kept.is_empty() && parts.peek().is_some() {
            parts.next();
            continue;
        }
        kept.push(part);
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_and_the_address_stays() {
        let cases = [
            ("https://ann:secret@host/simple", "https://host/simple"),
            (
                "https://token@host:8443/a?sig=x#egg=b",
                "https://host:8443/a#egg=b",
            ),
            ("https://host:8443/a@1.0", "https://host:8443/a@1.0"),
            (
                "git+ssh://git@host/team/repo.git@main",
                "git+ssh://git@host/team/repo.git@main",
            ),
            ("https://u:p/w@host/x", "https://host/x"),
            (
                "https://conda.host/t/tk-123-abc/channel/noarch",
                "https://conda.host/channel/noarch",
            ),
            ("https://host/a#access_token=x", "https://host/a"),
            ("https://host/a#sha256=00ff", "https://host/a#sha256=00ff"),
            (
                "git+https://host/a?branch=x&token=y#0123abc",
                "git+https://host/a?branch=x#0123abc",
            ),
            ("file:///srv/wheels/a.whl", "file:///srv/wheels/a.whl"),
            ("deb", "deb"),
            ("//ann:secret@host/x.git", "//host/x.git"),
            ("//token@host/x?sig=y", "//host/x"),
            ("//host/x@1", "//host/x@1"),
            ("//", "//"),
            ("///srv/x", "///srv/x"),
        ];
        for (address, expected) in cases {
            assert_eq!(stripped(address), expected, "{address}");
        }
    }

    #[test]
    fn remote_loses_its_credentials_in_every_form_git_takes() {
        let cases = [
            (
                "user:hunter2@host.example:path/x.git",
                "host.example:path/x.git",
            ),
            (
                "user:hun/ter2@host.example:path/x.git",
                "host.example:path/x.git",
            ),
            ("user:hunter2@host:a://b", "host:a://b"),
            ("ann@host:x.git", "host:x.git"),
            ("git@host:team/x.git", "git@host:team/x.git"),
            ("git@host:team/x@1.git", "git@host:team/x@1.git"),
            ("//user:hunter2@host/x", "//host/x"),
            ("https://host/x.git/;token=hunter2", "https://host/x.git/"),
            ("https://u:hunter2@host/x;token=y/z", "https://host/x/z"),
            ("/srv/a@b/x.git", "/srv/a@b/x.git"),
            ("../a@b", "../a@b"),
        ];
        for (address, expected) in cases {
            assert_eq!(stripped_remote(address), expected, "{address}");
        }
    }

    #[test]
    fn each_address_of_a_text_is_stripped() {
        assert_eq!(
            stripped_within("--index https://a:b@one/x, https://two/y?token=z //c:d@three/z end"),
            "--index https://one/x, https://two/y //three/z end"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in r"([a-z:/@?#&=t]|[^a-z]|://){0,40}") {
            proptest::prop_assert!(stripped(&text).len() <= text.len());
            proptest::prop_assert!(stripped_within(&text).len() <= text.len());
            proptest::prop_assert!(stripped_remote(&text).len() <= text.len());
        }

        #[test]
        fn no_user_info_is_left(user in "[a-z0-9]{1,8}", password in "[a-zA-Z][a-zA-Z0-9%/?#:]{0,12}", host in "[a-z]{1,8}") {
            proptest::prop_assume!(user != "git");
            let address = format!("https://{user}:{password}@{host}/x");
            proptest::prop_assert_eq!(stripped(&address), format!("https://{}/x", host));
        }
    }
}
