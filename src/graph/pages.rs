//! Lists, which come in pages.

use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::{Error, Kind};
use super::odata::Page;

/// Pages followed in one list: a million devices.
const PAGES: usize = 1_000;

impl Graph {
    /// Reads a list to its end. A page that fails makes the whole list fail: a short list would be a lie.
    pub(super) async fn read_all<T: DeserializeOwned + Send>(
        &self,
        read: &Read,
        patience: Patience,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        self.read_each(read, patience, |row| rows.push(row)).await?;
        Ok(rows)
    }

    /// As [`Graph::read_all`], a row at a time.
    pub(super) async fn read_each<T: DeserializeOwned + Send>(
        &self,
        read: &Read,
        patience: Patience,
        each: impl FnMut(T) + Send,
    ) -> Result<(), Error> {
        self.pages(read.url(&self.base), read, patience, each).await
    }

    /// The rows from a page's link on.
    pub(super) async fn follow<T: DeserializeOwned + Send>(
        &self,
        link: &str,
        read: &Read,
        patience: Patience,
    ) -> Result<Vec<T>, Error> {
        let elsewhere = || self.error(Kind::Malformed("a next page on another host"), 1, self.now(), None);
        let mut rows = Vec::new();
        self.pages(self.same_host(link).ok_or_else(elsewhere)?, read, patience, |row| rows.push(row)).await?;
        Ok(rows)
    }

    async fn pages<T: DeserializeOwned + Send>(
        &self,
        first: Url,
        read: &Read,
        patience: Patience,
        mut each: impl FnMut(T) + Send,
    ) -> Result<(), Error> {
        let started = self.now();
        let mut url = first;
        for _page in 0..PAGES {
            let answer = self.fetch(&url, read, patience).await?;
            let page: Page<T> = serde_json::from_slice(&answer.body)
                .map_err(|_| self.error(Kind::Malformed("not a list"), 1, started, answer.request_id))?;
            page.value.into_iter().for_each(&mut each);
            let Some(next) = page.next_link else { return Ok(()) };
            url = self
                .same_host(&next)
                .ok_or_else(|| self.error(Kind::Malformed("a next page on another host"), 1, started, None))?;
        }
        Err(self.error(Kind::TooManyPages, 1, started, None))
    }

    /// Follows a link to the configured Graph only: the token goes nowhere else.
    fn same_host(&self, link: &str) -> Option<Url> {
        let url: Url = link.parse().ok()?;
        let same = url.scheme() == self.base.scheme()
            && url.host() == self.base.host()
            && url.port_or_known_default() == self.base.port_or_known_default();
        same.then_some(url)
    }
}
