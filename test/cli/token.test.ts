import test from 'ava';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('token prints only the token, or only the header', async (t) => {
  const {person} = await personWithDaemon(t);
  t.deepEqual(await person.run('token contoso'), {code: 0, stdout: 'canary-pat-0123456789\n', stderr: ''});
  t.is((await person.run('token CONTOSO')).stdout, 'canary-pat-0123456789\n');
  t.is((await person.run('token azure.example.org/DefaultCollection')).stdout, 'canary-server-pat\n');
  const header = await person.run('token contoso --header');
  t.is(header.stdout, `Authorization: Basic ${btoa('orgkey:canary-pat-0123456789')}\n`);
});

test.serial('an organization that is not configured has no token', async (t) => {
  const {person} = await personWithDaemon(t);
  const {code, stdout, stderr} = await person.run('token unknown');
  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /^orgkey: error: unknown is not configured \(ERR_NOT_CONFIGURED\)\norgkey: hint: /);
});

test.serial('a personal access token is not printed for another resource', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  const {code, stdout, stderr} = await person.run('token contoso --resource https://vault.azure.net');
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /a personal access token is for Azure DevOps only .*\norgkey: hint: omit --resource/);
  const devOps = '499b84ac-1321-427f-aa17-267ca6975798';
  t.is((await person.run('token contoso --resource', [devOps])).stdout, 'canary-pat-0123456789\n');
  t.is((await daemon.status()).health, 'ok', 'the identity has not failed');
});
