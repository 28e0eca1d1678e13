import {parseAddress} from '../../organization/git-url.ts';
import {ownerOf} from '../../organization/owner.ts';
import type {ToolAnswer} from '../ask-daemon.ts';

/** Asks for credentials of NuGet sources, and remembers them until NuGet says that they were refused. */
export class Credentials {
  readonly #given = new Map<string, string>();

  /** @param last what became of the credential that was given for this address before. */
  async find(address: string, last: 'refused' | 'unknown'): Promise<ToolAnswer> {
    const starts = whoServes(address);
    if (starts === undefined) return {kind: 'none'};
    // loaded when NuGet needs it, which waits for our handshake now
    const {askDaemon} = await import('../ask-daemon.ts');
    const asked = {tool: 'nuget', address, starts};
    const refused = this.#given.get(address);
    if (last === 'refused' && refused !== undefined) {
      await askDaemon({...asked, action: 'erase', password: refused});
      this.#given.delete(address);
    }
    const answer = await askDaemon({...asked, action: 'get'});
    if (answer.kind === 'credential') this.#given.set(address, answer.password);
    return answer;
  }
}

/**
 * Whether a daemon is started for an address. A feed on another host may be one of a server, which only a daemon knows.
 * `undefined`: not for us.
 */
function whoServes(address: string): 'if needed' | 'never' | undefined {
  const remote = parseAddress(address);
  if (remote === undefined) return undefined;
  const owner = ownerOf(remote, () => [], 'all');
  if (owner.kind === 'organization') return 'if needed';
  return owner.kind === 'elsewhere' && /(?:^|\/)_packaging\//i.test(remote.path ?? '') ? 'never' : undefined;
}
