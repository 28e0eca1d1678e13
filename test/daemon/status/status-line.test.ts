import test from 'ava';
import {statusLine} from '../../../src/daemon/status/status-line.ts';
import type {OrganizationStatus, Status} from '../../../src/control/control-protocol.ts';

const notice = {level: 'warning', message: 'x', hint: undefined} as const;

for (const [healths, health, notices, line] of [
  [[], 'ok', [], 'serving 0 organizations'],
  [['ok'], 'ok', [], 'serving 1 organization'],
  [['ok', 'warning'], 'warning', [notice], 'serving 2 organizations, 1 notice, see: orgkey status'],
  [['ok', 'error'], 'error', [notice, notice], '1 of 2 organizations fails, see: orgkey status'],
  [['error', 'error', 'ok'], 'error', [], '2 of 3 organizations fail, see: orgkey status'],
] as const)
  test(`a status in one line: ${line}`, (t) => {
    const organizations = healths.map((one): OrganizationStatus => ({
      host: 'dev.azure.com',
      organization: 'contoso',
      identity: 'x',
      kind: 'pat',
      place: 'x',
      state: 'ok',
      health: one,
      expiresAt: undefined,
      credentialExpiresAt: undefined,
      fingerprint: undefined,
      requests: 0,
      lastFailure: undefined,
    }));
    const status: Pick<Status, 'health' | 'organizations' | 'notices'> = {health, organizations, notices};
    t.is(statusLine(status), line);
  });
