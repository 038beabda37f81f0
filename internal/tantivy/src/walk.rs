//! Walking through everything that a search finds: each page begins behind the rank at which the one before ended.

use tantivy::Searcher;
use taskwire_domain::{Error, SearchQuery, SearchWindow, WalkPage, WalkPosition, WalkStep};
use uuid::Uuid;

use crate::TantivyIndex;
use crate::index::{Ready, unavailable};
use crate::ranking::Rank;
use crate::schema::Fields;
use crate::search::find;

/// The index as it was at one moment. It holds no writer, so that it stands in nobody's way.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) fields: Fields,
    pub(crate) searcher: Searcher,
}

impl View {
    /// The index as searches see it now.
    pub(crate) fn of(ready: &Ready) -> Self {
        Self {
            fields: ready.fields,
            searcher: ready.reader.searcher(),
        }
    }
}

/// What is told to the caller: the view's name (16 bytes), how many tasks were passed (8), the last one's rank (28).
struct Place {
    view: Uuid,
    passed: u64,
    last: Rank,
}

impl Place {
    fn write(&self) -> WalkPosition {
        let passed = self.passed.to_be_bytes();
        WalkPosition::from_bytes([self.view.as_bytes(), &passed[..], &self.last.to_bytes()].concat())
    }

    fn read(position: &WalkPosition) -> Option<Self> {
        let (view, rest) = position.as_bytes().split_first_chunk()?;
        let (passed, rank) = rest.split_first_chunk()?;
        Some(Self {
            view: Uuid::from_bytes(*view),
            passed: u64::from_be_bytes(*passed),
            last: Rank::from_bytes(rank.try_into().ok()?),
        })
    }
}

impl TantivyIndex {
    /// One page of a walk.
    pub(crate) async fn walk_on(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error> {
        // Another program's position, or that of another version of this one, is of no view that we keep.
        let from = match step {
            WalkStep::Begin => None,
            WalkStep::Continue(position) => Some(Place::read(position).ok_or(Error::ViewGone)?),
        };
        let view = match &from {
            None => View::of(&*self.ready().map_err(|cause| unavailable(cause.into()))?),
            Some(place) => self.views().get(place.view).ok_or(Error::ViewGone)?,
        };
        let after = from.as_ref().map(|place| place.last);
        let (query, searched) = (page_of(query), view.clone());
        let search = move || find(&searched, &query, after);
        let found = self.admission().carry_out(search).await?;
        let passed = from.as_ref().map_or(0, |place| place.passed) + found.shown;
        let last = found.last.filter(|_| passed < found.page.total);
        let name = from.map(|place| place.view);
        let next = match (last, name) {
            (Some(last), name) => {
                let view = name.unwrap_or_else(|| self.views().keep(view));
                Some(Place { view, passed, last }.write())
            }
            (None, Some(done)) => {
                self.views().forget(done);
                None
            }
            (None, None) => None,
        };
        Ok(WalkPage {
            page: found.page,
            next,
        })
    }
}

/// The query for a page, wherever that begins.
fn page_of(query: &SearchQuery) -> SearchQuery {
    let size = query.window.size;
    SearchQuery {
        window: SearchWindow { from: 0, size },
        ..query.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_a_place() {
        let place = Place {
            view: Uuid::new_v4(),
            passed: 12_345,
            last: Rank::from_bytes([3; 28]),
        };
        let written = place.write();
        let read = Place::read(&written).unwrap();
        assert_eq!(
            (read.view, read.passed, read.last),
            (place.view, 12_345, place.last)
        );
        for length in 0..written.as_bytes().len() {
            let cut = WalkPosition::from_bytes(written.as_bytes()[..length].to_vec());
            assert!(Place::read(&cut).is_none());
        }
        let longer = WalkPosition::from_bytes([written.as_bytes(), &[0]].concat());
        assert!(Place::read(&longer).is_none());
    }
}
