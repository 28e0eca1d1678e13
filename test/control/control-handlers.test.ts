import test from 'ava';
import {AZURE_DEVOPS_SCOPE} from '../../src/token/acquire.ts';
import {startDaemon, type TestDaemon} from '../helpers/daemon.ts';

const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: some-token}
        - {organizations: [fabrikam], stored: true}
    - {host: intranet, credentials: [{personalAccessToken: other-token}]}
`;
let daemon: TestDaemon;

test.before(async () => {
  daemon = await startDaemon({configuration});
});

test.after.always(() => daemon.close());

test.serial('what a test found is shown until another test finds the contrary', async (t) => {
  const health = async () => {
    const {organizations} = await daemon.call('status', undefined);
    return organizations.map(({organization, health: its}) => `${organization}: ${its}`);
  };
  const well = await health();
  t.deepEqual(await daemon.call('verdict', {organization: 'contoso', isAccepted: false}), {isTaken: true});
  t.deepEqual(await health(), ['contoso: error', ...well.slice(1)]);
  // tokens are handed out as before
  t.like(await daemon.call('token', {organization: 'contoso', scope: undefined}), {kind: 'token'});
  t.deepEqual(await daemon.call('verdict', {organization: 'contoso', isAccepted: true}), {isTaken: true});
  t.deepEqual(await health(), well);
  t.deepEqual(await daemon.call('verdict', {organization: 'unknown', isAccepted: false}), {isTaken: false});
});

const vault = 'https://vault.azure.net/.default';

for (const [organization, scope, expected] of [
  ['contoso', undefined, {kind: 'token', form: 'pat', token: 'some-token', host: 'dev.azure.com'}],
  ['contoso', AZURE_DEVOPS_SCOPE, {kind: 'token', token: 'some-token'}],
  ['contoso', vault, {kind: 'failed', code: 'ERR_NO_SUCH_RESOURCE'}],
  ['fabrikam', undefined, {kind: 'failed', code: 'ERR_STORED'}],
  ['fabrikam', vault, {kind: 'failed', code: 'ERR_STORED'}],
  ['intranet', undefined, {kind: 'token', token: 'other-token', host: 'intranet'}],
  ['Intranet/tfs/Any', undefined, {kind: 'token', token: 'other-token', host: 'intranet'}],
  ['intranet/Any', vault, {kind: 'failed', code: 'ERR_NO_SUCH_RESOURCE'}],
  ['unknown', vault, {kind: 'failed', code: 'ERR_NOT_CONFIGURED'}],
] as const) {
  test(`a token of ${organization} for ${scope ?? 'no resource'} is ${JSON.stringify(expected)}`, async (t) => {
    t.like(await daemon.call('token', {organization, scope}), expected);
  });
}
