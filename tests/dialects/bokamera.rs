//! BokaMera's API.

use keyward::dialect::BokaMera;
use keyward::http::{Body, Entrance, RawRequest};
use keyward::key::Keyspace;
use proptest::prelude::*;

use crate::transcript::Peer as _;
use crate::world::{World, field, transcripts};
use crate::xml::is_document;

const COMPANY: &str = "faf84d4b-58e0-435c-a4c3-536a00cafabd";
const OTHER: &str = "11111111-2222-4333-8444-555555555555";

/// `test` administers a company that `other` belongs to; `reader` may do everything and belongs to another one.
pub(crate) fn world() -> World {
    let mut world = World::of(BokaMera, Keyspace::BOKAMERA);
    for what in [
        &format!("company {COMPANY} test"),
        &format!("join {COMPANY} other"),
        &format!("company {OTHER} reader"),
        "role test moderator",
        "role reader administrator",
        "email test test@example.org",
    ] {
        world.act(what);
    }
    world
}

transcripts! {
    "bokamera", world();
    keys: 44,
    bodies: 47,
    formats: 38,
    refusals: 55,
    login: 13,
}

fn ask(method: &str, target: &str, fields: &[(&str, &str)], body: &str) -> RawRequest {
    use base64::Engine as _;
    // By name and password, unless fields say otherwise.
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let login = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("test:test"));
    let named = fields.iter().any(|(name, _)| *name == "authorization");
    let fields = fields.iter().copied().chain((!named).then_some(("authorization", login.as_str())));
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: fields.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect(),
        client: None,
        entrance: Entrance::Local,
        body: Body::Whole(body.as_bytes().to_vec()),
    }
}

#[test]
fn the_three_ways_to_ask_for_xml_give_the_same_bytes() {
    let world = world();
    for (method, path) in [("GET", "/apikeys"), ("PUT", "/apikeys/00000000-0000-4000-8000-000000000000")] {
        let by = |target: &str, fields: &[(&str, &str)]| world.answer(&ask(method, target, fields, "")).body;
        let first = by(&format!("{path}.xml"), &[]);
        assert!(is_document(&first));
        assert_eq!(by(&format!("{path}?format=xml"), &[]), first);
        assert_eq!(by(path, &[("accept", "application/xml")]), first);
    }
}

#[test]
fn csv_names_a_file_and_other_formats_do_not() {
    let world = world();
    for (target, name) in
        [("/apikeys.csv", "ApiKeyQuery.csv"), ("/csv/reply/CreateApiKey", "CreateApiKey.csv")]
    {
        let method = if name.starts_with('A') { "GET" } else { "POST" };
        let answer = world.answer(&ask(method, target, &[], ""));
        let expected = format!("attachment;filename=\"{name}\"");
        assert_eq!(field(&answer, "content-disposition"), Some(expected.as_str()));
    }
    assert_eq!(field(&world.answer(&ask("GET", "/apikeys", &[], "")), "content-disposition"), None);
}

#[test]
fn each_operation_has_a_page_and_all_have_an_index() {
    let world = world();
    let page = |target: &str| {
        let answer = world.answer(&ask("GET", target, &[], ""));
        assert_eq!((answer.status, field(&answer, "content-type")), (200, Some("text/html; charset=utf-8")));
        String::from_utf8(answer.body).unwrap()
    };
    let index = page("/metadata");
    for name in ["CreateApiKey", "ApiKeyQuery", "Authenticate"] {
        assert!(index.contains(&format!("xml/metadata?op={name}")), "{index}");
        let shown = page(&format!("/xml/metadata?op={}&lang=mjs", name.to_lowercase()));
        assert!(shown.contains(&format!("<h1>{name}</h1>")), "{shown}");
    }
    assert!(page("/json/metadata?op=<script>").contains("<h1>Operations</h1>"));
}

