//! The Rust SDK's OTLP exporters, answering cases (../README.md).
//!
//! The argument names the exporter: rust-tonic or rust-reqwest. The SDK reads no credentials from
//! the environment: the application reads the files and hands them over, as its documentation shows.
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Case {
    id: String,
    cert: String,
    key: String,
    ca: String,
    endpoint: String,
}

#[derive(Serialize)]
struct Answer {
    id: String,
    outcome: &'static str,
    text: String,
}

fn read(path: &str) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    if path.is_empty() {
        return Ok(None);
    }
    Ok(Some(std::fs::read(path)?))
}

fn over_tonic(case: &Case) -> Result<SpanExporter, Box<dyn Error>> {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};
    let mut tls = ClientTlsConfig::new();
    if let Some(pem) = read(&case.ca)? {
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    if let (Some(cert), Some(key)) = (read(&case.cert)?, read(&case.key)?) {
        tls = tls.identity(Identity::from_pem(cert, key));
    }
    let builder = SpanExporter::builder().with_tonic().with_endpoint(case.endpoint.clone());
    Ok(builder.with_tls_config(tls).with_timeout(TIMEOUT).build()?)
}

fn over_reqwest(case: &Case) -> Result<SpanExporter, Box<dyn Error>> {
    let mut client = reqwest::blocking::Client::builder().timeout(TIMEOUT);
    if let Some(pem) = read(&case.ca)? {
        client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    if let (Some(mut pem), Some(key)) = (read(&case.cert)?, read(&case.key)?) {
        pem.extend(key);
        client = client.identity(reqwest::Identity::from_pem(&pem)?);
    }
    let builder = SpanExporter::builder().with_http().with_http_client(client.build()?);
    Ok(builder.with_endpoint(format!("{}/v1/traces", case.endpoint)).build()?)
}

fn one_span() -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(1u128),
            SpanId::from(1u64),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "lab".into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: vec![],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: Default::default(),
    }
}

fn describe(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut at = error.source();
    while let Some(source) = at {
        texts.push(source.to_string());
        at = source.source();
    }
    texts.dedup();
    texts.join("\n")
}

fn answer(case: &Case, exporter: &str, runtime: &tokio::runtime::Runtime) -> (&'static str, String) {
    let entered = (exporter == "rust-tonic").then(|| runtime.enter());
    let made = if entered.is_some() { over_tonic(case) } else { over_reqwest(case) };
    let exporter = match made {
        Ok(exporter) => exporter,
        Err(error) => return ("load", describe(error.as_ref())),
    };
    let sent = match entered {
        Some(_) => runtime.block_on(exporter.export(vec![one_span()])),
        None => futures_executor::block_on(exporter.export(vec![one_span()])),
    };
    match sent {
        Ok(()) => ("ok", String::new()),
        Err(error) => ("connect", describe(&error)),
    }
}

fn main() {
    let exporter = std::env::args().nth(1).expect("rust-tonic or rust-reqwest");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut out = std::io::stdout().lock();
    let versions: BTreeMap<&str, &str> = include_str!("../versions.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let first = serde_json::json!({ "versions": versions });
    writeln!(out, "{first}").unwrap();
    out.flush().unwrap();
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
        let (outcome, text) = answer(&case, &exporter, &runtime);
        let answer = Answer { id: case.id, outcome, text };
        writeln!(out, "{}", serde_json::to_string(&answer).unwrap()).unwrap();
        out.flush().unwrap();
    }
}
