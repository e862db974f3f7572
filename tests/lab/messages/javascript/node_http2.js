// One request of Node's http2 module. Arguments: endpoint, CA, certificate, key.
'use strict';
const fs = require('fs');
const http2 = require('http2');

const [endpoint, ca, cert, key] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : undefined);

try {
  const session = http2.connect(endpoint, { ca: read(ca), cert: read(cert), key: read(key) });
  const fail = (error) => {
    console.error(error);
    session.destroy();
  };
  session.on('error', fail);
  const request = session.request({ ':path': '/v1/traces', ':method': 'POST' });
  request.on('error', fail);
  request.on('response', (headers) => {
    console.log('answer', headers[':status']);
    session.close();
  });
  request.end();
} catch (error) {
  console.error(error);
}
