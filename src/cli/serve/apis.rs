//! Documented APIs to serve, and their addresses.

use std::sync::Arc;

use clap::ValueEnum as _;

use crate::cli::args::serve::ServeArgs;
use crate::cli::failure::CliError;
use crate::cli::values::api::Api;
use crate::dialect::{BokaMera, Dialect, Filebin, FreeSewing, Nested, QReserve, TelVue};
use crate::http::SiteUrl;

/// Path prefix of an API; `None` if the API is not served.
pub(in crate::cli) fn path_of(args: &ServeArgs, api: Api) -> Option<&str> {
    let at = args.api_at.iter().find(|at| at.api == api).map_or("", |at| at.path.as_str());
    (!args.without.contains(&api)).then_some(at)
}

/// Names and paths of the APIs to serve.
pub(in crate::cli) fn names(args: &ServeArgs) -> impl Iterator<Item = (String, &str)> {
    Api::value_variants().iter().filter_map(|api| {
        let name = api.to_possible_value()?.get_name().to_owned();
        path_of(args, *api).map(|path| (name, if path.is_empty() { "/" } else { path }))
    })
}

/// Dialects of the APIs to serve. If two of them claim a path, the more specific claim decides.
pub(in crate::cli) fn served(args: &ServeArgs, site: &SiteUrl) -> Result<Vec<Arc<dyn Dialect>>, CliError> {
    let all: [(Api, Box<dyn Dialect>); 5] = [
        (Api::FreeSewing, Box::new(FreeSewing)),
        (Api::BokaMera, Box::new(BokaMera)),
        (Api::Filebin, Box::new(Filebin::new(&site.to_string()))),
        (Api::TelVue, Box::new(TelVue)),
        (Api::QReserve, Box::new(QReserve)),
    ];
    let served = all.into_iter().filter_map(|(api, dialect)| {
        path_of(args, api).map(|path| match path {
            "" => Ok(Arc::from(dialect)),
            path => Nested::new(path, dialect).map(|nested| Arc::new(nested) as Arc<dyn Dialect>),
        })
    });
    served.collect::<Result<_, _>>().map_err(CliError::usage)
}
