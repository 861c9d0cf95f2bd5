// Syncs devices with Microsoft's Graph client for JavaScript, as people write it: a loop.
//
//     sync-loop.mjs BASE_URL TOKEN retry|plain FILE_OF_IDS
//
// `retry` has the client's own chain with its retry middleware, `plain` the same without it. The token is set by a middleware
// of ours, because the client's own sends none to an address without TLS.

import { readFile } from 'node:fs/promises';
import graph from '@microsoft/microsoft-graph-client';

const { Client, HTTPMessageHandler, RetryHandler, TelemetryHandler } = graph;
const [baseUrl, token, mode, file] = process.argv.slice(2);

class Given {
  async execute(context) {
    context.options.headers = { ...context.options.headers, Authorization: `Bearer ${token}` };
    await this.next.execute(context);
  }

  setNext(next) {
    this.next = next;
  }
}

const chain = [new Given(), ...(mode === 'plain' ? [] : [new RetryHandler()]), new TelemetryHandler(), new HTTPMessageHandler()];
chain.slice(0, -1).forEach((middleware, at) => middleware.setNext(chain[at + 1]));
const client = Client.initWithMiddleware({ baseUrl: `${baseUrl}/`, defaultVersion: 'v1.0', middleware: chain[0] });

let failed = 0;
for (const device of (await readFile(file, 'utf8')).split(/\s+/).filter(Boolean)) {
  try {
    await client.api(`/deviceManagement/managedDevices/${device}/syncDevice`).post({});
  } catch {
    failed += 1;
  }
}
console.log(`${failed} failed`);
