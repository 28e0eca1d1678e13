import test from 'ava';
import {shownVariables} from '../../src/network/shown-variables.ts';

const rows: readonly [given: Record<string, string>, shown: Record<string, string>][] = [
  [{}, {}],
  [{PATH: '/bin', AZURE_CLIENT_SECRET: 'canary'}, {}],
  [{HTTPS_PROXY: 'http://proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{https_proxy: 'http://low:1', HTTPS_PROXY: 'http://high:1'}, {HTTPS_PROXY: 'http://low:1'}],
  [{https_proxy: '', HTTPS_PROXY: 'http://high:1'}, {}],
  [{HTTPS_PROXY: 'http://me:canary@proxy:3128/'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'me:canary@proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'http://me:can/ary@proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'http://me:can@ary@proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: String.raw`http://corp\me:canary@proxy:3128`}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'http://me:can?ary@proxy:3128'}, {HTTPS_PROXY: '[hidden]'}],
  [{HTTPS_PROXY: 'http://proxy:3128/canary?canary'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{NO_PROXY: 'localhost,.example.org'}, {NO_PROXY: 'localhost,.example.org'}],
  [{NODE_EXTRA_CA_CERTS: '/etc/ca.pem'}, {NODE_EXTRA_CA_CERTS: '/etc/ca.pem'}],
  [
    {IDENTITY_HEADER: 'canary', MSI_SECRET: 'canary'},
    {IDENTITY_HEADER: '[set]', MSI_SECRET: '[set]'},
  ],
  [
    {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://actions.example/id?key=canary',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
    },
    {ACTIONS_ID_TOKEN_REQUEST_URL: 'https://actions.example', ACTIONS_ID_TOKEN_REQUEST_TOKEN: '[set]'},
  ],
  [{HTTPS_PROXY: 'http://pro\u001b[31mxy:1'}, {HTTPS_PROXY: '[hidden]'}],
  [{NO_PROXY: 'a\u001b[31m'}, {NO_PROXY: String.raw`a\u{1b}[31m`}],
];

for (const [given, shown] of rows)
  test(`${JSON.stringify(given)} is shown as ${JSON.stringify(shown)}`, (t) => {
    t.deepEqual(shownVariables(given), shown);
  });
