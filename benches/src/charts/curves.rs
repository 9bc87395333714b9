//! Small panels with a line for each entrant: cost against size, latency against quantile.

use super::{Error, FAINT, INK, QUIET, colour, text, tick};
use crate::row::{ALL, Row, Who};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

const PANEL: (u32, u32) = (490, 300);
const COLUMNS: usize = 2;
const HEAD: u32 = 46;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What a panel shows.
#[derive(Debug)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// Below it.
    pub x: &'static str,
    /// Of the figures.
    pub y: String,
    /// The lines.
    pub lines: Vec<(Who, Vec<(f64, f64)>)>,
}

/// One panel for each growth curve in the rows.
pub fn growth(rows: &[Row]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for row in rows {
        let Some((curve, size)) = &row.series else { continue };
        if !panels.iter().any(|panel| panel.title == *curve) {
            let lines = ALL.map(|who| (who, Vec::new())).into();
            let (title, x, y) = (curve.clone(), "how many", row.unit.clone());
            panels.push(Panel { title, x, y, lines });
        }
        let panel = panels.iter_mut().find(|panel| panel.title == *curve).expect("just made");
        for who in ALL {
            if let Some(figures) = &row.figures[who as usize] {
                panel.lines[who as usize].1.push((*size, figures.median));
            }
        }
    }
    panels
}

/// One panel for each work for which more than one entrant kept latencies.
pub fn latencies(rows: &[Row]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for row in rows {
        let title = row.work.rsplit_once(": ").map_or(row.work.as_str(), |(work, _)| work);
        let known = panels.iter().any(|panel| panel.title == title);
        let line = |who: Who| {
            let curve = &row.figures[who as usize].as_ref()?.curve;
            // A quantile's distance from 1 is what the axis shows: 10, 100, 1,000 in a row.
            let points = curve.iter().filter(|point| point.0 < 1.0 && point.1 > 0.0);
            let points: Vec<_> = points.map(|(q, micros)| (1.0 / (1.0 - q), *micros)).collect();
            (points.len() > 1).then_some((who, points))
        };
        let lines: Vec<_> = ALL.into_iter().filter_map(line).collect();
        if !known && lines.len() > 1 && row.series.is_none() {
            let y = "µs".to_owned();
            panels.push(Panel { title: title.to_owned(), x: "one in ... is slower", y, lines });
        }
    }
    panels
}

/// Draws the panels, two in a row.
///
/// # Errors
///
/// The file can't be written.
pub fn draw(path: &Path, title: &str, panels: &[Panel]) -> Result<bool, Error> {
    if panels.is_empty() {
        return Ok(false);
    }
    let rows = panels.len().div_ceil(COLUMNS);
    let size = (PANEL.0 * COLUMNS as u32, HEAD + PANEL.1 * rows as u32);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (head, body) = area.split_vertically(HEAD);
    legend(&head, title, panels)?;
    for (place, panel) in body.split_evenly((rows, COLUMNS)).iter().zip(panels) {
        draw_panel(place, panel)?;
    }
    area.present()?;
    Ok(true)
}

fn legend(area: &Area<'_>, title: &str, panels: &[Panel]) -> Result<(), Error> {
    area.draw_text(title, &text(16, INK), (14, 12))?;
    let mut x = 430;
    for who in ALL {
        let drawn =
            |panel: &Panel| panel.lines.iter().any(|(w, line)| *w == who && !line.is_empty());
        if panels.iter().any(drawn) {
            let line = [(x, 20), (x + 18, 20)];
            area.draw(&PathElement::new(line, colour(who).stroke_width(3)))?;
            area.draw_text(who.name(), &text(12, INK), (x + 24, 14))?;
            x += 90;
        }
    }
    Ok(())
}

/// From the least to the most, with a little room, on a logarithmic axis.
fn span(values: impl Iterator<Item = f64>, room: f64) -> Range<f64> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values {
        low = low.min(value);
        high = high.max(value);
    }
    low / room..high * room
}

/// Of all the lines of a decade, only those at 1, 2 and 5 have room for a number.
fn round_tick(value: f64) -> String {
    let lead = value / 10f64.powf(value.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].iter().any(|digit| (lead - digit).abs() < 1e-6);
    if round { tick(value) } else { String::new() }
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Result<(), Error> {
    let points = || panel.lines.iter().flat_map(|(_, line)| line.iter().copied());
    let x = span(points().map(|point| point.0), 1.0);
    let mut y = span(points().map(|point| point.1), 1.25);
    // At least a decade: what grows by a tenth should not look like a cliff.
    if y.end / y.start < 10.0 {
        let middle = (y.start * y.end).sqrt();
        y = middle / 10f64.sqrt()..middle * 10f64.sqrt();
    }
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, text(13, INK))
        .margin(12)
        .margin_right(26)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(FAINT)
        .axis_style(QUIET)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| round_tick(*value))
        .label_style(text(11, QUIET))
        .axis_desc_style(text(11, QUIET))
        .x_desc(panel.x)
        .y_desc(&panel.y)
        .x_labels(6)
        .y_labels(30)
        .draw()?;
    let dots = panel.lines.iter().all(|(_, line)| line.len() < 8);
    for (who, line) in panel.lines.iter().rev() {
        let style = colour(*who).stroke_width(if *who == Who::Wharf { 3 } else { 2 });
        chart.draw_series(LineSeries::new(line.iter().copied(), style))?;
        if dots {
            let dot = |point: &(f64, f64)| Circle::new(*point, 3, colour(*who).filled());
            chart.draw_series(line.iter().map(dot))?;
        }
    }
    Ok(())
}
