//! Users as lists of them are shown: searched, sorted, in pages.

use std::cmp::Ordering;

use maud::{Markup, html};

use crate::command::{KeyPage, ListCompanies, ListKeys, ListUsers, ListUsersOf, ShowUser, UserRef};
use crate::console::form::Input;
use crate::console::parts::pieces;
use crate::console::refusal::Refusal;
use crate::console::request::SignedIn;
use crate::key::{Company, CompanyId, IssuedKey, Key, Keyspace, Level, User, UserId, UserStatus};
use crate::limits;

/// Rows of one page.
const ROWS: usize = 50;

/// Keys of one user that are counted for a list.
const COUNTED: usize = 100;

/// What of a list is wanted, as the address says it.
pub(in crate::console) struct Wanted {
    pub(in crate::console) search: String,
    pub(in crate::console) sort: Sort,
    pub(in crate::console) down: bool,
    page: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Sort {
    Name,
    Email,
    Role,
    Status,
    Access,
    Created,
}

impl Sort {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Name, "name"),
        (Self::Email, "email"),
        (Self::Role, "role"),
        (Self::Status, "status"),
        (Self::Access, "access"),
        (Self::Created, "created"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(sort, _)| *sort == self).map_or("name", |(_, name)| name)
    }

    fn order(self, a: &User, b: &User) -> Ordering {
        let status = |user: &User| UserStatus::ALL.into_iter().position(|status| status == user.status);
        let order = match self {
            Self::Name => Ordering::Equal,
            Self::Email => text(&a.email).cmp(&text(&b.email)),
            Self::Role => b.role.level().cmp(&a.role.level()),
            Self::Status => status(b).cmp(&status(a)),
            Self::Access => b.api_access.cmp(&a.api_access),
            Self::Created => b.created.cmp(&a.created),
        };
        order.then_with(|| compared(a.username.as_str(), b.username.as_str()))
    }
}

fn text<T: std::fmt::Display>(field: &Option<T>) -> Option<String> {
    field.as_ref().map(|field| field.to_string().to_lowercase())
}

