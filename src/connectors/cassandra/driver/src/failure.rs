//! What went wrong, as the caller can act on it.

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError,
};

/// What OpenSSL says of an answer that is none of TLS.
const NO_TLS: [&str; 3] = ["wrong version number", "packet length too long", "record layer failure"];

/// How Cassandra refuses writes while the disks of their nodes are fuller than its guardrail allows.
const NO_ROOM: &str = "Guardrail replica_disk_usage violated";

#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Invalid = 0,
    NotFound = 1,
    Conflict = 2,
    Unavailable = 3,
    Login = 4,
    Full = 5,
    Replication = 6,
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    /// Fewer of a row's nodes are up than the consistency asks for.
    pub lacks_nodes: bool,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure { code, message: message.into(), lacks_nodes: false }
    }

    /// Somebody may mend it while the caller waits.
    pub fn is_transient(&self) -> bool {
        matches!(self.code, Code::Unavailable | Code::Full | Code::Replication)
    }
}

fn code_of_database(error: &DbError, message: &str) -> Code {
    match error {
        DbError::AlreadyExists { .. } => Code::Conflict,
        // A node that cannot read the logins just now says so with the same codes.
        DbError::AuthenticationError | DbError::Unauthorized if message.starts_with("Unable to perform") => Code::Unavailable,
        DbError::AuthenticationError | DbError::Unauthorized => Code::Login,
        DbError::Invalid if message.starts_with(NO_ROOM) => Code::Full,
        DbError::Invalid | DbError::ConfigError => {
            let missing = ["does not exist", "unconfigured table", "doesn't exist"];
            if missing.iter().any(|text| message.contains(text)) {
                Code::NotFound
            } else {
                Code::Invalid
            }
        }
        DbError::SyntaxError | DbError::FunctionFailure { .. } => Code::Invalid,
        _ => Code::Unavailable,
    }
}

fn of_connection(error: &ConnectionError) -> Failure {
    let code = match error {
        ConnectionError::ConnectionSetupRequestError(setup) => match setup.get_error() {
            ConnectionSetupRequestErrorKind::DbError(database, message) => {
                return Failure::new(code_of_database(database, message), message.clone())
            }
            ConnectionSetupRequestErrorKind::MissingAuthentication => {
                return Failure::new(Code::Login, "the nodes ask for a user and a password, and none is given")
            }
            ConnectionSetupRequestErrorKind::StartAuthSessionError(_)
            | ConnectionSetupRequestErrorKind::AuthChallengeEvaluationError(_)
            | ConnectionSetupRequestErrorKind::AuthFinishError(_) => Code::Login,
            ConnectionSetupRequestErrorKind::BrokenConnection(reason) => {
                let message = format!(
                    "the connection ended before the first answer ({reason}); is tls set as the nodes have it, and \
                     certificate_file where they ask for one?"
                );
                return Failure::new(Code::Unavailable, message);
            }
            _ => Code::Unavailable,
        },
        ConnectionError::IoError(io) if NO_TLS.iter().any(|text| io.to_string().contains(text)) => {
            return Failure::new(
                Code::Login,
                format!("tls is set, but the port does not speak TLS; is it the one for TLS? ({io})"),
            )
        }
        ConnectionError::IoError(io) if io.to_string().contains("certificate verify failed") => {
            return Failure::new(
                Code::Login,
                format!("the nodes' certificate is not accepted; is ca_file the authority that signed it? ({io})"),
            )
        }
        _ => Code::Unavailable,
    };
    Failure::new(code, error.to_string())
}

fn of_pool(error: &ConnectionPoolError) -> Failure {
    match error {
        ConnectionPoolError::Broken { last_connection_error } => of_connection(last_connection_error),
        _ => Failure::new(Code::Unavailable, error.to_string()),
    }
}

fn of_attempt(error: &RequestAttemptError) -> Failure {
    match error {
        RequestAttemptError::DbError(database, message) => {
            if let DbError::Unavailable { required, alive, .. } = database {
                let text = format!("a row needs {required} of its nodes, and {alive} run");
                return Failure { lacks_nodes: true, ..Failure::new(Code::Unavailable, text) };
            }
            let text = if message.is_empty() { database.to_string() } else { message.clone() };
            Failure::new(code_of_database(database, message), text)
        }
        RequestAttemptError::BrokenConnectionError(_) | RequestAttemptError::UnableToAllocStreamId => {
            Failure::new(Code::Unavailable, error.to_string())
        }
        _ => Failure::new(Code::Invalid, error.to_string()),
    }
}

fn of_prepare(error: &PrepareError) -> Failure {
    match error {
        PrepareError::ConnectionPoolError(pool) => of_pool(pool),
        PrepareError::AllAttemptsFailed { first_attempt } => of_attempt(first_attempt),
        _ => Failure::new(Code::Invalid, error.to_string()),
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        of_prepare(&error)
    }
}

impl From<ExecutionError> for Failure {
    fn from(error: ExecutionError) -> Self {
        match &error {
            ExecutionError::LastAttemptError(attempt) => of_attempt(attempt),
            ExecutionError::ConnectionPoolError(pool) => of_pool(pool),
            ExecutionError::PrepareError(prepare) => of_prepare(prepare),
            ExecutionError::RequestTimeout(limit) => {
                Failure::new(Code::Unavailable, format!("no answer within {} ms", limit.as_millis()))
            }
            ExecutionError::EmptyPlan
            | ExecutionError::SchemaAgreementError(_)
            | ExecutionError::MetadataError(_) => Failure::new(Code::Unavailable, error.to_string()),
            _ => Failure::new(Code::Invalid, error.to_string()),
        }
    }
}

impl From<NewSessionError> for Failure {
    fn from(error: NewSessionError) -> Self {
        match &error {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) => of_pool(pool),
            NewSessionError::MetadataError(_) => Failure::new(Code::Unavailable, error.to_string()),
            NewSessionError::FailedToResolveAnyHostname(names) => {
                Failure::new(Code::Unavailable, format!("no address is known for {}", names.join(", ")))
            }
            _ => Failure::new(Code::Invalid, error.to_string()),
        }
    }
}
