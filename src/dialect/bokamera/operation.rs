//! Operations of the service, by the names of their requests.

/// Operation of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    CreateApiKey,
    /// Several at once.
    CreateApiKeys,
    ApiKeyQuery,
    UpdateApiKey,
    CancelApiKey,
    Authenticate,
    Version,
}

impl Operation {
    /// Name of the operation and of its request.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CreateApiKey | Self::CreateApiKeys => "CreateApiKey",
            Self::ApiKeyQuery => "ApiKeyQuery",
            Self::UpdateApiKey => "UpdateApiKey",
            Self::CancelApiKey => "CancelApiKey",
            Self::Authenticate => "Authenticate",
            Self::Version => "Version",
        }
    }

    /// The operation that a predefined address names.
    pub(super) fn named(name: &str) -> Option<Self> {
        const MANY: [&str; 2] = ["CreateApiKey[]", "CreateApiKey%5B%5D"];
        let all = [Self::CreateApiKey, Self::ApiKeyQuery, Self::Authenticate];
        let one = all.into_iter().find(|operation| operation.name().eq_ignore_ascii_case(name));
        let many = || MANY.iter().any(|many| many.eq_ignore_ascii_case(name)).then_some(Self::CreateApiKeys);
        one.or_else(many)
    }

    /// Methods at its predefined addresses, as the `Allow` header field lists them.
    pub(super) const fn predefined_methods(self) -> &'static str {
        match self {
            Self::CreateApiKey | Self::CreateApiKeys => "POST",
            Self::ApiKeyQuery | Self::Authenticate => "GET, HEAD, POST",
            Self::UpdateApiKey => "PUT",
            Self::CancelApiKey => "DELETE",
            Self::Version => "GET, HEAD",
        }
    }
}
