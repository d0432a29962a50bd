//! Servers as processes of their own: where they are, how they begin and end, and what they have used of the
//! processors.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process that is asked to stop when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits until it takes connections.
    pub(crate) fn listening(mut self, address: SocketAddr) -> Self {
        while TcpStream::connect(address).is_err() {
            assert!(self.0.try_wait().unwrap().is_none(), "a server ended before it began to listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// Seconds of processors that its threads have used so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap();
        // A thread may end in between; those that work do not.
        let texts = threads.flatten().flat_map(|thread| fs::read_to_string(thread.path().join("schedstat")));
        let nanoseconds = texts.map(|text| text.split(' ').next().unwrap().parse::<f64>().unwrap());
        nanoseconds.sum::<f64>() / 1e9
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// Where a program is on this machine.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let places = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
    places.into_iter().map(|place| Path::new(place).join(name)).find(|path| path.is_file())
}

/// An address that no process listened on a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The middle, and what leaves a quarter below and above.
pub(crate) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |quarter: usize| figures.get(figures.len() * quarter / 4).copied().unwrap();
    (at(1), at(2), at(3))
}
