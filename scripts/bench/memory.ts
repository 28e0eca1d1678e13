/** Measures the memory of a daemon that has answered, and of simultaneous requests to Entra. */
import {spawn} from 'node:child_process';
import {setTimeout as wait} from 'node:timers/promises';
import {startCloud} from '../../test/cloud/cloud.ts';
import {BuiltDaemon, Place, memoryOf, stopChild} from './built-daemon.ts';
import {LoadClient} from './load-client.ts';
import type {Group} from './row.ts';

/** The time without requests after which the daemon counts as idle, in milliseconds. */
const IDLE = 15_000;

export async function measureMemory(): Promise<Group> {
  const client = new LoadClient();
  const cloud = await startCloud();
  const tenant = cloud.addTenant();
  const names = ['contoso', 'fabrikam', 'adatum', 'litware', 'proseware'];
  const credentials = names.map((name) => {
    const app = tenant.addApplication();
    cloud.addOrganization(name, {tenant, members: [app]});
    return `        - {organizations: [${name}], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}\n`;
  });
  const place = new Place(
    `integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n${credentials.join('')}orgkey: {prefetch: false}\n`,
  );
  const empty = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], {stdio: 'ignore'});
  const ask = (name: string, clients: number, requests: number) =>
    client.load(
      {socket: place.socket, request: place.request(name), expected: 'credential='},
      clients,
      requests,
    );
  let daemon: BuiltDaemon | undefined;
  try {
    const crowded = await BuiltDaemon.start(place, cloud.environment());
    daemon = crowded;
    const first = await ask('contoso', 1000, 1000);
    const acquisitions = cloud.requests.count({endpoint: 'token'});
    await crowded.stop();

    const idle = await BuiltDaemon.start(place, cloud.environment());
    daemon = idle;
    for (const name of names) await ask(name, 1, 200);
    await wait(IDLE);
    return {
      rows: [
        {
          what: 'token requests for 1,000 parallel first requests of one identity',
          value: acquisitions,
          unit: '',
          target: {atMost: 1},
          note: `${first.failed + first.refused} of them failed`,
        },
        {
          what: 'resident memory, idle, after 1,000 requests and 5 acquisitions',
          value: idle.memory,
          unit: 'MB',
          target: {atMost: 60},
          note: `an empty Node: ${memoryOf(empty.pid ?? 0).toFixed(1)} MB`,
        },
      ],
    };
  } finally {
    await stopChild(empty);
    await daemon?.stop();
    await cloud.close();
    place.remove();
  }
}
