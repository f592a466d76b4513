//! Sends batches in the background, so many at a time.

use std::sync::{Arc, Mutex, OnceLock};

use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::failure::{Code, Failure};
use crate::session::Connected;
use crate::values::{Row, Rows};

/// Batches of up to this many rows are made once for each size.
const KEPT_SIZES: usize = 256;

struct Shared {
    connected: Arc<Connected>,
    statement: PreparedStatement,
    batches: Vec<OnceLock<Batch>>,
    first_failure: Mutex<Option<Failure>>,
}

struct Unsent<'a> {
    shared: &'a Shared,
    is_sent: bool,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if !self.is_sent {
            self.shared.fail(Failure::new(Code::Unavailable, "the driver failed while it sent rows; they are sent again"));
        }
    }
}

pub struct Writer {
    runtime: Handle,
    shared: Arc<Shared>,
    columns: usize,
    in_flight: usize,
    permits: Arc<Semaphore>,
}

fn batch_of(statement: &PreparedStatement, rows: usize) -> Batch {
    let one = BatchStatement::PreparedStatement(statement.clone());
    let mut batch = Batch::new_with_statements(BatchType::Unlogged, vec![one; rows]);
    batch.set_is_idempotent(true);
    batch
}

impl Shared {
    async fn send(&self, rows: Rows) {
        // A panic in the driver unwinds this, and wait() must not take the rows for sent.
        let mut unsent = Unsent { shared: self, is_sent: false };
        let sent = if rows.len() == 1 { self.send_row(&rows).await } else { self.send_batch(&rows).await };
        unsent.is_sent = true;
        if let Err(failure) = sent {
            self.fail(failure);
        }
    }

    fn fail(&self, failure: Failure) {
        self.first_failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(failure);
    }

    /// A request of one statement is cheaper for the nodes than a batch of one.
    async fn send_row(&self, rows: &Rows) -> Result<(), Failure> {
        self.connected
            .retried(|| async move {
                let row = rows.row(0).unwrap_or(Row(&[]));
                let answer = self.connected.session().execute_unpaged(&self.statement, row).await;
                answer.map(|_| ()).map_err(Failure::from)
            })
            .await
    }

    async fn send_batch(&self, rows: &Rows) -> Result<(), Failure> {
        let own;
        let batch = match self.batches.get(rows.len()) {
            Some(kept) => kept.get_or_init(|| batch_of(&self.statement, rows.len())),
            None => {
                own = batch_of(&self.statement, rows.len());
                &own
            }
        };
        self.connected
            .retried(|| async move {
                let answer = self.connected.session().batch(batch, rows).await;
                answer.map(|_| ()).map_err(Failure::from)
            })
            .await
    }

    fn failure(&self) -> Option<Failure> {
        self.first_failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl Writer {
    pub async fn open(connected: Arc<Connected>, statement: &str, in_flight: usize) -> Result<Writer, Failure> {
        let statement = connected.prepared(statement).await?;
        let columns = statement.get_variable_col_specs().len();
        let batches = (0..=KEPT_SIZES).map(|_| OnceLock::new()).collect();
        let shared = Shared { connected, statement, batches, first_failure: Mutex::new(None) };
        Ok(Writer {
            runtime: Handle::current(),
            shared: Arc::new(shared),
            columns,
            in_flight,
            permits: Arc::new(Semaphore::new(in_flight)),
        })
    }

    pub fn submit(&self, mut values: &[u8], batch_rows: &[u32]) -> Result<(), Failure> {
        for count in batch_rows {
            if let Some(failure) = self.shared.failure() {
                return Err(failure);
            }
            let rows = Rows::take(&mut values, *count as usize, self.columns)
                .filter(|rows| rows.len() > 0)
                .ok_or_else(|| Failure::new(Code::Invalid, "the values are not those of the statement"))?;
            let permit = match self.permits.clone().try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => self
                    .runtime
                    .block_on(self.permits.clone().acquire_owned())
                    .map_err(|_| Failure::new(Code::Unavailable, "the writer is closed"))?,
            };
            let shared = self.shared.clone();
            self.runtime.spawn(async move {
                shared.send(rows).await;
                drop(permit);
            });
        }
        match self.shared.failure() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    pub fn wait(&self) -> Result<(), Failure> {
        let all = self.permits.acquire_many(self.in_flight as u32);
        drop(self.runtime.block_on(all).map_err(|_| Failure::new(Code::Unavailable, "the writer is closed"))?);
        match self.shared.first_failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}
