//! Documented APIs as a caller types them.

use std::str::FromStr;

use crate::dialect::{Nested, TelVue};

/// Documented API.
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

/// Documented API and its path prefix, as `filebin=/fb`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct ApiAt {
    pub(in crate::cli) api: Api,
    pub(in crate::cli) path: String,
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
