//! The servers, each a process of its own, ready.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::floors::Floor;
use super::keys::Keys;
use super::process::{Process, free_address};

/// One that takes requests.
pub(crate) struct Peer {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Peer {
    /// A process that prints where it listens.
    fn telling(command: &mut Command) -> Self {
        let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { process, address }
    }
}

/// The real program over a real store, with every key in memory.
pub(crate) fn keyward(keys: &Keys) -> Peer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.arg("--data").arg(&keys.data).args(["serve", "--listen", "127.0.0.1:0"]);
    let peer = Peer::telling(&mut command);
    while !is_ready(peer.address) {
        std::thread::sleep(Duration::from_millis(100));
    }
    peer
}

fn is_ready(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200 ")
}

/// This program, in the role of a floor.
pub(crate) fn floor(floor: Floor, role: &str) -> Peer {
    Peer::telling(Command::new(std::env::current_exe().unwrap()).env(role, floor.name()))
}

/// nginx as one process that answers 200 to every request.
pub(crate) fn nginx_return(program: &Path, dir: &Path) -> Peer {
    nginx(program, dir, "", "return 200;")
}

/// nginx as one process that answers 200 where the key is in a map, and 401 elsewhere.
pub(crate) fn nginx_map(program: &Path, dir: &Path, keys: &Keys) -> Peer {
    // Twice as many places as keys, and room for those that meet in one.
    let places = 2 * keys.texts.len();
    fs::create_dir_all(dir).unwrap();
    write_lines(&dir.join("keys.map"), keys, |key| format!("{key} 1;"));
    let map = format!(
        "map_hash_max_size {places}; map_hash_bucket_size 1024;
        map $http_x_api_key $known {{ default 0; include keys.map; }}"
    );
    nginx(program, dir, &map, "if ($known = 0) { return 401; } return 200;")
}

fn nginx(program: &Path, dir: &Path, http: &str, server: &str) -> Peer {
    fs::create_dir_all(dir).unwrap();
    let address = free_address();
    let config = format!(
        "daemon off; master_process off; pid nginx.pid; error_log error.log;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
            client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
            {http}
            server {{ listen {address}; {server} }}
        }}"
    );
    fs::write(dir.join("nginx.conf"), config).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf")).args(["-e", "error.log"]);
    Peer { process: Process::start(&mut command).listening(address), address }
}

/// HAProxy with one thread that answers 200 where the key is in a map, and 401 elsewhere.
pub(crate) fn haproxy_map(program: &Path, dir: &Path, keys: &Keys) -> Peer {
    fs::create_dir_all(dir).unwrap();
    let (map, address) = (dir.join("keys.map"), free_address());
    write_lines(&map, keys, |key| format!("{key} 1"));
    let config = format!(
        "global\n nbthread 1\n maxconn 1000\n\
        defaults\n mode http\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n\
        frontend keys\n bind {address}\n \
        http-request return status 200 if {{ req.hdr(x-api-key),map_str({}) -m found }}\n \
        http-request return status 401\n",
        map.display()
    );
    fs::write(dir.join("haproxy.cfg"), config).unwrap();
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
    Peer { process: Process::start(&mut command).listening(address), address }
}

fn write_lines(path: &Path, keys: &Keys, line: impl Fn(&str) -> String) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    keys.texts.iter().for_each(|key| writeln!(file, "{}", line(key)).unwrap());
    file.flush().unwrap();
}
