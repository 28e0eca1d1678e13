/**
 * For OpenSSH, which speaks no CONNECT: `ssh -o 'ProxyCommand=node test/cloud/connect.ts %h %p' …` with `https_proxy`
 * set leads real names into the cloud.
 */
import {request} from 'node:http';

const [host = '', port = ''] = process.argv.slice(2);
const proxy = new URL(process.env['https_proxy'] ?? process.env['HTTPS_PROXY'] ?? '');

request({host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: `${host}:${port}`, agent: false})
  .once('connect', (response, socket, head) => {
    if (response.statusCode !== 200) {
      process.stderr.write(`the proxy answers ${String(response.statusCode)}\n`);
      process.exit(1);
    }
    socket.setNoDelay(true);
    process.stdout.write(head);
    process.stdin.pipe(socket);
    socket.pipe(process.stdout);
    socket.once('close', () => process.exit(0));
    socket.once('error', () => process.exit(1));
  })
  .once('error', ({message}) => {
    process.stderr.write(`${message}\n`);
    process.exit(1);
  })
  .end();
