// Sends one OTLP request per case as Node's OTLP exporters do, and answers what came of it.
//
// Reads what chains-server writes, JSON lines {"id", "anchors", "name", "port"}; answers
// {"id", "outcome", "text"}. "http" is node:https with an agent that has `ca`, as
// @opentelemetry/otlp-exporter-base makes it; "grpc" is @grpc/grpc-js with createSsl(ca), as
// @opentelemetry/otlp-grpc-exporter-base makes it; "curl" is the curl command, as PHP's exporter
// has it. Only where they connect to is changed: the case's port on this machine.
"use strict";
const dns = require("node:dns");
const fs = require("node:fs");
const https = require("node:https");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const { execFile, execFileSync } = require("node:child_process");

const TIMEOUT = 8000;
const toPem = (base64) =>
  `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;
const bracketed = (name) => (net.isIPv6(name) ? `[${name}]` : name);

function connectToThisMachine() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...given) {
    const list = Array.isArray(given[0]) ? given[0] : given;
    if (list[0] && typeof list[0] === "object" && list[0].port) {
      // A copy: the name that is judged is read from the caller's options.
      list[0] = { ...list[0], host: "127.0.0.1", lookup: undefined };
    }
    return connect.apply(this, given);
  };
  const here = [{ address: "127.0.0.1", family: 4 }];
  dns.promises.lookup = async (_name, options) => (options && options.all ? here : here[0]);
  dns.lookup = (_name, options, done) =>
    options && options.all ? done(null, here) : done(null, "127.0.0.1", 4);
}

function overHttp(testCase) {
  return new Promise((resolve) => {
    const agent = new https.Agent({ ca: Buffer.from(testCase.anchors.map(toPem).join("")), keepAlive: true });
    const finish = (outcome, text) => {
      agent.destroy();
      resolve({ outcome, text });
    };
    const request = https.request(
      `https://${bracketed(testCase.name)}:${testCase.port}/v1/traces`,
      { method: "POST", agent, timeout: TIMEOUT },
      (response) => {
        response.resume();
        finish("accepted", "");
      },
    );
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (error) => finish("refused", `${error.code || ""} ${error.message}`.trim()));
    request.end();
  });
}

function overGrpc(testCase) {
  const grpc = require("@grpc/grpc-js");
  return new Promise((resolve) => {
    const credentials = grpc.credentials.createSsl(Buffer.from(testCase.anchors.map(toPem).join("")));
    const client = new grpc.Client(`${bracketed(testCase.name)}:${testCase.port}`, credentials, {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
    });
    const asIs = (value) => value;
    client.makeUnaryRequest(
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
      asIs, asIs, Buffer.alloc(0),
      { deadline: Date.now() + TIMEOUT },
      (error) => {
        client.close();
        resolve(error ? { outcome: "refused", text: error.details } : { outcome: "accepted", text: "" });
      },
    );
  });
}

function overCurl(testCase) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "chains-"));
  const file = path.join(folder, "ca.pem");
  fs.writeFileSync(file, testCase.anchors.map(toPem).join(""));
  const given = ["-sS", "-m", "8", "--cacert", file, "--connect-to", `::127.0.0.1:${testCase.port}`,
    "-d", "", "-o", "/dev/null", `https://${bracketed(testCase.name)}:${testCase.port}/v1/traces`];
  return new Promise((resolve) =>
    execFile("curl", given, (error, _out, text) => {
      fs.rmSync(folder, { recursive: true });
      resolve(error ? { outcome: "refused", text: text.trim().split("\n")[0] } : { outcome: "accepted", text: "" });
    }),
  );
}

async function main() {
  const send = { http: overHttp, grpc: overGrpc, curl: overCurl }[process.argv[2]];
  if (process.argv[3] === "--versions") {
    const { node, openssl } = process.versions;
    const curl = send === overCurl ? { curl: execFileSync("curl", ["-V"]).toString().split("\n")[0] } : {};
    const grpc = { "@grpc/grpc-js": require("@grpc/grpc-js/package.json").version };
    console.log(JSON.stringify(send === overCurl ? curl : { node, openssl, ...(send === overGrpc ? grpc : {}) }));
    return;
  }
  if (send !== overCurl) connectToThisMachine();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const testCase = JSON.parse(line);
    console.log(JSON.stringify({ id: testCase.id, ...(await send(testCase)) }));
  }
}

main();
