import type {Settings} from '../config/configuration.ts';

/** A socket besides the main one that systemd binds. */
export interface ServiceSocket {
  /** Its name in LISTEN_FDNAMES, and in the name of its unit. */
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  /** A name or a number. `undefined`: the daemon's own. */
  readonly group: string | undefined;
  /** The gateway whose socket it is. `undefined`: a scoped socket. */
  readonly gateway?: string | undefined;
}

/** Returns the sockets of the configuration that systemd binds: the scoped ones and those of gateways. */
export function serviceSockets({
  sockets,
  gateways,
}: Pick<Settings, 'sockets' | 'gateways'>): readonly ServiceSocket[] {
  return [
    ...sockets.map(({name, mode, group}) => ({name, mode, group})),
    ...gateways.map(({name, mode, group}) => ({name: `gateway-${name}`, mode, group, gateway: name})),
  ];
}
