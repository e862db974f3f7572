// OTLP backends of Node's standard library alone: https for OTLP/HTTP, http2 for OTLP/gRPC.
//
// Usage: node node_server.js https|http2 VERSION CERT_FILE KEY_FILE [CLIENT_CA_FILE [CRL_FILE]]
// It prints its port and answers every request with an empty Export response; http2, on which
// Node's gRPC servers stand too, as gRPC: an empty message, and the status in the trailers.
"use strict";

const fs = require("node:fs");
const http2 = require("node:http2");
const https = require("node:https");

const [kind, version, certFile, keyFile, clientCaFile, crlFile] = process.argv.slice(2);
const read = (file) => file && fs.readFileSync(file);

const settings = {
  minVersion: `TLSv${version}`,
  maxVersion: `TLSv${version}`,
  cert: read(certFile),
  key: read(keyFile),
  ca: read(clientCaFile),
  crl: read(crlFile),
  requestCert: clientCaFile !== undefined,
  rejectUnauthorized: clientCaFile !== undefined,
};

function https1() {
  return https.createServer(settings, (request, answer) => {
    request.resume();
    request.on("end", () => {
      answer.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 });
      answer.end();
    });
  });
}

function grpc() {
  const server = http2.createSecureServer(settings);
  server.on("stream", (stream) => {
    stream.resume();
    stream.on("error", () => {});
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.end(Buffer.alloc(5));
  });
  return server;
}

const server = kind === "http2" ? grpc() : https1();
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
