//! What the operations take and answer, field by field, in the service's own words.

use crate::dialect::bokamera::record::{FieldError, Namespace, Record, Status, Value};

/// An operation, as its page describes it.
pub(super) struct Operation {
    /// The verb and the path of its own.
    pub(super) route: (&'static str, &'static str),
    /// What it does, in a line, and what there is to say about it.
    pub(super) does: (&'static str, &'static str),
    /// Who may.
    pub(super) roles: Option<&'static str>,
    pub(super) request: &'static Type,
    pub(super) response: &'static Type,
    /// Types that the response is made of.
    pub(super) parts: &'static [&'static Type],
}

/// A type of the model.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) name: &'static str,
    namespace: Namespace,
    pub(super) fields: &'static [Member],
}

/// A field of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it means.
    pub(super) means: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Guid,
    MaybeGuid,
    Text,
    Bool,
    MaybeBool,
    Date,
    MaybeDate,
    Keys,
    Status,
    Errors,
}

const fn member(name: &'static str, kind: Kind, means: &'static str) -> Member {
    Member { name, kind, means }
}

const ROLES: Option<&str> = Some("bookingsupplier-administrator-write, superadmin");

/// The key, which is also what `COLUMNS` in `keys.rs` names.
pub(super) const API_KEY_RESPONSE: Type = Type {
    name: "ApiKeyResponse",
    namespace: Namespace::Dtos,
    fields: &[
        member("CompanyId", Kind::Guid, "The company the API key belongs to"),
        member("ApiKey", Kind::Guid, "The API key value to send in the x-api-key header"),
        member("Active", Kind::Bool, "Whether the key is active"),
        member("CreatedDate", Kind::Date, "When the key was created"),
        member("ExpiryDate", Kind::MaybeDate, "When the key expires, if ever"),
        member("ContactEmail", Kind::Text, "Contact email registered for the key"),
        member("Notes", Kind::Text, "Free text notes for the key"),
        member(
            "AllowedIpAddresses",
            Kind::Text,
            "Comma separated list of IP addresses the key is restricted to, if any",
        ),
    ],
};

const RESPONSE_ERROR: Type = Type {
    name: "ResponseError",
    namespace: Namespace::Types,
    fields: &[
        member("ErrorCode", Kind::Text, "What kind of problem it is"),
        member("FieldName", Kind::Text, "The field that has it"),
        member("Message", Kind::Text, "The problem in words"),
    ],
};

const RESPONSE_STATUS: Type = Type {
    name: "ResponseStatus",
    namespace: Namespace::Types,
    fields: &[
        member("ErrorCode", Kind::Text, "What kind of problem it is"),
        member("Message", Kind::Text, "The problem in words"),
        member("StackTrace", Kind::Text, "Never given"),
        member("Errors", Kind::Errors, "What is wrong with single fields"),
    ],
};

const STATUS: Member = member("ResponseStatus", Kind::Status, "What went wrong, if anything did");

