//! One page about a run, in its three forms.

use insta::assert_snapshot;
use serde_json::json;

use crate::scene::{Scene, recorded_before, seeded};

/// Twelve runs of one night each, and then one far below them.
fn worse_night() -> Scene {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    recorded_before(&scene);
    let worse =
        seeded("night-13", 0.7020, 13).replace("\"seed\"", "\"python_version\":\"3.12\",\"seed\"");
    scene.at("2026-11-21T10:00:00.000Z");
    scene.file("worse.json", worse);
    assert!(scene.quietly(&["record", "worse.json"]).status.success());
    scene
}

fn page(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.quietly(&[&["report"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_page_reads_well_as_it_is() {
    let mut scene = worse_night();
    scene.run(&["report"]);
    for line in scene.transcript().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    scene.run(&["report", "night-1"]);
    assert_snapshot!(scene.transcript());
}

/// Twelve runs of one night each, one that failed far below them, a candidate far above, one that
/// was deleted, and then one more of a night.
fn with_runs_that_do_not_serve() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    recorded_before(&scene);
    let apart = [
        ("failed", 0.2, "\"status\":\"failed\",\"run_id\""),
        ("proposed", 0.97, "\"candidate\":true,\"run_id\""),
        ("mistaken", 0.5, "\"run_id\""),
        ("night-13", 0.7125, "\"run_id\""),
    ];
    for ((run_id, auc, begins), seed) in apart.into_iter().zip(13..) {
        let document = seeded(run_id, auc, seed).replacen("\"run_id\"", begins, 1);
        scene.file("run.json", document);
        assert!(scene.quietly(&["record", "run.json"]).status.success());
        if run_id == "mistaken" {
            let deleted = scene.quietly(&["delete", "mistaken", "--yes"]);
            assert!(deleted.status.success(), "{deleted:?}");
        }
    }
    scene
}

#[test]
fn what_does_not_serve_stretches_no_scale_and_is_not_counted_among_the_others() {
    let scene = with_runs_that_do_not_serve();
    let plain = page(&scene, &[]);
    assert!(
        plain.contains("\nauc of 13 runs, this one last; "),
        "{plain}"
    );
    let is_picture =
        |line: &&str| line.starts_with("    ") && !line.contains(char::is_alphanumeric);
    let picture = plain.lines().find(is_picture).unwrap();
    assert_eq!(picture.trim().chars().count(), 13, "{plain}");

    let html = page(&scene, &["--format", "html"]);
    assert!(
        html.contains("auc of 13 runs, this one last, and 2 that do not serve"),
        "{html}"
    );
    assert_eq!(html.matches("<path class=\"apart beyond\"").count(), 2);
    assert!(!html.contains("mistaken"), "{html}");
    // The scale is that of the nights and their noise.
    let labels: Vec<f64> = html
        .split("text-anchor=\"end\">")
        .filter_map(|text| text.split('<').next()?.parse().ok())
        .collect();
    assert_eq!(labels.len(), 3, "{html}");
    assert!(
        labels.iter().all(|label| (0.70..0.72).contains(label)),
        "{labels:?}"
    );
}

#[test]
fn a_page_for_github_has_an_alert_and_tables_and_links_no_issue() {
    let mut scene = worse_night();
    scene.run(&["report", "--format", "github"]);
    let text = scene.transcript();
    assert!(!text.contains("#1 ") && !text.contains("(#1"), "{text}");
    assert_snapshot!(text);
}

#[test]
fn a_page_of_html_is_one_file_that_loads_and_runs_nothing() {
    let scene = worse_night();
    let html = page(&scene, &["--format", "html"]);
    assert!(html.starts_with("<!doctype html>\n") && html.ends_with("</html>\n"));
    for forbidden in [
        "<script", "http:", "https:", "src=", "href=", "@import", "url(", "onload",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("prefers-color-scheme: dark"));
    assert!(html.contains("class=\"band\"") && html.contains("class=\"current\""));
    assert_eq!(html.matches("<circle class=\"serves\"").count(), 12);
    // Equal reports are equal bytes: nothing of the hour or the host is in it.
    assert_eq!(html, page(&scene, &["--format", "html"]));
}

#[test]
fn names_of_runs_and_metrics_are_text_on_every_page() {
    let evil = "</title><script>alert('&')</script>";
    let scene = Scene::with_store(&["--primary", &format!("{evil}:higher")]);
    for number in 1..=7 {
        let document = json!({
            "run_id": format!("{evil} @ana #12 [x](javascript:1) \u{1b}[31m {number}"),
            "stage": "<img src=x>",
            "identity": { "data": "d" },
            "factors": { "<b>": number, "seed": number, "|`*": format!("{evil}{number}") },
            "metrics": { evil: 0.5 + f64::from(number % 4) / 100.0, "<i>": number },
            "labels": { "<u>": format!("\"'{number}") },
        });
        scene.file("r.json", document.to_string());
        let recorded = scene.quietly(&["record", "r.json"]);
        assert!(recorded.status.success(), "{recorded:?}");
    }
    let html = page(&scene, &["--format", "html"]);
    let tags: Vec<&str> = html.split('<').skip(1).collect();
    for tag in &tags {
        let name = tag
            .trim_start_matches('/')
            .split([' ', '>', '\n'])
            .next()
            .unwrap();
        let known = [
            "!doctype",
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "h1",
            "h2",
            "dl",
            "div",
            "dt",
            "dd",
            "section",
            "p",
            "span",
            "figure",
            "figcaption",
            "svg",
            "rect",
            "line",
            "text",
            "path",
            "circle",
            "details",
            "summary",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "footer",
            "code",
        ];
        assert!(known.contains(&name), "{name} in {tag}");
    }
    assert!(html.contains("&lt;script&gt;alert(&#39;&amp;&#39;)"));
    assert!(html.contains("<svg"), "{html}");
    for form in ["md", "github"] {
        let text = page(&scene, &["--format", form]);
        assert!(
            !text.contains("<script>") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(
            text.contains("\\<script\\>") && text.contains("\\[x\\]"),
            "{text}"
        );
    }
    let github = page(&scene, &["--format", "github"]);
    assert!(
        !github.contains("@ana") && !github.contains("#12 "),
        "{github}"
    );
}

#[test]
fn a_page_goes_to_a_file_that_is_replaced_only_when_that_is_said() {
    let mut scene = worse_night();
    scene
        .run(&["report", "--format", "html", "--output", "report.html"])
        .run(&["report", "--format", "html", "--output", "report.html"])
        .run(&[
            "report",
            "--quiet",
            "--format",
            "html",
            "--output",
            "report.html",
            "--force",
        ])
        .run(&["report", "--output", "."])
        .run(&["report", "--output", "nowhere/report.md"])
        .run(&["report", "--output", ".runstone/report.md"])
        .run(&["report", "--format", "pdf"])
        .run(&["report", "--json", "--format", "md"])
        .run(&["report", "--json", "--output", "x.json"])
        .run(&["report", "nothing"])
        .run(&["report", "--against", "night-1"]);
    let html = std::fs::read_to_string(scene.project().join("report.html")).unwrap();
    assert_eq!(html, page(&scene, &["--format", "html"]));
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_list_shows_the_trend_of_the_metric_that_decides_where_it_is_named() {
    let mut scene = worse_night();
    scene
        .run(&["log", "-n", "3", "--columns", "run_id,verdict,trend"])
        .run(&["log", "-n", "1", "--columns", "trend", "--format", "csv"])
        .run(&["log", "-n", "1", "--columns", "trend", "--format", "jsonl"])
        .run(&["log", "-n", "1", "--sort", "trend"])
        .run(&["log", "-n", "3"]);
    assert_snapshot!(scene.transcript());
}
