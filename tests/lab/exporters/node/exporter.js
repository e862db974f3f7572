// The Node SDK's OTLP exporters, answering cases (../README.md).
//
// Its argument names the exporter: node-grpc or node-http.
'use strict';

const path = require('path');
const readline = require('readline');
const tls = require('tls');

const { diag, DiagLogLevel } = require('@opentelemetry/api');

const packages = {
  'node-grpc': '@opentelemetry/exporter-trace-otlp-grpc',
  'node-http': '@opentelemetry/exporter-trace-otlp-proto',
};
const name = packages[process.argv[2]];
const { OTLPTraceExporter } = require(name);
const { resourceFromAttributes } = require('@opentelemetry/resources');

const span = {
  name: 'lab',
  kind: 0,
  spanContext: () => ({ traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', traceFlags: 1 }),
  startTime: [0, 0],
  endTime: [0, 0],
  status: { code: 0 },
  attributes: {},
  links: [],
  events: [],
  duration: [0, 0],
  ended: true,
  resource: resourceFromAttributes({}),
  instrumentationScope: { name: 'lab' },
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
};

// A handshake's error has no mark of its own, so what the loader throws is noted where it does.
let refused = false;
const createSecureContext = tls.createSecureContext;
tls.createSecureContext = (...given) => {
  try {
    return createSecureContext(...given);
  } catch (error) {
    refused = true;
    throw error;
  }
};

// Every further try comes at once.
const base = path.dirname(require.resolve('@opentelemetry/otlp-exporter-base'));
const { createRetryingTransport } = require(path.join(base, 'retrying-transport.js'));
Object.getPrototypeOf(createRetryingTransport({})).retry = function (data, timeoutMillis) {
  return this._transport.send(data, timeoutMillis);
};

let lines = [];
const keep = (...said) => lines.push(said.join(' '));
diag.setLogger({ error: keep, warn: keep, info: () => {}, debug: () => {}, verbose: () => {} }, DiagLogLevel.WARN);

async function answer(one) {
  for (const [variable, value] of Object.entries({
    OTEL_EXPORTER_OTLP_ENDPOINT: one.endpoint,
    OTEL_EXPORTER_OTLP_CERTIFICATE: one.ca,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: one.cert,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: one.key,
  })) {
    if (value) process.env[variable] = value;
    else delete process.env[variable];
  }
  lines = [];
  refused = false;
  let outcome;
  try {
    const exporter = new OTLPTraceExporter();
    const warned = lines.length > 0;
    const result = await new Promise((resolve) => exporter.export([span], resolve));
    await exporter.shutdown();
    if (result.error) {
      lines.push(`${result.error.code ?? ''} ${result.error.message}`.trim());
    }
    outcome = result.code === 0 ? 'ok' : refused || warned ? 'load' : 'connect';
  } catch (error) {
    lines.push(`${error.code ?? ''} ${error.message}`.trim());
    outcome = 'load';
  }
  return { id: one.id, outcome, text: [...new Set(lines)].join('\n') };
}

async function main() {
  const versions = { node: process.versions.node, openssl: process.versions.openssl };
  for (const each of [name, ...(process.argv[2] === 'node-grpc' ? ['@grpc/grpc-js'] : [])]) {
    versions[each] = require(`${each}/package.json`).version;
  }
  console.log(JSON.stringify({ versions }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
}

main();
