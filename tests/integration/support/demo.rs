//! A shop with the data that `quarteto serve --demo` makes.

use indicatif::{MultiProgress, ProgressDrawTarget};
use quarteto::db::{PerStore, Store};
use quarteto::seed::{self, Plan};
use tokio::sync::OnceCell;

use super::server::Server;

/// The demo shop, by database name.
pub async fn shared() -> &'static PerStore<String> {
    static DEMO: OnceCell<PerStore<String>> = OnceCell::const_new();
    DEMO.get_or_init(|| async { open().await }).await
}

/// The demo shop, with a store whose database is away.
pub async fn without(down: Store) -> PerStore<String> {
    let whole = shared().await;
    PerStore::from_fn(|store| if store == down { "qt_away".into() } else { whole[store].clone() })
}

/// A demo shop of one's own.
pub async fn open() -> PerStore<String> {
    let server = Server::shared().await;
    let databases = server.databases().await;
    let stores = PerStore::from_fn(|store| server.options(store, &databases[store]));
    let silent = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    seed::run(&Plan::DEMO, &stores, &silent).await.expect("filled");
    databases
}
