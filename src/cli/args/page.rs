//! Options of commands that list records page by page.

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PageArgs {
    /// Cursor that the previous page ended with
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::cli) after: Option<String>,
    /// Most records of the page, up to 1000
    #[arg(long, default_value_t = 100)]
    pub(in crate::cli) limit: usize,
}
