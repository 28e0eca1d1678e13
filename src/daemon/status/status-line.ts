import type {Status} from '../../control/control-protocol.ts';

/** Returns a status in one line, for `systemctl status`. */
export function statusLine({
  health,
  organizations,
  notices,
}: Pick<Status, 'health' | 'organizations' | 'notices'>): string {
  const {length} = organizations;
  const all = `${length} organization${length === 1 ? '' : 's'}`;
  const failing = organizations.filter((one) => one.health === 'error').length;
  if (failing > 0) return `${failing} of ${all} ${failing === 1 ? 'fails' : 'fail'}, see: orgkey status`;
  if (health === 'ok') return `serving ${all}`;
  return `serving ${all}, ${notices.length} notice${notices.length === 1 ? '' : 's'}, see: orgkey status`;
}
