// One connection of Temporal's worker, whose core is Rust's tonic. Arguments: endpoint, CA, certificate, key.
'use strict';
const fs = require('fs');
const { NativeConnection, Runtime, DefaultLogger } = require('@temporalio/worker');

const [endpoint, ca, cert, key] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : undefined);

async function main() {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const tls = { serverRootCACertificate: read(ca) };
  if (cert && key) tls.clientCertPair = { crt: read(cert), key: read(key) };
  await NativeConnection.connect({ address: endpoint.replace('https://', ''), tls });
  console.log('answer ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
