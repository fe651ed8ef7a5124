//! The history of one metric as a picture, and as a line of plain characters.
//!
//! Draws what the trail says and nothing else: runs in the order of the log, the band they are held
//! to, the current run as a diamond, so that it is found without colour. What serves for nobody
//! stretches no scale: beyond it a triangle at the edge points to where it would be, and the line
//! of characters leaves it out. The invariant kept: a picture is text of its own page. It loads
//! nothing, runs nothing, and every name in it is escaped. Colours belong to the page's style.

use runstone::core::diff::wording;
use runstone::core::verdict::{Part, Trail, TrailPoint};

use super::beside::said_of;
use super::html::escaped;
use crate::render::lines::add;

/// Size of the picture in its own units, chosen so that its words can be read on a phone.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 240.0;
/// Room around the runs: for values at the left, for places below.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 34.0;
/// How far the band may widen the picture beyond its runs, in their span: a wide band must not make
/// a line of them.
const BAND_REACH: f64 = 1.5;

/// Returns the picture as SVG.
pub(super) fn svg(trail: &Trail) -> String {
    let frame = Frame::of(trail);
    let mut svg = String::new();
    let mut add = |piece: std::fmt::Arguments<'_>| add(&mut svg, piece);
    add(format_args!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
        escaped(&in_words(trail, Drawn::All))
    ));
    if let Some(band) = trail.band {
        let (from, to) = (
            frame.x_of(band.between.0.0),
            frame.x(trail.points.len() - 1),
        );
        let (top, bottom) = (frame.y(band.high), frame.y(band.low));
        add(format_args!(
            "<rect class=\"band\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" \
             height=\"{:.1}\"/>\n",
            (to - from).max(1.0),
            (bottom - top).max(1.0),
        ));
        let middle = frame.y(band.center);
        add(format_args!(
            "<line class=\"center\" x1=\"{from:.1}\" y1=\"{middle:.1}\" x2=\"{to:.1}\" \
             y2=\"{middle:.1}\"/>\n",
        ));
    }
    for value in [frame.low, f64::midpoint(frame.low, frame.high), frame.high] {
        let y = frame.y(value);
        add(format_args!(
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 5.0,
            frame.label(value),
        ));
    }
    if let Some(onset) = trail.onset {
        let x = frame.x_of(onset.0);
        add(format_args!(
            "<line class=\"onset\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\n",
            HEIGHT - BOTTOM,
        ));
    }
    for (at, point) in trail.points.iter().enumerate() {
        add(format_args!(
            "{}\n",
            mark(
                point,
                frame.x(at),
                frame.y(point.value),
                frame.side(point.value)
            )
        ));
    }
    let ends = [trail.points.first(), trail.points.last()];
    for (point, (x, anchor)) in ends
        .iter()
        .flatten()
        .zip([(LEFT, "start"), (WIDTH - RIGHT, "end")])
    {
        add(format_args!(
            "<text x=\"{x}\" y=\"{:.1}\" text-anchor=\"{anchor}\">#{}</text>\n",
            HEIGHT - 10.0,
            point.seq
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// A run by its shape: a diamond for the current one, a disk for those that serve, a ring for other
/// settings, a cross for the others, or a triangle where they lie beyond the scale.
fn mark(point: &TrailPoint, x: f64, y: f64, side: Side) -> String {
    let title = escaped(&format!(
        "#{} {}: {} ({})",
        point.seq,
        point.run_id,
        wording::number(point.value),
        said_of(point.part)
    ));
    let (class, path) = match point.part {
        Part::Current => {
            let (left, right, up, down) = (x - 8.0, x + 8.0, y - 8.0, y + 8.0);
            let path =
                format!("M{left:.1} {y:.1}L{x:.1} {up:.1}L{right:.1} {y:.1}L{x:.1} {down:.1}Z");
            ("current", path)
        }
        Part::Serves | Part::OtherSettings => {
            let class = if point.part == Part::Serves {
                "serves"
            } else {
                "other"
            };
            return format!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\">\
                 <title>{title}</title></circle>"
            );
        }
        Part::Apart => {
            let (left, right, up, down) = (x - 3.0, x + 3.0, y - 3.0, y + 3.0);
            let triangle = |tip: f64, foot: f64| {
                let path = format!("M{left:.1} {foot:.1}L{x:.1} {tip:.1}L{right:.1} {foot:.1}Z");
                ("apart beyond", path)
            };
            match side {
                Side::Above => triangle(up, down),
                Side::Below => triangle(down, up),
                Side::Within => {
                    let falls = format!("M{left:.1} {up:.1}L{right:.1} {down:.1}");
                    (
                        "apart",
                        format!("{falls}M{left:.1} {down:.1}L{right:.1} {up:.1}"),
                    )
                }
            }
        }
    };
    format!("<path class=\"{class}\" d=\"{path}\"><title>{title}</title></path>")
}

/// Where a value lies beside the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Within,
    Below,
}

/// Which runs of a trail are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawn {
    /// All of them.
    All,
    /// Those that serve, and the current one.
    Serving,
}

