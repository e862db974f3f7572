// One request of a library that wraps Node's https. Arguments: endpoint, CA, certificate, key, and the library: "axios",
// "node-fetch" or "got"; "axios-message" prints the message alone.
'use strict';
const fs = require('fs');
const https = require('https');

const [endpoint, ca, cert, key, way] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : undefined);

async function main() {
  const agent = new https.Agent({ ca: read(ca), cert: read(cert), key: read(key) });
  const url = `${endpoint}/v1/traces`;
  if (way.startsWith('axios')) {
    await require('axios').post(url, '', { httpsAgent: agent, timeout: 5000 });
  } else if (way === 'node-fetch') {
    await require('node-fetch')(url, { method: 'POST', agent, timeout: 5000 });
  } else {
    const { got } = await import('got');
    await got.post(url, { agent: { https: agent }, retry: { limit: 0 }, timeout: { request: 5000 } });
  }
  console.log('answer ok');
}

main().catch((error) => {
  // axios prints its whole configuration after the stack; people cut it off.
  console.error(way === 'axios' ? error.stack : way === 'axios-message' ? error.message : error);
  process.exit(1);
});
