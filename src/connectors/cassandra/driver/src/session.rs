//! A session with a cluster: statements that are prepared once, retries, and the news that requests fail or succeed again.

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openssl::ssl::{SslContextBuilder, SslFiletype, SslMethod, SslVerifyMode};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::client::PoolSize;
use scylla::cluster::Node;
use scylla::deserialize::row::ColumnIterator;
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy, NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::policies::reconnect::ExponentialReconnectPolicy;
use scylla::response::PagingState;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, Statement};

use crate::failure::{Code, Failure};
use crate::replication::shortage_of;
use crate::values::Row;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(1000);
const LONGEST_RECONNECT_PAUSE: Duration = Duration::from_millis(1000);
/// Statements are few; beyond this many something makes them up.
const MOST_STATEMENTS: usize = 256;

pub struct Options {
    pub hosts: Vec<String>,
    pub keyspace: String,
    pub local_datacentre: String,
    pub user: String,
    pub password: String,
    pub tls: bool,
    pub ca_file: String,
    pub certificate_file: String,
    pub key_file: String,
    pub consistency: String,
    pub request_timeout: Duration,
    pub retry_for: Duration,
    pub is_in_trouble: bool,
    pub changed: Box<dyn Fn(Option<&Failure>) + Send + Sync>,
}

pub struct Connected {
    session: Session,
    statements: Mutex<HashMap<String, PreparedStatement>>,
    keyspace: String,
    local_datacentre: String,
    retry_for: Duration,
    request_timeout: Duration,
    is_in_trouble: AtomicBool,
    trouble_began: Mutex<Instant>,
    changed: Box<dyn Fn(Option<&Failure>) + Send + Sync>,
    random: AtomicU64,
}

pub struct Page {
    pub count: usize,
    pub values: Vec<u8>,
    pub paging: Vec<u8>,
}

fn consistency_of(name: &str) -> Option<Consistency> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ANY" => Consistency::Any,
        "ONE" => Consistency::One,
        "TWO" => Consistency::Two,
        "THREE" => Consistency::Three,
        "QUORUM" => Consistency::Quorum,
        "ALL" => Consistency::All,
        "LOCAL_QUORUM" => Consistency::LocalQuorum,
        "EACH_QUORUM" => Consistency::EachQuorum,
        "LOCAL_ONE" => Consistency::LocalOne,
        _ => return None,
    })
}

fn tls_context(options: &Options) -> Result<openssl::ssl::SslContext, Failure> {
    let bad = |what: &str, file: &str| {
        let what = format!("{what} {file} cannot be used; it must be a readable PEM file");
        move |_| Failure::new(Code::Invalid, what)
    };
    let mut builder = SslContextBuilder::new(SslMethod::tls_client()).map_err(bad("TLS", ""))?;
    if options.ca_file.is_empty() {
        builder.set_default_verify_paths().map_err(bad("the system's certificates", ""))?;
    } else {
        builder.set_ca_file(&options.ca_file).map_err(bad("ca_file", &options.ca_file))?;
    }
    if !options.certificate_file.is_empty() {
        builder
            .set_certificate_chain_file(&options.certificate_file)
            .map_err(bad("certificate_file", &options.certificate_file))?;
        builder
            .set_private_key_file(&options.key_file, SslFiletype::PEM)
            .map_err(bad("key_file", &options.key_file))?;
    }
    builder.set_verify(SslVerifyMode::PEER);
    Ok(builder.build())
}

