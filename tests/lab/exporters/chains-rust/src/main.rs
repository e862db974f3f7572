//! Sends one OTLP request per case as Rust's OTLP exporters do, and answers what came of it.
//!
//! Reads what chains-server writes, JSON lines {"id", "anchors", "name", "port"}; answers
//! {"id", "outcome", "text"}. `tonic` is a channel with `ClientTlsConfig::ca_certificate`,
//! `reqwest` a blocking client with `add_root_certificate`, as the users of opentelemetry-otlp
//! hand them to it. The name under test is tonic's `domain_name`; reqwest takes the port as a proxy.
use base64::Engine;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

type Outcome = Result<(), Box<dyn Error>>;
const TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
struct Case {
    id: String,
    anchors: Vec<String>,
    name: String,
    port: u16,
}

#[derive(Serialize)]
struct Answer {
    id: String,
    outcome: &'static str,
    text: String,
}

impl Case {
    fn pem(&self) -> String {
        let engine = base64::engine::general_purpose::STANDARD;
        let mut pem = String::new();
        for anchor in &self.anchors {
            let text = engine.encode(engine.decode(anchor).unwrap());
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            for line in text.as_bytes().chunks(64) {
                pem.push_str(std::str::from_utf8(line).unwrap());
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }

    fn url(&self) -> String {
        let name = if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        format!("https://{}:{}/v1/traces", name, self.port)
    }
}

fn over_reqwest(case: &Case) -> Outcome {
    let mut builder = reqwest::blocking::Client::builder()
        .timeout(TIMEOUT)
        .proxy(reqwest::Proxy::all(format!("http://127.0.0.1:{}", case.port))?);
    for certificate in reqwest::Certificate::from_pem_bundle(case.pem().as_bytes())? {
        builder = builder.add_root_certificate(certificate);
    }
    builder.build()?.post(case.url()).send()?;
    Ok(())
}

fn over_tonic(case: &Case, runtime: &tokio::runtime::Runtime) -> Outcome {
    let tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(tonic::transport::Certificate::from_pem(case.pem()))
        .domain_name(case.name.clone());
    let endpoint = tonic::transport::Endpoint::from_shared(format!("https://127.0.0.1:{}", case.port))?
        .connect_timeout(TIMEOUT)
        .tls_config(tls)?;
    runtime.block_on(endpoint.connect())?;
    Ok(())
}

fn describe(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut at = error.source();
    while let Some(source) = at {
        texts.push(source.to_string());
        at = source.source();
    }
    texts.dedup();
    texts.join(" <- ")
}

/// What Cargo.toml pins, as one line of JSON.
fn versions() -> String {
    let lines = include_str!("../Cargo.toml").lines();
    let pinned = lines.filter_map(|line| {
        let (name, rest) = line.split_once(" = { version = \"=")?;
        Some(format!("\"{}\": \"{}\"", name, rest.split('"').next()?))
    });
    format!("{{{}}}", pinned.collect::<Vec<_>>().join(", "))
}

fn main() {
    let client = std::env::args().nth(1).expect("tonic or reqwest");
    if std::env::args().nth(2).is_some() {
        println!("{}", versions());
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
        let result = if client == "tonic" { over_tonic(&case, &runtime) } else { over_reqwest(&case) };
        let (outcome, text) = match result {
            Ok(()) => ("accepted", String::new()),
            Err(error) => ("refused", describe(error.as_ref())),
        };
        writeln!(out, "{}", serde_json::to_string(&Answer { id: case.id, outcome, text }).unwrap()).unwrap();
        out.flush().unwrap();
    }
}
