// One export of the Node SDK's OTLP exporters, as an application sets them up, with the SDK's own log. Arguments:
// endpoint, CA, certificate, key, and the exporter: "grpc" or "proto".
'use strict';
const { diag, DiagConsoleLogger, DiagLogLevel } = require('@opentelemetry/api');
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const [endpoint, ca, cert, key, way] = process.argv.slice(2);
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${way}`);

for (const [variable, value] of Object.entries({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_CERTIFICATE: ca,
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: cert,
  OTEL_EXPORTER_OTLP_CLIENT_KEY: key,
  OTEL_EXPORTER_OTLP_TIMEOUT: '4000',
})) {
  if (value) process.env[variable] = value;
}
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())] });
provider.getTracer('lab').startSpan('lab').end();
provider.shutdown().catch((error) => console.error(error));
