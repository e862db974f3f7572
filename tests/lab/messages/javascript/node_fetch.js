// One fetch of undici. Arguments: endpoint, CA, certificate, key, and the way: "global" is Node's own fetch with undici's
// agent, "request" is undici.request, "message" prints the error's message and its cause's alone.
'use strict';
const fs = require('fs');
const undici = require('undici');

const [endpoint, ca, cert, key, way] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : undefined);

async function main() {
  const connect = { ca: read(ca), cert: read(cert), key: read(key) };
  const dispatcher = new undici.Agent({ connect, headersTimeout: 4000 });
  const url = `${endpoint}/v1/traces`;
  if (way === 'request') {
    const answer = await undici.request(url, { method: 'GET', dispatcher });
    console.log('answer', answer.statusCode);
    return;
  }
  const send = way === 'global' ? fetch : undici.fetch;
  const answer = await send(url, { dispatcher });
  console.log('answer', answer.status);
}

main().catch((error) => {
  if (way === 'message') console.error(error.message, error.cause?.message ?? '');
  else console.error(error);
  process.exit(1);
});
