//! Reaches the API: through the control socket of a running server, otherwise in this process.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use crate::cli::args::Place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::serve::socket;
use crate::cli::store::open::{self, Opened};
use crate::dialect::{Dialect as _, Native};
use crate::http::{Body, Entrance, RawRequest};
use crate::limits;

/// A way to ask keyward's own API.
pub(in crate::cli) enum Door {
    /// A server runs, and is asked.
    Server(Runtime, Connection),
    /// None runs: the store is open here.
    Here(Opened),
}

type Connection = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

impl Door {
    /// Opens a door, has `work` done through it, and closes it in good order.
    pub(in crate::cli) fn with(
        place: &Place,
        work: impl FnOnce(&mut Self) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let mut door = Self::open(place)?;
        let done = work(&mut door);
        match door {
            Self::Server(..) => done,
            Self::Here(opened) => {
                let stopped = opened.engine.stop();
                let exit = done?;
                stopped?;
                Ok(exit)
            }
        }
    }

    fn open(place: &Place) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::system("this process could not be set up", &error))?;
        let path = socket::path(&place.data);
        match runtime.block_on(connect(&path)) {
            Ok(connection) => Ok(Self::Server(runtime, connection)),
            // No server, or one that died and left its socket behind.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                open::existing(place).map(Self::Here)
            }
            Err(error) => Err(socket::failure(&place.data, &error)),
        }
    }

    /// Asks, and gives the answer's JSON (null when there is none).
    pub(in crate::cli) fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        self.send(method, target, body.map(Value::to_string).unwrap_or_default())
    }

    /// As [`Door::ask`], with a body that is written already.
    pub(in crate::cli) fn send(
        &mut self,
        method: &str,
        target: &str,
        body: String,
    ) -> Result<Value, Failure> {
        let (status, answer) = match self {
            Self::Server(runtime, connection) => {
                let limit = Duration::from_secs(limits::CONTROL_ANSWER_SECONDS);
                let exchange =
                    async { tokio::time::timeout(limit, send(connection, method, target, body)).await };
                let answered = runtime.block_on(exchange).map_err(|_| Failure::new(Exit::Failed, SILENT))?;
                answered.map_err(|error| Failure::new(Exit::Failed, format!("{CUT_OFF} ({error})")))?
            }
            Self::Here(opened) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let request = RawRequest {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    query: query.to_owned(),
                    headers: Vec::new(),
                    client: None,
                    entrance: Entrance::Local,
                    body: Body::Whole(body.into_bytes()),
                };
                let response = Native::for_operator().answer(&opened.service, &request);
                (response.status, response.body.into())
            }
        };
        let answer = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        if (200..300).contains(&status) { Ok(answer) } else { Err(refusal(status, &answer)) }
    }
}

const SILENT: &str = "the server does not answer; see its log, or stop it and try again";
const CUT_OFF: &str = "the server ended before it answered: look whether the change was made, then try again";

async fn connect(path: &Path) -> io::Result<Connection> {
    let stream = UnixStream::connect(path).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (connection, driver) = handshake.map_err(io::Error::other)?;
    // Its end is seen by whoever asks.
    tokio::spawn(driver);
    Ok(connection)
}

async fn send(
    connection: &mut Connection,
    method: &str,
    target: &str,
    body: String,
) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::from(body))?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn refusal(status: u16, problem: &Value) -> Failure {
    let text = |name: &str| problem.get(name).and_then(Value::as_str);
    let exit = match text("code") {
        Some("no_such_user" | "no_such_key") => Exit::NotFound,
        _ => Exit::Failed,
    };
    match text("detail") {
        Some(detail) => Failure::new(exit, detail),
        None => Failure::new(exit, format!("the server answered with status {status}; see its log")),
    }
}
