//! Auditing segments: each says what the slots say, in one chain.
//!
//! Segments are held against the places as these are read, one after the other. The invariant
//! guarded here: a segment that is not whole, or not of the chain, is stale, since it can be sealed
//! again; one that is whole and names another digest than its slot bears is evidence that one of
//! them is not what was recorded, and that is damage. What is damaged in a slot itself is left to
//! `log`.

use std::collections::{BTreeMap, BTreeSet};

use super::Audit;
use crate::damage::{Damage, DamageKind, StaleKind};
use crate::dir::DirStore;
use crate::dir::fs::FileSystem;
use crate::dir::layout::{SEGMENTS, TEMPORARY};
use crate::dir::segments::Sealed;
use crate::log::{Log, Seq};
use crate::segment::{Chain, Level, Row, Segment, Span};

/// The segments of a log while its places are read.
#[derive(Debug, Default)]
pub(super) struct Beside {
    listed: BTreeSet<Span>,
    open: BTreeMap<Level, (Span, Option<Segment>)>,
    stale: BTreeSet<Span>,
    /// The chain, as far as it is known: before which place, and its value there.
    chain: Option<(Seq, Chain)>,
}

impl<F: FileSystem> Audit<'_, F> {
    /// Lists the segments of a log, before its places are listed: what they stand for is there.
    pub(super) fn segments_of(&mut self, log: &Log) -> Beside {
        let mut beside = Beside::default();
        let Log::Cohort(cohort) = log else {
            return beside;
        };
        let path = format!("cohorts/{cohort}/{SEGMENTS}");
        let listed = self.store.segments_dir(log).and_then(|dir| match dir {
            Some(dir) => self.store.tree.list(&dir).map(|names| Some((dir, names))),
            None => Ok(None),
        });
        match listed {
            Ok(Some((dir, names))) => {
                for name in names {
                    match Span::named(&name) {
                        Some(span) => drop(beside.listed.insert(span)),
                        None if name.starts_with(TEMPORARY) => {
                            self.stale(dir.name(&name), StaleKind::Temporary);
                        }
                        None => self.stale(dir.name(&name), StaleKind::Unknown),
                    }
                }
            }
            Ok(None) => {}
            // Nothing true is in there, and nothing is known of it.
            Err(_in_the_way) => self.stale(path, StaleKind::Unknown),
        }
        let store = self.store.descriptor.store;
        beside.chain = Some((Seq::FIRST, Chain::of_log(store, &log.to_string())));
        beside
    }

    /// Holds the segments against a place, at which `row` stands if it is whole.
    pub(super) fn beside(&mut self, log: &Log, seq: Seq, row: Option<Row>, beside: &mut Beside) {
        if beside.listed.is_empty() {
            return;
        }
        let chain = beside.chain.filter(|(next, _)| *next == seq);
        let mut row_of_segment = None;
        let mut is_contradicted = false;
        for level in Level::ALL {
            let span = Span::around(level, seq);
            if beside
                .open
                .get(&level)
                .is_none_or(|(open, _)| *open != span)
            {
                let chain = chain
                    .filter(|_| seq == span.first())
                    .map(|(_, chain)| chain);
                let segment = if beside.listed.contains(&span) {
                    self.segment(log, span, chain, beside)
                } else {
                    None
                };
                beside.open.insert(level, (span, segment));
            }
            let Some((_, Some(segment))) = beside.open.get(&level) else {
                continue;
            };
            let Some(named) = segment.row(seq).copied() else {
                continue;
            };
            row_of_segment = Some(named);
            let Some(row) = row.filter(|row| *row != named) else {
                continue;
            };
            if (row.key, row.sha256) == (named.key, named.sha256) {
                // The same recording in another envelope.
                self.stale_segment(log, span, StaleKind::Segment, beside);
                continue;
            }
            self.damage(Damage {
                path: DirStore::<F>::segment_path(log, span),
                slot: Some((log.clone(), seq)),
                kind: DamageKind::Fork,
                expected: format!("{} at {seq} of `{log}`", row.sha256),
                found: named.sha256.to_string(),
            });
            is_contradicted = true;
        }
        beside.chain = match (chain, row.or(row_of_segment)) {
            // Which of the two was recorded is not known, so neither makes a chain.
            (Some((_, chain)), Some(row)) if !is_contradicted => {
                Some((seq.next(), chain.after(seq, [&row])))
            }
            _ => None,
        };
        if beside.chain.is_none() {
            let ended = beside.open.values().find(|(span, _)| span.last() == seq);
            let segment = ended.and_then(|(_, segment)| segment.as_ref());
            beside.chain = segment.map(|segment| (seq.next(), segment.chain()));
        }
    }

    /// Returns the places beyond the end of a log that a whole segment names.
    pub(super) fn named_beyond(
        &mut self,
        log: &Log,
        free: Seq,
        beside: &mut Beside,
    ) -> Option<Seq> {
        let beyond: Vec<Span> = beside.listed.iter().copied().collect();
        let mut last = None;
        for span in beyond.into_iter().filter(|span| span.last() >= free) {
            if self.segment(log, span, None, beside).is_some() {
                last = last.max(Some(span.last()));
            }
        }
        last
    }

    /// Reads a segment as a whole; nothing, and it is reported, if it cannot be believed.
    fn segment(
        &mut self,
        log: &Log,
        span: Span,
        chain: Option<Chain>,
        beside: &mut Beside,
    ) -> Option<Segment> {
        let kind = match self.store.sealed(log, span) {
            Ok(Sealed::Whole(segment)) => {
                let follows = chain.is_none_or(|chain| chain == segment.previous());
                if follows && segment.check().is_ok() {
                    return Some(*segment);
                }
                StaleKind::Segment
            }
            Ok(Sealed::Newer) => StaleKind::Newer,
            Ok(Sealed::Nothing) => return None,
            Ok(Sealed::Broken) => StaleKind::Segment,
            // What it holds is not known, so that nobody may take it for broken.
            Err(_unread) => StaleKind::Unknown,
        };
        self.stale_segment(log, span, kind, beside);
        None
    }

    fn stale_segment(&mut self, log: &Log, span: Span, kind: StaleKind, beside: &mut Beside) {
        if beside.stale.insert(span) {
            self.stale(DirStore::<F>::segment_path(log, span), kind);
        }
    }
}
