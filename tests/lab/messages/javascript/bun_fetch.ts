// One fetch of bun. Arguments: endpoint, CA, certificate, key.
import { readFileSync } from 'node:fs';

const [endpoint, ca, cert, key] = process.argv.slice(2);
const read = (path: string) => (path ? readFileSync(path, 'utf8') : undefined);

try {
  const tls = { ca: read(ca), cert: read(cert), key: read(key) };
  const answer = await fetch(`${endpoint}/v1/traces`, { tls, signal: AbortSignal.timeout(5000) } as RequestInit);
  console.log('answer', answer.status);
} catch (error) {
  console.error(error);
}
