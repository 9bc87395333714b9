//! The pictures of the report: ratios with quartiles, growth curves, latency distributions.
//!
//! Drawn on white, so that they read the same on a light and on a dark page.

pub mod curves;
pub mod ratios;

use crate::row::Who;
use plotters::style::{IntoFont, RGBColor, TextStyle};

/// What goes wrong in drawing: the file can't be written.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

const INK: RGBColor = RGBColor(0x22, 0x26, 0x2b);
const FAINT: RGBColor = RGBColor(0xdd, 0xe1, 0xe6);
const QUIET: RGBColor = RGBColor(0x6b, 0x72, 0x7c);

/// Each entrant's colour; told apart also without red and green.
fn colour(who: Who) -> RGBColor {
    match who {
        Who::Wharf => RGBColor(0x0b, 0x5c, 0xad),
        Who::Tokio => RGBColor(0xd9, 0x6b, 0x0c),
        Who::Smol => RGBColor(0x1b, 0x9e, 0x77),
        Who::Floor => RGBColor(0x8a, 0x8f, 0x98),
    }
}

fn text(size: i32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// A number as an axis shows it.
fn tick(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{}M", trimmed(v / 1e6)),
        v if v >= 1e3 => format!("{}k", trimmed(v / 1e3)),
        v => trimmed(v),
    }
}

fn trimmed(value: f64) -> String {
    let digits = if value >= 10.0 { 0 } else { 3 };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let ticks = [0.05, 1.0, 2.5, 10.0, 1e3, 2e4, 1e6].map(tick);
        assert_eq!(ticks, ["0.05", "1", "2.5", "10", "1k", "20k", "1M"]);
    }
}
