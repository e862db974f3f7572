// One unary call of @grpc/grpc-js. Arguments: endpoint, CA, certificate, key, and the way: "message" prints the error's
// message alone.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [endpoint, ca, cert, key, way] = process.argv.slice(2);
const read = (path) => (path ? fs.readFileSync(path) : null);

try {
  const credentials = grpc.credentials.createSsl(read(ca), read(key), read(cert));
  const client = new grpc.Client(endpoint.replace('https://', ''), credentials);
  const same = (bytes) => bytes;
  const method = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  const deadline = Date.now() + 5000;
  client.makeUnaryRequest(method, same, same, Buffer.alloc(0), new grpc.Metadata(), { deadline }, (error) => {
    if (error) console.error(way === 'message' ? error.message : error);
    else console.log('answer ok');
    process.exit(error ? 1 : 0);
  });
} catch (error) {
  console.error(error);
}