/// The runs that serve for nobody.
pub(super) fn apart(trail: &Trail) -> impl Iterator<Item = &TrailPoint> {
    let points = trail.points.iter();
    points.filter(|point| point.part == Part::Apart)
}

/// How many of them lie beyond the scale of the others.
pub(super) fn beyond(trail: &Trail) -> usize {
    let frame = Frame::of(trail);
    let is_beyond = |point: &&TrailPoint| frame.side(point.value) != Side::Within;
    apart(trail).filter(is_beyond).count()
}

/// Says in a sentence what the picture, or the line, shows.
pub(super) fn in_words(trail: &Trail, drawn: Drawn) -> String {
    let band = trail.band.map_or_else(
        || "its noise is not known".to_owned(),
        |band| {
            let ends = wording::movement(band.low, band.high);
            format!(
                "by the runs #{}–#{} it counts below {} and above {}",
                band.between.0, band.between.1, ends.prev, ends.curr
            )
        },
    );
    let onset = trail
        .onset
        .map_or_else(String::new, |seq| format!("; a lasting step at #{seq}"));
    let apart = apart(trail).count();
    let beside = match (drawn, apart) {
        (Drawn::Serving, _) | (_, 0) => String::new(),
        (Drawn::All, 1) => ", and 1 that does not serve".to_owned(),
        (Drawn::All, apart) => format!(", and {apart} that do not serve"),
    };
    format!(
        "{} of {} runs, this one last{beside}; {band}{onset}",
        trail.name,
        trail.points.len() - apart
    )
}

/// Where values and runs lie in the picture.
struct Frame<'t> {
    trail: &'t Trail,
    low: f64,
    high: f64,
}

impl<'t> Frame<'t> {
    fn of(trail: &'t Trail) -> Self {
        let points = || trail.points.iter().filter(|it| it.part != Part::Apart);
        let values = || points().map(|point| point.value);
        let (least, most) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        let span = most - least;
        let (mut low, mut high) = (least, most);
        if let Some(band) = trail.band {
            let reach = span * BAND_REACH;
            low = low.min(band.low.max(least - reach));
            high = high.max(band.high.min(most + reach));
        }
        if high - low <= 0.0 || !(high - low).is_finite() {
            // Runs that are all equal, or too far apart to be told apart.
            let around = low.abs().max(f64::MIN_POSITIVE) * 0.01;
            (low, high) = (low - around, high + around);
        }
        Self { trail, low, high }
    }

    #[expect(clippy::cast_precision_loss, reason = "some dozens of runs")]
    fn x(&self, at: usize) -> f64 {
        let last = self.trail.points.len().saturating_sub(1).max(1);
        // Half a mark of room, so that the first and the last are whole.
        let room = WIDTH - LEFT - RIGHT - 16.0;
        LEFT + 8.0 + room * (at as f64 / last as f64)
    }

    /// Where a place in the log lies: at the first run shown from there on.
    fn x_of(&self, seq: u64) -> f64 {
        let points = &self.trail.points;
        let at = points.iter().position(|point| point.seq.0 >= seq);
        self.x(at.unwrap_or(points.len().saturating_sub(1)))
    }

