//! Client of the API: it sends requests to a running server through the control socket, or answers them in this process
//! with the store opened here.

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

use crate::cli::args::data_dir::DataDir;
use crate::cli::failure::{CliError, Exit};
use crate::cli::serve::socket;
use crate::cli::store::open::{self, OpenedStore};
use crate::dialect::{Dialect as _, Native};
use crate::http::{Body, Entrance, RawRequest};
use crate::limits;

/// Client of keyward's own API.
pub(in crate::cli) enum ApiClient {
    /// Connection to the running server.
    Server(Runtime, Connection),
    /// Store of a directory without a running server, opened by this process.
    InProcess(Box<OpenedStore>),
}

type Connection = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

impl ApiClient {
    /// Opens a client, runs `work` with it, and stops an engine that was opened for it.
    pub(in crate::cli) fn with(
        data_dir: &DataDir,
        work: impl FnOnce(&mut Self) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        let mut client = Self::open(data_dir)?;
        let done = work(&mut client);
        match client {
            Self::Server(..) => done,
            Self::InProcess(opened) => {
                let stopped = opened.engine.stop();
                let exit = done?;
                stopped?;
                Ok(exit)
            }
        }
    }

    fn open(data_dir: &DataDir) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| CliError::system("this process could not be set up", &error))?;
        let path = socket::path(&data_dir.data);
        match runtime.block_on(connect(&path)) {
            Ok(connection) => Ok(Self::Server(runtime, connection)),
            // No server, or the socket of a server that died.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                open::existing(data_dir).map(|opened| Self::InProcess(Box::new(opened)))
            }
            Err(error) => Err(socket::failure(&data_dir.data, &error)),
        }
    }

    /// Sends a request and returns the JSON of the answer, `null` if the answer has none.
    pub(in crate::cli) fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, CliError> {
        self.send(method, target, body.map(Value::to_string).unwrap_or_default())
    }

    /// Sends a request as [`ApiClient::ask`] does, with a body that is text already.
    pub(in crate::cli) fn send(
        &mut self,
        method: &str,
        target: &str,
        body: String,
    ) -> Result<Value, CliError> {
        let (status, answer) = match self {
            Self::Server(runtime, connection) => {
                let limit = Duration::from_secs(limits::CONTROL_ANSWER_SECONDS);
                let exchange =
                    async { tokio::time::timeout(limit, send(connection, method, target, body)).await };
                let answered = runtime.block_on(exchange).map_err(|_| CliError::new(Exit::Failed, SILENT))?;
                answered.map_err(|error| CliError::new(Exit::Failed, format!("{CUT_OFF} ({error})")))?
            }
            Self::InProcess(opened) => {
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
const CUT_OFF: &str =
    "the server ended before it answered: check whether the change was made, then try again";

async fn connect(path: &Path) -> io::Result<Connection> {
    let stream = UnixStream::connect(path).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (connection, driver) = handshake.map_err(io::Error::other)?;
    // An error of the driver reaches the caller as an error of the request.
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

fn refusal(status: u16, problem: &Value) -> CliError {
    let text = |name: &str| problem.get(name).and_then(Value::as_str);
    let exit = match text("code") {
        Some("no_such_user" | "no_such_key") => Exit::NotFound,
        _ => Exit::Failed,
    };
    match text("detail") {
        Some(detail) => CliError::new(exit, detail),
        None => CliError::new(exit, format!("the server answered with status {status}; see its log")),
    }
}
