//! Which documented APIs are served, and where.

use std::str::FromStr;
use std::sync::Arc;

use clap::ValueEnum as _;

use crate::cli::args::Serve;
use crate::cli::failure::{Exit, Failure};
use crate::dialect::{BokaMera, Dialect, Filebin, FreeSewing, Nested, QReserve, TelVue};
use crate::http::SiteUrl;

/// One of the documented APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Api {
    Filebin,
    #[value(name = "freesewing")]
    FreeSewing,
    #[value(name = "qreserve")]
    QReserve,
    #[value(name = "telvue")]
    TelVue,
    #[value(name = "bokamera")]
    BokaMera,
}

/// An API and the path that its addresses begin with, as `filebin=/fb`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct ApiAt {
    api: Api,
    path: String,
}

impl FromStr for ApiAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (api, path) = text.split_once('=').ok_or("must be like filebin=/fb")?;
        let api = <Api as clap::ValueEnum>::from_str(api, false)?;
        Nested::new(path, TelVue).map_err(|error| error.to_string())?;
        Ok(Self { api, path: path.to_owned() })
    }
}

/// What the addresses of an API begin with; `None` where it is not served.
pub(in crate::cli) fn path_of(asked: &Serve, api: Api) -> Option<&str> {
    let at = asked.api_at.iter().find(|at| at.api == api).map_or("", |at| at.path.as_str());
    (!asked.without.contains(&api)).then_some(at)
}

/// Names and paths of the APIs that are asked for.
pub(in crate::cli) fn names(asked: &Serve) -> impl Iterator<Item = (String, &str)> {
    Api::value_variants().iter().filter_map(|api| {
        let name = api.to_possible_value()?.get_name().to_owned();
        path_of(asked, *api).map(|path| (name, if path.is_empty() { "/" } else { path }))
    })
}

/// The APIs that are asked for. Which of them answers a path that two claim is decided by how specific their claims are.
pub(in crate::cli) fn served(asked: &Serve, site: &SiteUrl) -> Result<Vec<Arc<dyn Dialect>>, Failure> {
    let all: [(Api, Box<dyn Dialect>); 5] = [
        (Api::FreeSewing, Box::new(FreeSewing)),
        (Api::BokaMera, Box::new(BokaMera)),
        (Api::Filebin, Box::new(Filebin::new(&site.to_string()))),
        (Api::TelVue, Box::new(TelVue)),
        (Api::QReserve, Box::new(QReserve)),
    ];
    let served = all.into_iter().filter_map(|(api, dialect)| {
        path_of(asked, api).map(|path| match path {
            "" => Ok(Arc::from(dialect)),
            path => Nested::new(path, dialect).map(|nested| Arc::new(nested) as Arc<dyn Dialect>),
        })
    });
    served.collect::<Result<_, _>>().map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}
