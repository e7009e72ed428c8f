//! A proxy in front of the server: it can cut connections, refuse new ones,
//! fall silent, and it counts the statements that pass.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::server::Target;

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// Connections are closed and new ones refused.
    Cut,
    /// Bytes from the client are swallowed.
    Silent,
    /// Bytes from the client wait.
    Held,
    /// The next BEGIN waits, and nothing else.
    Picking,
}

impl Mode {
    fn holds(self) -> bool {
        matches!(self, Self::Held | Self::Picking)
    }
}

/// A proxy to one store.
pub struct Proxy {
    port: u16,
    target: Target,
    mode: watch::Sender<Mode>,
    watched: Arc<Watched>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy on a free port.
    pub async fn start(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let mut proxy = Self {
            port,
            target,
            mode: watch::channel(Mode::Open).0,
            watched: Arc::default(),
            accepting: None,
        };
        proxy.accept(listener);
        proxy
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Prepared statements executed through it so far, counted on the wire.
    pub fn executed(&self) -> u64 {
        self.watched.executed.load(Ordering::SeqCst)
    }

    /// Closes every connection and refuses new ones: a server that is gone.
    pub async fn cut(&mut self) {
        self.mode.send_replace(Mode::Cut);
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
    }

    /// Swallows what clients say, without closing anything: a server behind a
    /// network that drops packets.
    pub fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// Breaks the connection of the next COMMIT that passes: before the server
    /// hears of it, or after it has answered.
    pub fn lose_next_commit(&self, loss: Loss) {
        *self.watched.trap.lock().expect("whole") = Some(loss);
    }

    /// As [`cut`](Self::cut), without waiting for it: for a caller that cannot.
    pub fn lose_everything(&self) {
        self.watched.gone.store(true, Ordering::SeqCst);
        self.mode.send_replace(Mode::Cut);
    }

    /// Keeps what clients say until [`restore`](Self::restore).
    pub fn hold(&self) {
        self.mode.send_replace(Mode::Held);
    }

    /// Keeps the next transaction that begins until [`restore`](Self::restore):
    /// all others overtake it.
    pub fn hold_one(&self) {
        self.watched.picked.store(false, Ordering::SeqCst);
        self.mode.send_replace(Mode::Picking);
    }

    /// Waits until something is being kept.
    pub async fn holds_something(&self) {
        while self.watched.held.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Works again.
    pub async fn restore(&mut self) {
        self.mode.send_replace(Mode::Open);
        if self.accepting.is_none() {
            let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("our old port");
            self.accept(listener);
        }
    }

    fn accept(&mut self, listener: TcpListener) {
        let (target, mode, watched) = (self.target.clone(), self.mode.clone(), Arc::clone(&self.watched));
        self.accepting = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if watched.gone.load(Ordering::SeqCst) {
                    continue;
                }
                let relay = relay(client, target.clone(), mode.subscribe(), Arc::clone(&watched));
                tokio::spawn(relay);
            }
        }));
    }
}

/// What all connections of a proxy share.
#[derive(Default)]
struct Watched {
    executed: AtomicU64,
    held: AtomicU64,
    picked: AtomicBool,
    gone: AtomicBool,
    trap: Mutex<Option<Loss>>,
}

async fn relay(client: TcpStream, target: Target, mut mode: watch::Receiver<Mode>, watched: Arc<Watched>) {
    let silent = mode.clone();
    let cut = async { mode.wait_for(|mode| *mode == Mode::Cut).await.map(|_| ()) };
    let relayed = async {
        let (from_client, to_client) = client.into_split();
        match target {
            Target::Socket(path) => {
                let (from_server, to_server) = UnixStream::connect(path).await?.into_split();
                both(from_client, to_client, from_server, to_server, silent, &watched).await
            }
            Target::Address(address) => {
                let server = TcpStream::connect(address).await?;
                server.set_nodelay(true)?;
                let (from_server, to_server) = server.into_split();
                both(from_client, to_client, from_server, to_server, silent, &watched).await
            }
        }
    };
    tokio::select! {
        _ = cut => {}
        _ = relayed => {}
    }
}

async fn both(
    from_client: impl AsyncRead + Unpin,
    to_client: impl AsyncWrite + Unpin,
    from_server: impl AsyncRead + Unpin,
    to_server: impl AsyncWrite + Unpin,
    mode: watch::Receiver<Mode>,
    watched: &Watched,
) -> std::io::Result<()> {
    let lost = AtomicBool::new(false);
    let down = copy(from_server, to_client, |_| match lost.load(Ordering::SeqCst) {
        true => Passing::Break,
        false => Passing::On,
    });
    let mut packets = Packets::default();
    let up = copy(from_client, to_server, |bytes| {
        watched.executed.fetch_add(packets.count_executions(bytes), Ordering::SeqCst);
        if bytes.ends_with(b"\x03COMMIT") {
            match watched.trap.lock().expect("whole").take() {
                Some(Loss::BeforeCommit) => return Passing::Break,
                Some(Loss::AfterCommit) => lost.store(true, Ordering::SeqCst),
                Some(Loss::AfterCommitForGood) => {
                    watched.gone.store(true, Ordering::SeqCst);
                    lost.store(true, Ordering::SeqCst);
                }
                None => {}
            }
        }
        let now = *mode.borrow();
        let waits = match now {
            Mode::Silent => return Passing::Swallow,
            Mode::Held => true,
            Mode::Picking => bytes.ends_with(b"\x03BEGIN") && !watched.picked.swap(true, Ordering::SeqCst),
            Mode::Open | Mode::Cut => false,
        };
        if !waits {
            return Passing::On;
        }
        watched.held.fetch_add(1, Ordering::SeqCst);
        Passing::Wait(mode.clone())
    });
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut passes: impl FnMut(&[u8]) -> Passing,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        match passes(&buffer[..length]) {
            Passing::On => to.write_all(&buffer[..length]).await?,
            Passing::Wait(mut mode) => {
                let _ = mode.wait_for(|mode| !mode.holds()).await;
                to.write_all(&buffer[..length]).await?;
            }
            Passing::Swallow => {}
            Passing::Break => return Ok(()),
        }
    }
}

/// When a COMMIT is lost.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    BeforeCommit,
    AfterCommit,
    /// And nobody gets through afterwards.
    AfterCommitForGood,
}

/// What becomes of bytes on their way.
enum Passing {
    On,
    Wait(watch::Receiver<Mode>),
    Swallow,
    Break,
}

/// The packets that a client sends: three bytes of length, one of sequence, then
/// the payload, whose first byte is the command when the sequence is 0.
#[derive(Default)]
struct Packets {
    header: Vec<u8>,
    left: usize,
}

/// `COM_STMT_EXECUTE`
const EXECUTE: u8 = 0x17;

impl Packets {
    fn count_executions(&mut self, bytes: &[u8]) -> u64 {
        let mut count = 0;
        for byte in bytes {
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            self.header.push(*byte);
            if let [a, b, c, sequence, command] = self.header[..] {
                let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
                count += u64::from(sequence == 0 && command == EXECUTE);
                self.left = length.saturating_sub(1);
                self.header.clear();
            }
        }
        count
    }
}