/// All of them.
pub(super) const OPERATIONS: [Operation; 3] = [
    Operation {
        route: ("POST", "/apikeys"),
        does: (
            "Create a new API key for the logged in user's company",
            "Generates a new API key for the company of the currently logged in user and returns it. A company \
             administrator can only create keys for their own company.",
        ),
        roles: ROLES,
        request: &Type {
            name: "CreateApiKey",
            namespace: Namespace::Dtos,
            fields: &[
                member(
                    "CompanyId",
                    Kind::MaybeGuid,
                    "The company to create the API key for. Defaults to the logged in user's company. Only a SuperAdmin \
                     may specify a company other than their own; for other roles this value is ignored.",
                ),
                member(
                    "ContactEmail",
                    Kind::Text,
                    "Optional contact email to register for the key. Defaults to the logged in user's email.",
                ),
                member("Notes", Kind::Text, "Optional free text note for the key."),
            ],
        },
        response: &API_KEY_RESPONSE,
        parts: &[],
    },
    Operation {
        route: ("GET", "/apikeys"),
        does: (
            "List the API keys of the logged in user's company",
            "Returns the API keys of the company of the currently logged in user, oldest first.",
        ),
        roles: ROLES,
        request: &Type {
            name: "ApiKeyQuery",
            namespace: Namespace::Dtos,
            fields: &[
                member(
                    "CompanyId",
                    Kind::MaybeGuid,
                    "The company to list the API keys of. Defaults to the logged in user's company. Only a SuperAdmin may \
                     specify a company other than their own; for other roles this value is ignored.",
                ),
                member(
                    "ActiveOnly",
                    Kind::MaybeBool,
                    "Whether to leave out keys that are cancelled or expired. Defaults to false.",
                ),
            ],
        },
        response: &Type {
            name: "ApiKeyQueryResponse",
            namespace: Namespace::Dtos,
            fields: &[member("ApiKeys", Kind::Keys, "The API keys"), STATUS],
        },
        parts: &[&API_KEY_RESPONSE, &RESPONSE_ERROR, &RESPONSE_STATUS],
    },
    Operation {
        route: ("POST", "/authenticate"),
        does: (
            "Log in",
            "Returns a token for a user name or an e-mail address and a password, to send as bearer. It is good for seven \
             days. Without them: who is logged in.",
        ),
        roles: None,
        request: &Type {
            name: "Authenticate",
            namespace: Namespace::Types,
            fields: &[
                member("UserName", Kind::Text, "User name or e-mail address"),
                member("Password", Kind::Text, "Password"),
            ],
        },
        response: &Type {
            name: "AuthenticateResponse",
            namespace: Namespace::Types,
            fields: &[
                member("UserId", Kind::Text, "The user's number"),
                member("SessionId", Kind::Text, "The token, for the x-ss-id header"),
                member("UserName", Kind::Text, "User name"),
                member("DisplayName", Kind::Text, "The user's name for people"),
                member("BearerToken", Kind::Text, "The token, for the Authorization header"),
                STATUS,
            ],
        },
        parts: &[&RESPONSE_ERROR, &RESPONSE_STATUS],
    },
];

impl Operation {
    /// Every type it is about, the request last.
    pub(super) fn types(&self) -> Vec<&'static Type> {
        self.parts.iter().copied().chain([self.response, self.request]).collect()
    }
}

impl Type {
    /// Whether ServiceStack's own library has it, for programs in the service's own language.
    pub(super) const fn is_of_library(&self) -> bool {
        matches!(self.namespace, Namespace::Types)
    }

    /// One with placeholders in every field.
    pub(super) fn sample(&self) -> Record {
        let fields = self.fields.iter().map(|field| (field.name, field.kind.sample())).collect();
        Record { name: self.name, namespace: self.namespace, fields }
    }
}

impl Kind {
    fn sample(self) -> Value {
        match self {
            Self::Guid | Self::MaybeGuid => Value::text("00000000-0000-0000-0000-000000000000"),
            Self::Text => Value::text("String"),
            Self::Bool | Self::MaybeBool => Value::Bool(false),
            Self::Date | Self::MaybeDate => Value::text("0001-01-01T00:00:00"),
            Self::Keys => Value::Records(vec![API_KEY_RESPONSE.sample()]),
            Self::Errors => Value::Records(vec![RESPONSE_ERROR.sample()]),
            Self::Status => {
                let error = FieldError { code: "String", field: "String", message: "String".to_owned() };
                let message = "String".to_owned();
                Value::Status(Some(Status { code: "String", message, errors: vec![error] }))
            }
        }
    }

    /// Its name in the service's own language.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Guid => "Guid",
            Self::MaybeGuid => "Guid?",
            Self::Text => "string",
            Self::Bool => "bool",
            Self::MaybeBool => "bool?",
            Self::Date => "DateTime",
            Self::MaybeDate => "DateTime?",
            Self::Keys => "List<ApiKeyResponse>",
            Self::Status => "ResponseStatus",
            Self::Errors => "List<ResponseError>",
        }
    }

    pub(super) const fn is_optional(self) -> bool {
        matches!(self, Self::MaybeGuid | Self::MaybeBool | Self::MaybeDate)
    }
}
