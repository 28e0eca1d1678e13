import {chmodSync, readdirSync, writeFileSync} from 'node:fs';
import type {SeededFault} from '../../helpers/provoke-fault.ts';
import {until} from '../../helpers/patience.ts';
import type {SickWorld} from '../../helpers/sick-world.ts';

/** The runtime directory of the service. */
function runtime({person}: SickWorld): string {
  const name = readdirSync(person.home).find((entry) => entry.startsWith('orgkey-')) ?? '';
  return person.path(name);
}

function edit(name: string, text: string): SeededFault['seed'] {
  return (world) => {
    writeFileSync(world.person.path(name), text);
  };
}

/** What breaks between orgkey and its files. */
export const serviceFaults: readonly SeededFault[] = [
  {
    title: 'the daemon is stopped',
    seed: async (world) => {
      await world.expect(world.person.run('service stop'), 'stop');
    },
    cause: /the daemon is not running/,
  },
  {
    title: 'others may write to the directory of the sockets',
    seed: (world) => chmodSync(runtime(world), 0o777),
    cause: /others may write to/,
    gitWorks: true,
  },
  {
    title: 'any user may connect to the socket',
    seed: (world) => chmodSync(`${runtime(world)}/git.sock`, 0o666),
    cause: /any user may connect to/,
    gitWorks: true,
  },
  {
    title: 'others may read the state directory',
    seed: (world) => chmodSync(world.person.path('.local/state/orgkey'), 0o755),
    cause: /others may read/,
    gitWorks: true,
  },
  {
    title: 'any user may write the configuration',
    seed: (world) => chmodSync(world.person.path('.config/orgkey/config.yaml'), 0o666),
    cause: /^(?!the daemon).*the configuration .*writ/,
    gitWorks: true,
  },
  {
    title: 'any user may read a secret',
    seed: async (world) => {
      chmodSync(world.person.path('contoso.secret'), 0o644);
      await until(
        'the daemon to notice',
        () => world.person.run('status'),
        ({code}) => code === 1,
      );
    },
    cause: /contoso\.secret/,
  },
  {
    title: 'a line of the configuration is broken',
    seed: edit('.config/orgkey/config.yaml', 'integrations: [\n'),
    cause: /config\.yaml:/,
    gitWorks: true,
    mend: async (world) => {
      world.person.write('.config/orgkey/config.yaml', world.configuration);
      await world.expect(world.person.run('config check'), 'check');
    },
  },
];
