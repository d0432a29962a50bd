//! Try a key: the verdict, and for an administrator each check that led to it.

use std::net::IpAddr;

use maud::{Markup, html};

use crate::command::DryRun;
use crate::console::form::{Input, Problem};
use crate::console::pages::keys::key_form;
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::signed_in::SignedIn;
use crate::http::RawResponse;
use crate::key::{Keyspace, Level};
use crate::verify::{Check, DenyReason, Explanation, Verdict, VerifyRequest};

pub(in crate::console) fn answer(of: &SignedIn<'_>, method: Method) -> Result<RawResponse, Refusal> {
    match method {
        Method::Get => page(of, None, None, None),
        Method::Post => {
            let input = of.form()?;
            let done = tried(of, &input).and_then(|tried| page(of, Some(&input), None, Some(&tried)));
            or_again(done, |refusal| page(of, Some(&input), Some(refusal), None))
        }
    }
}

fn tried(of: &SignedIn<'_>, input: &Input) -> Result<DryRun, Refusal> {
    let keyspace = input.parsed("keyspace", "Keyspace")?;
    let keyspace =
        Keyspace::named(&keyspace).ok_or_else(|| Problem::of("keyspace", "There is no such keyspace."))?;
    let address = match input.text("address") {
        "" => None,
        text => {
            let address: Result<IpAddr, _> = text.parse();
            Some(address.map_err(|_| Problem::of("address", "Address: must be an IP address, or blank."))?)
        }
    };
    let level: Level = input.parsed("level", "Access")?;
    let request =
        VerifyRequest { client: address, level, ..VerifyRequest::new(&keyspace, input.text("tried_key")) };
    Ok(of.request.service.explain(&of.caller, &request)?)
}

fn page(
    of: &SignedIn<'_>,
    input: Option<&Input>,
    refusal: Option<&Refusal>,
    tried: Option<&DryRun>,
) -> Result<RawResponse, Refusal> {
    let typed = |name| input.map_or("", |input| input.text(name));
    let keyspaces: Vec<_> =
        Keyspace::all().map(|keyspace| (keyspace.name().to_string(), keyspace.name().to_string())).collect();
    let keyspace = if typed("keyspace").is_empty() { "native" } else { typed("keyspace") };
    let level = if typed("level").is_empty() { "0" } else { typed("level") };
    let field = |name, label| FieldOf::new(name, label, refusal);
    let body = html! {
        p { "Nothing is counted or spent by trying." }
        @if let Some(tried) = tried { (verdict(tried)) }
        form method="post" autocomplete="off" {
            (field::token(&of.token))
            (field("tried_key", "Key").input("text", "", "off", true))
            (field("keyspace", "Keyspace").select(&keyspaces, keyspace))
            (field("address", "Used from").hint("An IP address. Blank: unknown, which is on no allowlist.").text(typed("address")))
            (field("level", "For").select(&key_form::levels(&Keyspace::NATIVE, Level::ALL), level))
            p.actions { button type="submit" { "Try" } }
        }
    };
    Ok(Page { section: Section::Try, title: "Try a key", problem: refusal, body }.answer(of))
}

fn verdict(tried: &DryRun) -> Markup {
    let (class, word) = if tried.allowed { ("good", "Allowed") } else { ("over", "Refused") };
    html! {
        section.box.verdict aria-labelledby="verdict-heading" {
            h2 #verdict-heading { span class={ "state " (class) } { (word) } }
            @if let Some(explanation) = &tried.explanation { (checks(explanation)) }
        }
    }
}

fn checks(explanation: &Explanation) -> Markup {
    html! {
        @if let Verdict::Deny(reason) = explanation.verdict {
            p { "Reason: " code { (reason.code()) } ", " (said(reason)) }
        }
        @if let Some((key, owner)) = explanation.key {
            p {
                "It is the key " a href={ "/console/key/" (key) } { code { (key) } }
                " of " a href={ "/console/config/users/" (owner) } { "user " (owner) } "."
            }
        }
        @if !explanation.checks.is_empty() {
            ol.checks {
                @for (check, refused) in &explanation.checks {
                    li {
                        @match refused {
                            None => span.state.good { "holds" },
                            Some(_) => span.state.over { "fails" },
                        }
                        " " (question(*check))
                        @if let Some(reason) = refused { ": " code { (reason.code()) } }
                    }
                }
            }
        }
    }
}

const fn question(check: Check) -> &'static str {
    match check {
        Check::Owner => "its owner is there",
        Check::Keyspace => "it is of this keyspace",
        Check::State => "it is active",
        Check::OwnerStatus => "its owner may act",
        Check::Expiry => "its time is not over",
        Check::Address => "it may be used from this address",
        Check::Level => "it may do this",
        Check::Limit => "it has this rate limit",
    }
}

const fn said(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::Malformed => "the text has not the form of a key of this keyspace.",
        DenyReason::Unknown => "there is no such key.",
        DenyReason::WrongKeyspace => "it is a key of another keyspace.",
        DenyReason::Suspended => "it is suspended.",
        DenyReason::Revoked => "it was revoked.",
        DenyReason::RotatedOut => "it was rotated out, and its grace period is over.",
        DenyReason::OwnerGone => "its owner was removed.",
        DenyReason::OwnerNotActive => "its owner is inactive or blocked.",
        DenyReason::Expired => "its time is over.",
        DenyReason::AddressNotAllowed => "its allowlist does not have the address.",
        DenyReason::LevelTooLow { .. } => "it may not do this.",
        DenyReason::RateLimited { .. } => "it was used too often.",
        DenyReason::NoSuchLimit => "it has no rate limit of this name.",
    }
}
