//! The documented calls as curl makes them, against the real binary.

use std::process::Command;

use serde_json::Value;

use crate::demo::Demo;
use crate::skipped::skipped;

impl Demo {
    /// What curl prints about `function`, called with `fields` behind `option` each; the rest of `args` as they are.
    fn call(&self, function: &str, option: &str, fields: &[&str], args: &[&str]) -> Value {
        let fields = fields.iter().flat_map(|field| [option, field]);
        let mut command = Command::new("curl");
        command
            .args(["-sS", "--noproxy", "*"])
            .args(args)
            .args(fields)
            .arg(format!("http://{}/api/v2.0.0/user/{function}", self.address));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn the_documented_calls_work_as_curl_sends_them() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("there is no curl");
        return;
    }
    let demo = Demo::start();
    // As parts, as pairs, as chunks, after asking whether to go on, and over the version that has no keep-alive.
    let ways: [(&str, &[&str]); 5] = [
        ("-F", &[]),
        ("-d", &[]),
        ("-d", &["-H", "Transfer-Encoding: chunked"]),
        ("-F", &["-H", "Expect: 100-continue"]),
        ("-F", &["--http1.0"]),
    ];
    for (option, args) in ways {
        let login = ["username=test", "password=test"];
        let create = |level: &str| {
            let fields = [&login[..], &[level, "comment=This is a test key"]].concat();
            let created = demo.call("create_apikey", option, &fields, args);
            assert_eq!(created["status"], "success", "{option} {args:?} {created}");
            created["data"]["new_key"].as_str().unwrap().to_owned()
        };
        let (full, other) = (create("access_level=full"), create("access_level=apikey"));
        let apikey = format!("apikey={full}");
        let listed = demo.call("apikeys", option, &[&apikey], args);
        let row = &listed["data"]["apikeys"][&other];
        assert_eq!((&row["key"], &row["comment"]), (&other.as_str().into(), &"This is a test key".into()));
        assert_eq!(row["access_level"], "apikey");
        let deleted = demo.call("delete_apikey", option, &[&apikey, &format!("delete_key={other}")], args);
        assert_eq!(deleted["data"]["deleted_keys"][&other]["key"], *other, "{option} {args:?} {deleted}");
        let listed = demo.call("apikeys", option, &[&apikey], args);
        assert!(
            listed["data"]["apikeys"].get(&other).is_none() && listed["data"]["apikeys"].get(&full).is_some()
        );
    }
    // A form that is too large is answered, and curl gets to read the answer.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 3 << 20]).unwrap();
    for (option, field) in [("-F", "comment=<"), ("--data-binary", "@"), ("-F", "file=@")] {
        let field = format!("{field}{}", file.path().display());
        for args in [&[][..], &["-H", "Transfer-Encoding: chunked"]] {
            let refused = demo.call("apikeys", option, &[&field], args);
            assert_eq!(refused["error_id"], "api/not-authenticated", "{option} {args:?} {refused}");
        }
    }
}
