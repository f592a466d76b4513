//! The C interface; cassandra_driver.h says what it promises.

use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

mod failure;
mod replication;
mod session;
mod values;
mod writer;

use failure::{Code, Failure};
use session::{Connected, Options, Page};
use writer::Writer;

pub struct DriverSession {
    runtime: Runtime,
    connected: Arc<Connected>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const c_char,
    size: usize,
}

#[repr(C)]
pub struct DriverOptions {
    hosts: Text,
    port: u16,
    keyspace: Text,
    local_datacentre: Text,
    user: Text,
    password: Text,
    tls: u8,
    ca_file: Text,
    certificate_file: Text,
    key_file: Text,
    consistency: Text,
    request_timeout_ms: u64,
    retry_ms: u64,
    is_in_trouble: u8,
    changed: Option<extern "C" fn(*mut c_void, Code, *const c_char, usize)>,
    context: *mut c_void,
}

#[repr(C)]
pub struct DriverError {
    code: Code,
    message: *mut c_char,
    size: usize,
}

struct Context(*mut c_void);
// The caller promises that `changed` may be called from any thread.
unsafe impl Send for Context {}
unsafe impl Sync for Context {}

impl Context {
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

unsafe fn bytes_of<'a>(text: Text) -> &'a [u8] {
    if text.size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(text.data.cast(), text.size)
}

unsafe fn string_of(text: Text) -> String {
    String::from_utf8_lossy(bytes_of(text)).into_owned()
}

fn text_of(bytes: &[u8]) -> Text {
    Text { data: bytes.as_ptr().cast(), size: bytes.len() }
}

unsafe fn tell(error: *mut DriverError, failure: Failure) {
    let message = failure.message.into_bytes().into_boxed_slice();
    (*error).code = failure.code;
    (*error).size = message.len();
    (*error).message = Box::into_raw(message).cast();
}

/// A bug in here is an error of one call and no end of the program.
unsafe fn guarded<T>(error: *mut DriverError, call: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Failure::new(Code::Invalid, "the driver failed; its message is on standard error")));
    match result {
        Ok(value) => Some(value),
        Err(failure) => {
            tell(error, failure);
            None
        }
    }
}

unsafe fn options_of(options: &DriverOptions) -> Options {
    let with_port = |host: &str| {
        let has_port = host.starts_with('[') && host.contains("]:") || host.matches(':').count() == 1;
        if has_port { host.to_string() } else { format!("{host}:{}", options.port) }
    };
    let context = Context(options.context);
    let changed = options.changed;
    Options {
        hosts: string_of(options.hosts).split(',').map(str::trim).filter(|host| !host.is_empty()).map(with_port).collect(),
        keyspace: string_of(options.keyspace),
        local_datacentre: string_of(options.local_datacentre),
        user: string_of(options.user),
        password: string_of(options.password),
        tls: options.tls != 0,
        ca_file: string_of(options.ca_file),
        certificate_file: string_of(options.certificate_file),
        key_file: string_of(options.key_file),
        consistency: string_of(options.consistency),
        request_timeout: Duration::from_millis(options.request_timeout_ms),
        retry_for: Duration::from_millis(options.retry_ms),
        is_in_trouble: options.is_in_trouble != 0,
        changed: Box::new(move |failure: Option<&Failure>| {
            let Some(changed) = changed else { return };
            match failure {
                Some(Failure { code, message, .. }) => {
                    changed(context.pointer(), *code, message.as_ptr().cast(), message.len())
                }
                None => changed(context.pointer(), Code::Unavailable, std::ptr::null(), 0),
            }
        }),
    }
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_free_error(error: *mut DriverError) {
    if !(*error).message.is_null() {
        let bytes = std::ptr::slice_from_raw_parts_mut((*error).message.cast::<u8>(), (*error).size);
        drop(Box::from_raw(bytes));
        (*error).message = std::ptr::null_mut();
    }
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_open(
    options: *const DriverOptions,
    error: *mut DriverError,
) -> *mut DriverSession {
    let opened = guarded(error, || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cassandra")
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Code::Unavailable, format!("no thread could be made: {error}")))?;
        let connected = runtime.block_on(Connected::open(options_of(&*options)));
        match connected {
            Ok(connected) => Ok(DriverSession { runtime, connected: Arc::new(connected) }),
            Err(failure) => {
                runtime.shutdown_background();
                Err(failure)
            }
        }
    });
    opened.map_or(std::ptr::null_mut(), |session| Box::into_raw(Box::new(session)))
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_close(session: *mut DriverSession) {
    if !session.is_null() {
        let session = Box::from_raw(session);
        // Afterwards nothing calls `changed` any more.
        session.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_is_stuck(session: *const DriverSession) -> bool {
    (*session).connected.is_stuck()
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_execute(
    session: *mut DriverSession,
    statement: Text,
    error: *mut DriverError,
) -> bool {
    let session = &*session;
    guarded(error, || session.runtime.block_on(session.connected.execute(&string_of(statement)))).is_some()
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_agree(session: *mut DriverSession, error: *mut DriverError) -> bool {
    let session = &*session;
    guarded(error, || session.runtime.block_on(session.connected.agree())).is_some()
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_check_replication(session: *mut DriverSession, error: *mut DriverError) -> bool {
    let session = &*session;
    guarded(error, || session.runtime.block_on(session.connected.check_replication())).is_some()
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_select(
    session: *mut DriverSession,
    statement: Text,
    values: Text,
    page_rows: i32,
    paging: Text,
    of_schema: u8,
    error: *mut DriverError,
) -> *mut Page {
    let session = &*session;
    let page = guarded(error, || {
        let statement = string_of(statement);
        let select = session.connected.select(&statement, bytes_of(values), page_rows, bytes_of(paging), of_schema != 0);
        session.runtime.block_on(select)
    });
    page.map_or(std::ptr::null_mut(), |page| Box::into_raw(Box::new(page)))
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_row_count(rows: *const Page) -> usize {
    (*rows).count
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_row_values(rows: *const Page) -> Text {
    text_of(&(*rows).values)
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_paging(rows: *const Page) -> Text {
    text_of(&(*rows).paging)
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_free_rows(rows: *mut Page) {
    if !rows.is_null() {
        drop(Box::from_raw(rows));
    }
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_open_writer(
    session: *mut DriverSession,
    statement: Text,
    in_flight: usize,
    error: *mut DriverError,
) -> *mut Writer {
    let session = &*session;
    let writer = guarded(error, || {
        let statement = string_of(statement);
        session.runtime.block_on(Writer::open(session.connected.clone(), &statement, in_flight))
    });
    writer.map_or(std::ptr::null_mut(), |writer| Box::into_raw(Box::new(writer)))
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_close_writer(writer: *mut Writer) {
    if !writer.is_null() {
        drop(Box::from_raw(writer));
    }
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_submit(
    writer: *mut Writer,
    values: Text,
    batch_rows: *const u32,
    count: usize,
    error: *mut DriverError,
) -> bool {
    let writer = &*writer;
    guarded(error, || {
        let counts = if count == 0 { &[] } else { std::slice::from_raw_parts(batch_rows, count) };
        writer.submit(bytes_of(values), counts)
    })
    .is_some()
}

#[no_mangle]
pub unsafe extern "C" fn cassandra_driver_wait(writer: *mut Writer, error: *mut DriverError) -> bool {
    let writer = &*writer;
    guarded(error, || writer.wait()).is_some()
}