impl Connected {
    pub async fn open(options: Options) -> Result<Connected, Failure> {
        let consistency = consistency_of(&options.consistency).ok_or_else(|| {
            Failure::new(Code::Invalid, format!("consistency {} does not exist", options.consistency))
        })?;
        let mut balancing = DefaultPolicy::builder();
        if !options.local_datacentre.is_empty() {
            balancing = balancing.prefer_datacenter(options.local_datacentre.clone());
        }
        let profile = ExecutionProfile::builder()
            .consistency(consistency)
            .request_timeout(Some(options.request_timeout))
            .load_balancing_policy(balancing.build())
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&options.hosts)
            .default_execution_profile_handle(profile.into_handle())
            .connection_timeout(options.request_timeout)
            .hostname_resolution_timeout(Some(options.request_timeout))
            .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
            .disallow_shard_aware_port(true)
            .keyspaces_to_fetch([options.keyspace.as_str()])
            .fetch_full_schema_metadata(false)
            .schema_agreement_interval(Duration::from_millis(50))
            .schema_agreement_timeout(options.request_timeout)
            .tcp_keepalive_interval(Duration::from_secs(5))
            .keepalive_interval(Duration::from_secs(5))
            .keepalive_timeout(options.request_timeout);
        builder.config.reconnect_policy =
            Arc::new(ExponentialReconnectPolicy::new().with_backoff_limits(FIRST_PAUSE, LONGEST_RECONNECT_PAUSE));
        if !options.user.is_empty() {
            builder = builder.user(&options.user, &options.password);
        }
        if options.tls {
            builder = builder.tls_context(Some(tls_context(&options)?));
        }
        // A node that is silent must not hold the caller longer than it wants to wait.
        let session = tokio::time::timeout(options.request_timeout * 2, builder.build())
            .await
            .map_err(|_| Failure::new(Code::Unavailable, "no answer"))??;
        let connected = Connected {
            session,
            statements: Mutex::default(),
            keyspace: options.keyspace,
            local_datacentre: options.local_datacentre,
            retry_for: options.retry_for,
            request_timeout: options.request_timeout,
            is_in_trouble: AtomicBool::new(options.is_in_trouble),
            trouble_began: Mutex::new(Instant::now()),
            changed: options.changed,
            random: AtomicU64::new(std::process::id() as u64 | 1 << 40),
        };
        connected.check_datacentre()?;
        Ok(connected)
    }

    fn check_datacentre(&self) -> Result<(), Failure> {
        let wanted = self.local_datacentre.as_str();
        let state = self.session.get_cluster_state();
        let mut known: Vec<&str> =
            state.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
        known.sort_unstable();
        known.dedup();
        if wanted.is_empty() || known.contains(&wanted) {
            return Ok(());
        }
        let message = format!("there is no data centre {wanted}; there are: {}", known.join(", "));
        Err(Failure::new(Code::Invalid, message))
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub async fn prepared(&self, statement: &str) -> Result<PreparedStatement, Failure> {
        if let Some(known) = self.statements.lock().unwrap().get(statement) {
            return Ok(known.clone());
        }
        let mut prepared = self
            .retried(|| async {
                tokio::time::timeout(self.request_timeout, self.session.prepare(statement))
                    .await
                    .map_err(|_| Failure::new(Code::Unavailable, "no answer"))?
                    .map_err(Failure::from)
            })
            .await?;
        prepared.set_is_idempotent(true);
        let mut statements = self.statements.lock().unwrap();
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(statement.to_string(), prepared.clone());
        Ok(prepared)
    }

    /// The node that is asked to change the schema. All processes take the same one: two nodes that are asked at the same
    /// moment would each make a table of that name, and one of the two is lost.
    fn schema_node(&self) -> Option<Arc<dyn LoadBalancingPolicy>> {
        let state = self.session.get_cluster_state();
        let serves = |node: &&Arc<Node>| {
            let is_near = self.local_datacentre.is_empty() || node.datacenter.as_ref() == Some(&self.local_datacentre);
            is_near && node.is_connected()
        };
        let first = state.get_nodes_info().iter().filter(serves).min_by_key(|node| node.host_id)?;
        Some(SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(first.clone()), None))
    }

    pub async fn execute(&self, statement: &str) -> Result<(), Failure> {
        let mut unprepared = Statement::new(statement);
        unprepared.set_is_idempotent(true);
        unprepared.set_load_balancing_policy(self.schema_node());
        self.session.query_unpaged(unprepared, ()).await?;
        // A table that is there already may be another process's, of this moment.
        self.agree().await
    }

    /// Until all nodes that are connected have the same schema.
    pub async fn agree(&self) -> Result<(), Failure> {
        let agreed = self.session.await_schema_agreement().await;
        agreed.map(|_| ()).map_err(|error| Failure::new(Code::Unavailable, error.to_string()))
    }

    /// `of_schema`: from the node that changes the schema, which knows it first.
    pub async fn select(
        &self,
        statement: &str,
        values: &[u8],
        page_rows: i32,
        paging: &[u8],
        of_schema: bool,
    ) -> Result<Page, Failure> {
        let mut prepared = self.prepared(statement).await?;
        prepared.set_page_size(page_rows);
        if of_schema {
            prepared.set_load_balancing_policy(self.schema_node());
        }
        let (result, state) = self
            .retried(|| async {
                let paging = if paging.is_empty() {
                    PagingState::start()
                } else {
                    PagingState::new_from_raw_bytes(paging)
                };
                let answer = self.session.execute_single_page(&prepared, Row(values), paging).await;
                answer.map_err(Failure::from)
            })
            .await?;
        let bad = |error: &dyn std::fmt::Display| Failure::new(Code::Invalid, error.to_string());
        let result = result.into_rows_result().map_err(|error| bad(&error))?;
        let mut page = Page { count: 0, values: Vec::with_capacity(result.rows_bytes_size()), paging: Vec::new() };
        for row in result.rows::<ColumnIterator>().map_err(|error| bad(&error))? {
            for column in row.map_err(|error| bad(&error))? {
                match column.map_err(|error| bad(&error))?.slice {
                    None => page.values.extend_from_slice(&(-1i32).to_be_bytes()),
                    Some(slice) => {
                        let bytes = slice.as_slice();
                        page.values.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
                        page.values.extend_from_slice(bytes);
                    }
                }
            }
            page.count += 1;
        }
        if let std::ops::ControlFlow::Continue(next) = state.into_paging_control_flow() {
            page.paging = next.as_bytes_slice().map(|bytes| bytes.to_vec()).unwrap_or_default();
        }
        Ok(page)
    }

    /// Tries again with growing, random pauses while the cluster may recover.
    pub async fn retried<T, F, Fut>(&self, attempt: F) -> Result<T, Failure>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match attempt().await {
                Ok(value) => {
                    self.say_well();
                    return Ok(value);
                }
                Err(failure) => self.explained(failure),
            };
            if !failure.is_transient() {
                return Err(failure);
            }
            self.say_trouble(&failure);
            let jittered = pause.mul_f64(0.5 + self.random_fraction());
            if began.elapsed() + jittered > self.retry_for {
                return Err(failure);
            }
            tokio::time::sleep(jittered).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Nodes that do not exist will not come up.
    fn explained(&self, failure: Failure) -> Failure {
        let shortage = failure.lacks_nodes.then(|| shortage_of(&self.session.get_cluster_state(), &self.keyspace));
        match shortage.flatten() {
            Some(text) => Failure::new(Code::Replication, text),
            None => failure,
        }
    }

    /// Code::Replication when the keyspace asks for more nodes than there are. A keyspace that does not exist asks for none.
    pub async fn check_replication(&self) -> Result<(), Failure> {
        let refreshed = self.session.refresh_metadata().await;
        refreshed.map_err(|error| Failure::new(Code::Unavailable, error.to_string()))?;
        match shortage_of(&self.session.get_cluster_state(), &self.keyspace) {
            Some(text) => Err(Failure::new(Code::Replication, text)),
            None => Ok(()),
        }
    }

    fn say_trouble(&self, failure: &Failure) {
        if !self.is_in_trouble.swap(true, Ordering::AcqRel) {
            *self.trouble_began.lock().unwrap() = Instant::now();
            (self.changed)(Some(failure));
        }
    }

    /// The crate waits without end for the first answers on a new connection. Where a line swallowed them, only another session
    /// helps.
    pub fn is_stuck(&self) -> bool {
        self.is_in_trouble.load(Ordering::Acquire)
            && self.trouble_began.lock().unwrap().elapsed() > 3 * self.request_timeout
            && !self.session.get_cluster_state().get_nodes_info().iter().any(|node| node.is_connected())
    }

    fn say_well(&self) {
        if self.is_in_trouble.load(Ordering::Acquire) && self.is_in_trouble.swap(false, Ordering::AcqRel) {
            (self.changed)(None);
        }
    }

    /// 0 to 1: the multiplicative sequence of Lehmer, which is random enough to spread clients.
    fn random_fraction(&self) -> f64 {
        let next = |state: u64| Some(state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
        let state = self.random.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(0);
        (state >> 40) as f64 / (1u64 << 24) as f64
    }
}
