//! The page's first section: in how many rows wharf is ahead, and every row in which it is not.

use crate::row::{Row, Who};
use std::fmt::Write;

const PEERS: [Who; 2] = [Who::Tokio, Who::Smol];
/// Ratios within so much of even are called even: the machine can't tell them apart.
const EVEN: f64 = 1.1;

/// How wharf stands against one peer.
struct Standing<'a> {
    peer: Who,
    /// Rows with their ratios, the worst first.
    rows: Vec<(f64, &'a Row)>,
}

impl<'a> Standing<'a> {
    fn of(peer: Who, rows: &'a [Row]) -> Option<Self> {
        let ratio = |row: &'a Row| Some((row.ratio(peer)?, row));
        let mut rows: Vec<_> = rows.iter().filter_map(ratio).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        (!rows.is_empty()).then_some(Self { peer, rows })
    }

    fn behind(&self) -> &[(f64, &'a Row)] {
        &self.rows[..self.rows.partition_point(|(ratio, _)| *ratio > EVEN)]
    }

    fn ahead(&self) -> usize {
        self.rows.iter().filter(|(ratio, _)| *ratio < 1.0 / EVEN).count()
    }

    fn line(&self) -> String {
        let (all, ahead, behind) = (self.rows.len(), self.ahead(), self.behind().len());
        let even = all - ahead - behind;
        format!("| {} | {all} | {ahead} | {even} | {behind} |\n", self.peer.name())
    }
}

/// The section, or nothing where nobody else took part.
pub(crate) fn section(rows: &[Row]) -> String {
    let standings: Vec<_> = PEERS.into_iter().filter_map(|peer| Standing::of(peer, rows)).collect();
    if standings.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## At a glance\n\n\
         Rows in which wharf is ahead, even (within a factor of {EVEN}) or behind, and each one in \
         which it is behind.\n\n\
         | beside | rows | ahead | even | behind |\n| --- | ---: | ---: | ---: | ---: |\n"
    );
    text.extend(standings.iter().map(Standing::line));
    for standing in &standings {
        if !standing.behind().is_empty() {
            write!(text, "\nBehind {}:\n\n", standing.peer.name()).expect("a String grows");
        }
        for (ratio, row) in standing.behind() {
            writeln!(text, "- {}: {} ({ratio:.2})", row.group, row.work).expect("a String grows");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Better, Figures};

    fn row(work: &str, better: Better, wharf: f64, tokio: f64) -> Row {
        let figures = |median| {
            Some(Figures {
                median,
                low: median,
                high: median,
                cpu: None,
                rounds: vec![median],
                curve: Vec::new(),
            })
        };
        Row {
            group: "sched".into(),
            work: work.into(),
            unit: "ms".into(),
            better,
            figures: [figures(wharf), figures(tokio), None, None],
            series: None,
            by_round: false,
            at: 0,
        }
    }

    #[test]
    fn each_row_is_counted_once_and_those_behind_are_named_the_worst_first() {
        let rows = [
            row("won", Better::Lower, 1.0, 2.0),
            row("lost by little", Better::Lower, 1.2, 1.0),
            row("even", Better::Lower, 1.05, 1.0),
            row("lost by much", Better::Higher, 1.0, 3.0),
        ];
        let text = section(&rows);
        assert!(text.contains("| tokio | 4 | 1 | 1 | 2 |"), "{text}");
        assert!(text.ends_with(
            "Behind tokio:\n\n- sched: lost by much (3.00)\n- sched: lost by little (1.20)\n"
        ));
    }

    #[test]
    fn without_peers_there_is_nothing_to_say() {
        assert_eq!(section(&[]), "");
    }
}