/// What the document says of its operation, line by line: the types for JavaScript, and the sample in XML.
#[test]
fn the_page_has_what_the_document_has() {
    let world = world();
    let page = |target: &str| String::from_utf8(world.answer(&ask("GET", target, &[], "")).body).unwrap();
    let shown = text_of(&page("/XML/Metadata/?op=CreateApiKey&lang=mjs"));
    let document = include_str!("../fixtures/bokamera_metadata.txt");
    let lines = document.lines().map(str::trim_end);
    // Where it was served from is no part of it.
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("Host: "));
    let mut rest = shown.as_str();
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("no {line:?} in {rest}"));
        rest = &rest[at + line.len()..];
    }
    for (format, sample) in [
        (
            "json",
            r#"{"CompanyId":"00000000-0000-0000-0000-000000000000","ContactEmail":"String","Notes":"String"}"#,
        ),
        ("jsv", "{CompanyId:00000000-0000-0000-0000-000000000000,ContactEmail:String,Notes:String}"),
        ("csv", "CompanyId,ContactEmail,Notes\n00000000-0000-0000-0000-000000000000,String,String"),
        ("jsonl", r#""CreatedDate":"0001-01-01T00:00:00","ExpiryDate":"0001-01-01T00:00:00""#),
    ] {
        let shown = page(&format!("/{format}/metadata?op=CreateApiKey"));
        assert!(shown.contains(sample), "{shown}");
    }
    let query = page("/json/metadata?op=ApiKeyQuery");
    for type_ in ["ApiKeyQuery", "ApiKeyQueryResponse", "ApiKeyResponse", "ResponseStatus"] {
        assert!(query.contains(&format!("<h2>{type_}</h2>")), "{query}");
    }
}

/// What a person reads on a page.
fn text_of(page: &str) -> String {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().replace("&lt;", "<").replace("&gt;", ">")
}

#[test]
fn the_types_are_given_in_each_language() {
    let world = world();
    let code = |target: &str| {
        let answer = world.answer(&ask("GET", target, &[], ""));
        assert_eq!((answer.status, field(&answer, "content-type")), (200, Some("text/plain; charset=utf-8")));
        String::from_utf8(answer.body).unwrap()
    };
    for (target, parts) in [
        ("/types/mjs", ["export class ApiKeyQuery {", "    ActiveOnly;", "@type {?boolean}"]),
        (
            "/Types/TypeScript/",
            [
                "export class ApiKeyQuery implements IReturn<ApiKeyQueryResponse>",
                "public ActiveOnly?: boolean;",
                "public getMethod() { return 'GET'; }",
            ],
        ),
        (
            "/types/csharp",
            [
                "public partial class ApiKeyQuery : IReturn<ApiKeyQueryResponse>",
                "public virtual bool? ActiveOnly { get; set; }",
                "namespace BokaMera.API.ServiceModel.Dtos",
            ],
        ),
    ] {
        let code = code(target);
        assert_eq!(code.matches("class ApiKeyResponse").count(), 1, "{code}");
        for part in parts {
            assert!(code.contains(part), "{part} in {code}");
        }
    }
    assert_eq!(world.answer(&ask("GET", "/types/cobol", &[], "")).status, 404);
}

#[test]
fn pages_of_any_origin_may_ask_and_a_preflight_needs_no_login() {
    let world = world();
    for (method, target) in
        [("OPTIONS", "/apikeys"), ("OPTIONS", "/api/CreateApiKey"), ("GET", "/apikeys"), ("GET", "/version")]
    {
        let answer = world.answer(&ask(method, target, &[("authorization", "")], ""));
        assert_eq!(answer.status, if method == "OPTIONS" { 200 } else { 401 });
        assert_eq!(field(&answer, "access-control-allow-origin"), Some("*"));
        let methods = field(&answer, "access-control-allow-methods");
        assert_eq!(methods, Some("GET, POST, PUT, DELETE, PATCH, OPTIONS, HEAD"));
        assert!(
            field(&answer, "access-control-allow-headers").unwrap().contains("Content-Type, Authorization")
        );
        assert_eq!(field(&answer, "access-control-allow-credentials"), None);
    }
}