    fn side(&self, value: f64) -> Side {
        if value > self.high {
            Side::Above
        } else if value < self.low {
            Side::Below
        } else {
            Side::Within
        }
    }

    /// The height of a value; beyond the scale, its edge.
    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        // Not a number where the values are as large as numbers get.
        let share = if share.is_finite() { share } else { 0.5 };
        let room = HEIGHT - TOP - BOTTOM;
        TOP + room * (1.0 - share.clamp(0.0, 1.0))
    }

    /// A value of the scale, in the digits that tell it from the others there.
    fn label(&self, value: f64) -> String {
        let digits = 1.0 - (self.high - self.low).log10().floor();
        if digits > 9.0 || value.abs() >= 1e9 {
            return escaped(&wording::number(value));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 9"
        )]
        let digits = digits.max(0.0) as usize;
        format!("{value:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use runstone::core::id::SnapshotSeq;
    use runstone::core::profile::Direction;
    use runstone::core::verdict::TrailBand;

    use super::*;

    fn trail(values: &[f64]) -> Trail {
        let last = values.len();
        let point = |(seq, value): (usize, &f64)| TrailPoint {
            seq: SnapshotSeq(seq as u64),
            run_id: format!("<q&{seq}>"),
            value: *value,
            part: if seq == last {
                Part::Current
            } else {
                Part::Serves
            },
        };
        Trail {
            name: "auc".to_owned(),
            direction: Direction::Higher,
            points: (1..).zip(values).map(point).collect(),
            band: Some(TrailBand {
                low: 0.1,
                center: 0.2,
                high: 0.3,
                between: (SnapshotSeq(1), SnapshotSeq(2)),
            }),
            onset: None,
        }
    }

    #[test]
    fn no_value_draws_outside_of_the_picture_or_nowhere() {
        for values in [
            &[0.5][..],
            &[0.5, 0.5, 0.5],
            &[0.0, 0.0],
            &[1e308, -1e308, 0.0],
            &[5e-324, 0.0],
            &[0.2, 1e9],
        ] {
            let drawn = svg(&trail(values));
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            let trail = trail(values);
            let frame = Frame::of(&trail);
            for value in values.iter().chain(&[0.1, 0.2, 0.3]) {
                let y = frame.y(*value);
                assert!((TOP..=HEIGHT - BOTTOM).contains(&y), "{value} at {y}");
            }
        }
    }

    #[test]
    fn what_serves_for_nobody_stretches_no_scale_and_lies_at_the_edge() {
        let mut with_failures = trail(&[0.2, 0.21, 0.0, 0.22, 9.0, 0.205, 0.215]);
        for at in [2, 4, 5] {
            with_failures.points[at].part = Part::Apart;
        }
        let frame = Frame::of(&with_failures);
        let without = trail(&[0.2, 0.21, 0.22, 0.215]);
        let expected = Frame::of(&without);
        assert_eq!((frame.low, frame.high), (expected.low, expected.high));
        assert_eq!((frame.y(9.0), frame.y(0.0)), (TOP, HEIGHT - BOTTOM));
        let drawn = svg(&with_failures);
        assert_eq!(
            drawn.matches("class=\"apart beyond\"").count(),
            2,
            "{drawn}"
        );
        assert_eq!(drawn.matches("class=\"apart\"").count(), 1, "{drawn}");
        assert_eq!((beyond(&with_failures), beyond(&without)), (2, 0));
        assert!(drawn.contains("of 4 runs, this one last, and 3 that do not serve"));
        let said = in_words(&with_failures, Drawn::Serving);
        assert!(said.starts_with("auc of 4 runs, this one last; "), "{said}");
    }

    #[test]
    fn names_are_text_and_the_current_run_has_a_shape_of_its_own() {
        let drawn = svg(&trail(&[0.1, 0.2, 0.3]));
        assert!(drawn.contains("&lt;q&amp;1&gt;") && !drawn.contains("<q"));
        assert_eq!(drawn.matches("class=\"current\" d=\"M").count(), 1);
        assert_eq!(drawn.matches("<circle").count(), 2);
    }
}
