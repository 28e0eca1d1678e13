import test from 'ava';
import {HttpClient} from '../../../src/entra/http/http-client.ts';
import {listenOnLoopback} from '../../helpers/listen-on-loopback.ts';

test('a clock that is set while an issuer is asked takes no time from the next try', async (t) => {
  const answers = ['500 Oops', '200 OK'];
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => {
      socket.end(`HTTP/1.1 ${answers.shift() ?? ''}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`);
    });
  });
  const client = new HttpClient({deadline: performance.now() + 8000, variables: {}, secrets: []});
  const {now} = Date;
  t.teardown(() => (Date.now = now));
  Date.now = () => now() + 60 * 60_000;
  const url = `http://127.0.0.1:${port}/`;
  const {status} = await client.ask({service: 'entra', method: 'GET', url, headers: {}});
  t.is(status, 200);
  t.deepEqual(answers, []);
});

test('a metadata service that is updated for six seconds brings a token', async (t) => {
  const began = performance.now();
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => {
      const isBack = performance.now() - began > 6000;
      socket.end(
        `HTTP/1.1 ${isBack ? '200 OK' : '410 Gone'}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      );
    });
  });
  const client = new HttpClient({deadline: began + 8000, variables: {}, secrets: []});
  const url = `http://127.0.0.1:${port}/metadata`;
  const {status} = await client.ask({service: 'managed-identity', method: 'GET', url, headers: {}});
  t.is(status, 200);
});

test('on a slow network the second try has the time that is left', async (t) => {
  let asked = 0;
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => {
      asked += 1;
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'), 3700);
    });
  });
  const client = new HttpClient({deadline: performance.now() + 9000, variables: {}, secrets: []});
  const url = `http://127.0.0.1:${port}/`;
  const {status} = await client.ask({service: 'entra', method: 'GET', url, headers: {}});
  t.is(status, 200);
  t.is(asked, 2);
});