/// Whatever the case of letters, and without copies.
fn compared(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl Wanted {
    pub(in crate::console) fn read(query: &Input) -> Self {
        let sort = Sort::ALL.into_iter().find(|(_, name)| *name == query.text("sort"));
        Self {
            search: query.text("q").chars().take(200).collect(),
            sort: sort.map_or(Sort::Name, |(sort, _)| sort),
            down: query.text("order") == "down",
            page: query.text("page").parse().unwrap_or(1).max(1),
        }
    }

    fn address(&self, path: &str, sort: Sort, down: bool, page: usize) -> String {
        let search = percent_encoding::utf8_percent_encode(&self.search, percent_encoding::NON_ALPHANUMERIC);
        let order = if down { "down" } else { "up" };
        format!("{path}?q={search}&sort={}&order={order}&page={page}", sort.name())
    }

    /// A column's heading that sorts by it.
    pub(in crate::console) fn heading(&self, path: &str, sort: Sort, label: &str) -> Markup {
        let chosen = sort == self.sort;
        let down = chosen && !self.down;
        let order = if self.down { "descending" } else { "ascending" };
        html! {
            th scope="col" aria-sort=[chosen.then_some(order)] {
                a href=(self.address(path, sort, down, 1)) {
                    (label)
                    @if chosen { span aria-hidden="true" { (if self.down { " ↓" } else { " ↑" }) } }
                }
            }
        }
    }
}

/// Whether one of the names has the text in it, whatever the case of letters; `search` is in lower case.
fn matches(user: &User, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    has(user.username.as_str())
        || user.display_name.as_ref().is_some_and(|name| has(name.as_str()))
        || user.email.as_ref().is_some_and(|email| has(email.as_str()))
}

/// One page of a list.
pub(in crate::console) struct Shown {
    pub(in crate::console) rows: Vec<User>,
    /// How many match.
    pub(in crate::console) all: usize,
    pub(in crate::console) page: usize,
}

impl Shown {
    /// The page that is wanted of these users.
    pub(in crate::console) fn of(mut users: Vec<User>, wanted: &Wanted) -> Self {
        let search = wanted.search.to_lowercase();
        users.retain(|user| search.is_empty() || matches(user, &search));
        let all = users.len();
        let page = wanted.page.min(all.div_ceil(ROWS).max(1));
        let order = |a: &User, b: &User| {
            let order = wanted.sort.order(a, b);
            if wanted.down { order.reverse() } else { order }
        };
        let (from, to) = ((page - 1) * ROWS, (page * ROWS).min(all));
        // Only as far as this page needs.
        if to < all {
            users.select_nth_unstable_by(to, order);
        }
        users.truncate(to);
        users.sort_unstable_by(order);
        Self { rows: users.drain(from..).collect(), all, page }
    }

    /// Where in the list this page is, and the way to the others.
    pub(in crate::console) fn pager(&self, path: &str, wanted: &Wanted) -> Markup {
        let pages = self.all.div_ceil(ROWS).max(1);
        let to = |page| wanted.address(path, wanted.sort, wanted.down, page);
        html! {
            nav.pager aria-label="Pages" {
                span { (self.all) (if self.all == 1 { " entry" } else { " entries" }) ", page " (self.page) " of " (pages) }
                @if self.page > 1 { a href=(to(self.page - 1)) rel="prev" { "Previous" } }
                @if self.page < pages { a href=(to(self.page + 1)) rel="next" { "Next" } }
            }
        }
    }
}

/// The search field of a list. A script also filters the rows that are shown, while one types.
pub(in crate::console) fn search(path: &str, wanted: &Wanted, label: &str) -> Markup {
    html! {
        form.search method="get" action=(path) role="search" {
            label for="q" { (label) }
            input #q name="q" type="search" value=(wanted.search) autocomplete="off" data-filter="rows";
            input type="hidden" name="sort" value=(wanted.sort.name());
            input type="hidden" name="order" value=(if wanted.down { "down" } else { "up" });
            button.quiet type="submit" { "Search" }
        }
    }
}

impl SignedIn<'_> {
    /// Everyone whom this person administers, or the person alone.
    pub(in crate::console) fn visible_users(&self) -> Result<Vec<User>, Refusal> {
        if self.is_administrator() {
            return self.all_users();
        }
        match self.user.company.filter(|_| self.caller.level() >= Level::ADMINISTER) {
            Some(company) => self.members(company),
            None => Ok(vec![self.user.clone()]),
        }
    }

    fn all_users(&self) -> Result<Vec<User>, Refusal> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = ListUsers { after, limit: limits::PAGE_MAX };
            let users = self.run(page)?;
            let whole = users.len() == limits::PAGE_MAX;
            after = users.last().map(|user| user.id);
            all.extend(users);
            if !whole {
                return Ok(all);
            }
        }
    }

    fn members(&self, company: CompanyId) -> Result<Vec<User>, Refusal> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = ListUsersOf { company: Some(company), after, limit: limits::PAGE_MAX };
            let (users, next) = self.run(page)?;
            all.extend(users.into_iter().filter(|user| user.role.level() <= self.caller.level()));
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    pub(in crate::console) fn find_user(&self, named: UserRef) -> Result<User, Refusal> {
        let user = self.run(ShowUser(named))?;
        Ok(user)
    }

    /// The one key of a user that verifies in this keyspace, and its text as far as it may be seen. Whoever may not
    /// list keys sees none.
    pub(in crate::console) fn live_key(
        &self,
        owner: UserId,
        keyspace: &Keyspace,
    ) -> Result<Option<(Key, Option<IssuedKey>)>, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: Some(*keyspace.name()),
            after: None,
            limit: None,
            texts: true,
        };
        match self.run(command) {
            Ok(page) => Ok(page.keys.into_iter().find(|(key, _)| key.is_live())),
            Err(Refusal::Forbidden) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// How many keys somebody has, in all keyspaces; none for whoever may not list them.
    pub(in crate::console) fn key_count(&self, owner: UserId) -> Result<Option<String>, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: None,
            after: None,
            limit: Some(COUNTED),
            texts: false,
        };
        match self.run(command) {
            Ok(KeyPage { keys, next: None }) => Ok(Some(keys.len().to_string())),
            Ok(KeyPage { keys, next: Some(_) }) => Ok(Some(format!("{} and more", keys.len()))),
            Err(Refusal::Forbidden) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// The keys that somebody has beside those of a keyspace, by their number in each.
    pub(in crate::console) fn other_keys(&self, owner: &User, beside: &Keyspace) -> Result<Markup, Refusal> {
        let mut counts = Vec::new();
        for keyspace in Keyspace::all().filter(|keyspace| keyspace != beside) {
            let command = ListKeys {
                owner: UserRef::Id(owner.id),
                keyspace: Some(*keyspace.name()),
                after: None,
                limit: Some(COUNTED),
                texts: false,
            };
            let KeyPage { keys, next } = self.run(command)?;
            let more = if next.is_some() { " and more" } else { "" };
            if !keys.is_empty() {
                counts.push((keyspace, format!("{}{more}", keys.len())));
            }
        }
        Ok(html! {
            @if !counts.is_empty() {
                p {
                    "Keys of other APIs:"
                    @for (keyspace, count) in counts {
                        " " a href={ "/console/keys/" (keyspace.name()) "?owner=" (owner.id) } { (pieces::api(&keyspace)) } " (" (count) ")"
                    }
                }
            }
        })
    }

    /// The companies there are, for administrators; at most 1,000.
    pub(in crate::console) fn companies(&self) -> Result<Vec<Company>, Refusal> {
        if !self.is_administrator() {
            return Ok(Vec::new());
        }
        let command = ListCompanies { after: None, limit: limits::PAGE_MAX };
        let companies = self.run(command)?;
        Ok(companies)
    }
}
