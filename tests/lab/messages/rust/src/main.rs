//! Rust clients, each making one request: what they print is what an application's log shows.
//!
//! Arguments: the client (tonic, reqwest: the SDK's exporters with its own log; rustls, native: one
//! request of reqwest), endpoint, CA, certificate, key.
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::error::Error;
use std::time::Duration;
use tracing_subscriber::{filter, prelude::*};

const TIMEOUT: Duration = Duration::from_secs(4);

struct Files {
    endpoint: String,
    ca: String,
    cert: String,
    key: String,
}

fn read(path: &str) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    if path.is_empty() {
        return Ok(None);
    }
    Ok(Some(std::fs::read(path)?))
}

fn tonic(files: &Files) -> Result<SpanExporter, Box<dyn Error>> {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};
    let mut tls = ClientTlsConfig::new();
    if let Some(pem) = read(&files.ca)? {
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    if let (Some(cert), Some(key)) = (read(&files.cert)?, read(&files.key)?) {
        tls = tls.identity(Identity::from_pem(cert, key));
    }
    let builder = SpanExporter::builder().with_tonic().with_endpoint(files.endpoint.clone());
    Ok(builder.with_tls_config(tls).with_timeout(TIMEOUT).build()?)
}

fn reqwest(files: &Files, native: bool) -> Result<reqwest::blocking::Client, Box<dyn Error>> {
    let mut client = reqwest::blocking::Client::builder().timeout(TIMEOUT);
    client = if native { client.tls_backend_native() } else { client.tls_backend_rustls() };
    if let Some(pem) = read(&files.ca)? {
        client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    if let (Some(mut pem), Some(key)) = (read(&files.cert)?, read(&files.key)?) {
        client = client.identity(if native {
            reqwest::Identity::from_pkcs8_pem(&pem, &key)?
        } else {
            pem.extend(key);
            reqwest::Identity::from_pem(&pem)?
        });
    }
    Ok(client.build()?)
}

fn export(exporter: SpanExporter) -> Result<(), Box<dyn Error>> {
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    provider.tracer("lab").start("lab").end();
    provider.force_flush()?;
    Ok(())
}

fn run(client: &str, files: &Files) -> Result<(), Box<dyn Error>> {
    match client {
        "tonic" => export(tonic(files)?),
        "reqwest" => {
            let client = reqwest(files, false)?;
            let builder = SpanExporter::builder().with_http().with_http_client(client);
            export(builder.with_endpoint(format!("{}/v1/traces", files.endpoint)).build()?)
        }
        _ => {
            let client = reqwest(files, client == "native")?;
            println!("answer {}", client.get(&files.endpoint).send()?.status());
            Ok(())
        }
    }
}

fn main() {
    let levels = filter::Targets::new()
        .with_target("opentelemetry_otlp", filter::LevelFilter::DEBUG)
        .with_target("opentelemetry-otlp", filter::LevelFilter::DEBUG)
        .with_target("opentelemetry_sdk", filter::LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    tracing_subscriber::registry().with(lines).with(levels).init();
    let mut given = std::env::args().skip(1);
    let client = given.next().expect("a client");
    let mut next = || given.next().unwrap_or_default();
    let files = Files { endpoint: next(), ca: next(), cert: next(), key: next() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let entered = (client == "tonic").then(|| runtime.enter());
    let ended = run(&client, &files);
    drop(entered);
    if let Err(error) = ended {
        // As `anyhow` prints a chain, and as `main` prints an error that it returns.
        let mut chain = error.to_string();
        let mut at = error.source();
        while let Some(source) = at {
            chain += &format!(": {source}");
            at = source.source();
        }
        eprintln!("{chain}");
        eprintln!("Error: {error:?}");
    }
}
