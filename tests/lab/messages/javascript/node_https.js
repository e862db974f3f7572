// One request of Node's https module. Arguments: endpoint, CA, certificate, key; "uncaught" leaves the error to Node.
'use strict';
const fs = require('fs');
const https = require('https');

const [endpoint, ca, cert, key, way] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : undefined);

function main() {
  const options = { method: 'POST', ca: read(ca), cert: read(cert), key: read(key), timeout: 4000 };
  const request = https.request(`${endpoint}/v1/traces`, options, (answer) => {
    answer.resume();
    console.log('answer', answer.statusCode);
  });
  if (way !== 'uncaught') request.on('error', (error) => console.error(error));
  request.on('timeout', () => request.destroy(new Error('request timed out')));
  request.end();
}

if (way === 'uncaught') {
  main();
} else {
  try {
    main();
  } catch (error) {
    console.error(error);
  }
}
