//! The types as programs declare them, in the languages of ServiceStack's `/types`.

use super::model::{Kind, Member, OPERATIONS, Operation, Type};
use crate::dialect::bokamera::record::Namespace;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    JavaScript,
    TypeScript,
    CSharp,
}

impl Language {
    /// Every language, by the name that addresses have.
    pub(super) const ALL: [(Self, &'static str); 3] =
        [(Self::JavaScript, "mjs"), (Self::TypeScript, "typescript"), (Self::CSharp, "csharp")];

    /// The language of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(language, _)| language)
    }

    /// Its name for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::CSharp => "C#",
        }
    }

    /// The types of these operations.
    pub(super) fn code(self, operations: &[Operation]) -> String {
        let mut types: Vec<&Type> = Vec::new();
        for one in operations.iter().flat_map(Operation::types) {
            if !types.contains(&one) {
                types.push(one);
            }
        }
        let declared = types.into_iter().map(|one| self.declaration(one)).collect::<String>();
        match self {
            Self::JavaScript => format!("\"use strict\";\n{declared}"),
            Self::TypeScript => {
                format!("export interface IReturn<T>\n{{\n    createResponse(): T;\n}}\n\n{declared}")
            }
            Self::CSharp => {
                let namespace = Namespace::Dtos.address().rsplit('/').next().unwrap_or_default();
                format!(
                    "using System;\nusing System.Collections.Generic;\nusing ServiceStack;\n\nnamespace {namespace}\n{{\n{declared}}}\n"
                )
            }
        }
    }

    fn declaration(self, one: &Type) -> String {
        let request = OPERATIONS.iter().find(|operation| operation.request == one);
        match self {
            Self::JavaScript => javascript(one),
            Self::TypeScript => typescript(one, request),
            Self::CSharp => csharp(one, request),
        }
    }
}

const fn of_javascript(kind: Kind) -> &'static str {
    match kind {
        Kind::Guid | Kind::MaybeGuid | Kind::Text | Kind::Date | Kind::MaybeDate => "string",
        Kind::Bool | Kind::MaybeBool => "boolean",
        Kind::Keys => "ApiKeyResponse[]",
        Kind::Status => "ResponseStatus",
        Kind::Errors => "ResponseError[]",
    }
}

fn javascript(one: &Type) -> String {
    let Type { name, fields, .. } = one;
    let init: Vec<_> =
        fields.iter().map(|field| format!("{}?:{}", field.name, of_javascript(field.kind))).collect();
    let field = |Member { name, kind, means }: &Member| {
        let optional = if kind.is_optional() { "?" } else { "" };
        let kind = of_javascript(*kind);
        format!("    /**\n     * @type {{{optional}{kind}}}\n     * @description {means} */\n    {name};\n")
    };
    format!(
        "export class {name} {{\n    /** @param {{{{{}}}}} [init] */\n    constructor(init) {{ Object.assign(this, init) }}\n{}}}\n",
        init.join(","),
        fields.iter().map(field).collect::<String>(),
    )
}

fn typescript(one: &Type, request: Option<&Operation>) -> String {
    let Type { name, fields, .. } = one;
    let field = |Member { name, kind, means }: &Member| {
        let optional = if kind.is_optional() { "?" } else { "" };
        format!("    /** @description {means} */\n    public {name}{optional}: {};\n\n", of_javascript(*kind))
    };
    let (route, returns, methods) = request.map_or_else(Default::default, |Operation { route, response, .. }| {
        let ((verb, path), response) = (route, response.name);
        (
            format!("// @Route(\"{path}\", \"{verb}\")\n"),
            format!(" implements IReturn<{response}>"),
            format!(
                "    public getTypeName() {{ return '{name}'; }}\n    public getMethod() {{ return '{verb}'; }}\n    public createResponse() {{ return new {response}(); }}\n"
            ),
        )
    });
    format!(
        "{route}export class {name}{returns}\n{{\n{}    public constructor(init?: Partial<{name}>) {{ (Object as any).assign(this, init); }}\n{methods}}}\n\n",
        fields.iter().map(field).collect::<String>(),
    )
}

fn csharp(one: &Type, request: Option<&Operation>) -> String {
    let Type { name, fields, .. } = one;
    if one.is_of_library() {
        return String::new();
    }
    let field = |Member { name, kind, means }: &Member| {
        let kind = kind.name();
        format!(
            "        ///<summary>\n        ///{means}\n        ///</summary>\n        public virtual {kind} {name} {{ get; set; }}\n\n"
        )
    };
    let (route, returns) = request.map_or_else(Default::default, |Operation { route, response, .. }| {
        let (verb, path) = route;
        (format!("    [Route(\"{path}\", \"{verb}\")]\n"), format!(" : IReturn<{}>", response.name))
    });
    let fields: String = fields.iter().map(field).collect();
    format!(
        "{route}    public partial class {name}{returns}\n    {{\n{}    }}\n\n",
        fields.trim_end_matches('\n').to_owned() + "\n"
    )
}
