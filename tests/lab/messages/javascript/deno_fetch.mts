// One fetch of deno. Arguments: endpoint, CA, certificate, key, and the way: "uncaught" leaves the error to deno.
const [endpoint, ca, cert, key, way] = Deno.args;

async function main() {
  const read = (path: string) => (path ? Deno.readTextFileSync(path) : undefined);
  const options = { caCerts: ca ? [read(ca)!] : undefined, cert: read(cert), key: read(key) };
  const client = Deno.createHttpClient(options as Deno.CreateHttpClientOptions);
  const answer = await fetch(`${endpoint}/v1/traces`, { client, signal: AbortSignal.timeout(5000) });
  console.log('answer', answer.status);
}

if (way === 'uncaught') {
  await main();
} else {
  try {
    await main();
  } catch (error) {
    console.error(error);
  }
}