#[test]
fn as_many_at_once_as_there_is_room_for_and_the_answer_says_how_many() {
    let world = world();
    let most = keyward::limits::BOKAMERA_BATCH_MAX;
    for (count, status) in [(most, 200), (most + 1, 400)] {
        let body = format!("[{}{{}}]", "{},".repeat(count - 1));
        let answer =
            world.answer(&ask("POST", "/api/CreateApiKey[]", &[("content-type", "application/json")], &body));
        assert_eq!(answer.status, status);
        let completed = (status == 200).then(|| count.to_string());
        assert_eq!(field(&answer, "x-autobatch-completed"), completed.as_deref());
    }
}

#[test]
fn bodies_that_did_not_come_are_told_apart() {
    let world = world();
    for (body, status) in [
        (Body::TooLarge, 413),
        (Body::Incomplete, 400),
        (Body::Whole(vec![b' '; keyward::limits::BOKAMERA_BODY_BYTES_MAX + 1]), 413),
    ] {
        let request = RawRequest { body, ..ask("POST", "/apikeys", &[], "") };
        assert_eq!(world.answer(&request).status, status);
    }
    let refused = world.answer(&ask("PATCH", "/apikeys", &[], ""));
    assert_eq!((refused.status, field(&refused, "allow")), (405, Some("GET, HEAD, POST")));
}

#[test]
fn every_answer_is_in_the_format_it_says_whatever_is_asked() {
    let world = world();
    let key = {
        let created = world.answer(&ask("POST", "/apikeys", &[], ""));
        let created: serde_json::Value = serde_json::from_slice(&created.body).unwrap();
        created["ApiKey"].as_str().unwrap().to_owned()
    };
    let path = prop::sample::select(vec![
        "/apikeys",
        "/apikeys",
        "/apikeys.xml",
        "/apikeys.csv",
        "/apikeys.jsv",
        "/apikeys.jsonl",
        "/apikeys/KEY",
        "/apikeys/KEY.xml",
        "/apikeys/x",
        "/api/CreateApiKey",
        "/api/apikeyquery.xml",
        "/xml/reply/CreateApiKey",
        "/csv/reply/ApiKeyQuery",
        "/authenticate",
        "/authenticate.xml",
        "/version.xml",
        "/ApiKeys/",
        "/api/CreateApiKey[]",
        "/xml/reply/CreateApiKey%5B%5D",
        "/csv/reply/createapikey[]",
        "/metadata",
        "/json/metadata",
    ]);
    let query = prop::sample::select(vec![
        "",
        "",
        "ActiveOnly=true",
        "activeonly=x",
        "CompanyId=x",
        "CompanyId",
        "format=xml",
        "format=csv",
        "jsconfig=eccn",
        "Notes=%3C%26%0d%00%22",
        "ContactEmail=x",
        "ContactEmail=a@b.c",
        "op=CreateApiKey",
    ]);
    let body = prop_oneof![
        3 => prop::sample::select(vec![
            "", "{}", "{\"Notes\":\"[a],b\\n\\\"\"}", "{\"notes\":7}", "{\"Notes\":[]}", "[]", "{", "Notes=a&ContactEmail=",
            "<CreateApiKey xmlns=\"http://schemas.datacontract.org/2004/07/BokaMera.API.ServiceModel.Dtos\"><Notes>&lt;</Notes></CreateApiKey>",
            "<CreateApiKey/>", "{\"ExpiryDate\":\"2014-01-01T00:00:00\"}", "{\"ExpiryDate\":\"1999-01-01\"}",
            "{\"AllowedIpAddresses\":\"1.2.3.4,x\"}", "{\"Active\":\"maybe\"}", "[{},{\"Notes\":\"=a\"}]",
            "{Notes:a}", "Notes,ContactEmail\r\n-a,b\r\n",
        ]).prop_map(str::to_owned),
        1 => ".{0,40}",
    ];
    let media_type = prop::sample::select(vec![
        "application/json",
        "application/xml",
        "text/xml; charset=utf-8",
        "application/x-www-form-urlencoded",
        "image/png",
        "text/csv",
        "text/jsv",
        "text/jsonl",
    ]);
    let accept = prop::sample::select(vec![
        "*/*",
        "application/xml",
        "text/csv",
        "text/html",
        "",
        "application/json;q=0",
    ]);
    let method = prop::sample::select(vec!["GET", "POST", "POST", "PUT", "DELETE", "HEAD", "PATCH"]);
    let login = r#"{"UserName":"test","Password":"test"}"#;
    let login = world.answer(&ask("POST", "/authenticate", &[("content-type", "application/json")], login));
    let login: serde_json::Value = serde_json::from_slice(&login.body).unwrap();
    let bearer = format!("Bearer {}", login["BearerToken"].as_str().unwrap());
    let done = std::cell::Cell::new(0);
    let inputs = (method, path, query, body, media_type, accept);
    proptest!(ProptestConfig::with_cases(3_000), |((method, path, query, body, media_type, accept) in inputs)| {
        let target = format!("{}?{query}", path.replace("KEY", &key));
        let fields = [("content-type", media_type), ("accept", accept), ("authorization", bearer.as_str())];
        let answer = world.answer(&ask(method, &target, &fields, &body));
        prop_assert!(matches!(answer.status, 200 | 400 | 401 | 404 | 405 | 409 | 415), "{} {answer:?}", target);
        match field(&answer, "content-type").unwrap() {
            "application/xml" => prop_assert!(is_document(&answer.body), "{}", answer.body.escape_ascii()),
            "application/json; charset=utf-8" => {
                let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                let json = if let Some(list) = json.as_array() { list.first().cloned().unwrap_or_default() } else { json };
                let status = json.get("ResponseStatus").or_else(|| json.get("responseStatus"));
                prop_assert_eq!(status.is_some(), answer.status != 200, "{}", json);
            }
            "text/csv" | "text/jsv" | "text/jsonl" => prop_assert_eq!(answer.status, 200),
            other => prop_assert_eq!(other, "text/html; charset=utf-8"),
        }
        done.set(done.get() + u32::from(answer.status == 200 && method == "POST"));
    });
    assert!(done.get() > 0, "nothing reached past the refusals");
}

