//! One line a work: wharf's figure divided by each other's, on a logarithmic axis.

use super::{Error, FAINT, INK, QUIET, colour, text, tick};
use crate::row::{Row, Who};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

const WIDTH: i32 = 980;
const LEFT: i32 = 430;
const RIGHT: i32 = 24;
const TOP: i32 = 62;
const BOTTOM: i32 = 34;
const LINE: i32 = 22;
const PEERS: [Who; 3] = [Who::Tokio, Who::Smol, Who::Floor];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A logarithmic axis in pixels.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn around(rows: &[&Row]) -> Self {
        let ratios = rows.iter().flat_map(|row| PEERS.map(|peer| row.ratios(peer)));
        let (mut low, mut high) = (0.5_f64, 2.0_f64);
        for [below, _, above] in ratios.flatten() {
            low = low.min(below);
            high = high.max(above);
        }
        Self { low: (low * 0.85).max(0.004), high: (high * 1.15).min(250.0) }
    }

    fn at(&self, ratio: f64) -> i32 {
        let ratio = ratio.clamp(self.low, self.high);
        let share = (ratio / self.low).ln() / (self.high / self.low).ln();
        LEFT + (share * f64::from(WIDTH - LEFT - RIGHT)) as i32
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let steps =
            [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
        steps.into_iter().filter(|step| (self.low..=self.high).contains(step))
    }
}

/// Draws the rows that have a peer's figure; false where there are none.
///
/// # Errors
///
/// The file can't be written.
pub fn draw(path: &Path, title: &str, rows: &[&Row]) -> Result<bool, Error> {
    let has_peer = |row: &&&Row| PEERS.iter().any(|peer| row.ratios(*peer).is_some());
    let rows: Vec<&Row> = rows.iter().filter(has_peer).copied().collect();
    if rows.is_empty() {
        return Ok(false);
    }
    let height = TOP + BOTTOM + LINE * rows.len() as i32;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let axis = Axis::around(&rows);
    legend(&area, title, &rows)?;
    grid(&area, &axis, height)?;
    for (line, row) in rows.iter().enumerate() {
        let y = TOP + LINE * line as i32 + LINE / 2;
        let right = Pos::new(HPos::Right, VPos::Center);
        area.draw_text(&row.work, &text(12, INK).pos(right), (LEFT - 14, y))?;
        for peer in PEERS {
            if let Some(ratio) = row.ratios(peer) {
                mark(&area, &axis, ratio, peer, y)?;
            }
        }
    }
    area.present()?;
    Ok(true)
}

fn legend(area: &Area<'_>, title: &str, rows: &[&Row]) -> Result<(), Error> {
    area.draw_text(title, &text(16, INK), (14, 12))?;
    let mut x = LEFT;
    for peer in PEERS {
        if rows.iter().any(|row| row.ratios(peer).is_some()) {
            let label = format!("wharf / {}", peer.name());
            area.draw(&Circle::new((x + 5, 20), 5, colour(peer).filled()))?;
            area.draw_text(&label, &text(12, INK), (x + 16, 14))?;
            x += 120;
        }
    }
    let hint = "left of 1: wharf is ahead";
    area.draw_text(hint, &text(11, QUIET), (x + 6, 15))?;
    Ok(())
}

fn grid(area: &Area<'_>, axis: &Axis, height: i32) -> Result<(), Error> {
    let bottom = height - BOTTOM;
    let good = [(LEFT, TOP - 6), (axis.at(1.0), bottom)];
    area.draw(&Rectangle::new(good, RGBColor(0xf1, 0xf6, 0xfb).filled()))?;
    for step in axis.ticks() {
        let x = axis.at(step);
        let style = if step == 1.0 { INK.stroke_width(1) } else { FAINT.stroke_width(1) };
        area.draw(&PathElement::new([(x, TOP - 6), (x, bottom)], style))?;
        let above = text(11, QUIET).pos(Pos::new(HPos::Center, VPos::Bottom));
        area.draw_text(&tick(step), &above, (x, TOP - 9))?;
        let below = text(11, QUIET).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw_text(&tick(step), &below, (x, bottom + 5))?;
    }
    Ok(())
}

/// A dot at the middle, a line from quartile to quartile.
fn mark(area: &Area<'_>, axis: &Axis, ratio: [f64; 3], peer: Who, y: i32) -> Result<(), Error> {
    let [low, middle, high] = ratio.map(|ratio| axis.at(ratio));
    let y = y + [0, 0, -4, 4][peer as usize];
    let whisker = colour(peer).mix(0.55).stroke_width(3);
    area.draw(&PathElement::new([(low, y), (high, y)], whisker))?;
    area.draw(&Circle::new((middle, y), 4, colour(peer).filled()))?;
    Ok(())
}
