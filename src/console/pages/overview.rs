//! Overview: figures of the whole server for administrators; links for other users.

use maud::{Markup, html};

use crate::command::{Overview, ShowOverview};
use crate::console::parts::page::{Page, Section};
use crate::console::parts::plot;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::signed_in::SignedIn;
use crate::engine::KeyCounts;
use crate::http::RawResponse;
use crate::key::{Key, KeyspaceName};

pub(in crate::console) fn page(of: &SignedIn<'_>) -> Result<RawResponse, Refusal> {
    let body = if of.is_administrator() {
        let overview = of.run(ShowOverview)?;
        administrator(&overview)
    } else {
        html! {
            ul.cards {
                li { a href="/console/keys/filebin" { "My keys" } p { "Create, restrict, rotate and revoke keys of your own." } }
                li { a href="/console/config/users" { "Users" } p { "Your own row, with your API key if you have API access." } }
                li { a href="/console/try" { "Try a key" } p { "Paste a key and see whether it would be allowed." } }
            }
        }
    };
    Ok(Page { section: Section::Overview, title: "Overview", problem: None, body }.answer(of))
}

fn administrator(overview: &Overview) -> Markup {
    let summary = &overview.summary;
    html! {
        p.faint {
            "People: " (summary.people) ". Bots: " (summary.bots) ". Counted " (value::moment(summary.at)) " UTC."
        }
        div.panels {
            section.panel {
                h2 { "Keys by state and keyspace" }
                @if summary.keyspaces.is_empty() { p.faint { "There are no keys yet." } }
                @for (name, counts) in &summary.keyspaces { (keyspace(name, counts)) }
                @if !summary.keyspaces.is_empty() {
                    p.legend {
                        span.key.active {} " active " span.key.suspended {} " suspended "
                        span.key.expired {} " expired " span.key.revoked {} " revoked"
                    }
                }
            }
            section.panel {
                h2 { "Verifies a second" }
                (rate(overview))
            }
            section.panel {
                h2 { "Denials by reason" }
                (denials(overview))
            }
            section.panel {
                h2 { "Expiring soon" }
                p { (summary.expiring_count) " within 30 days." }
                (keys(&summary.expiring, |key| value::expiry(key.expiry)))
            }
            section.panel {
                h2 { "Never used" }
                p { (summary.unused_count) " active keys." }
                (keys(&summary.unused, |key| html! { "since " (value::moment(key.created)) }))
            }
        }
    }
}

fn keyspace(name: &KeyspaceName, counts: &KeyCounts) -> Markup {
    let KeyCounts { active, expired, suspended, revoked } = *counts;
    let label = format!("{active} active, {suspended} suspended, {expired} expired, {revoked} revoked");
    let parts = [("active", active), ("suspended", suspended), ("expired", expired), ("revoked", revoked)];
    html! {
        p.meter {
            span.name { (name) }
            (plot::stacked(&parts, &label))
            span.count { (active + expired + suspended + revoked) }
        }
    }
}

fn rate(overview: &Overview) -> Markup {
    let pairs = overview.samples.iter().zip(overview.samples.iter().skip(1));
    let rates: Vec<_> = pairs
        .map(|((from, before), (to, after))| {
            let all = |verdicts: &crate::verify::Verdicts| verdicts.allowed() + verdicts.denied();
            let seconds = to.unix_ms().saturating_sub(from.unix_ms()).max(1) as f64 / 1_000.0;
            all(after).saturating_sub(all(before)) as f64 / seconds
        })
        .collect();
    let now = rates.last().copied().unwrap_or_default();
    let most = rates.iter().copied().fold(0.0, f64::max);
    let label = format!("Verifies a second in the last half hour: {now:.1} now, {most:.1} at most");
    html! {
        p { strong { (format!("{now:.1}")) } " now, " (format!("{most:.1}")) " at most in the last half hour." }
        (plot::line(&rates, &label))
        p.faint { (overview.verdicts.allowed()) " allowed and " (overview.verdicts.denied()) " denied since the start." }
    }
}

fn denials(overview: &Overview) -> Markup {
    let mut rows: Vec<_> = overview
        .verdicts
        .by_reason()
        .filter(|(_, count)| *count > 0)
        .map(|(code, count)| (code.replace('_', " "), count))
        .collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if rows.is_empty() {
        return html! { p.faint { "None since the start." } };
    }
    let label = rows.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
    plot::bars(&rows, &label)
}

fn keys(keys: &[Key], when: impl Fn(&Key) -> Markup) -> Markup {
    html! {
        ul.plain {
            @for key in keys {
                li {
                    a href={ "/console/key/" (key.id) } { (value::prefix(key)) }
                    " " span.comment { (key.comment) } " " span.faint { (when(key)) }
                }
            }
        }
    }
}