#[test]
fn the_services_own_client_works() {
    let wire = crate::wire::Wire::to(world());
    crate::clients::run_script("bokamera.mjs", "@servicestack/client", wire.address);
}

/// The documented sample of an answer.
const SAMPLE: &str = include_str!("../fixtures/bokamera_api_key_response.xml");

#[test]
fn xml_has_the_documented_elements_in_their_order_and_namespace() {
    let world = world();
    let parse = |text: &str| -> Vec<(String, String)> {
        let document = roxmltree::Document::parse(text).unwrap();
        let elements = document.root().descendants().filter(roxmltree::Node::is_element);
        let name = |node: roxmltree::Node<'_, '_>| {
            (node.tag_name().name().to_owned(), node.tag_name().namespace().unwrap_or_default().to_owned())
        };
        elements.map(name).collect()
    };
    let created = world.answer(&ask("POST", "/apikeys", &[("accept", "application/xml")], ""));
    let created = String::from_utf8(created.body).unwrap();
    assert_eq!(parse(&created), parse(SAMPLE));
    // What it declares and what a value may look like.
    let document = roxmltree::Document::parse(&created).unwrap();
    let root = document.root_element();
    assert_eq!(root.lookup_prefix("http://www.w3.org/2001/XMLSchema-instance"), Some("i"));
    let text = |name: &str| {
        root.children().find(|node| node.has_tag_name((root.tag_name().namespace().unwrap(), name)))
    };
    assert_eq!(text("Active").unwrap().text(), Some("true"));
    assert_eq!(text("CompanyId").unwrap().text(), Some(COMPANY));
    let nil = ("http://www.w3.org/2001/XMLSchema-instance", "nil");
    assert_eq!(text("ExpiryDate").unwrap().attribute(nil), Some("true"));
}
