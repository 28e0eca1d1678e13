/** Measures submodules over ssh, through the relay and with the key file. */
import {Skipped, type Group, type Row} from './row.ts';
import {measureSsh} from './ssh.ts';

export async function measureSubmoduleKeys(): Promise<Group> {
  const figures = await measureSsh();
  if (figures === undefined) throw new Skipped('there is no OpenSSH server');
  const {lsRemote, clone, memory, twelve} = figures;
  return {
    rows: [
      row('git ls-remote', lsRemote, 'ms', 1),
      row(`clone of ${clone.megabytes} MB`, clone, 's', 1.1),
      row('12 submodules, 6 jobs,', twelve, 's'),
      {
        what: 'memory that a clone through the relay needs at most',
        value: memory.peak - memory.idle,
        unit: 'MB',
        target: {atMost: 32},
        note: `${memory.idle.toFixed(1)} before, ${memory.peak.toFixed(1)} at most`,
      },
    ],
  };
}

function row(what: string, {relay, ssh}: {relay: number; ssh: number}, unit: string, atMost?: number): Row {
  return {
    what: `${what} through the relay, against ssh with the key file`,
    value: relay / ssh,
    unit: '×',
    ...(atMost === undefined ? {} : {target: {atMost}}),
    note: `${relay.toFixed(2)} against ${ssh.toFixed(2)} ${unit}`,
  };
}
