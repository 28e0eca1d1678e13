// usage: node bare-server.ts SOCKET
// The least that a Node server can do: answers each request on the socket with the bytes of its standard input.
import {createServer} from 'node:net';
import {buffer} from 'node:stream/consumers';

const answer = await buffer(process.stdin);
const server = createServer({allowHalfOpen: true}, (client) => {
  client.on('data', () => undefined);
  client.on('end', () => client.end(answer));
  client.on('error', () => undefined);
});
server.listen({path: process.argv[2], backlog: 4096}, () => process.stdout.write('ready\n'));
