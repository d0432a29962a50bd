//! Lists of users: searched, sorted, in pages.

use std::cmp::Ordering;

use maud::{Markup, html};

use crate::console::form::Input;

use crate::key::{User, UserStatus};

/// Rows of one page.
const ROWS: usize = 50;

/// Search, order and page of a list, from the query of the address.
pub(in crate::console) struct ListOptions {
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

/// Compares two texts without regard to case.
fn compared(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl ListOptions {
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

    /// Heading of a column, which sorts by the column.
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

/// Whether a name of the user contains the text, without regard to case; `search` is in lower case.
fn matches(user: &User, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    has(user.username.as_str())
        || user.display_name.as_ref().is_some_and(|name| has(name.as_str()))
        || user.email.as_ref().is_some_and(|email| has(email.as_str()))
}

/// One page of a list.
pub(in crate::console) struct UserRows {
    pub(in crate::console) rows: Vec<User>,
    /// Number of users that match.
    pub(in crate::console) all: usize,
    pub(in crate::console) page: usize,
}

impl UserRows {
    /// Selects the page that the options name.
    pub(in crate::console) fn of(mut users: Vec<User>, options: &ListOptions) -> Self {
        let search = options.search.to_lowercase();
        users.retain(|user| search.is_empty() || matches(user, &search));
        let all = users.len();
        let page = options.page.min(all.div_ceil(ROWS).max(1));
        let order = |a: &User, b: &User| {
            let order = options.sort.order(a, b);
            if options.down { order.reverse() } else { order }
        };
        let (from, to) = ((page - 1) * ROWS, (page * ROWS).min(all));
        // Users of later pages need no order.
        if to < all {
            users.select_nth_unstable_by(to, order);
        }
        users.truncate(to);
        users.sort_unstable_by(order);
        Self { rows: users.drain(from..).collect(), all, page }
    }

    /// Position of the page in the list, and links to its neighbours.
    pub(in crate::console) fn pager(&self, path: &str, options: &ListOptions) -> Markup {
        let pages = self.all.div_ceil(ROWS).max(1);
        let to = |page| options.address(path, options.sort, options.down, page);
        html! {
            nav.pager aria-label="Pages" {
                span { (self.all) (if self.all == 1 { " entry" } else { " entries" }) ", page " (self.page) " of " (pages) }
                @if self.page > 1 { a href=(to(self.page - 1)) rel="prev" { "Previous" } }
                @if self.page < pages { a href=(to(self.page + 1)) rel="next" { "Next" } }
            }
        }
    }
}

/// Search field of a list. A script also filters the visible rows while a person types.
pub(in crate::console) fn search(path: &str, options: &ListOptions, label: &str) -> Markup {
    html! {
        form.search method="get" action=(path) role="search" {
            label for="q" { (label) }
            input #q name="q" type="search" value=(options.search) autocomplete="off" data-filter="rows";
            input type="hidden" name="sort" value=(options.sort.name());
            input type="hidden" name="order" value=(if options.down { "down" } else { "up" });
            button.quiet type="submit" { "Search" }
        }
    }
}
