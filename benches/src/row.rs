//! A row of the tables: who took part, and what each measured.

use serde::{Deserialize, Serialize};

/// Who takes part in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// wharf.
    Wharf,
    /// tokio, with whatever the row names beside it.
    Tokio,
    /// smol: async-executor, async-io, blocking.
    Smol,
    /// The bare thing: an epoll loop, two threads, a system call.
    Floor,
}

/// All of them, in the order of the columns.
pub const ALL: [Who; 4] = [Who::Wharf, Who::Tokio, Who::Smol, Who::Floor];

impl Who {
    /// As the command line and the tables spell it.
    pub fn name(self) -> &'static str {
        ["wharf", "tokio", "smol", "floor"][self as usize]
    }
}

/// Which direction of a figure is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Times, bytes.
    Lower,
    /// Rates.
    Higher,
}

/// What one entrant measured for one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// The middle of the rounds.
    pub median: f64,
    /// A quarter of the rounds was below.
    pub low: f64,
    /// A quarter of the rounds was above.
    pub high: f64,
    /// Median processor time in the row's unit.
    pub cpu: Option<f64>,
    /// Each round.
    pub rounds: Vec<f64>,
    /// The latencies of all rounds: (quantile, µs), where the work takes any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<(f64, f64)>,
}

/// One row of the tables.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Group of works.
    pub group: String,
    /// What was done.
    pub work: String,
    /// Of the figures.
    pub unit: String,
    /// Which direction is good.
    pub better: Better,
    /// Per entrant, in the order of [`ALL`].
    pub figures: [Option<Figures>; 4],
    /// The growth curve the row is a point of, and the size there.
    pub series: Option<(String, f64)>,
    /// Whether the entrants are compared round by round: what a round has touches all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_round: bool,
    /// When it was measured, in seconds since 1970.
    pub at: u64,
}

impl Row {
    /// wharf's figures against another's, such that less than one is good. Equal figures are
    /// even; beside any other zero there is no ratio.
    pub fn ratio(&self, other: Who) -> Option<f64> {
        if self.by_round {
            return self.ratios(other).map(|[_, middle, _]| middle);
        }
        let [ours, theirs] =
            [Who::Wharf, other].map(|who| self.figures[who as usize].as_ref().map(|f| f.median));
        let (ours, theirs) = (ours?, theirs?);
        match self.better {
            _ if ours == theirs => Some(1.0),
            _ if ours <= 0.0 || theirs <= 0.0 => None,
            Better::Lower => Some(ours / theirs),
            Better::Higher => Some(theirs / ours),
        }
    }

    /// The quartiles and the middle of the same ratio, taken round by round.
    pub fn ratios(&self, other: Who) -> Option<[f64; 3]> {
        let of = |who: Who| self.figures[who as usize].as_ref().map(|figures| &figures.rounds);
        let rounds = of(Who::Wharf)?.iter().zip(of(other)?);
        let ratios = rounds.map(|(ours, theirs)| match self.better {
            Better::Lower => ours / theirs,
            Better::Higher => theirs / ours,
        });
        let ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite() && *ratio > 0.0).collect();
        (!ratios.is_empty()).then(|| [0.25, 0.5, 0.75].map(|q| quantile(&ratios, q)))
    }

    /// The ratio as the tables show it: with its quartiles where it is taken round by round.
    pub fn shown_ratio(&self, other: Who) -> Option<String> {
        match self.ratios(other) {
            Some([low, middle, high]) if self.by_round => {
                Some(format!("{middle:.2} [{low:.2}, {high:.2}]"))
            }
            _ => self.ratio(other).map(|ratio| format!("{ratio:.2}")),
        }
    }
}

/// By linear interpolation.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * q;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
