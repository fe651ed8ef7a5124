//! The figures side by side, with their ratios and their goals.

use crate::figures::Figures;
use crate::peers::Peer;

/// One peer in one size of crowd.
pub(crate) struct Cell {
    pub(crate) peer: Peer,
    pub(crate) processes: usize,
    pub(crate) figures: Figures,
}

/// What is asked of the rate of one peer beside that of another (`processes`, ours, theirs, times).
const GOALS: [(usize, &str, &str, f64); 11] = [
    (32, "runstone", "bare", 0.70),
    (100, "runstone", "bare", 0.70),
    (32, "runstone", "mlflow", 10.0),
    (32, "runstone-answered", "mlflow", 10.0),
    (32, "runstone-views", "mlflow", 10.0),
    (32, "runstone", "sacred", 5.0),
    (32, "runstone-answered", "sacred", 5.0),
    (32, "runstone-views", "sacred", 5.0),
    (32, "runstone", "sacred-lean", 5.0),
    (32, "runstone-answered", "sacred-lean", 5.0),
    (32, "runstone-views", "sacred-lean", 5.0),
];

/// What is asked of the slowest process: the fastest gets at most so many times its share.
const SPREAD: f64 = 3.0;

/// What stands above the figures of one size of crowd.
const COLUMNS: &str = "runs/s   of bare   of runstone    p50 ms    p99 ms    lost  refused   \
                       slowest..fastest";

pub(crate) fn print(cells: &[Cell]) {
    let mut sizes: Vec<usize> = cells.iter().map(|cell| cell.processes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for processes in sizes {
        let cells: Vec<&Cell> = of_size(cells, processes).collect();
        let rate = |name: &str| rate(&cells, name);
        println!("\n{processes:>3} processes        {COLUMNS}");
        for cell in &cells {
            let figures = &cell.figures;
            println!(
                "  {:<18}{:8.1}  {}      {}  {:8.2}  {:8.1}  {:6}  {:7}   {}..{}",
                cell.peer.name,
                figures.per_second,
                ratio(Some(figures.per_second), rate("bare")),
                ratio(Some(figures.per_second), rate("runstone")),
                figures.p50_ms,
                figures.p99_ms,
                figures.lost,
                figures.refused,
                figures.slowest,
                figures.fastest,
            );
        }
        for cell in &cells {
            if let Some(refusal) = &cell.figures.refusal {
                let line = refusal.lines().next().unwrap_or_default();
                println!("  {} refused: {line}", cell.peer.name);
            }
            if cell.figures.silent > 0 {
                let silent = cell.figures.silent;
                println!(
                    "  {}: {silent} processes ended without a word",
                    cell.peer.name
                );
            }
        }
    }
    goals(cells);
    println!("\nwhat is done before a run is acknowledged:");
    let mut told: Vec<&str> = Vec::new();
    for peer in cells.iter().map(|cell| &cell.peer) {
        if !told.contains(&peer.name) {
            println!("  {:<18}{}", peer.name, peer.flushes);
            told.push(peer.name);
        }
    }
}

fn goals(cells: &[Cell]) {
    println!("\ngoals");
    for (processes, ours, theirs, goal) in GOALS {
        let all: Vec<&Cell> = of_size(cells, processes).collect();
        if let (Some(a), Some(b)) = (rate(&all, ours), rate(&all, theirs)) {
            println!(
                "  {processes:>3} processes, {ours} / {theirs}: {:.2} (goal ≥ {goal:.2}) {}",
                a / b,
                met(a / b >= goal)
            );
        }
    }
    for cell in cells
        .iter()
        .filter(|it| it.peer.is_ours && it.processes > 1)
    {
        let (name, processes) = (cell.peer.name, cell.processes);
        let spread = cell.figures.spread();
        println!(
            "  {processes:>3} processes, {name}: fastest / slowest {spread:.1} (goal ≤ {SPREAD}) {}, lost \
             {} (goal 0) {}",
            met(spread <= SPREAD),
            cell.figures.lost,
            met(cell.figures.lost == 0),
        );
    }
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "NOT MET" }
}

fn of_size(cells: &[Cell], processes: usize) -> impl Iterator<Item = &Cell> {
    cells.iter().filter(move |cell| cell.processes == processes)
}

fn rate(cells: &[&Cell], name: &str) -> Option<f64> {
    let cell = cells.iter().find(|cell| cell.peer.name == name)?;
    Some(cell.figures.per_second)
}

/// Writes a ratio in seven columns; nothing where there is nothing to divide by.
fn ratio(rate: Option<f64>, other: Option<f64>) -> String {
    match rate.zip(other) {
        Some((rate, other)) if other > 0.0 => format!("{:7.3}", rate / other),
        _ => format!("{:>7}", "-"),
    }
}
